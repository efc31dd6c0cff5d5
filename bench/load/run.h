/* SPDX-License-Identifier: MIT */
/* One load measurement: threads come up, the ramp, the warm-up, the time that is measured, the end. */
#ifndef LOAD_RUN_H
#define LOAD_RUN_H

#include "bench/load/figures.h"

enum load_step { LOAD_STEP_RAMP, LOAD_STEP_WARMUP, LOAD_STEP_MEASURE };

/* Called by the calling thread, about ten times a second. done: 0 to 1, of the step. rate: units of work a second, lately. False:
 * enough; what was measured so far counts. */
typedef bool load_watch(void *state, enum load_step step, double done, const struct load_totals *now, double rate);

/* load_prepare was called. Returns NULL, or what kept the measurement from being made: a static text, and errno. What happens to
 * connections is no failure: it stands in the figures. watch may be NULL. */
const char *load_run(const struct load_settings *settings, struct load_figures *out, load_watch *watch, void *state);

/* Once a process, before its first run: kernels, tables, descriptors as many as may be. */
void load_prepare(enum cx_tier cap);

#endif
