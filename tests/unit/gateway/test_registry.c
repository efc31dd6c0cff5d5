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
    cr_assert(gw_member_reserve(q, "alice", true));
    cr_assert(gw_member_reserve(q, "alice", true));
    cr_assert(!gw_member_reserve(q, "bob", true), "it is alice's");
    cr_assert(gw_member_reserve(q, "bob", false), "anybody's by now");
    gw_member_unreserve(q);
    gw_member_unreserve(q);
    cr_assert(!gw_member_reserve(q, "bob", true), "alice has one left");
    gw_member_unreserve(q);
    for (unsigned i = 0; i < GW_REVERSE_MEMBERS_MAX; i++)
        cr_assert(gw_member_reserve(q, "bob", true));
    cr_assert(!gw_member_reserve(q, "bob", true), "no more than the maximum");
    for (unsigned i = 0; i < GW_REVERSE_MEMBERS_MAX; i++)
        gw_member_unreserve(q);
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
