/* SPDX-License-Identifier: MIT */
/* What one load measurement found. One thread. */
#ifndef LOAD_FIGURES_H
#define LOAD_FIGURES_H

#include "bench/load/settings.h"
#include "bench/load/tally.h"
#include "bench/processes.h"

/* Sums of all threads at one time. */
struct load_totals {
    double at_s; /* since the run began */
    uint64_t works, bytes_up, bytes_down, rekeys, faults, cuts, connected, opened, settled;
};

struct load_cpu {
    double user_s, system_s;
};

struct load_figures {
    double ramp_s, measured_s;
    struct load_totals begin, end; /* of the time that was measured */
    struct load_totals *series;    /* at equal steps through all of the run behind the ramp; NULL: none */
    size_t series_count;
    struct bench_histogram latency_ns, login_ns;
    struct load_faults faults; /* of the whole run */
    uint64_t behind;
    struct load_peer peer;                /* .kex NULL: nobody logged in */
    struct load_cpu own;                  /* this program's, while it was measured */
    struct bench_processes own_after;     /* and what it held at the end */
    bool watched;                         /* the server's processes were read: */
    struct load_cpu server;               /* while it was measured */
    struct bench_processes before, after; /* before the first connection; at the end, with all of them */
};

void load_figures_deinit(struct load_figures *f);

/* Units of work that were measured: echoes, connections, channels, GiB; 0 for idle. */
double load_figures_works(const struct load_figures *f, enum load_mode mode);
double load_totals_works(const struct load_totals *begin, const struct load_totals *end, enum load_mode mode);

#endif
