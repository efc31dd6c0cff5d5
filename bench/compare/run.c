/* SPDX-License-Identifier: MIT */
/* All servers stand through the whole comparison and take turns at each measurement, so that what the machine does meanwhile meets
 * all of them. */
#include <errno.h>
#include <stdio.h>

#include "bench/compare/compare.h"
#include "bench/compare/measure.h"
#include "bench/report/progress.h"

struct run {
    struct compare_results *results;
    const struct compare_options *options;
    struct compare_bed bed;
    struct compare_how how;
    struct bench_progress progress;
};

static void start_servers(struct run *run)
{
    struct compare_results *r = run->results;
    for (size_t i = 0; i < r->servers && !run->options->enough(); i++)
        if (!r->server[i].missing[0])
            (void)compare_server_start(&r->server[i], &run->bed); /* .missing tells it */
}

static void end_all(struct run *run)
{
    for (size_t i = 0; i < run->results->servers; i++)
        compare_server_end(&run->results->server[i]);
    compare_bed_end(&run->bed);
}

static void show(struct run *run, unsigned round, size_t measure, size_t server)
{
    const struct compare_results *r = run->results;
    char text[160];
    double part = ((double)measure + (double)server / (double)r->servers) / (double)r->plan.count;
    snprintf(text, sizeof text, "round %u of %u: %s: %s", round + 1, run->options->rounds, r->plan.measure[measure]->title,
             r->server[server].name);
    bench_progress_show(&run->progress, (round + part) / run->options->rounds, text);
}

/* Whether both are one and the same to a server that only passes bytes on. */
static bool are_alike(const struct compare_measure *a, const struct compare_measure *b)
{
    return a->mode == b->mode && a->service == b->service && a->connections == b->connections && a->channels == b->channels &&
           a->far == b->far && a->floor == b->floor;
}

/* An earlier measurement of this round that tells the same of the server; the plan's count: none. */
static size_t find_alike(const struct compare_results *r, size_t measure)
{
    for (size_t i = 0; i < measure; i++)
        if (are_alike(r->plan.measure[i], r->plan.measure[measure]))
            return i;
    return r->plan.count;
}

static void measure_one(struct run *run, unsigned round, size_t measure, size_t server)
{
    struct compare_results *r = run->results;
    struct compare_server *s = &r->server[server];
    struct compare_cell *cell = &r->cell[measure][server];
    const struct compare_measure *m = r->plan.measure[measure];
    struct compare_sample sample;
    size_t alike = s->kind->speaks_ssh ? r->plan.count : find_alike(r, measure);
    if (s->missing[0] || cell->given_up || !compare_does(s, m))
        return;
    if (alike < r->plan.count) {
        *cell = r->cell[alike][server];
        return;
    }
    show(run, round, measure, server);
    if (!compare_child_runs(&s->pid) && !compare_server_start(s, &run->bed)) /* it ended in an earlier measurement */
        return;
    compare_measure_take(s, m, &run->how, &sample);
    if (run->options->enough()) /* cut short: it counts for nothing */
        return;
    compare_note(cell, round, &sample);
    cell->given_up = sample.hopeless;
}

static void measure_all(struct run *run)
{
    struct compare_results *r = run->results;
    for (unsigned round = 0; round < run->options->rounds && !run->options->enough(); round++) {
        r->rounds = round + 1;
        for (size_t measure = 0; measure < r->plan.count; measure++)
            for (size_t server = 0; server < r->servers && !run->options->enough(); server++)
                measure_one(run, round, measure, server);
    }
    bench_progress_clear(&run->progress);
}

const char *compare_run(struct compare_results *r, const struct compare_options *options)
{
    struct run run = { .results = r, .options = options };
    run.how = (struct compare_how){ &run.bed, options->seconds, options->warmup_s, options->enough };
    const char *failed = compare_bed_make(&run.bed);
    int saved_errno = errno;
    r->server_core = run.bed.server_core;
    r->seconds = options->seconds;
    if (!failed) {
        start_servers(&run);
        measure_all(&run);
    }
    end_all(&run);
    errno = saved_errno;
    return failed;
}
