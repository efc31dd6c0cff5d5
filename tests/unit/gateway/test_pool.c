/* SPDX-License-Identifier: MIT */
/* Which member a request gets. */
#include <criterion/criterion.h>

#include "queue_world.h"

enum { MANY = 600 };

static unsigned index_of(const struct asked *a)
{
    return (unsigned)(asked_member(a)[0] - 'a'); /* targets are a:1, b:1, … */
}

/* Counts who is granted `count` requests, each released at once. */
static void spread(struct queue_world *w, unsigned count, unsigned seen[8])
{
    memset(seen, 0, 8 * sizeof *seen);
    for (unsigned i = 0; i < count; i++) {
        struct asked a;
        cr_assert_eq(queue_world_ask(w, &a, "alice"), GW_ANSWER_GRANTED);
        seen[index_of(&a)]++;
        queue_world_release(w, &a);
    }
}

Test(pool, roundrobin_takes_turns_by_weight)
{
    struct queue_world w;
    unsigned seen[8];
    queue_world_init(&w, "Target a:1\nTarget b:1 weight 2\nTarget c:1 weight 3");
    spread(&w, MANY, seen);
    cr_assert(seen[0] == 100 && seen[1] == 200 && seen[2] == 300, "%u %u %u", seen[0], seen[1], seen[2]);
    queue_world_deinit(&w);
}

Test(pool, a_weight_that_changes_changes_the_share)
{
    struct queue_world w;
    unsigned seen[8];
    queue_world_init(&w, "Target a:1\nTarget b:1");
    struct gw_member *a = gw_queue_member(queue_world_queue(&w), 0);
    gw_member_set_weight(a, GW_WEIGHT_ONE / 4); /* as a slow start does */
    spread(&w, 500, seen);
    cr_assert(seen[0] == 100 && seen[1] == 400, "%u %u", seen[0], seen[1]);
    gw_member_set_down(queue_world_queue(&w), a, "it says nothing");
    spread(&w, 100, seen);
    cr_assert_eq(seen[1], 100);
    gw_member_set_weight(a, GW_WEIGHT_ONE);
    gw_member_set_down(queue_world_queue(&w), a, NULL);
    spread(&w, 100, seen);
    cr_assert(seen[0] >= 49 && seen[0] <= 51, "%u %u", seen[0], seen[1]); /* equal, but for where in the turn it came back */
    queue_world_deinit(&w);
}

Test(pool, a_newcomer_gets_its_share_and_no_more)
{
    struct queue_world w;
    unsigned seen[8];
    queue_world_init(&w, "Target a:1\nTarget b:1");
    spread(&w, MANY, seen);
    queue_world_reload(&w, "Target a:1\nTarget b:1\nTarget c:1");
    spread(&w, 300, seen);
    cr_assert(seen[0] == 100 && seen[1] == 100 && seen[2] == 100, "%u %u %u", seen[0], seen[1], seen[2]);
    queue_world_deinit(&w);
}

Test(pool, leastconn_fills_the_emptiest_for_its_weight)
{
    struct queue_world w;
    struct asked a[9];
    unsigned seen[3] = { 0 };
    queue_world_init(&w, "Balance leastconn\nTarget a:1\nTarget b:1 weight 2\nTarget c:1");
    for (int i = 0; i < 8; i++) {
        cr_assert_eq(queue_world_ask(&w, &a[i], "alice"), GW_ANSWER_GRANTED);
        seen[index_of(&a[i])]++;
    }
    cr_assert(seen[0] == 2 && seen[1] == 4 && seen[2] == 2, "%u %u %u", seen[0], seen[1], seen[2]);
    char freed = asked_member(&a[3])[0];
    queue_world_release(&w, &a[3]);
    queue_world_ask(&w, &a[3], "alice");
    cr_assert_eq(asked_member(&a[3])[0], freed);
    for (int i = 0; i < 8; i++)
        queue_world_release(&w, &a[i]);
    queue_world_deinit(&w);
}

