/* SPDX-License-Identifier: MIT */
/* Inside compare*.c and report*.c: a comparison is run, and told. */
#ifndef COMPARE_H
#define COMPARE_H

#include <stdio.h>

#include "bench/compare/results.h"

struct compare_options {
    unsigned rounds;
    double seconds, warmup_s;
    bool (*enough)(void);
};

/* r->plan and r->server (kind, name, program, missing) are set. Starts those that are not missing, measures, and ends all. NULL, or
 * what went wrong: a static text, and errno. */
const char *compare_run(struct compare_results *r, const struct compare_options *options);

/* False: memory ran out. */
bool compare_report_print(const struct compare_results *r, FILE *out, size_t width, bool colours);
void compare_report_json(const struct compare_results *r, FILE *out);
/* False: errno. */
bool compare_report_html(const struct compare_results *r, const char *path);

/* Figures in the order of reports: CPU of all measurements first, then memory, rates, latencies. NULL: no more; *next begins at 0.
 */
struct compare_row {
    size_t measure; /* of the plan */
    enum compare_figure figure;
};
bool compare_next_row(const struct compare_results *r, size_t *next, struct compare_row *row);
/* What a row's figures are, as the title above them. */
extern const char *const compare_section_titles[COMPARE_FIGURE_COUNT];

/* "0.62x sshd": server 0 beside the best of the others that do, or do not, speak SSH. False: there is none, and out is "". */
bool compare_beside(const struct compare_results *r, const struct compare_row *row, bool speaks_ssh, char out[48], bool *better);
/* A server's next fault that differs from those before it; *next begins at 0. NULL: no more. */
const char *compare_next_fault(const struct compare_results *r, size_t server, size_t *next);
/* "1 core for servers (core 1), …": how it was measured. */
void compare_conditions(const struct compare_results *r, char *out, size_t room);

extern const char compare_help_head[], compare_help_foot[];

#endif
