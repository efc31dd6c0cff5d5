/* SPDX-License-Identifier: MIT */
/* What one measurement of one server found. */
#ifndef COMPARE_SAMPLE_H
#define COMPARE_SAMPLE_H

#include <stdbool.h>

enum compare_figure {
    COMPARE_CPU,    /* seconds of the server's CPU a unit of work */
    COMPARE_MEMORY, /* bytes of the server's memory (PSS) a unit */
    COMPARE_RATE,   /* units of work a second */
    COMPARE_P99,    /* seconds that 99 of 100 units of work stay below */
    COMPARE_FIGURE_COUNT
};

enum { COMPARE_SAMPLE_TEXT = 128 };

struct compare_sample {
    double figure[COMPARE_FIGURE_COUNT]; /* 0: unknown */
    bool hopeless;                       /* there are none, and would be none the next time */
    char fault[COMPARE_SAMPLE_TEXT];     /* why there are none, or the first thing that went wrong on the way; "": nothing did */
};

#endif
