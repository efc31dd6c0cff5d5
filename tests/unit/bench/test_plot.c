/* SPDX-License-Identifier: MIT */
/* bench/plot: bars in proportion, texts escaped, faults told. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/report/plot.h"

static char text[16384];

static const char *drawn(const struct bench_plot *p)
{
    char path[] = "/tmp/sluice-plot-XXXXXX";
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    cr_assert(bench_plot_write(p, path));
    ssize_t n = read(fd, text, sizeof text - 1);
    cr_assert_gt(n, 0);
    text[n] = 0;
    close(fd);
    unlink(path);
    return text;
}

/* The width of the i-th rectangle of this colour; 0: there is none. */
static double bar_width(const char *svg, const char *colour, size_t i)
{
    char mark[32];
    double width = 0;
    snprintf(mark, sizeof mark, "fill=\"%s\"", colour);
    for (const char *at = svg; (at = strstr(at, "<rect")); at++) {
        const char *end = strchr(at, '>'), *found = strstr(at, mark);
        if (found && found < end && i-- == 0) {
            sscanf(strstr(at, "width="), "width=\"%lf\"", &width);
            break;
        }
    }
    return width;
}

static struct bench_plot *two_bars(bool logarithmic)
{
    struct bench_plot *p = bench_plot_new("A & B", "<note>");
    bench_plot_block(p, (struct bench_panel[]){ { "panel", logarithmic } }, 1);
    bench_plot_row(p, "row");
    bench_plot_bar(p, 0, BENCH_BAR_BEST, 1000, "%d", 1000);
    bench_plot_bar(p, 0, BENCH_BAR_REFERENCE, 100, "%d", 100);
    return p;
}

Test(plot, bars_are_as_long_as_their_values)
{
    struct bench_plot *p = two_bars(false);
    const char *svg = drawn(p);
    cr_expect_float_eq(bar_width(svg, "#0b5394", 0), 10 * bar_width(svg, "#b3b3b3", 0), 1);
    bench_plot_free(p);
}

Test(plot, a_logarithmic_axis_makes_them_as_long_as_their_powers)
{
    struct bench_plot *p = two_bars(true);
    const char *svg = drawn(p);
    cr_expect_float_eq(bar_width(svg, "#0b5394", 0), 2 * bar_width(svg, "#b3b3b3", 0), 1);
    bench_plot_free(p);
}

Test(plot, texts_are_escaped)
{
    struct bench_plot *p = two_bars(false);
    const char *svg = drawn(p);
    cr_expect_not_null(strstr(svg, "A &#38; B"));
    cr_expect_null(strstr(svg, "<note>"));
    bench_plot_free(p);
}

Test(plot, a_chart_without_bars_is_drawn_too)
{
    struct bench_plot *p = bench_plot_new("nothing", "");
    bench_plot_block(p, (struct bench_panel[]){ { "panel", false }, { "panel", true } }, 2);
    bench_plot_row(p, "row");
    cr_expect_null(strstr(drawn(p), "nan"));
    bench_plot_free(p);
}

Test(plot, a_file_that_cannot_be_written_is_told)
{
    struct bench_plot *p = two_bars(false);
    errno = 0;
    cr_expect_not(bench_plot_write(p, "/nonexistent/chart.svg"));
    cr_expect_eq(errno, ENOENT);
    bench_plot_free(p);
}
