/* SPDX-License-Identifier: MIT */
/* Requests at a queue: limits, who waits and who is next, refusals, retries, reloads. */
#include <criterion/criterion.h>

#include "queue_world.h"

#define QUIET "QueueTimeout 0\n"

Test(queue, a_free_queue_answers_within_offer)
{
    struct queue_world w;
    struct asked a;
    queue_world_init(&w, "Target a:1");
    queue_world_offer(&w, &a, "alice", "192.0.2.1");
    cr_assert(a.answers == 1 && gw_request_answer(a.request) == GW_ANSWER_GRANTED);
    cr_assert(gw_request_terms(a.request) == &w.config->queues[0]);
    queue_world_serve(&a);
    cr_assert(!a.request);
    cr_assert_str_eq(asked_member(&a), "a:1");
    cr_assert_eq(queue_world_stats(&w).active, 1);
    queue_world_release(&w, &a);
    cr_assert_eq(queue_world_stats(&w).served, 1);
    queue_world_deinit(&w);
}

Test(queue, what_the_home_has_counted_outlives_the_connect)
{
    struct queue_world w;
    struct asked a, b;
    queue_world_init(&w, "Target a:1\nPerUserMaxConn 1");
    cr_assert_eq(queue_world_ask(&w, &a, "alice"), GW_ANSWER_GRANTED);
    queue_world_serve(&a);
    cr_assert(a.request && !gw_request_terms(a.request), "its snapshot is given back");
    cr_assert_eq(queue_world_ask(&w, &b, "alice"), GW_ANSWER_NONE);
    queue_world_release(&w, &a);
    cr_assert_eq(gw_request_answer(b.request), GW_ANSWER_GRANTED);
    queue_world_release(&w, &b);
    queue_world_deinit(&w);
}

static void check_limit(const char *block, unsigned limit)
{
    struct queue_world w;
    struct asked a[8];
    queue_world_init(&w, block);
    for (unsigned i = 0; i < 8; i++)
        cr_assert_eq(queue_world_ask(&w, &a[i], "alice"), i < limit ? GW_ANSWER_GRANTED : GW_ANSWER_NONE, "request %u", i);
    cr_assert_eq(queue_world_stats(&w).waiting, 8 - limit);
    for (unsigned i = 0; i < 8; i++) {
        queue_world_release(&w, &a[i]);
        if (i + limit < 8)
            cr_assert_eq(gw_request_answer(a[i + limit].request), GW_ANSWER_GRANTED);
    }
    queue_world_deinit(&w);
}

Test(queue, maxconn_of_the_queue_and_of_its_members_bounds_what_runs)
{
    check_limit(QUIET "Target a:1\nTarget b:1\nMaxConn 3", 3);
    check_limit(QUIET "Target a:1 maxconn 1\nTarget b:1 maxconn 4", 5);
    check_limit(QUIET "Target a:1 maxconn 4\nTarget b:1 maxconn 4\nMaxConn 2", 2);
    check_limit(QUIET "Target a:1\nPerUserMaxConn 2", 2);
}

Test(queue, requests_of_a_user_are_served_in_order_and_users_in_turn)
{
    static const char *const users[] = { "alice", "alice", "alice", "alice", "bob", "bob", "carol" };
    static const unsigned order[] = { 0, 4, 6, 1, 5, 2, 3 };
    struct queue_world w;
    struct asked first, a[7];
    queue_world_init(&w, QUIET "Target a:1\nMaxConn 1");
    queue_world_ask(&w, &first, "dave");
    for (unsigned i = 0; i < 7; i++)
        queue_world_ask(&w, &a[i], users[i]);
    queue_world_release(&w, &first);
    for (unsigned n = 0; n < 7; n++) {
        for (unsigned i = 0; i < 7; i++)
            cr_assert(!a[i].request || a[i].answers == (i == order[n]), "request %u at turn %u", i, n);
        queue_world_release(&w, &a[order[n]]);
    }
    queue_world_deinit(&w);
}

