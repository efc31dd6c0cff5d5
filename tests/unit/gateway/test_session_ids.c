/* SPDX-License-Identifier: MIT */
/* gateway/monitor/session_ids: what is remembered of each connection, and what is forgotten. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "gateway/monitor/session_ids.h"

/* As connections have them, in no order. */
static const char *connection(unsigned n)
{
    static char room[GW_IPC_CONNECTION_BYTES + 1];
    snprintf(room, sizeof room, "%08x%024x", n * 2654435761u, n);
    return room;
}

static void add(struct gw_session_ids *ids, unsigned n)
{
    gw_session_ids_add(ids, connection(n), cx_view(&n, sizeof n));
}

static bool knows(const struct gw_session_ids *ids, unsigned n)
{
    const struct gw_session_id *id = gw_session_ids_find(ids, connection(n));
    cr_assert(!id || (id->len == sizeof n && memcmp(id->bytes, &n, sizeof n) == 0), "%u is another's", n);
    return id != NULL;
}

Test(session_ids, are_known_until_they_are_forgotten)
{
    struct gw_session_ids ids = { 0 };
    gw_session_ids_forget(&ids, connection(1));
    for (unsigned i = 0; i < 100; i++)
        add(&ids, i);
    for (unsigned i = 0; i < 100; i += 3)
        gw_session_ids_forget(&ids, connection(i));
    for (unsigned i = 0; i < 100; i++)
        cr_assert_eq(knows(&ids, i), i % 3 != 0, "%u", i);
    cr_assert_eq(ids.count, 66);
    add(&ids, 0);
    cr_assert(knows(&ids, 0));
    gw_session_ids_clear(&ids);
    cr_assert(ids.count == 0 && !ids.tree && !ids.oldest && !ids.newest && !knows(&ids, 1));
}

Test(session_ids, one_too_many_is_remembered_in_the_place_of_the_oldest)
{
    struct gw_session_ids ids = { 0 };
    for (unsigned i = 0; i < GW_SESSION_IDS_MAX; i++)
        add(&ids, i);
    cr_assert(knows(&ids, 0));
    gw_session_ids_forget(&ids, connection(1)); /* so that there is room for one more */
    add(&ids, GW_SESSION_IDS_MAX);
    cr_assert(knows(&ids, 0));
    add(&ids, GW_SESSION_IDS_MAX + 1);
    cr_assert(!knows(&ids, 0) && knows(&ids, 2) && knows(&ids, GW_SESSION_IDS_MAX + 1));
    cr_assert_eq(ids.count, GW_SESSION_IDS_MAX);
    gw_session_ids_clear(&ids);
}
