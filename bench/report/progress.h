/* SPDX-License-Identifier: MIT */
/* A line on the terminal that says how far it is, on standard error and only if that is a terminal. One thread. */
#ifndef BENCH_PROGRESS_H
#define BENCH_PROGRESS_H

#include <stdbool.h>

struct bench_progress {
    bool shown;
    double shown_ns;
};

/* done: 0 to 1; beyond, when time is taken on top. Not more often than ten times a second. */
void bench_progress_show(struct bench_progress *progress, double done, const char *what);
void bench_progress_clear(struct bench_progress *progress);

#endif