Test(queue, a_user_at_the_limit_lets_others_pass)
{
    struct queue_world w;
    struct asked a[3], b;
    queue_world_init(&w, QUIET "Target a:1\nPerUserMaxConn 1");
    for (int i = 0; i < 3; i++)
        queue_world_ask(&w, &a[i], "alice");
    cr_assert_eq(queue_world_ask(&w, &b, "bob"), GW_ANSWER_GRANTED);
    cr_assert(a[0].answers == 1 && a[1].answers == 0);
    gw_request_failed(a[0].request); /* it was the only member; what was counted comes back */
    queue_world_settle(&w);
    cr_assert_eq(gw_request_answer(a[0].request), GW_ANSWER_FAILED);
    cr_assert_eq(a[1].answers, 0);
    queue_world_release(&w, &a[0]);
    cr_assert(a[1].answers == 1 && a[2].answers == 0);
    queue_world_release(&w, &a[2]);
    queue_world_release(&w, &a[1]);
    queue_world_release(&w, &b);
    queue_world_deinit(&w);
}

Test(queue, more_than_may_wait_are_refused_at_once)
{
    struct queue_world w;
    struct asked a[10];
    queue_world_init(&w, QUIET "Target a:1\nMaxConn 2\nMaxQueue 3");
    for (unsigned i = 0; i < 10; i++)
        cr_assert_eq(queue_world_ask(&w, &a[i], i & 1 ? "alice" : "bob"), i < 2   ? GW_ANSWER_GRANTED
                                                                          : i < 5 ? GW_ANSWER_NONE
                                                                                  : GW_ANSWER_QUEUE_FULL);
    cr_assert_eq(queue_world_stats(&w).refused[GW_ANSWER_QUEUE_FULL], 5);
    for (unsigned i = 0; i < 10; i++)
        queue_world_release(&w, &a[i]);
    queue_world_deinit(&w);
}

Test(queue, a_user_who_fills_the_line_gives_way_to_others)
{
    struct queue_world w;
    struct asked a[4], b, c;
    queue_world_init(&w, QUIET "Target a:1\nMaxConn 1\nMaxQueue 3");
    for (unsigned i = 0; i < 4; i++)
        queue_world_ask(&w, &a[i], "alice");
    cr_assert_eq(queue_world_ask(&w, &b, "bob"), GW_ANSWER_NONE);
    cr_assert_eq(gw_request_answer(a[3].request), GW_ANSWER_QUEUE_FULL);
    cr_assert(a[1].answers == 0 && a[2].answers == 0);
    cr_assert_eq(queue_world_ask(&w, &c, "carol"), GW_ANSWER_NONE);
    cr_assert_eq(gw_request_answer(a[2].request), GW_ANSWER_QUEUE_FULL);
    queue_world_release(&w, &a[2]);
    cr_assert_eq(queue_world_ask(&w, &a[2], "dave"), GW_ANSWER_QUEUE_FULL); /* nobody has more than he */
    for (unsigned i = 0; i < 4; i++)
        queue_world_release(&w, &a[i]);
    queue_world_release(&w, &b);
    queue_world_release(&w, &c);
    queue_world_deinit(&w);
}

Test(queue, who_waited_too_long_is_told_so)
{
    struct queue_world w;
    struct asked a, b;
    queue_world_init(&w, "Target a:1\nMaxConn 1\nQueueTimeout 1s");
    queue_world_ask(&w, &a, "alice");
    queue_world_ask(&w, &b, "bob");
    queue_world_run(&w, 600);
    cr_assert_eq(b.answers, 0);
    queue_world_run(&w, 450);
    cr_assert(b.answers == 1 && gw_request_answer(b.request) == GW_ANSWER_TIMED_OUT);
    queue_world_release(&w, &a);
    queue_world_release(&w, &b);
    queue_world_deinit(&w);
}

/* Turns a request's clock back, as if it had been in the line for so long; what is set already stays. */
static void has_waited(struct asked *a, uint64_t seconds)
{
    a->request->asked_ns -= seconds * 1000000000;
}

