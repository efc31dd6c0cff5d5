/* SPDX-License-Identifier: MIT */
/* A thread of the load generator: an event loop and its share of the connections. */
#ifndef LOAD_WORKER_H
#define LOAD_WORKER_H

#include "bench/load/settings.h"
#include "bench/load/tally.h"

enum load_phase {
    LOAD_RAMP,    /* connections and channels come up, and do nothing */
    LOAD_WORK,    /* at work; not measured yet */
    LOAD_MEASURE, /* latencies count */
    LOAD_STOP,
};

struct load_worker; /* opaque */

/* A worker's part of the whole. */
struct load_share {
    unsigned index, threads;
    unsigned first, connections; /* connections: [first, first + connections) of all */
    unsigned connects_at_once;
    double connects_per_second, echoes_per_second, cuts_per_second;
};

/* settings, phase: borrowed. NULL: errno. */
struct load_worker *load_worker_new(const struct load_settings *settings, const struct load_share *share,
                                    const _Atomic unsigned *phase);
/* False: errno. */
bool load_worker_start(struct load_worker *w);
/* Another thread's: the phase has changed. */
void load_worker_wake(struct load_worker *w);
/* Waits for its end, which comes soon after LOAD_STOP; of one that was not started does nothing. */
void load_worker_join(struct load_worker *w);
void load_worker_free(struct load_worker *w); /* NULL is fine */
/* live: at any time; the rest: once it is joined. */
const struct load_tally *load_worker_tally(const struct load_worker *w);

#endif
