/* SPDX-License-Identifier: MIT */
/* One page that needs nothing else: how it was measured, the table, and a chart for each kind of figure. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bench/compare/compare.h"
#include "bench/report/plot.h"
#include "bench/report/svg.h"

enum { WIDE = 30, PANELS = 2 }; /* side by side: most measurements come in pairs */

static const char page_head[] =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width\">\n<title>sluice-bench compare</title>\n<style>\n"
    "body{font:15px/1.5 'DejaVu Sans',Verdana,sans-serif;color:#222;max-width:1280px;margin:2em auto;padding:0 1em}\n"
    "h1{font-size:24px}h2{font-size:18px;margin-top:2em}p.how{color:#555}.wide{overflow-x:auto}\n"
    "table{border-collapse:collapse;font-size:13px;width:100%}th,td{padding:.25em .7em;text-align:right;white-space:nowrap}\n"
    "th:first-child,td:first-child{text-align:left}tr.section th{text-align:left;padding-top:1.2em}\n"
    "tr.row:nth-child(even){background:#f5f7fa}td.ours{font-weight:bold}td.good{color:#1a7f37;font-weight:bold}\n"
    "td.bad{color:#b35900;font-weight:bold}svg{max-width:100%;height:auto}\n"
    "</style>\n</head>\n<body>\n<h1>sluice-bench compare</h1>\n";

static void write_element(FILE *out, const char *open, const char *text, const char *close)
{
    fputs(open, out);
    bench_svg_escaped(out, text);
    fputs(close, out);
}

static bool takes_part(const struct compare_results *r, size_t server)
{
    return !r->server[server].missing[0];
}

/* ---- the table ---- */

static void write_beside(const struct compare_results *r, const struct compare_row *row, bool speaks_ssh, FILE *out)
{
    char text[48];
    bool better = false, there = compare_beside(r, row, speaks_ssh, text, &better);
    write_element(out, !there || !speaks_ssh ? "<td>" : better ? "<td class=\"good\">" : "<td class=\"bad\">", text, "</td>");
}

static void write_row(const struct compare_results *r, const struct compare_row *row, FILE *out)
{
    const struct compare_measure *m = r->plan.measure[row->measure];
    char text[24];
    write_element(out, "<tr class=\"row\"><td>", m->title, "</td>");
    for (size_t i = 0; i < r->servers; i++) {
        double value = compare_median(&r->cell[row->measure][i], row->figure);
        if (takes_part(r, i))
            write_element(out, i == 0 ? "<td class=\"ours\">" : "<td>",
                          value > 0 ? compare_figure_text(m, row->figure, value, text) : "-", "</td>");
    }
    write_beside(r, row, true, out);
    write_beside(r, row, false, out);
    fputs("</tr>\n", out);
}

static void write_table(const struct compare_results *r, FILE *out)
{
    int figure = -1;
    struct compare_row row;
    fputs("<div class=\"wide\"><table>\n<tr><th></th>", out);
    for (size_t i = 0; i < r->servers; i++)
        if (takes_part(r, i))
            write_element(out, "<th>", r->server[i].name, "</th>");
    fputs("<th>/ best SSH</th><th>/ best without</th></tr>\n", out);
    for (size_t next = 0; compare_next_row(r, &next, &row);) {
        if (figure != (int)row.figure)
            write_element(out, "<tr class=\"section\"><th colspan=\"10\">", compare_section_titles[row.figure], "</th></tr>\n");
        figure = (int)row.figure;
        write_row(r, &row, out);
    }
    fputs("</table></div>\n", out);
}

static void write_notes(const struct compare_results *r, FILE *out)
{
    const char *text;
    fputs("<h2>Who is who</h2>\n<ul>\n", out);
    for (size_t i = 0; i < r->servers; i++) {
        const struct compare_server *s = &r->server[i];
        write_element(out, "<li><b>", s->name, "</b>: ");
        write_element(out, "", s->kind->what, "");
        if (s->missing[0])
            write_element(out, "; ", s->missing, "");
        for (size_t next = 0; (text = compare_next_fault(r, i, &next));) {
            write_element(out, "; ", text, "");
            const char *before = " (";
            for (size_t m = 0; m < r->plan.count; m++) {
                if (strcmp(r->cell[m][i].fault, text) != 0)
                    continue;
                write_element(out, before, r->plan.measure[m]->title, "");
                before = "; ";
            }
            fputs(")", out);
        }
        fputs("</li>\n", out);
    }
    fputs("</ul>\n", out);
}

/* ---- charts ---- */

