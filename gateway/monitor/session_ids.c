/* SPDX-License-Identifier: MIT */
/* See session_ids.h. A balanced tree, not a hash table: an engine chooses the connections' ids, and one that is not ours any more
 * could choose such as collide. */
#include "gateway/monitor/session_ids.h"

#include <assert.h>
#include <search.h>
#include <stdlib.h>

/* Every key of the tree begins with the connection. */
static int compare(const void *a, const void *b)
{
    return memcmp(a, b, GW_IPC_CONNECTION_BYTES);
}

struct gw_session_id *gw_session_ids_find(const struct gw_session_ids *ids, const char connection[GW_IPC_CONNECTION_BYTES])
{
    struct gw_session_id *const *node = tfind(connection, &ids->tree, compare);
    return node ? *node : NULL;
}

static void remove_one(struct gw_session_ids *ids, struct gw_session_id *id)
{
    tdelete(id, &ids->tree, compare);
    *(id->older ? &id->older->newer : &ids->oldest) = id->newer;
    *(id->newer ? &id->newer->older : &ids->newest) = id->older;
    ids->count--;
    free(id);
}

void gw_session_ids_add(struct gw_session_ids *ids, const char connection[GW_IPC_CONNECTION_BYTES], struct cx_view hash)
{
    assert(hash.len <= CX_HASH_MAX_BYTES && !gw_session_ids_find(ids, connection));
    if (ids->count == GW_SESSION_IDS_MAX)
        remove_one(ids, ids->oldest);
    struct gw_session_id *id = malloc(sizeof *id);
    if (!id)
        return;
    *id = (struct gw_session_id){ .len = (uint8_t)hash.len, .older = ids->newest };
    memcpy(id->connection, connection, sizeof id->connection);
    memcpy(id->bytes, hash.data, hash.len);
    if (!tsearch(id, &ids->tree, compare)) {
        free(id);
        return;
    }
    *(ids->newest ? &ids->newest->newer : &ids->oldest) = id;
    ids->newest = id;
    ids->count++;
}

void gw_session_ids_forget(struct gw_session_ids *ids, const char connection[GW_IPC_CONNECTION_BYTES])
{
    struct gw_session_id *id = gw_session_ids_find(ids, connection);
    if (id)
        remove_one(ids, id);
}

void gw_session_ids_clear(struct gw_session_ids *ids)
{
    while (ids->oldest)
        remove_one(ids, ids->oldest);
}
