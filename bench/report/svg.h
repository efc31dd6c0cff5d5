/* SPDX-License-Identifier: MIT */
/* What all our charts are drawn with: a page, its texts, and round figures for axes. Coordinates are pixels from the top left. */
#ifndef BENCH_SVG_H
#define BENCH_SVG_H

#include <stdio.h>

enum { BENCH_SVG_WIDTH = 1280, BENCH_SVG_MARGIN = 24, BENCH_SVG_HEAD = 96 };

/* The page with its head: BENCH_SVG_WIDTH wide; below BENCH_SVG_HEAD it is free. */
void bench_svg_begin(FILE *out, double height, const char *title, const char *note);
void bench_svg_end(FILE *out);

/* class: title, note, panel, label (ends at x), tick (centred), value, best. */
void bench_svg_text(FILE *out, double x, double y, const char *class, const char *text);
/* A text with what SVG and HTML would take for markup written out. */
void bench_svg_escaped(FILE *out, const char *text);
/* A fine line of a grid. */
void bench_svg_grid(FILE *out, double x1, double y1, double x2, double y2);

/* A step of 1, 2 or 5 times a power of ten, so that about `count` of them reach the value. */
double bench_svg_step(double value, unsigned count);
/* "1.5M", "20k", "7". */
void bench_svg_amount(double value, char *out, size_t room);

#endif