Test(queue, a_retry_has_what_is_left_of_the_time_to_wait)
{
    struct queue_world w;
    struct asked a, b, c, d;
    queue_world_init(&w, "Target a:1 maxconn 1\nTarget b:1 maxconn 1\nRetries 7\nQueueTimeout 1h");
    queue_world_ask(&w, &a, "alice");
    queue_world_ask(&w, &b, "bob");
    queue_world_ask(&w, &c, "carol");
    has_waited(&c, 3000);
    queue_world_release(&w, &a);
    cr_assert_eq(c.answers, 1);
    gw_request_failed(c.request); /* carol waits for the other one */
    queue_world_settle(&w);
    cr_assert_eq(c.answers, 1);
    uint64_t left = (c.request->deadline_ns - c.request->asked_ns) / 1000000000;
    cr_assert(left > 0 && left < 1000, "%llu s are left", (unsigned long long)left); /* each worker has its clock */
    queue_world_ask(&w, &a, "alice");
    queue_world_ask(&w, &d, "dave");
    cr_assert(a.answers == 1 && d.answers == 0);
    queue_world_release(&w, &b);
    cr_assert(c.answers == 2 && d.answers == 0);
    queue_world_release(&w, &a);
    queue_world_release(&w, &c);
    queue_world_release(&w, &d);
    queue_world_deinit(&w);
}

Test(queue, a_retry_that_has_waited_its_time_gets_a_free_place_or_none)
{
    struct queue_world w;
    struct asked a, b, c;
    queue_world_init(&w, "Target a:1 maxconn 1\nTarget b:1 maxconn 1\nTarget c:1 maxconn 1\nMaxConn 2\nRetries 7\nQueueTimeout 1h");
    queue_world_ask(&w, &a, "alice");
    queue_world_ask(&w, &b, "bob");
    queue_world_ask(&w, &c, "carol");
    has_waited(&c, 3600);
    queue_world_release(&w, &a);
    cr_assert_eq(c.answers, 1);
    gw_request_failed(c.request);
    queue_world_settle(&w);
    cr_assert(c.answers == 2 && gw_request_answer(c.request) == GW_ANSWER_GRANTED, "one is free");
    gw_request_failed(c.request); /* the last one that it has not tried is bob's */
    queue_world_settle(&w);
    queue_world_run(&w, 1); /* a round is enough: its time was over when it was asked */
    cr_assert(c.answers == 3 && gw_request_answer(c.request) == GW_ANSWER_TIMED_OUT);
    queue_world_release(&w, &b);
    queue_world_release(&w, &c);
    queue_world_deinit(&w);
}

Test(queue, queue_times_are_measured)
{
    struct queue_world w;
    struct asked a, b;
    queue_world_init(&w, "Target a:1\nMaxConn 1");
    queue_world_ask(&w, &a, "alice");
    cr_assert_eq(queue_world_stats(&w).queue_time_p99_us, 0);
    queue_world_ask(&w, &b, "bob");
    queue_world_run(&w, 100);
    queue_world_release(&w, &a);
    uint64_t p99 = queue_world_stats(&w).queue_time_p99_us;
    cr_assert(p99 >= 85000 && p99 < 10000000, "%llu", (unsigned long long)p99);
    cr_assert_eq(queue_world_stats(&w).queue_time_p50_us, 0);
    queue_world_release(&w, &b);
    queue_world_deinit(&w);
}

Test(queue, a_failed_connect_goes_to_another_member_each_once)
{
    struct queue_world w;
    struct asked a;
    unsigned mask = 0, tried = 0;
    queue_world_init(&w, QUIET "Target a:1\nTarget b:1\nTarget c:1\nRetries 7");
    queue_world_ask(&w, &a, "alice");
    while (gw_request_answer(a.request) == GW_ANSWER_GRANTED) {
        mask |= 1u << (asked_member(&a)[0] - 'a');
        tried++;
        gw_request_failed(a.request);
        queue_world_settle(&w);
    }
    cr_assert(mask == 7 && tried == 3);
    cr_assert_eq(gw_request_answer(a.request), GW_ANSWER_FAILED);
    cr_assert_eq(queue_world_stats(&w).failed, 1);
    queue_world_release(&w, &a);
    queue_world_deinit(&w);
}

