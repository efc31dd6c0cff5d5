/* SPDX-License-Identifier: MIT */
/* What every form of the report shares, and the one for a terminal. */
#include <stdio.h>
#include <string.h>

#include "bench/compare/compare.h"
#include "bench/report/table.h"

const char *const compare_section_titles[COMPARE_FIGURE_COUNT] = {
    [COMPARE_CPU] = "CPU of the server",
    [COMPARE_MEMORY] = "memory of the server",
    [COMPARE_RATE] = "rate",
    [COMPARE_P99] = "latency, p99",
};

bool compare_next_row(const struct compare_results *r, size_t *next, struct compare_row *row)
{
    for (; *next < r->plan.count * COMPARE_FIGURE_COUNT; (*next)++) {
        *row = (struct compare_row){ *next % r->plan.count, *next / r->plan.count };
        if (!compare_shows(r->plan.measure[row->measure], row->figure))
            continue;
        (*next)++;
        return true;
    }
    return false;
}

bool compare_beside(const struct compare_results *r, const struct compare_row *row, bool speaks_ssh, char out[48], bool *better)
{
    const struct compare_cell *cells = r->cell[row->measure];
    int best = compare_best(r, row->measure, row->figure, speaks_ssh);
    double ratio = best == COMPARE_NOBODY ? 0 : compare_ratio(&cells[0], &cells[best], row->figure);
    out[0] = 0;
    if (ratio <= 0)
        return false;
    snprintf(out, 48, "%.*fx %s", ratio < 9.995 ? 2 : ratio < 99.95 ? 1 : 0, ratio, r->server[best].name);
    *better = compare_more_is_better(row->figure) ? ratio > 1 : ratio < 1;
    return true;
}

void compare_conditions(const struct compare_results *r, char *out, size_t room)
{
    char cores[64] = "servers and clients share the one core";
    if (r->server_core >= 0)
        snprintf(cores, sizeof cores, "servers on core %d, clients on others", r->server_core);
    snprintf(out, room, "%s, %u cores; %s; %u round%s of %g s a measurement; sluice " SLUICE_VERSION "%s%s", r->machine.processor,
             r->machine.cores, cores, r->rounds, r->rounds == 1 ? "" : "s", r->seconds, r->machine.tcp[0] ? "; " : "",
             r->machine.tcp);
}

const char *compare_next_fault(const struct compare_results *r, size_t server, size_t *next)
{
    while (*next < r->plan.count) {
        const char *text = r->cell[(*next)++][server].fault;
        bool is_new = text[0] != 0;
        for (size_t i = 0; i + 1 < *next; i++)
            is_new &= strcmp(r->cell[i][server].fault, text) != 0;
        if (is_new)
            return text;
    }
    return NULL;
}

/* ---- the table ---- */

static void add_head(struct bench_table *t, const struct compare_results *r)
{
    bench_table_cell(t, BENCH_BOLD, "%s", "");
    for (size_t i = 0; i < r->servers; i++)
        if (!r->server[i].missing[0])
            bench_table_cell(t, BENCH_BOLD, "%s", r->server[i].name);
    bench_table_cell(t, BENCH_BOLD, "/ best SSH");
    bench_table_cell(t, BENCH_BOLD, "/ best without");
}

static void add_row(struct bench_table *t, const struct compare_results *r, const struct compare_row *row)
{
    const struct compare_measure *m = r->plan.measure[row->measure];
    char text[48];
    bool better = false;
    bench_table_cell(t, BENCH_PLAIN, "%s%s%s", m->title, load_is_bulk(m->mode) && row->figure == COMPARE_CPU ? ", a " : "",
                     load_is_bulk(m->mode) && row->figure == COMPARE_CPU ? m->unit : "");
    for (size_t i = 0; i < r->servers; i++) {
        if (r->server[i].missing[0])
            continue;
        double value = compare_median(&r->cell[row->measure][i], row->figure);
        bench_table_cell(t, i == 0 ? BENCH_BOLD : BENCH_PLAIN, "%s",
                         value > 0 ? compare_figure_text(m, row->figure, value, text) : "-");
    }
    bool beside = compare_beside(r, row, true, text, &better);
    bench_table_cell(t, !beside ? BENCH_PLAIN : better ? BENCH_GOOD : BENCH_BAD, "%s", text);
    compare_beside(r, row, false, text, &better);
    bench_table_cell(t, BENCH_PLAIN, "%s", text);
}

static void print_notes(const struct compare_results *r, FILE *out)
{
    const char *text;
    for (size_t i = 0; i < r->servers; i++) {
        const struct compare_server *s = &r->server[i];
        if (s->missing[0])
            fprintf(out, "%s: %s\n", s->name, s->missing);
        for (size_t next = 0; (text = compare_next_fault(r, i, &next));) {
            const char *before = " (";
            fprintf(out, "%s: %s", s->name, text);
            for (size_t m = 0; m < r->plan.count; m++) {
                if (strcmp(r->cell[m][i].fault, text) != 0)
                    continue;
                fprintf(out, "%s%s", before, r->plan.measure[m]->title);
                before = "; ";
            }
            fputs(")\n", out);
        }
    }
}

bool compare_report_print(const struct compare_results *r, FILE *out, size_t width, bool colours)
{
    char conditions[512];
    size_t columns = 3;
    int figure = -1;
    struct compare_row row;
    for (size_t i = 0; i < r->servers; i++)
        columns += !r->server[i].missing[0];
    struct bench_table *t = bench_table_new(columns);
    if (!t)
        return false;
    add_head(t, r);
    for (size_t next = 0; compare_next_row(r, &next, &row);) {
        if (figure != (int)row.figure)
            bench_table_section(t, compare_section_titles[row.figure]);
        figure = (int)row.figure;
        add_row(t, r, &row);
    }
    compare_conditions(r, conditions, sizeof conditions);
    fprintf(out, "%s\n\n", conditions);
    bool good = bench_table_print(t, out, width, colours);
    fputc('\n', out);
    print_notes(r, out);
    bench_table_free(t);
    return good;
}
