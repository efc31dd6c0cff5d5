/* SPDX-License-Identifier: MIT */
#include "bench/report/lines.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bench/report/svg.h"

enum { PANEL_HEAD = 40, PANEL_HEIGHT = 280, PANEL_FOOT = 56, LEFT = 90, TICKS_X = 10, TICKS_Y = 5, TEXT_BYTES = 24 };

static const char *const colours[BENCH_LINES_CURVES_MAX] = { "#0b5394", "#d9822b", "#7a7a7a" };

/* Where a panel is drawn. */
struct frame {
    double left, right, top, bottom;
};

static double share(const struct bench_axis *a, double value)
{
    double v = fmin(fmax(value, a->low), a->high);
    if (a->high <= a->low)
        return 0;
    return a->logarithmic ? log(v / a->low) / log(a->high / a->low) : (v - a->low) / (a->high - a->low);
}

static double place_x(const struct frame *f, const struct bench_axis *a, double value)
{
    return f->left + share(a, value) * (f->right - f->left);
}

static double place_y(const struct frame *f, const struct bench_axis *a, double value)
{
    return f->bottom - share(a, value) * (f->bottom - f->top);
}

static void draw_tick(FILE *out, const struct frame *f, const struct bench_axis *a, bool upright, double value, const char *text)
{
    if (upright) {
        double y = place_y(f, a, value);
        bench_svg_grid(out, f->left, y, f->right, y);
        bench_svg_text(out, f->left - 8, y + 4, "label", text);
    } else {
        double x = place_x(f, a, value);
        bench_svg_grid(out, x, f->top, x, f->bottom);
        bench_svg_text(out, x, f->bottom + 16, "tick", text);
    }
}

static void draw_round_tick(FILE *out, const struct frame *f, const struct bench_axis *a, bool upright, double value)
{
    char text[TEXT_BYTES];
    if (a->text)
        a->text(value, text);
    else
        bench_svg_amount(value, text, sizeof text);
    draw_tick(out, f, a, upright, value, text);
}

static void draw_axis(FILE *out, const struct frame *f, const struct bench_axis *a, bool upright)
{
    if (a->tick) {
        for (size_t i = 0; i < a->ticks; i++)
            if (a->tick[i].at >= a->low && a->tick[i].at <= a->high)
                draw_tick(out, f, a, upright, a->tick[i].at, a->tick[i].text);
        return;
    }
    double step = bench_svg_step(a->high - a->low, upright ? TICKS_Y : TICKS_X);
    if (a->logarithmic)
        for (double v = pow(10, ceil(log10(a->low) - 1e-9)); v <= a->high * 1.0001; v *= 10)
            draw_round_tick(out, f, a, upright, v);
    else if (a->high > a->low)
        for (double v = a->low; v <= a->high * 1.0001; v += step)
            draw_round_tick(out, f, a, upright, v);
}

static void draw_curve(FILE *out, const struct frame *f, const struct bench_lines_panel *p, size_t i)
{
    const struct bench_curve *c = &p->curve[i];
    fprintf(out, "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"1.6\" points=\"", colours[i]);
    for (size_t k = 0; k < c->count; k++)
        fprintf(out, "%.1f,%.1f ", place_x(f, &p->x, c->x[k]), place_y(f, &p->y, c->y[k]));
    fputs("\"/>\n", out);
}

static void draw_names(FILE *out, const struct frame *f, const struct bench_lines_panel *p)
{
    double x = f->right;
    for (size_t i = p->curves; i-- > 0;) {
        x -= 7.0 * (double)strlen(p->curve[i].name) + 36;
        fprintf(out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"18\" height=\"3\" fill=\"%s\"/>\n", x, f->top - 16, colours[i]);
        bench_svg_text(out, x + 24, f->top - 11, "note", p->curve[i].name);
    }
}

static void draw_panel(FILE *out, const struct bench_lines_panel *p, double top)
{
    struct frame f = { BENCH_SVG_MARGIN + LEFT, BENCH_SVG_WIDTH - 2 * BENCH_SVG_MARGIN, top + PANEL_HEAD,
                       top + PANEL_HEAD + PANEL_HEIGHT };
    bench_svg_text(out, f.left, top + 26, "panel", p->title);
    draw_axis(out, &f, &p->x, false);
    draw_axis(out, &f, &p->y, true);
    for (size_t i = 0; i < p->curves; i++)
        draw_curve(out, &f, p, i);
    draw_names(out, &f, p);
    bench_svg_text(out, f.right, f.bottom + 34, "note label", p->x.title);
}

bool bench_lines_write(const char *path, const char *title, const char *note, const struct bench_lines_panel *panel, size_t count)
{
    enum { EACH = PANEL_HEAD + PANEL_HEIGHT + PANEL_FOOT, HEAD = BENCH_SVG_HEAD - BENCH_SVG_MARGIN };
    FILE *out = fopen(path, "we");
    if (!out)
        return false;
    bench_svg_begin(out, HEAD + (double)count * EACH, title, note);
    for (size_t i = 0; i < count; i++)
        draw_panel(out, &panel[i], HEAD + (double)i * EACH);
    bench_svg_end(out);
    bool good = !ferror(out);
    return fclose(out) == 0 && good;
}