/* In the unit of its axis. */
static double scaled(const struct compare_measure *m, enum compare_figure figure, double value)
{
    switch (figure) {
    case COMPARE_CPU:
        return load_is_bulk(m->mode) ? value : value * 1e6;
    case COMPARE_MEMORY:
        return value / 1024;
    case COMPARE_P99:
        return value * 1e3;
    default:
        return value;
    }
}

static const char *axis_unit(const struct compare_measure *m, enum compare_figure figure)
{
    switch (figure) {
    case COMPARE_CPU:
        return load_is_bulk(m->mode) ? "s a GiB" : "us";
    case COMPARE_MEMORY:
        return "KiB";
    case COMPARE_P99:
        return "ms";
    default:
        return load_is_bulk(m->mode) ? "GiB/s" : "a second";
    }
}

static enum bench_bar bar_of(const struct compare_results *r, size_t server)
{
    if (server == 0)
        return BENCH_BAR_BEST;
    return r->server[server].kind->speaks_ssh ? BENCH_BAR_OTHER : BENCH_BAR_REFERENCE;
}

/* Whether the least bar would not be seen beside the longest. */
static bool is_wide(const struct compare_results *r, const struct compare_row *row)
{
    double least = INFINITY, most = 0;
    for (size_t i = 0; i < r->servers; i++) {
        double value = compare_median(&r->cell[row->measure][i], row->figure);
        least = value > 0 ? fmin(least, value) : least;
        most = fmax(most, value);
    }
    return most > WIDE * least;
}

static void add_block(struct bench_plot *p, const struct compare_results *r, const struct compare_row *rows, size_t count)
{
    struct bench_panel panels[PANELS];
    char titles[PANELS][96], text[24];
    for (size_t i = 0; i < count; i++) {
        const struct compare_measure *m = r->plan.measure[rows[i].measure];
        snprintf(titles[i], sizeof titles[i], "%s (%s)", m->title, axis_unit(m, rows[i].figure));
        panels[i] = (struct bench_panel){ titles[i], is_wide(r, &rows[i]) };
    }
    bench_plot_block(p, panels, count);
    for (size_t server = 0; server < r->servers; server++) {
        if (!takes_part(r, server))
            continue;
        bench_plot_row(p, r->server[server].name);
        for (size_t i = 0; i < count; i++) {
            const struct compare_measure *m = r->plan.measure[rows[i].measure];
            double value = compare_median(&r->cell[rows[i].measure][server], rows[i].figure);
            if (value > 0)
                bench_plot_bar(p, i, bar_of(r, server), scaled(m, rows[i].figure, value), "%s",
                               compare_figure_text(m, rows[i].figure, value, text));
        }
    }
}

/* All rows of a figure; true also if there are none. */
static bool write_chart(const struct compare_results *r, enum compare_figure figure, FILE *out)
{
    struct compare_row row, pair[PANELS];
    size_t count = 0, all = 0;
    struct bench_plot *p = bench_plot_new(compare_section_titles[figure],
                                          compare_more_is_better(figure) ? "Longer bars are better." : "Shorter bars are better.");
    if (!p)
        return false;
    bench_plot_legend(p, BENCH_BAR_BEST, r->server[0].name);
    bench_plot_legend(p, BENCH_BAR_OTHER, "other servers of SSH");
    bench_plot_legend(p, BENCH_BAR_REFERENCE, "no SSH: bytes are only passed on");
    for (size_t next = 0; compare_next_row(r, &next, &row);) {
        if (row.figure != figure)
            continue;
        all++;
        pair[count++] = row;
        if (count == PANELS)
            add_block(p, r, pair, count);
        count %= PANELS;
    }
    if (count > 0)
        add_block(p, r, pair, count);
    bool good = all == 0 || bench_plot_draw(p, out);
    bench_plot_free(p);
    return good;
}

bool compare_report_html(const struct compare_results *r, const char *path)
{
    char conditions[512];
    bool good = true;
    FILE *out = fopen(path, "we");
    if (!out)
        return false;
    fputs(page_head, out);
    compare_conditions(r, conditions, sizeof conditions);
    write_element(out, "<p class=\"how\">", conditions, ".</p>\n");
    write_table(r, out);
    write_notes(r, out);
    for (unsigned figure = 0; figure < COMPARE_FIGURE_COUNT; figure++)
        good = write_chart(r, figure, out) && good;
    fputs("</body>\n</html>\n", out);
    if (!good)
        errno = ENOMEM;
    good = good && !ferror(out);
    return fclose(out) == 0 && good;
}
