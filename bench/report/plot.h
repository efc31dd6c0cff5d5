/* SPDX-License-Identifier: MIT */
/* Charts of horizontal bars, as SVG. A chart has blocks, one below the other; a block has rows, each with a label at the left, and
 * panels side by side, each with an axis of its own; a row has bars in each panel. Texts that are handed in are copied. One thread.
 */
#ifndef BENCH_PLOT_H
#define BENCH_PLOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum bench_bar { BENCH_BAR_REFERENCE, BENCH_BAR_BEST, BENCH_BAR_OTHER, BENCH_BAR_COUNT };

enum { BENCH_PANELS_MAX = 3 };

struct bench_plot; /* opaque */

/* NULL: out of memory. The note stands below the title. */
struct bench_plot *bench_plot_new(const char *title, const char *note);
void bench_plot_free(struct bench_plot *plot);

/* The meaning of a bar's colour; without one it does not stand in the legend. */
void bench_plot_legend(struct bench_plot *plot, enum bench_bar bar, const char *meaning);

struct bench_panel {
    const char *title;
    bool logarithmic; /* for values that differ by powers of ten */
};
/* Begins a block, with 1 to BENCH_PANELS_MAX panels. */
void bench_plot_block(struct bench_plot *plot, const struct bench_panel panels[], size_t count);
/* Begins a row of the latest block. */
void bench_plot_row(struct bench_plot *plot, const char *label);
/* Adds a bar to the latest row; value is above 0. The text stands at its end. */
__attribute__((format(printf, 5, 6))) void bench_plot_bar(struct bench_plot *plot, size_t panel, enum bench_bar bar, double value,
                                                          const char *format, ...);

/* False: memory ran out while the chart was made, or the file cannot be written; errno says it. */
bool bench_plot_write(const struct bench_plot *plot, const char *path);
/* The same into a page that is being written. False: memory ran out while the chart was made. */
bool bench_plot_draw(const struct bench_plot *plot, FILE *out);

#endif
