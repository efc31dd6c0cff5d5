/* SPDX-License-Identifier: MIT */
/* Two questions are asked of a suite: how many bytes a second in the longest packets, and how many packets a second of the
 * shortest. */
#include <errno.h>
#include <string.h>

#include "bench/cipher/cipher.h"
#include "bench/report/plot.h"

static enum bench_bar colour_of(const struct bench_cell *c, const struct bench_cell *reference)
{
    return c == reference ? BENCH_BAR_REFERENCE : c->picked ? BENCH_BAR_BEST : BENCH_BAR_OTHER;
}

/* value: of one nanosecond an operation. */
static void draw_cell(struct bench_plot *p, size_t panel, const struct bench_cell *c, const struct bench_cell *reference,
                      enum bench_bar colour, double value, const char *unit)
{
    double amount = c->result.ns > 0 ? value / c->result.ns : 0;
    const char *noisy = c->result.noisy ? "~" : "";
    if (amount == 0)
        return;
    double shown = amount >= 1e5 ? amount / 1e3 : amount;
    const char *kilo = amount >= 1e5 ? "k" : "";
    int digits = shown < 10 ? 2 : shown < 100 ? 1 : 0;
    const char *kernel = c->tier ? c->kernel : ""; /* without a choice of kernels the colour says enough */
    if (reference && c != reference)
        bench_plot_bar(p, panel, colour, amount, "%s%.*f%s%s  %.2fx  %s", noisy, digits, shown, kilo, unit,
                       bench_ratio(c, reference), kernel);
    else
        bench_plot_bar(p, panel, colour, amount, "%s%.*f%s%s  %s", noisy, digits, shown, kilo, unit, kernel);
}

static void draw_packets(struct bench_plot *p, size_t panel, const struct bench_group *g, double value)
{
    const struct bench_cell *reference = bench_group_reference(g, "seal"), *c;
    for (size_t i = 0; (c = bench_group_ours(g, "seal", i)); i++)
        draw_cell(p, panel, c, reference, colour_of(c, reference), value, "");
}

static void draw_suites(struct bench_plot *p, const struct bench_cipher_run *run)
{
    const struct bench_numbers *sizes = &run->choice.sizes;
    size_t batch = run->choice.batches.number[run->choice.batches.count - 1], next = 0;
    size_t small = sizes->number[0], large = sizes->number[sizes->count - 1];
    char small_text[24], large_text[24], titles[2][96];
    const struct bench_group *g;
    bench_cipher_size_text(small, small_text);
    bench_cipher_size_text(large, large_text);
    snprintf(titles[0], sizeof titles[0], "payloads of %s bytes, %zu a call: GB/s sealed", large_text, batch);
    snprintf(titles[1], sizeof titles[1], "payloads of %s bytes, %zu a call: million packets/s sealed", small_text, batch);
    bench_plot_block(p, (struct bench_panel[]){ { titles[0], false }, { titles[1], false } }, 2);
    while ((g = bench_cipher_next(&run->plan, BENCH_CIPHER, &next))) {
        bench_plot_row(p, g->name);
        draw_packets(p, 0, bench_cipher_group(&run->plan, g->name, large, batch), (double)large);
        draw_packets(p, 1, bench_cipher_group(&run->plan, g->name, small, batch), 1e3);
    }
}

static void draw_operations(struct bench_plot *p, const struct bench_plan *plan, enum bench_kind kind,
                            const struct bench_panel panels[], const char *const operations[], size_t count)
{
    const struct bench_group *g;
    const struct bench_cell *c;
    size_t next = 0;
    bench_plot_block(p, panels, count);
    while ((g = bench_cipher_next(plan, kind, &next))) {
        bench_plot_row(p, g->name);
        for (size_t i = 0; i < count; i++) {
            const struct bench_cell *reference = bench_group_reference(g, operations[i]);
            for (size_t k = 0; (c = bench_group_ours(g, operations[i], k)); k++)
                draw_cell(p, i, c, reference, colour_of(c, reference), 1e9, "/s");
            if (reference)
                draw_cell(p, i, reference, reference, BENCH_BAR_REFERENCE, 1e9, "/s");
        }
    }
}

static bool has(const struct bench_plan *plan, enum bench_kind kind)
{
    size_t next = 0;
    return bench_cipher_next(plan, kind, &next) != NULL;
}

bool bench_cipher_plot(const struct bench_cipher_run *run, const char *path)
{
    static const struct bench_panel exchange[] = { { "client: keygen, a second", true },
                                                   { "server: encaps, a second", true },
                                                   { "client: decaps, a second", true } };
    static const struct bench_panel signature[] = { { "sign, a second", true }, { "verify, a second", true } };
    char note[384];
    snprintf(note, sizeof note,
             "one core of %s at %.2f GHz; OpenSSL %s; %s; medians; \"x\": times as fast as OpenSSL in the same run",
             run->machine.processor, run->canary.clock_ghz, run->machine.openssl, run->machine.compiler);
    struct bench_plot *p = bench_plot_new("sluice-bench cipher", note);
    if (!p) {
        errno = ENOMEM;
        return false;
    }
    bench_plot_legend(p, BENCH_BAR_BEST, "sluice, the kernel that the gateway picks");
    bench_plot_legend(p, BENCH_BAR_OTHER, "sluice, other kernels");
    bench_plot_legend(p, BENCH_BAR_REFERENCE, "OpenSSL (with nettle's UMAC)");
    if (has(&run->plan, BENCH_CIPHER))
        draw_suites(p, run);
    if (has(&run->plan, BENCH_KEX))
        draw_operations(p, &run->plan, BENCH_KEX, exchange, (const char *const[]){ "keygen", "encaps", "decaps" }, 3);
    if (has(&run->plan, BENCH_SIGN))
        draw_operations(p, &run->plan, BENCH_SIGN, signature, (const char *const[]){ "sign", "verify" }, 2);
    bool good = bench_plot_write(p, path);
    bench_plot_free(p);
    return good;
}
