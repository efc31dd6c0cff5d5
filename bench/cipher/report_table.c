/* SPDX-License-Identifier: MIT */
/* Short packets are told by the time that each takes, long ones by bytes a second. */
#include <string.h>

#include "bench/cipher/cipher.h"
#include "bench/report/table.h"

enum { LONG_PACKET_BYTES = 4096, TEXT_BYTES = 40 };

static const char *const directions[] = { "seal", "open" };
enum { DIRECTION_COUNT = sizeof directions / sizeof *directions };

/* Three digits. */
static void number_text(double value, char out[TEXT_BYTES])
{
    snprintf(out, TEXT_BYTES, "%.*f", value < 10 ? 2 : value < 100 ? 1 : 0, value);
}

static enum bench_style style_of(double ratio)
{
    return ratio == 0 ? BENCH_PLAIN : ratio >= 1.05 ? BENCH_GOOD : ratio <= 0.95 ? BENCH_BAD : BENCH_PLAIN;
}

/* What is not compared keeps the ratio's place free, so that the numbers stand below each other. */
static void add_cell(struct bench_table *t, const struct bench_cell *c, double value, double ratio)
{
    char number[TEXT_BYTES], times[TEXT_BYTES] = "";
    if (!c || c->result.ns == 0) {
        bench_table_cell(t, BENCH_PLAIN, "%s", "");
        return;
    }
    number_text(value, number);
    if (ratio > 0)
        snprintf(times, sizeof times, "%.*fx", ratio < 10 ? 2 : 1, ratio);
    bench_table_cell(t, style_of(ratio), "%s%s %5s", c->result.noisy ? "~" : "", number, times);
}

static double packet_value(const struct bench_cell *c, size_t size)
{
    if (!c || c->result.ns == 0)
        return 0;
    return size < LONG_PACKET_BYTES ? c->result.ns : (double)size / c->result.ns;
}

static void head_sizes(struct bench_table *t, const struct bench_numbers *sizes)
{
    char size[24];
    for (size_t i = 0; i < sizes->count; i++) {
        bench_cipher_size_text(sizes->number[i], size);
        bench_table_cell(t, BENCH_DIM, "%s %s", size, sizes->number[i] < LONG_PACKET_BYTES ? "B ns" : "GB/s");
    }
}

/* The cell of the same kernel and direction in another group of its suite. */
static const struct bench_cell *same_lane(const struct bench_group *g, const char *kernel, const char *operation)
{
    const struct bench_cell *c;
    for (size_t i = 0; (c = bench_group_ours(g, operation, i)); i++)
        if (strcmp(c->kernel, kernel) == 0)
            return c;
    return NULL;
}

static void add_lane_row(struct bench_table *t, const struct bench_cipher_run *run, const char *suite, const char *kernel,
                         const char *operation, size_t batch)
{
    const struct bench_numbers *sizes = &run->choice.sizes;
    bench_table_cell(t, BENCH_PLAIN, "%s x%zu", operation, batch);
    for (size_t i = 0; i < sizes->count; i++) {
        const struct bench_group *g = bench_cipher_group(&run->plan, suite, sizes->number[i], batch);
        const struct bench_cell *c = same_lane(g, kernel, operation), *reference = bench_group_reference(g, operation);
        add_cell(t, c, packet_value(c, g->size), c && c != reference ? bench_ratio(c, reference) : 0);
    }
}

static void add_lane(struct bench_table *t, const struct bench_cipher_run *run, const char *suite, const char *kernel)
{
    char title[TEXT_BYTES * 3];
    snprintf(title, sizeof title, "%s  %s", suite, kernel);
    bench_table_section(t, title);
    for (size_t i = 0; i < run->choice.batches.count; i++)
        for (size_t d = 0; d < DIRECTION_COUNT; d++)
            add_lane_row(t, run, suite, kernel, directions[d], run->choice.batches.number[i]);
}

/* Memory is no suite's: that of the first is shown. */
static void add_memcpy(struct bench_table *t, const struct bench_cipher_run *run, const char *suite)
{
    const struct bench_numbers *sizes = &run->choice.sizes, *batches = &run->choice.batches;
    bench_table_section(t, "memcpy of the same payloads");
    for (size_t i = 0; i < batches->count; i++) {
        bench_table_cell(t, BENCH_PLAIN, "copy x%zu", batches->number[i]);
        for (size_t j = 0; j < sizes->count; j++) {
            const struct bench_group *g = bench_cipher_group(&run->plan, suite, sizes->number[j], batches->number[i]);
            const struct bench_cell *c = bench_group_memcpy(g);
            add_cell(t, c, packet_value(c, g->size), 0);
        }
    }
}

static bool print_suites(const struct bench_cipher_run *run, FILE *out, size_t width, bool colours)
{
    struct bench_table *t = bench_table_new(1 + run->choice.sizes.count);
    const struct bench_group *g;
    const struct bench_cell *c;
    size_t next = 0;
    if (!t)
        return false;
    bench_table_cell(t, BENCH_DIM, "packets");
    head_sizes(t, &run->choice.sizes);
    while ((g = bench_cipher_next(&run->plan, BENCH_CIPHER, &next)))
        for (size_t i = 0; (c = bench_group_ours(g, "seal", i)); i++)
            add_lane(t, run, g->name, c->kernel);
    next = 0;
    if ((g = bench_cipher_next(&run->plan, BENCH_CIPHER, &next)))
        add_memcpy(t, run, g->name);
    bool good = bench_table_print(t, out, width, colours);
    bench_table_free(t);
    return good;
}