Test(queue, retries_bounds_how_many_are_tried)
{
    struct queue_world w;
    struct asked a;
    queue_world_init(&w, QUIET "Target a:1\nTarget b:1\nTarget c:1\nRetries 1");
    queue_world_ask(&w, &a, "alice");
    gw_request_failed(a.request);
    cr_assert_eq(gw_request_answer(a.request), GW_ANSWER_GRANTED);
    gw_request_failed(a.request);
    cr_assert_eq(gw_request_answer(a.request), GW_ANSWER_FAILED);
    cr_assert_eq(a.answers, 3);
    queue_world_release(&w, &a);
    queue_world_deinit(&w);
}

Test(queue, a_retry_that_must_wait_is_next)
{
    struct queue_world w;
    struct asked a, b, c;
    queue_world_init(&w, QUIET "Target a:1 maxconn 1\nTarget b:1 maxconn 1");
    queue_world_ask(&w, &a, "alice");
    queue_world_ask(&w, &b, "bob");
    queue_world_ask(&w, &c, "carol");
    gw_request_failed(a.request); /* its slot goes to carol, since alice has tried that member */
    queue_world_settle(&w);
    cr_assert(a.answers == 1 && c.answers == 1);
    struct asked d;
    queue_world_ask(&w, &d, "dave");
    queue_world_release(&w, &b);
    cr_assert(a.answers == 2 && d.answers == 0);
    queue_world_release(&w, &a);
    queue_world_release(&w, &c);
    queue_world_release(&w, &d);
    queue_world_deinit(&w);
}

Test(queue, a_retry_that_must_wait_holds_up_nobody_who_need_not)
{
    struct queue_world w;
    struct asked a, b;
    queue_world_init(&w, QUIET "HoldForConsumer yes\nTarget a:1");
    queue_world_ask(&w, &a, "alice");
    gw_request_failed(a.request); /* it waits for a member other than the one it has tried */
    queue_world_settle(&w);
    cr_assert_eq(a.answers, 1);
    cr_assert_eq(queue_world_ask(&w, &b, "alice"), GW_ANSWER_GRANTED);
    queue_world_release(&w, &b);
    queue_world_release(&w, &a);
    queue_world_deinit(&w);
}

Test(queue, a_request_that_is_held_tries_again_whom_it_has_tried)
{
    struct queue_world w;
    struct asked a;
    queue_world_init(&w, QUIET "HoldForConsumer yes\nRetries 1\nTarget a:1");
    queue_world_ask(&w, &a, "alice");
    gw_request_failed(a.request);
    queue_world_settle(&w);
    cr_assert_eq(a.answers, 1, "at once it is not tried again");
    a.request->asked_ns -= GW_MARK_NS - 50 * 1000000;
    gw_request_poke(queue_world_queue(&w)); /* the time is looked at anew */
    queue_world_settle(&w);
    cr_assert_eq(a.answers, 1);
    queue_world_run(&w, 100);
    cr_assert(a.answers == 2 && gw_request_answer(a.request) == GW_ANSWER_GRANTED);
    gw_request_failed(a.request);
    cr_assert(a.answers == 3 && gw_request_answer(a.request) == GW_ANSWER_FAILED, "Retries is the end of it");
    queue_world_release(&w, &a);
    queue_world_deinit(&w);
}

static const char *const joiner = "reverse:1";

static struct gw_membership membership;
static unsigned joins, leaves;

static void on_joined(struct gw_membership *m, bool ok)
{
    cr_assert(m == &membership && ok);
    joins++;
}

static void on_left(struct gw_membership *m)
{
    cr_assert_eq(m, &membership);
    leaves++;
}

