/* SPDX-License-Identifier: MIT */
/* Charts of curves, as SVG: panels one below the other, each with its own axes. One thread. */
#ifndef BENCH_LINES_H
#define BENCH_LINES_H

#include <stdbool.h>
#include <stddef.h>

enum { BENCH_LINES_CURVES_MAX = 3 };

/* A mark of an axis that was given, with its text. */
struct bench_tick {
    double at;
    const char *text;
};

struct bench_axis {
    const char *title;
    double low, high; /* of a logarithmic one both are above 0 */
    bool logarithmic;
    const struct bench_tick *tick; /* those outside are left out; NULL: round figures */
    size_t ticks;
    const char *(*text)(double value, char out[24]); /* of round figures; NULL: a plain number */
};

struct bench_curve {
    const char *name; /* stands in the panel's head */
    const double *x, *y;
    size_t count;
};

struct bench_lines_panel {
    const char *title;
    struct bench_axis x, y;
    struct bench_curve curve[BENCH_LINES_CURVES_MAX];
    size_t curves;
};

/* False: the file cannot be written; errno says why. */
bool bench_lines_write(const char *path, const char *title, const char *note, const struct bench_lines_panel *panel, size_t count);

#endif