Test(pool, random_spreads_by_weight_and_shuns_the_fuller)
{
    struct queue_world w;
    unsigned seen[8];
    queue_world_init(&w, "Balance random\nTarget a:1\nTarget b:1\nTarget c:1");
    spread(&w, MANY, seen);
    for (int i = 0; i < 3; i++)
        cr_assert(seen[i] > 140 && seen[i] < 260, "%u %u %u", seen[0], seen[1], seen[2]);
    struct asked a[60];
    unsigned held[3] = { 0 };
    for (int i = 0; i < 60; i++) {
        queue_world_ask(&w, &a[i], "alice");
        held[index_of(&a[i])]++;
    }
    for (int i = 0; i < 3; i++) /* two choices keep close together what plain chance would let drift */
        cr_assert(held[i] >= 17 && held[i] <= 23, "%u %u %u", held[0], held[1], held[2]);
    for (int i = 0; i < 60; i++)
        queue_world_release(&w, &a[i]);
    queue_world_deinit(&w);
}

static unsigned member_of_source(struct queue_world *w, unsigned n)
{
    char source[32];
    struct asked a;
    snprintf(source, sizeof source, "10.0.%u.%u", n / 250, n % 250 + 1);
    queue_world_offer(w, &a, "alice", source);
    unsigned member = index_of(&a);
    queue_world_release(w, &a);
    return member;
}

Test(pool, source_is_consistent_and_moves_only_what_must)
{
    struct queue_world w;
    unsigned before[MANY], seen[3] = { 0 };
    queue_world_init(&w, "Balance source\nTarget a:1\nTarget b:1\nTarget c:1");
    for (unsigned i = 0; i < MANY; i++) {
        before[i] = member_of_source(&w, i);
        seen[before[i]]++;
        cr_assert_eq(member_of_source(&w, i), before[i]);
    }
    for (int i = 0; i < 3; i++)
        cr_assert(seen[i] > 140 && seen[i] < 260, "%u %u %u", seen[0], seen[1], seen[2]);
    queue_world_reload(&w, "Balance source\nTarget a:1\nTarget c:1");
    for (unsigned i = 0; i < MANY; i++) {
        unsigned now = member_of_source(&w, i);
        cr_assert(now == before[i] || (before[i] == 1 && now != 1), "source %u went from %u to %u", i, before[i], now);
    }
    queue_world_deinit(&w);
}

Test(pool, a_backup_serves_only_while_no_other_is_up)
{
    struct queue_world w;
    unsigned seen[8];
    struct asked a, b;
    queue_world_init(&w, "Target a:1 maxconn 1\nTarget b:1 backup\nQueueTimeout 0");
    spread(&w, 10, seen);
    cr_assert_eq(seen[0], 10);
    queue_world_ask(&w, &a, "alice");
    cr_assert_eq(queue_world_ask(&w, &b, "alice"), GW_ANSWER_NONE); /* full is not down */
    queue_world_release(&w, &b);
    queue_world_release(&w, &a);
    cr_assert(gw_member_drain(queue_world_queue(&w), "a:1", true));
    spread(&w, 10, seen);
    cr_assert_eq(seen[1], 10);
    cr_assert(gw_member_drain(queue_world_queue(&w), "a:1", false));
    cr_assert(!gw_member_drain(queue_world_queue(&w), "x:1", true));
    spread(&w, 10, seen);
    cr_assert_eq(seen[0], 10);
    queue_world_deinit(&w);
}