/* A line a suite: under the kernel that the gateway picks, sealing the largest batch. */
static bool print_picked(const struct bench_cipher_run *run, FILE *out, size_t width, bool colours)
{
    const struct bench_numbers *sizes = &run->choice.sizes;
    size_t batch = run->choice.batches.number[run->choice.batches.count - 1], next = 0;
    struct bench_table *t = bench_table_new(2 + sizes->count);
    const struct bench_group *g;
    if (!t)
        return false;
    bench_table_cell(t, BENCH_DIM, "picked, seal x%zu", batch);
    bench_table_cell(t, BENCH_DIM, "kernel");
    head_sizes(t, sizes);
    while ((g = bench_cipher_next(&run->plan, BENCH_CIPHER, &next))) {
        const struct bench_group *last = bench_cipher_group(&run->plan, g->name, sizes->number[sizes->count - 1], batch);
        const char *kernel = bench_cipher_picked(last, "seal")->kernel;
        bench_table_cell(t, BENCH_PLAIN, "%s", g->name);
        bench_table_cell(t, BENCH_PLAIN, "%s", kernel);
        for (size_t i = 0; i < sizes->count; i++) {
            const struct bench_group *at = bench_cipher_group(&run->plan, g->name, sizes->number[i], batch);
            const struct bench_cell *c = same_lane(at, kernel, "seal"), *reference = bench_group_reference(at, "seal");
            add_cell(t, c, packet_value(c, at->size), c && c != reference ? bench_ratio(c, reference) : 0);
        }
    }
    bool good = bench_table_print(t, out, width, colours);
    bench_table_free(t);
    return good;
}

/* Operations a second, a row for each of our kernels. */
static bool print_operations(const struct bench_cipher_run *run, enum bench_kind kind, const char *title,
                             const char *const operations[], size_t count, FILE *out, size_t width, bool colours)
{
    struct bench_table *t = bench_table_new(1 + count);
    const struct bench_group *g;
    const struct bench_cell *first;
    size_t next = 0;
    if (!t)
        return false;
    bench_table_cell(t, BENCH_DIM, "%s", title);
    for (size_t i = 0; i < count; i++)
        bench_table_cell(t, BENCH_DIM, "%s/s", operations[i]);
    while ((g = bench_cipher_next(&run->plan, kind, &next)))
        for (size_t k = 0; (first = bench_group_ours(g, operations[0], k)); k++) {
            bool several = bench_group_ours(g, operations[0], 1) != NULL;
            bench_table_cell(t, BENCH_PLAIN, "%s%s%s", g->name, several ? "  " : "", several ? first->kernel : "");
            for (size_t i = 0; i < count; i++) {
                const struct bench_cell *c = bench_group_ours(g, operations[i], k);
                add_cell(t, c, c->result.ns > 0 ? 1e9 / c->result.ns : 0, bench_ratio(c, bench_group_reference(g, operations[i])));
            }
        }
    bool good = bench_table_print(t, out, width, colours);
    bench_table_free(t);
    return good;
}

static bool has(const struct bench_plan *plan, enum bench_kind kind)
{
    size_t next = 0;
    return bench_cipher_next(plan, kind, &next) != NULL;
}

static void print_foot(const struct bench_cipher_run *run, FILE *out)
{
    struct bench_totals total = bench_cipher_totals(&run->plan);
    fprintf(out,
            "Medians of %zu samples on one core (%s, %.2f GHz); %zu more were not counted, since the core was\n"
            "slower before or after them. \"x\": times as fast as OpenSSL %s, called for the same work in turn.\n",
            total.samples, run->machine.processor, run->canary.clock_ghz, total.rejected, run->machine.openssl);
    if (total.noisy > 0)
        fprintf(out, "~: too few samples were undisturbed; try again on a quieter machine, or with more --seconds.\n");
}

bool bench_cipher_print(const struct bench_cipher_run *run, FILE *out, size_t width, bool colours)
{
    static const char *const exchange[] = { "keygen", "encaps", "decaps" }, *const signature[] = { "sign", "verify" };
    bool good = true;
    if (has(&run->plan, BENCH_CIPHER)) {
        good = print_suites(run, out, width, colours);
        fputc('\n', out);
        good = good && print_picked(run, out, width, colours);
        fputc('\n', out);
    }
    if (has(&run->plan, BENCH_KEX)) {
        good = good && print_operations(run, BENCH_KEX, "key exchange", exchange, 3, out, width, colours);
        fputc('\n', out);
    }
    if (has(&run->plan, BENCH_SIGN)) {
        good = good && print_operations(run, BENCH_SIGN, "signatures", signature, 2, out, width, colours);
        fputc('\n', out);
    }
    print_foot(run, out);
    return good;
}
