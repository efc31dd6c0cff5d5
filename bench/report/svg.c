/* SPDX-License-Identifier: MIT */
#include "bench/report/svg.h"

#include <math.h>

void bench_svg_escaped(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '&' || *text == '<' || *text == '>')
            fprintf(out, "&#%d;", *text);
        else
            fputc(*text, out);
    }
}

void bench_svg_text(FILE *out, double x, double y, const char *class, const char *text)
{
    fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" class=\"%s\">", x, y, class);
    bench_svg_escaped(out, text);
    fputs("</text>\n", out);
}

void bench_svg_grid(FILE *out, double x1, double y1, double x2, double y2)
{
    fprintf(out, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" class=\"grid\"/>\n", x1, y1, x2, y2);
}

void bench_svg_begin(FILE *out, double height, const char *title, const char *note)
{
    fprintf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %.0f\" width=\"%d\" height=\"%.0f\">\n",
            BENCH_SVG_WIDTH, height, BENCH_SVG_WIDTH, height);
    fputs("<style>text{font:12px 'DejaVu Sans',Verdana,sans-serif;fill:#222}.title{font-size:20px;font-weight:bold}.note{fill:#555}"
          ".panel{font-size:13px;font-weight:bold}.label{text-anchor:end}.tick{font-size:10px;fill:#777;text-anchor:middle}"
          ".value{font-size:10px;fill:#555}.best{fill:#111;font-weight:bold}.grid{stroke:#ddd;stroke-width:1}</style>\n",
          out);
    fprintf(out, "<rect width=\"%d\" height=\"%.0f\" fill=\"#fff\"/>\n", BENCH_SVG_WIDTH, height);
    bench_svg_text(out, BENCH_SVG_MARGIN, 36, "title", title);
    bench_svg_text(out, BENCH_SVG_MARGIN, 58, "note", note);
}

void bench_svg_end(FILE *out)
{
    fputs("</svg>\n", out);
}

double bench_svg_step(double value, unsigned count)
{
    double rough = value / count, power = pow(10, floor(log10(rough)));
    return rough <= power ? power : rough <= 2 * power ? 2 * power : rough <= 5 * power ? 5 * power : 10 * power;
}

void bench_svg_amount(double value, char *out, size_t room)
{
    static const struct {
        double unit;
        const char *suffix;
    } units[] = { { 1e6, "M" }, { 1e3, "k" }, { 0, "" } };
    size_t i = 0;
    while (value < units[i].unit)
        i++;
    snprintf(out, room, "%g%s", units[i].unit > 0 ? value / units[i].unit : value, units[i].suffix);
}