static void join(struct queue_world *w, unsigned limit)
{
    membership = (struct gw_membership){ .queue = queue_world_queue(w),
                                         .worker = 1,
                                         .destination = gw_destination_new(GW_TARGET_ECHO, joiner, "", 0),
                                         .terms = { limit, GW_WEIGHT_ONE, false },
                                         .joined = on_joined,
                                         .left = on_left };
    gw_member_join(&membership);
}

Test(queue, without_a_consumer_it_refuses_or_holds)
{
    struct queue_world w;
    struct asked a, b;
    queue_world_init(&w, QUIET "Target a:1");
    gw_member_drain(queue_world_queue(&w), "a:1", true);
    cr_assert_eq(queue_world_ask(&w, &a, "alice"), GW_ANSWER_NO_CONSUMER);
    queue_world_release(&w, &a);
    queue_world_reload(&w, QUIET "HoldForConsumer yes\nTarget a:1");
    cr_assert_eq(queue_world_ask(&w, &a, "alice"), GW_ANSWER_NONE);
    cr_assert_eq(queue_world_ask(&w, &b, "bob"), GW_ANSWER_NONE);
    join(&w, 1);
    queue_world_settle(&w);
    cr_assert(joins == 1 && a.answers == 1 && b.answers == 0);
    cr_assert_str_eq(asked_member(&a), joiner);
    gw_member_leave(&membership);
    queue_world_release(&w, &a);
    cr_assert(leaves == 1 && b.answers == 0);
    gw_destination_drop(membership.destination);
    queue_world_reload(&w, QUIET "Target a:1"); /* nobody is held any more */
    cr_assert_eq(gw_request_answer(b.request), GW_ANSWER_NO_CONSUMER);
    queue_world_release(&w, &b);
    queue_world_deinit(&w);
}

Test(queue, a_member_that_has_left_is_granted_to_nobody_and_its_slot_is_used_again)
{
    struct queue_world w;
    struct asked a, b;
    queue_world_init(&w, QUIET "Target a:1 backup");
    join(&w, UINT32_MAX);
    gw_member_leave(&membership); /* before it has joined */
    queue_world_settle(&w);
    cr_assert(joins == 0 && leaves == 1);
    gw_destination_drop(membership.destination);
    join(&w, UINT32_MAX);
    queue_world_settle(&w);
    queue_world_ask(&w, &a, "alice");
    cr_assert_str_eq(asked_member(&a), joiner);
    gw_member_leave(&membership);
    queue_world_ask(&w, &b, "alice");
    cr_assert_str_eq(asked_member(&b), "a:1");
    cr_assert_eq(queue_world_member(&w, joiner).state, GW_MEMBER_LEAVING);
    gw_destination_drop(membership.destination);
    join(&w, UINT32_MAX); /* not into the slot that is held */
    queue_world_settle(&w);
    cr_assert_eq(atomic_load(&queue_world_queue(&w)->member_count), 3);
    gw_member_leave(&membership);
    queue_world_release(&w, &a);
    queue_world_release(&w, &b);
    gw_destination_drop(membership.destination);
    join(&w, UINT32_MAX);
    queue_world_settle(&w);
    cr_assert_eq(atomic_load(&queue_world_queue(&w)->member_count), 3);
    gw_member_leave(&membership);
    queue_world_settle(&w);
    gw_destination_drop(membership.destination);
    queue_world_deinit(&w);
}

Test(queue, an_abandoned_request_comes_home_wherever_it_is)
{
    struct queue_world w;
    struct asked a, b;
    queue_world_init(&w, QUIET "Target a:1\nMaxConn 1");
    queue_world_ask(&w, &a, "alice");
    queue_world_offer(&w, &b, "bob", "192.0.2.1");
    gw_request_release(b.request); /* before the home has heard of it */
    queue_world_settle(&w);
    queue_world_ask(&w, &b, "bob"); /* while it waits */
    gw_request_release(b.request);
    queue_world_settle(&w);
    queue_world_offer(&w, &b, "bob", "192.0.2.1");
    gw_inbox_serve(&w.inbox[0], &w);
    gw_request_release(a.request);
    gw_inbox_serve(&w.inbox[0], &w); /* the grant is on its way */
    gw_request_release(b.request);
    queue_world_settle(&w);
    cr_assert_eq(b.answers, 0);
    queue_world_deinit(&w);
}

