/* SPDX-License-Identifier: MIT */
/* Latencies by the share of the work that took no longer, stretched towards the slowest, and the rate over time. */
#include <math.h>
#include <stdlib.h>

#include "bench/load/report.h"
#include "bench/load/units.h"
#include "bench/report/lines.h"

enum { POINTS = 400, PANELS_MAX = 2, NOTE_BYTES = 512 };

_Static_assert(LOAD_UNIT_TEXT == 24, "as bench/report/lines.h has it");

/* x is 1 / (1 - share): each nine more is as wide as the one before. */
static const struct bench_tick shares[] = {
    { 1, "0 %" },       { 2, "50 %" },        { 4, "75 %" },          { 10, "90 %" },       { 100, "99 %" },
    { 1000, "99.9 %" }, { 10000, "99.99 %" }, { 100000, "99.999 %" }, { 1e6, "99.9999 %" }, { 1e7, "99.99999 %" },
};

struct points {
    double x[POINTS], y[POINTS];
    size_t count;
};

/* As far as there are values: of a thousand none tells of 99.99 %. */
static void spread(const struct bench_histogram *h, struct points *out)
{
    double most = fmax(10, (double)h->count);
    for (size_t i = 0; i < POINTS; i++) {
        out->x[i] = pow(most, (double)i / (POINTS - 1));
        out->y[i] = fmax((double)bench_histogram_quantile(h, 1 - 1 / out->x[i]) / 1e9, 1e-9);
    }
    out->count = POINTS;
}

static void over_time(const struct load_settings *s, const struct load_figures *f, struct points *out)
{
    size_t stride = f->series_count / POINTS + 1, last = 0;
    for (size_t i = stride; i < f->series_count && out->count < POINTS; i += stride) {
        const struct load_totals *begin = &f->series[last], *end = &f->series[i];
        double passed = end->at_s - begin->at_s;
        if (passed <= 0)
            continue;
        out->x[out->count] = end->at_s - f->series[0].at_s;
        out->y[out->count++] = load_totals_works(begin, end, s->mode) / passed;
        last = i;
    }
}

static double largest(const struct points *p)
{
    double most = 0;
    for (size_t i = 0; i < p->count; i++)
        most = fmax(most, p->y[i]);
    return most;
}

static struct bench_lines_panel latency_panel(const struct points *p)
{
    struct bench_lines_panel panel = {
        .title = "latency of a unit of work, by the share that took no longer",
        .x = { "share", 1, p->x[p->count - 1], true, shares, sizeof shares / sizeof *shares },
        .y = { "latency", pow(10, floor(log10(p->y[0]))), pow(10, ceil(log10(largest(p)))), true, .text = load_seconds_text },
        .curve = { { "latency", p->x, p->y, p->count } },
        .curves = 1,
    };
    return panel;
}

static struct bench_lines_panel rate_panel(const struct load_settings *s, const struct points *p, char *title, size_t room)
{
    snprintf(title, room, "%s a second, over time in seconds (the warm-up is the first %.1f)", load_mode_words[s->mode].many,
             s->warmup_s);
    struct bench_lines_panel panel = {
        .title = title,
        .x = { "seconds", 0, p->x[p->count - 1], false },
        .y = { "rate", 0, largest(p) * 1.05, false },
        .curve = { { load_mode_words[s->mode].many, p->x, p->y, p->count } },
        .curves = 1,
    };
    return panel;
}

static void write_note(const struct load_settings *s, const struct load_figures *f, char *out)
{
    char address[GW_ADDR_TEXT];
    snprintf(out, NOTE_BYTES, "%u connections x %u channels, %u threads; %s at %s; %s, %s", s->connections, s->channels, s->threads,
             f->peer.kex ? f->peer.ident : "nobody logged in", gw_addr_port_text(&s->server, address),
             f->peer.kex ? f->peer.kex : "-", f->peer.cipher_up ? f->peer.cipher_up : "-");
}

bool load_report_plot(const struct load_settings *s, const struct load_figures *f, const char *path)
{
    struct points *latency = calloc(1, sizeof *latency), *rate = calloc(1, sizeof *rate);
    struct bench_lines_panel panel[PANELS_MAX];
    char note[NOTE_BYTES], title[64], rate_title[160];
    size_t count = 0;
    bool good = latency && rate;
    if (good && f->latency_ns.count > 0) {
        spread(&f->latency_ns, latency);
        panel[count++] = latency_panel(latency);
    }
    if (good)
        over_time(s, f, rate);
    if (good && rate->count > 1 && largest(rate) > 0)
        panel[count++] = rate_panel(s, rate, rate_title, sizeof rate_title);
    snprintf(title, sizeof title, "sluice-bench load %s", load_mode_words[s->mode].name);
    write_note(s, f, note);
    good = good && bench_lines_write(path, title, note, panel, count);
    free(latency);
    free(rate);
    return good;
}
