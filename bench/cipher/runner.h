/* SPDX-License-Identifier: MIT */
/* Takes the samples of a plan. One thread. */
#ifndef BENCH_RUNNER_H
#define BENCH_RUNNER_H

#include "bench/cipher/canary.h"
#include "bench/cipher/plan.h"
#include "bench/report/progress.h"

/* Visits every group again and again until `seconds` are over or there are samples enough, and fills in the results. However short
 * the time is, every cell has three samples at the end; cells that had fewer accepted ones get a quarter of the time on top. NULL:
 * all went well; else the cell that failed. */
const struct bench_cell *bench_run(struct bench_plan *plan, double seconds, struct bench_canary *canary,
                                   struct bench_progress *progress);

#endif
