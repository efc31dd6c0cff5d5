/* SPDX-License-Identifier: MIT */
/* What a comparison found, and how servers stand to each other: medians, and ratios within a round, so that a machine whose speed
 * drifts from round to round bends both sides of a ratio alike. One thread. */
#ifndef COMPARE_RESULTS_H
#define COMPARE_RESULTS_H

#include "bench/compare/plan.h"
#include "bench/compare/server.h"
#include "bench/machine.h"

enum { COMPARE_ROUNDS_MAX = 99 };

/* A measurement of a server. */
struct compare_cell {
    double value[COMPARE_FIGURE_COUNT][COMPARE_ROUNDS_MAX]; /* 0: unknown */
    bool given_up;                                          /* it cannot be measured, and is not tried again */
    char fault[COMPARE_SAMPLE_TEXT];                        /* the first; "": none */
};

/* Server 0 is the one that the others are beside. */
struct compare_results {
    struct bench_machine machine;
    struct compare_plan plan;
    struct compare_server server[COMPARE_SERVERS_MAX];
    size_t servers;
    unsigned rounds; /* that were begun */
    double seconds;  /* of one measurement */
    int server_core; /* as in the bed */
    struct compare_cell cell[COMPARE_MEASURES_MAX][COMPARE_SERVERS_MAX];
};

enum { COMPARE_NOBODY = -1 };

static inline bool compare_more_is_better(enum compare_figure figure)
{
    return figure == COMPARE_RATE;
}

void compare_note(struct compare_cell *cell, unsigned round, const struct compare_sample *sample);
/* Over all rounds that know it; 0: none does. */
double compare_median(const struct compare_cell *cell, enum compare_figure figure);
/* How many times b's figure a's is: the median over the rounds that know both; 0: none does. */
double compare_ratio(const struct compare_cell *a, const struct compare_cell *b, enum compare_figure figure);
/* The server with the best median but for server 0, among those that speak SSH or those that do not; COMPARE_NOBODY: none has one.
 */
int compare_best(const struct compare_results *r, size_t measure, enum compare_figure figure, bool speaks_ssh);

/* "CPU a GiB", "GiB a second", …: what a row of this figure tells. Returns out. */
const char *compare_figure_title(const struct compare_measure *m, enum compare_figure figure, char out[64]);
/* A value of it, with its unit. Returns out. */
const char *compare_figure_text(const struct compare_measure *m, enum compare_figure figure, double value, char out[24]);
/* "cpu_s", "memory_bytes", …: for programs. */
const char *compare_figure_name(enum compare_figure figure);

#endif
