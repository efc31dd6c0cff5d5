/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <pthread.h>

#include "gateway/queues/member.h"

Test(registry, a_user_takes_no_more_than_the_limit)
{
    struct gw_registry *r = gw_registry_new(1);
    struct gw_user_channels *a = gw_registry_user_take(r, "alice", 2), *b = gw_registry_user_take(r, "alice", 2);
    cr_assert(a && a == b);
    cr_assert(!gw_registry_user_take(r, "alice", 2));
    cr_assert(!gw_registry_user_take(r, "bob", 0));
    struct gw_user_channels *bob = gw_registry_user_take(r, "bob", 2);
    cr_assert(bob);
    gw_registry_user_give(r, a);
    cr_assert(gw_registry_user_take(r, "alice", 2));
    gw_registry_user_give(r, b);
    gw_registry_user_give(r, b);
    gw_registry_user_give(r, bob);
    gw_registry_free(r);
}

Test(registry, places_of_members_are_one_users_or_anybodys)
{
    struct gw_registry *r = gw_registry_new(1);
    struct gw_queue *q = gw_registry_queue(r, "web");
    struct gw_member_user *alice = gw_member_reserve(q, "alice", true);
    cr_assert(alice && gw_member_reserve(q, "alice", true) == alice);
    cr_assert(!gw_member_reserve(q, "bob", true), "it is alice's");
    struct gw_member_user *bob = gw_member_reserve(q, "bob", false);
    cr_assert(bob, "anybody's by now");
    gw_member_unreserve(q, alice);
    cr_assert(!gw_member_reserve(q, "bob", true), "alice has one left");
    gw_member_unreserve(q, alice);
    for (unsigned i = 1; i < GW_REVERSE_MEMBERS_MAX; i++)
        cr_assert_eq(gw_member_reserve(q, "bob", true), bob, "he is the first by now");
    cr_assert(!gw_member_reserve(q, "bob", true), "no more than the maximum");
    for (unsigned i = 0; i < GW_REVERSE_MEMBERS_MAX; i++)
        gw_member_unreserve(q, bob);
    gw_registry_free(r);
}

/* Every place that the user gets; returns how many. */
static unsigned take_places(struct gw_queue *q, const char *user, struct gw_member_user **u)
{
    struct gw_member_user *taken;
    unsigned count = 0;
    while ((taken = gw_member_reserve(q, user, false)) != NULL) {
        *u = taken;
        count++;
    }
    return count;
}

Test(registry, nobody_takes_all_places_of_members)
{
    static const char *const names[] = { "alice", "bob", "carol" };
    struct gw_registry *r = gw_registry_new(1);
    struct gw_queue *q = gw_registry_queue(r, "web");
    struct gw_member_user *users[3];
    unsigned counts[3], left = GW_REVERSE_MEMBERS_MAX;
    for (size_t i = 0; i < 3; i++) {
        counts[i] = take_places(q, names[i], &users[i]);
        cr_assert_eq(counts[i], left / 2, "%s has %u", names[i], counts[i]);
        left -= counts[i];
    }
    gw_member_unreserve(q, users[0]);
    cr_assert(!gw_member_reserve(q, "alice", false), "others are short of them");
    for (size_t i = 0; i < 3; i++)
        for (unsigned n = i == 0; n < counts[i]; n++)
            gw_member_unreserve(q, users[i]);
    cr_assert_eq(take_places(q, "alice", &users[0]), counts[0]);
    for (unsigned n = 0; n < counts[0]; n++)
        gw_member_unreserve(q, users[0]);
    gw_registry_free(r);
}

static void *take_and_give(void *registry)
{
    for (int i = 0; i < 20000; i++) {
        struct gw_user_channels *u = gw_registry_user_take(registry, "alice", 3);
        if (u)
            gw_registry_user_give(registry, u);
    }
    return NULL;
}

Test(registry, users_are_counted_across_threads)
{
    struct gw_registry *r = gw_registry_new(1);
    pthread_t t[3];
    for (int i = 0; i < 3; i++)
        pthread_create(&t[i], NULL, take_and_give, r);
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
    gw_registry_free(r); /* asserts that no user is left */
}
