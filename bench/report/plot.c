/* SPDX-License-Identifier: MIT */
/* A chart as data; plot_svg.c draws it. */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/report/plot_priv.h"

struct bench_plot *bench_plot_new(const char *title, const char *note)
{
    struct bench_plot *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    snprintf(p->title, sizeof p->title, "%s", title);
    snprintf(p->note, sizeof p->note, "%s", note);
    return p;
}

void bench_plot_free(struct bench_plot *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->blocks; i++)
        free(p->block[i].row);
    free(p->block);
    free(p);
}

void bench_plot_legend(struct bench_plot *p, enum bench_bar bar, const char *meaning)
{
    snprintf(p->legend[bar], sizeof p->legend[bar], "%s", meaning);
}

void bench_plot_block(struct bench_plot *p, const struct bench_panel panels[], size_t count)
{
    struct plot_block *grown = p->failed ? NULL : reallocarray(p->block, p->blocks + 1, sizeof *grown);
    assert(count >= 1 && count <= BENCH_PANELS_MAX);
    p->failed = !grown;
    if (!grown)
        return;
    p->block = grown;
    struct plot_block *b = &p->block[p->blocks++];
    *b = (struct plot_block){ .panels = count };
    for (size_t i = 0; i < count; i++) {
        snprintf(b->panel[i].title, sizeof b->panel[i].title, "%s", panels[i].title);
        b->panel[i].logarithmic = panels[i].logarithmic;
    }
}

void bench_plot_row(struct bench_plot *p, const char *label)
{
    struct plot_block *b = p->failed ? NULL : &p->block[p->blocks - 1];
    struct plot_row *grown = b ? reallocarray(b->row, b->rows + 1, sizeof *grown) : NULL;
    p->failed = !grown;
    if (!grown)
        return;
    b->row = grown;
    struct plot_row *r = &b->row[b->rows++];
    *r = (struct plot_row){ .bars = { 0 } };
    snprintf(r->label, sizeof r->label, "%s", label);
}

void bench_plot_bar(struct bench_plot *p, size_t panel, enum bench_bar bar, double value, const char *format, ...)
{
    va_list args;
    if (p->failed)
        return;
    struct plot_block *b = &p->block[p->blocks - 1];
    struct plot_row *r = &b->row[b->rows - 1];
    assert(panel < b->panels && value > 0);
    if (r->bars[panel] == PLOT_BARS_MAX)
        return;
    struct plot_bar *new = &r->bar[panel][r->bars[panel]++];
    new->bar = bar;
    new->value = value;
    va_start(args, format);
    vsnprintf(new->text, sizeof new->text, format, args);
    va_end(args);
}
