/* SPDX-License-Identifier: MIT */
#include "bench/load/figures.h"

#include <stdlib.h>

static const double GIB = 1 << 30;

void load_figures_deinit(struct load_figures *f)
{
    free(f->series);
    f->series = NULL;
    f->series_count = 0;
}

double load_totals_works(const struct load_totals *begin, const struct load_totals *end, enum load_mode mode)
{
    switch (mode) {
    case LOAD_BULK_UP:
        return (double)(end->bytes_up - begin->bytes_up) / GIB;
    case LOAD_BULK_DOWN:
        return (double)(end->bytes_down - begin->bytes_down) / GIB;
    default:
        return (double)(end->works - begin->works);
    }
}

double load_figures_works(const struct load_figures *f, enum load_mode mode)
{
    return load_totals_works(&f->begin, &f->end, mode);
}
