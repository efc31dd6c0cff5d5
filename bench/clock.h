/* SPDX-License-Identifier: MIT */
/* Time as the benchmarks read it. Any thread. */
#ifndef BENCH_CLOCK_H
#define BENCH_CLOCK_H

#include <time.h>

/* Monotonic, without a system call. Its steps may be 10 ns wide: what is timed should last a thousand of them. */
static inline double bench_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* What one operation, or many in a row, takes. */
struct bench_timer {
    double start_ns, start_cpu_ns;
};

struct bench_timer bench_timer_start(void);
/* The time since then. Of a millisecond and more it is the thread's CPU time, since somebody else's turn on the core may lie
 * between. */
double bench_timer_ns(const struct bench_timer *timer);

#endif
