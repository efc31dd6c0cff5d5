/* SPDX-License-Identifier: MIT */
/* A loop of fixed work that shows whether the core runs at full speed: what is measured between two slow ones is not counted.
 * One thread. */
#ifndef BENCH_CANARY_H
#define BENCH_CANARY_H

#define BENCH_CANARY_TOLERANCE 0.05

struct bench_canary {
    double full_ns;   /* a run at full speed */
    double clock_ghz; /* the core's own clock: a dependent addition takes one cycle on every processor that matters */
};

/* One run, about 1.5 us: its time. */
double bench_canary_run(void);

/* Runs it for some milliseconds. The first call, with a zeroed struct, sets what full speed is; a later one may find a faster. */
void bench_canary_calibrate(struct bench_canary *canary);

/* A run that takes longer shows a core that somebody else slows down. */
double bench_canary_limit_ns(const struct bench_canary *canary);

#endif
