/* SPDX-License-Identifier: MIT */
/* The timers of a loop, without a loop: order, moving, cancelling, and what a fire may do. */
#include <criterion/criterion.h>

#include "crypto/random.h"
#include "gateway/engine/timer_priv.h"

enum { MANY = 500 };

struct probe {
    struct gw_timer timer; /* first */
    struct gw_timers *timers;
    unsigned fired;
    uint64_t fired_at, wanted, again_at;
    struct probe *victim;
};

static uint64_t last_wanted;

static void fire(struct gw_timer *t, uint64_t now_ns)
{
    struct probe *p = (struct probe *)t;
    cr_assert_eq(t->at_ns, 0, "a timer that fires is not set");
    cr_assert_geq(p->wanted, last_wanted, "%lu fired behind %lu", (unsigned long)p->wanted, (unsigned long)last_wanted);
    last_wanted = p->wanted;
    p->fired++;
    p->fired_at = now_ns;
    if (p->victim)
        gw_timers_cancel(p->timers, &p->victim->timer);
    if (p->again_at)
        gw_timers_set(p->timers, t, p->again_at);
}

static void set(struct gw_timers *h, struct probe *p, uint64_t at_ns)
{
    p->timer.fire = fire;
    p->timers = h;
    p->wanted = at_ns;
    gw_timers_set(h, &p->timer, at_ns);
}

Test(timer, nothing_set_is_never_due)
{
    struct gw_timers h = { 0 };
    cr_assert_eq(gw_timers_next_ns(&h), UINT64_MAX);
    gw_timers_fire(&h, 1000);
}

Test(timer, the_earliest_is_next_and_fires_in_order)
{
    static struct probe p[MANY];
    struct gw_timers h = { 0 };
    struct cx_random_seeded seed;
    struct cx_random random = cx_random_from_seed(&seed, 7);
    last_wanted = 0;
    uint64_t least = UINT64_MAX;
    for (unsigned i = 0; i < MANY; i++) {
        uint16_t at;
        cx_random_fill(&random, &at, sizeof at);
        set(&h, &p[i], 1 + at);
        least = 1u + at < least ? 1u + at : least;
        cr_assert_eq(gw_timers_next_ns(&h), least);
    }
    for (uint64_t now = 0; now < 70000; now += 97) {
        gw_timers_fire(&h, now);
        for (unsigned i = 0; i < MANY; i++)
            cr_assert_eq(p[i].fired, p[i].wanted <= now, "timer at %lu, now %lu", (unsigned long)p[i].wanted, (unsigned long)now);
    }
}

Test(timer, moving_and_cancelling_at_random_keeps_the_order)
{
    static struct probe p[MANY];
    struct gw_timers h = { 0 };
    struct cx_random_seeded seed;
    struct cx_random random = cx_random_from_seed(&seed, 11);
    last_wanted = 0;
    for (unsigned step = 0; step < 20000; step++) {
        uint32_t r;
        cx_random_fill(&random, &r, sizeof r);
        struct probe *one = &p[r % MANY];
        if (r & 1 << 30)
            gw_timers_cancel(&h, &one->timer);
        else
            set(&h, one, 1 + (r >> 8) % 100000);
        uint64_t least = UINT64_MAX;
        for (unsigned i = 0; i < MANY && step % 100 == 0; i++)
            least = p[i].timer.at_ns && p[i].timer.at_ns < least ? p[i].timer.at_ns : least;
        if (step % 100 == 0)
            cr_assert_eq(gw_timers_next_ns(&h), least);
    }
    gw_timers_fire(&h, 200000);
    cr_assert_eq(gw_timers_next_ns(&h), UINT64_MAX);
}

Test(timer, cancelling_what_is_not_set_does_nothing)
{
    struct gw_timers h = { 0 };
    struct probe p = { 0 };
    gw_timers_cancel(&h, &p.timer);
    set(&h, &p, 5);
    gw_timers_cancel(&h, &p.timer);
    gw_timers_cancel(&h, &p.timer);
    gw_timers_fire(&h, 10);
    cr_assert_eq(p.fired, 0);
}

Test(timer, one_that_sets_itself_into_the_past_fires_once_a_time)
{
    struct gw_timers h = { 0 };
    struct probe p = { .again_at = 1 };
    last_wanted = 0;
    set(&h, &p, 5);
    gw_timers_fire(&h, 10);
    cr_assert_eq(p.fired, 1);
    gw_timers_fire(&h, 10);
    cr_assert_eq(p.fired, 1);
    gw_timers_fire(&h, 11);
    cr_assert_eq(p.fired, 2);
}

Test(timer, a_fire_may_cancel_another_that_is_due)
{
    struct gw_timers h = { 0 };
    struct probe first = { 0 }, second = { 0 };
    last_wanted = 0;
    set(&h, &first, 5);
    set(&h, &second, 6);
    first.victim = &second;
    gw_timers_fire(&h, 10);
    cr_assert_eq(first.fired, 1);
    cr_assert_eq(second.fired, 0);
}
