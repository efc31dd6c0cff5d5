/* SPDX-License-Identifier: MIT */
/* What is measured: a constant table. */
#ifndef COMPARE_PLAN_H
#define COMPARE_PLAN_H

#include <stddef.h>

#include "bench/compare/bed.h"
#include "bench/compare/sample.h"
#include "bench/load/settings.h"
#include "bench/options.h"

/* What stands beside a server that does it with SSH. */
enum compare_floor {
    COMPARE_FLOOR_NONE,
    COMPARE_FLOOR_RELAY, /* as many TCP connections as there are channels, passed on */
    COMPARE_FLOOR_DIAL,  /* a connection to the service, made and closed; only the bare one does it */
};

struct compare_measure {
    const char *name;  /* for --only and --json */
    const char *title; /* in tables */
    const char *unit;  /* of work, behind "a": "GiB" */
    enum load_mode mode;
    enum compare_service service;
    unsigned figures; /* bits of enum compare_figure */
    const char *ciphers, *macs;
    unsigned connections, channels; /* channels: of each connection; memory is that of one channel if there are any */
    double echoes_per_second;       /* 0: each when the one before is back */
    bool beside_bulk;               /* the first channel moves bulk, and counts for nothing */
    bool far;                       /* over a path of COMPARE_FAR_MS there and back */
    double longer;                  /* times as long as others, where little happens in a second */
    enum compare_floor floor;
};

enum { COMPARE_MEASURES_MAX = 32, COMPARE_FAR_MS = 100 };

extern const struct compare_measure compare_measures[];
extern const size_t compare_measure_count;

struct compare_plan {
    const struct compare_measure *measure[COMPARE_MEASURES_MAX];
    size_t count;
};

/* Those whose name has one of the words in it; no words: all. */
struct compare_plan compare_plan_of(const struct bench_words *only);

static inline bool compare_shows(const struct compare_measure *m, enum compare_figure figure)
{
    return m->figures >> figure & 1;
}

#endif
