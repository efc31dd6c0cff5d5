/* SPDX-License-Identifier: MIT */
/* Inside plot*.c: what a chart is made of. */
#ifndef BENCH_PLOT_PRIV_H
#define BENCH_PLOT_PRIV_H

#include "bench/report/plot.h"

enum { PLOT_TEXT_BYTES = 128, PLOT_BARS_MAX = 8 };

struct plot_bar {
    enum bench_bar bar;
    double value;
    char text[48];
};

struct plot_row {
    char label[PLOT_TEXT_BYTES];
    struct plot_bar bar[BENCH_PANELS_MAX][PLOT_BARS_MAX];
    size_t bars[BENCH_PANELS_MAX];
};

struct plot_panel {
    char title[PLOT_TEXT_BYTES];
    bool logarithmic;
};

struct plot_block {
    struct plot_panel panel[BENCH_PANELS_MAX];
    size_t panels, rows;
    struct plot_row *row;
};

struct bench_plot {
    char title[PLOT_TEXT_BYTES], note[3 * PLOT_TEXT_BYTES], legend[BENCH_BAR_COUNT][PLOT_TEXT_BYTES];
    struct plot_block *block;
    size_t blocks;
    bool failed;
};

#endif