Test(queue, a_reload_changes_limits_and_keeps_counters)
{
    struct queue_world w;
    struct asked a[4];
    queue_world_init(&w, QUIET "Target a:1 maxconn 1\nTarget b:1 maxconn 1");
    for (int i = 0; i < 4; i++)
        queue_world_ask(&w, &a[i], "alice");
    queue_world_reload(&w, QUIET "Target a:1 maxconn 2\nTarget c:1 maxconn 1");
    for (int i = 0; i < 4; i++)
        cr_assert_eq(a[i].answers, 1);
    cr_assert_eq(queue_world_member(&w, "a:1").active, 2);
    cr_assert(queue_world_member(&w, "b:1").state == GW_MEMBER_LEAVING && queue_world_member(&w, "b:1").active == 1);
    cr_assert_eq(queue_world_member(&w, "c:1").active, 1);
    queue_world_reload(&w, QUIET "Target a:1\nTarget b:1");
    cr_assert(queue_world_member(&w, "b:1").state == GW_MEMBER_UP && queue_world_member(&w, "b:1").active == 1);
    for (int i = 0; i < 4; i++)
        queue_world_release(&w, &a[i]);
    queue_world_deinit(&w);
}

Test(queue, any_number_of_targets_may_come_and_go_by_reloads)
{
    struct queue_world w;
    struct asked a;
    char block[64];
    queue_world_init(&w, QUIET "Target a:1");
    for (unsigned i = 1; i < 2 * GW_MEMBERS_MAX; i++) {
        snprintf(block, sizeof block, QUIET "Target a:%u", i);
        queue_world_reload(&w, block);
        cr_assert_eq(queue_world_ask(&w, &a, "alice"), GW_ANSWER_GRANTED);
        cr_assert_str_eq(asked_member(&a), strstr(block, "a:"));
        queue_world_release(&w, &a);
    }
    queue_world_deinit(&w);
}

Test(queue, one_that_comes_back_may_be_asked_before_its_home_knows)
{
    struct queue_world w;
    struct asked a, b;
    queue_world_init(&w, QUIET "Target a:1\nMaxQueue 0");
    cr_assert(gw_home_apply(queue_world_queue(&w), NULL)); /* a reload has dropped it */
    cr_assert_eq(queue_world_ask(&w, &a, "alice"), GW_ANSWER_NONE);
    cr_assert_eq(queue_world_ask(&w, &b, "bob"), GW_ANSWER_NONE);
    queue_world_release(&w, &b); /* as his worker does when it learns that the queue is no more */
    cr_assert_eq(queue_world_stats(&w).waiting, 1);
    cr_assert(gw_registry_apply(w.registry, 0, w.config));
    queue_world_settle(&w);
    cr_assert_eq(gw_request_answer(a.request), GW_ANSWER_GRANTED);
    queue_world_release(&w, &a);
    queue_world_deinit(&w);
}

Test(queue, its_first_request_may_come_before_its_home_has_the_configuration)
{
    struct queue_world w;
    struct asked a;
    queue_world_init(&w, QUIET "Target a:1");
    struct gw_registry *applied = w.registry, *fresh = gw_registry_new(QUEUE_WORLD_WORKERS);
    for (unsigned i = 0; i < QUEUE_WORLD_WORKERS; i++)
        gw_registry_seat(fresh, i, &w.inbox[i], w.loop[i]);
    w.registry = fresh;
    cr_assert_eq(queue_world_ask(&w, &a, "alice"), GW_ANSWER_GRANTED);
    queue_world_release(&w, &a);
    gw_registry_free(fresh);
    w.registry = applied;
    queue_world_deinit(&w);
}
