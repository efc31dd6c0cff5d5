/* SPDX-License-Identifier: MIT */
/* Tables for a terminal: columns as wide as what stands in them. What is wider than the terminal is printed in several blocks, each
 * with the first column in front. One thread. */
#ifndef BENCH_TABLE_H
#define BENCH_TABLE_H

#include <stdbool.h>
#include <stdio.h>

enum bench_style { BENCH_PLAIN, BENCH_BOLD, BENCH_DIM, BENCH_GOOD, BENCH_BAD, BENCH_STYLE_COUNT };

struct bench_table; /* opaque */

/* NULL: out of memory. */
struct bench_table *bench_table_new(size_t columns);
void bench_table_free(struct bench_table *table);

/* Appends a cell: ASCII; the first column stands to the left, the others to the right. A row is full with its last column. The
 * first row is the head. */
__attribute__((format(printf, 3, 4))) void bench_table_cell(struct bench_table *table, enum bench_style style, const char *format,
                                                            ...);
/* A line of its own above the next row. */
void bench_table_section(struct bench_table *table, const char *title);

/* False: memory ran out while the table was made. */
bool bench_table_print(const struct bench_table *table, FILE *out, size_t width, bool colours);

#endif
