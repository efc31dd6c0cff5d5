/* SPDX-License-Identifier: MIT */
/* What a descriptor that may be a terminal can show. */
#ifndef BENCH_TERMINAL_H
#define BENCH_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

/* COLUMNS, or the terminal's own width; SIZE_MAX where nothing limits it. */
size_t bench_terminal_columns(int fd);
/* A terminal that is not dumb, and NO_COLOR is not set. */
bool bench_terminal_colours(int fd);

#endif