Test(pool, a_member_that_fails_again_and_again_is_avoided_while_another_serves)
{
    struct queue_world w;
    unsigned seen[8];
    struct asked a;
    queue_world_init(&w, "Target a:1\nTarget b:1\nRetries 0");
    for (unsigned failures = 0; failures < GW_MARK_AFTER;) {
        cr_assert_eq(queue_world_ask(&w, &a, "alice"), GW_ANSWER_GRANTED);
        if (index_of(&a) == 0) {
            gw_request_failed(a.request);
            cr_assert_eq(gw_request_answer(a.request), GW_ANSWER_FAILED);
            failures++;
        }
        queue_world_release(&w, &a);
    }
    cr_assert(queue_world_member(&w, "a:1").marked && queue_world_member(&w, "a:1").failed == 3);
    spread(&w, 10, seen);
    cr_assert_eq(seen[1], 10);
    cr_assert(gw_member_drain(queue_world_queue(&w), "b:1", true)); /* the marked one is better than none */
    cr_assert_eq(queue_world_ask(&w, &a, "alice"), GW_ANSWER_GRANTED);
    cr_assert_eq(index_of(&a), 0);
    queue_world_serve(&a);
    queue_world_release(&w, &a);
    cr_assert(!queue_world_member(&w, "a:1").marked);
    queue_world_deinit(&w);
}

Test(pool, one_request_tries_a_marked_member_when_its_time_is_over)
{
    struct queue_world w;
    struct asked a, b;
    queue_world_init(&w, "Target a:1\nTarget b:1\nBalance leastconn");
    struct gw_member *m = gw_queue_member(queue_world_queue(&w), 0);
    atomic_store(&m->failed_in_row, GW_MARK_AFTER);
    atomic_store(&m->marked_until_ns, 1); /* long ago */
    queue_world_ask(&w, &a, "alice");
    queue_world_ask(&w, &b, "alice");
    cr_assert(index_of(&a) == 0 && index_of(&b) == 1);
    cr_assert(queue_world_member(&w, "a:1").marked); /* until that one has come about */
    queue_world_serve(&a);
    cr_assert(!queue_world_member(&w, "a:1").marked);
    queue_world_release(&w, &a);
    queue_world_release(&w, &b);
    queue_world_deinit(&w);
}

/* a:1 is marked, b:1 has room for one and serves it; alice waits. */
static void wait_beside_a_mark(struct queue_world *w, uint64_t marked_ns, struct asked *holder, struct asked *waiting,
                               unsigned count)
{
    queue_world_init(w, "QueueTimeout 0\nTarget a:1\nTarget b:1 maxconn 1");
    struct gw_member *m = gw_queue_member(queue_world_queue(w), 0);
    atomic_store(&m->failed_in_row, GW_MARK_AFTER);
    atomic_store(&m->marked_until_ns, gw_loop_now_ns(w->loop[0]) + marked_ns);
    cr_assert_eq(queue_world_ask(w, holder, "alice"), GW_ANSWER_GRANTED);
    for (unsigned i = 0; i < count; i++)
        cr_assert_eq(queue_world_ask(w, &waiting[i], "alice"), GW_ANSWER_NONE);
}

Test(pool, who_waits_is_served_when_a_mark_ends)
{
    struct queue_world w;
    struct asked holder, a[3];
    wait_beside_a_mark(&w, 100000000, &holder, a, 3);
    queue_world_run(&w, 200); /* one tries it */
    cr_assert(a[0].answers == 1 && a[1].answers == 0 && a[2].answers == 0);
    queue_world_serve(&a[0]); /* and then it is as good as others */
    queue_world_settle(&w);
    cr_assert(a[1].answers == 1 && a[2].answers == 1);
    for (unsigned i = 0; i < 3; i++)
        queue_world_release(&w, &a[i]);
    queue_world_release(&w, &holder);
    queue_world_deinit(&w);
}

Test(pool, a_mark_that_came_behind_a_success_ends_with_the_next_one)
{
    struct queue_world w;
    struct asked a;
    queue_world_init(&w, "Target a:1");
    struct gw_member *m = gw_queue_member(queue_world_queue(&w), 0);
    atomic_store(&m->marked_until_ns, 1); /* and no failure is counted */
    queue_world_ask(&w, &a, "alice");
    cr_assert(queue_world_member(&w, "a:1").marked);
    queue_world_serve(&a);
    cr_assert(!queue_world_member(&w, "a:1").marked);
    queue_world_release(&w, &a);
    queue_world_deinit(&w);
}
