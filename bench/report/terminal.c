/* SPDX-License-Identifier: MIT */
#include "bench/report/terminal.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { COLUMNS_LEAST = 20, COLUMNS_USUAL = 80 };

size_t bench_terminal_columns(int fd)
{
    const char *text = getenv("COLUMNS");
    unsigned long columns = text ? strtoul(text, NULL, 10) : 0;
    struct winsize size = { 0 };
    if (columns == 0 && isatty(fd))
        columns = ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : COLUMNS_USUAL;
    if (columns == 0)
        return SIZE_MAX;
    return columns < COLUMNS_LEAST ? COLUMNS_LEAST : columns;
}

bool bench_terminal_colours(int fd)
{
    const char *none = getenv("NO_COLOR"), *term = getenv("TERM");
    return isatty(fd) && !(none && *none) && !(term && strcmp(term, "dumb") == 0);
}
