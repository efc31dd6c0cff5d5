/* SPDX-License-Identifier: MIT */
#include "bench/compare/results.h"

#include <stdio.h>
#include <stdlib.h>

#include "bench/load/units.h"

/* ---- medians and ratios ---- */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t count)
{
    if (count == 0)
        return 0;
    qsort(values, count, sizeof *values, by_value);
    return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

void compare_note(struct compare_cell *cell, unsigned round, const struct compare_sample *sample)
{
    for (unsigned i = 0; i < COMPARE_FIGURE_COUNT; i++)
        cell->value[i][round] = sample->figure[i];
    if (!cell->fault[0])
        snprintf(cell->fault, sizeof cell->fault, "%s", sample->fault);
}

double compare_median(const struct compare_cell *cell, enum compare_figure figure)
{
    double known[COMPARE_ROUNDS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < COMPARE_ROUNDS_MAX; i++)
        if (cell->value[figure][i] > 0)
            known[count++] = cell->value[figure][i];
    return median(known, count);
}

double compare_ratio(const struct compare_cell *a, const struct compare_cell *b, enum compare_figure figure)
{
    double known[COMPARE_ROUNDS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < COMPARE_ROUNDS_MAX; i++)
        if (a->value[figure][i] > 0 && b->value[figure][i] > 0)
            known[count++] = a->value[figure][i] / b->value[figure][i];
    return median(known, count);
}

int compare_best(const struct compare_results *r, size_t measure, enum compare_figure figure, bool speaks_ssh)
{
    int best = COMPARE_NOBODY;
    double of_best = 0;
    for (size_t i = 1; i < r->servers; i++) {
        double value = compare_median(&r->cell[measure][i], figure);
        if (value <= 0 || r->server[i].kind->speaks_ssh != speaks_ssh)
            continue;
        if (best != COMPARE_NOBODY && (compare_more_is_better(figure) ? value <= of_best : value >= of_best))
            continue;
        best = (int)i;
        of_best = value;
    }
    return best;
}

/* ---- texts ---- */

static const struct {
    const char *name, *title;
} figures[COMPARE_FIGURE_COUNT] = {
    [COMPARE_CPU] = { "cpu_s", "CPU" },
    [COMPARE_MEMORY] = { "memory_bytes", "memory" },
    [COMPARE_RATE] = { "per_second", "rate" },
    [COMPARE_P99] = { "p99_s", "p99" },
};

const char *compare_figure_name(enum compare_figure figure)
{
    return figures[figure].name;
}

const char *compare_figure_title(const struct compare_measure *m, enum compare_figure figure, char out[64])
{
    snprintf(out, 64, "%s%s%s", figures[figure].title, figure == COMPARE_CPU ? " a " : "", figure == COMPARE_CPU ? m->unit : "");
    return out;
}

static const char *count_text(double count, char out[24])
{
    if (count >= 99950)
        snprintf(out, 24, "%.0fk/s", count / 1000);
    else if (count >= 9995)
        snprintf(out, 24, "%.1fk/s", count / 1000);
    else
        snprintf(out, 24, "%.*f/s", count < 99.95 ? 1 : 0, count);
    return out;
}

const char *compare_figure_text(const struct compare_measure *m, enum compare_figure figure, double value, char out[24])
{
    char bytes[LOAD_UNIT_TEXT];
    if (figure == COMPARE_MEMORY)
        return load_bytes_text(value, out);
    if (figure != COMPARE_RATE)
        return load_seconds_text(value, out);
    if (!load_is_bulk(m->mode))
        return count_text(value, out);
    snprintf(out, 24, "%.20s/s", load_bytes_text(value * (1 << 30), bytes));
    return out;
}
