/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <pthread.h>

#include "gateway/queues/queue.h"

static const char text[] = "ListenAddress 127.0.0.1:2222\n"
                           "HostKey /etc/sluice/key\n"
                           "AuthorizedKeysFile /etc/sluice/keys/%u\n"
                           "Queue web\n"
                           "    Target 10.0.0.1:80\n"
                           "    Target 10.0.0.2:80\n"
                           "    Target 10.0.0.3:80\n"
                           "    Allow *\n";

static struct gw_config *configure(void)
{
    char error[GW_CONFIG_ERROR_MAX];
    struct gw_config *c = gw_config_parse(text, "test", error);
    cr_assert(c, "%s", error);
    return c;
}

static unsigned grants;
static void on_granted(struct gw_request *r)
{
    cr_assert(r->target && r->member);
    grants++;
}

Test(queue, new_requests_go_round)
{
    struct gw_config *c = configure();
    struct gw_registry *registry = gw_registry_new();
    unsigned seen[3] = { 0 };
    for (int i = 0; i < 9; i++) {
        struct gw_request r = { .granted = on_granted };
        cr_assert(gw_queue_offer(registry, &r, c, &c->queues[0]));
        seen[r.target - c->queues[0].targets]++;
        cr_assert_str_eq(r.member->text, r.target->text);
        gw_queue_served(&r);
        cr_assert(!r.snapshot && r.member);
        gw_queue_release(&r);
    }
    cr_assert(seen[0] == 3 && seen[1] == 3 && seen[2] == 3);
    cr_assert_eq(grants, 9);
    gw_registry_free(registry);
    gw_config_drop(c);
}

Test(queue, each_member_is_tried_once)
{
    struct gw_config *c = configure();
    struct gw_registry *registry = gw_registry_new();
    struct gw_request r = { .granted = on_granted };
    unsigned tried = 1, mask = 0;
    cr_assert(gw_queue_offer(registry, &r, c, &c->queues[0]));
    mask |= 1u << (r.target - c->queues[0].targets);
    while (gw_queue_failed(&r)) {
        mask |= 1u << (r.target - c->queues[0].targets);
        tried++;
    }
    cr_assert(tried == 3 && mask == 7);
    cr_assert(!r.member && !r.snapshot);
    struct gw_queue *q = gw_registry_queue(registry, "web");
    cr_assert_eq(q->failed, 1);
    cr_assert_eq(q->active, 0);
    for (struct gw_member *m = q->members; m; m = m->next)
        cr_assert(m->failed == 1 && m->active == 0);
    gw_registry_free(registry);
    gw_config_drop(c);
}

Test(queue, a_reload_keeps_cursor_and_counters)
{
    struct gw_registry *registry = gw_registry_new();
    for (int i = 0; i < 2; i++) {
        struct gw_config *c = configure();
        struct gw_request r = { .granted = on_granted };
        cr_assert(gw_queue_offer(registry, &r, c, &c->queues[0]));
        cr_assert_eq(r.target - c->queues[0].targets, i);
        gw_queue_served(&r);
        gw_queue_release(&r);
        gw_config_drop(c);
    }
    cr_assert_eq(gw_registry_queue(registry, "web")->served, 2);
    gw_registry_free(registry);
}

Test(registry, a_user_takes_no_more_than_the_limit)
{
    struct gw_registry *r = gw_registry_new();
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
    struct gw_registry *r = gw_registry_new();
    pthread_t t[3];
    for (int i = 0; i < 3; i++)
        pthread_create(&t[i], NULL, take_and_give, r);
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
    gw_registry_free(r); /* asserts that no user is left */
}
