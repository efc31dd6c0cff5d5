/* SPDX-License-Identifier: MIT */
/* Draws a chart: coordinates are pixels from the top left. Colours are told apart by people who do not see all of them, too, since
 * they differ in brightness. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bench/report/plot_priv.h"
#include "bench/report/svg.h"

enum {
    LABEL_WIDTH = 300,
    PANEL_GAP = 28,
    TEXT_ROOM = 130, /* for the text behind the longest bar */
    BLOCK_HEAD = 48,
    BLOCK_GAP = 26,
    BAR_HEIGHT = 12,
    ROW_GAP = 9,
};

static const char *const colours[BENCH_BAR_COUNT] = {
    [BENCH_BAR_REFERENCE] = "#b3b3b3", [BENCH_BAR_BEST] = "#0b5394", [BENCH_BAR_OTHER] = "#7fb2dc"
};

/* An axis from `low`, at the panel's left side, to `high`; both are 0 where there are no bars. */
struct axis {
    double low, high, x, width;
    bool logarithmic;
};

static double row_height(const struct plot_block *b, const struct plot_row *r)
{
    size_t most = 1;
    for (size_t i = 0; i < b->panels; i++)
        most = r->bars[i] > most ? r->bars[i] : most;
    return (double)(most * BAR_HEIGHT + ROW_GAP);
}

static double rows_height(const struct plot_block *b)
{
    double height = 0;
    for (size_t i = 0; i < b->rows; i++)
        height += row_height(b, &b->row[i]);
    return height;
}

static double page_height(const struct bench_plot *p)
{
    double height = BENCH_SVG_HEAD + BENCH_SVG_MARGIN;
    for (size_t i = 0; i < p->blocks; i++)
        height += BLOCK_HEAD + rows_height(&p->block[i]) + BLOCK_GAP;
    return height;
}

static struct axis find_axis(const struct plot_block *b, size_t panel)
{
    double each = (BENCH_SVG_WIDTH - 2 * BENCH_SVG_MARGIN - LABEL_WIDTH - PANEL_GAP * (double)(b->panels - 1)) / (double)b->panels;
    struct axis a = { .logarithmic = b->panel[panel].logarithmic };
    double least = INFINITY, most = 0;
    for (size_t i = 0; i < b->rows; i++)
        for (size_t j = 0; j < b->row[i].bars[panel]; j++) {
            least = fmin(least, b->row[i].bar[panel][j].value);
            most = fmax(most, b->row[i].bar[panel][j].value);
        }
    a.x = BENCH_SVG_MARGIN + LABEL_WIDTH + (double)panel * (each + PANEL_GAP);
    a.width = each - TEXT_ROOM;
    a.low = a.logarithmic && most > 0 ? pow(10, floor(log10(least) - 0.01)) : 0;
    a.high = most;
    return a;
}

static double place(const struct axis *a, double value)
{
    double share = a->logarithmic ? log(value / a->low) / log(a->high / a->low) : (value - a->low) / (a->high - a->low);
    return a->x + a->width * share;
}

static void draw_tick(FILE *out, const struct axis *a, double value, double top, double bottom)
{
    char text[24];
    bench_svg_amount(value, text, sizeof text);
    bench_svg_grid(out, place(a, value), top, place(a, value), bottom);
    bench_svg_text(out, place(a, value), top - 4, "tick", text);
}

static void draw_grid(FILE *out, const struct axis *a, double top, double bottom)
{
    if (a->high == 0)
        return;
    double step = bench_svg_step(a->high, 5);
    if (a->logarithmic)
        for (double v = a->low; v <= a->high; v *= 10)
            draw_tick(out, a, v, top, bottom);
    else
        for (double v = 0; v <= a->high * 1.0001; v += step)
            draw_tick(out, a, v, top, bottom);
}

static void draw_bars(FILE *out, const struct axis *a, const struct plot_row *r, size_t panel, double y)
{
    for (size_t i = 0; i < r->bars[panel]; i++, y += BAR_HEIGHT) {
        const struct plot_bar *bar = &r->bar[panel][i];
        double end = fmax(place(a, bar->value), a->x + 1);
        fprintf(out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/>\n", a->x, y, end - a->x,
                BAR_HEIGHT - 1, colours[bar->bar]);
        bench_svg_text(out, end + 4, y + BAR_HEIGHT - 3, bar->bar == BENCH_BAR_BEST ? "value best" : "value", bar->text);
    }
}

static void draw_panel(FILE *out, const struct plot_block *b, size_t panel, double top)
{
    struct axis a = find_axis(b, panel);
    double y = top + BLOCK_HEAD;
    bench_svg_text(out, a.x, top + 16, "panel", b->panel[panel].title);
    draw_grid(out, &a, y - 4, y + rows_height(b) - ROW_GAP + 2);
    for (size_t i = 0; i < b->rows; i++) {
        draw_bars(out, &a, &b->row[i], panel, y);
        y += row_height(b, &b->row[i]);
    }
}

static void draw_block(FILE *out, const struct plot_block *b, double top)
{
    double y = top + BLOCK_HEAD;
    for (size_t i = 0; i < b->rows; i++) {
        double height = row_height(b, &b->row[i]);
        bench_svg_text(out, BENCH_SVG_MARGIN + LABEL_WIDTH - 10, y + (height - ROW_GAP) / 2 + 4, "label", b->row[i].label);
        y += height;
    }
    for (size_t i = 0; i < b->panels; i++)
        draw_panel(out, b, i, top);
}

static void draw_head(FILE *out, const struct bench_plot *p)
{
    static const enum bench_bar order[] = { BENCH_BAR_BEST, BENCH_BAR_OTHER, BENCH_BAR_REFERENCE };
    double x = BENCH_SVG_MARGIN;
    for (size_t i = 0; i < BENCH_BAR_COUNT; i++) {
        const char *meaning = p->legend[order[i]];
        if (!*meaning)
            continue;
        fprintf(out, "<rect x=\"%.1f\" y=\"72\" width=\"12\" height=\"12\" fill=\"%s\"/>\n", x, colours[order[i]]);
        bench_svg_text(out, x + 18, 82, "note", meaning);
        x += 18 + 7.0 * (double)strlen(meaning) + 24;
    }
}

bool bench_plot_draw(const struct bench_plot *p, FILE *out)
{
    if (p->failed)
        return false;
    double height = page_height(p), top = BENCH_SVG_HEAD;
    bench_svg_begin(out, height, p->title, p->note);
    draw_head(out, p);
    for (size_t i = 0; i < p->blocks; i++) {
        draw_block(out, &p->block[i], top);
        top += BLOCK_HEAD + rows_height(&p->block[i]) + BLOCK_GAP;
    }
    bench_svg_end(out);
    return true;
}

bool bench_plot_write(const struct bench_plot *p, const char *path)
{
    if (p->failed) {
        errno = ENOMEM;
        return false;
    }
    FILE *out = fopen(path, "we");
    if (!out)
        return false;
    bool good = bench_plot_draw(p, out) && !ferror(out);
    return fclose(out) == 0 && good;
}
