/* SPDX-License-Identifier: MIT */
/* A visit to a group takes a few short samples of each of its cells in turn, with a canary between any two; the plan is gone
 * through from its start to its end as often as there is time for. So the cells of one group see the same moment of the machine,
 * and each cell sees many moments. */
#include "bench/cipher/runner.h"

#include "bench/clock.h"

enum { ROUNDS = 3, ENOUGH = 201, ATTEMPTS_MAX = 1000 };
static const double SLOW_ROUND_NS = 20e6;
static const double EXTRA_TIME = 0.25; /* of the seconds, for cells that have no accepted samples yet */

static const struct bench_cell *pass_all(struct bench_group *g, bool counts)
{
    double start = bench_now_ns(), before = bench_canary_run();
    for (size_t i = 0; i < g->count; i++) {
        struct bench_cell *c = &g->cell[i];
        struct bench_sample s = { 0 };
        if (!c->pass(c->state, &s.ns))
            return c;
        double after = bench_canary_run();
        s.canary_ns = before > after ? before : after;
        before = after;
        if (counts && !bench_samples_add(&c->samples, s))
            return c;
    }
    g->round_ns = bench_now_ns() - start;
    return NULL;
}

/* The round in front brings code and data into the caches; a slow group's own first operations do. */
static const struct bench_cell *visit(struct bench_group *g, bool first)
{
    bool slow = g->round_ns > SLOW_ROUND_NS;
    const struct bench_cell *failed = slow ? NULL : pass_all(g, false);
    for (unsigned i = 0; !failed && i < (slow && !first ? 1 : ROUNDS); i++)
        failed = pass_all(g, true);
    return failed;
}

static bool wants_more(const struct bench_group *g, size_t wanted, double limit_ns)
{
    for (size_t i = 0; i < g->count; i++) {
        const struct bench_samples *s = &g->cell[i].samples;
        if (s->count < ATTEMPTS_MAX && bench_samples_accepted(s, limit_ns) < wanted)
            return true;
    }
    return false;
}

const struct bench_cell *bench_run(struct bench_plan *plan, double seconds, struct bench_canary *canary,
                                   struct bench_progress *progress)
{
    double start = bench_now_ns(), due = start + seconds * 1e9, last = due + EXTRA_TIME * seconds * 1e9;
    const struct bench_cell *failed = NULL;
    bool first = true;
    for (bool visited = true; visited && !failed; first = false) {
        visited = false;
        bench_canary_calibrate(canary);
        for (size_t i = 0; i < plan->count && !failed; i++) {
            struct bench_group *g = &plan->group[i];
            double now = bench_now_ns();
            size_t wanted = now < due ? ENOUGH : BENCH_SAMPLES_LEAST;
            if (!first && (now > last || !wants_more(g, wanted, bench_canary_limit_ns(canary))))
                continue;
            bench_progress_show(progress, (now - start) / (due - start), g->name);
            failed = visit(g, first);
            visited = true;
        }
    }
    bench_progress_clear(progress);
    bench_plan_judge(plan, bench_canary_limit_ns(canary));
    return failed;
}
