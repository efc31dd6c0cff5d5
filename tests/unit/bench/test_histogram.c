/* SPDX-License-Identifier: MIT */
/* bench/histogram: against the sorted values themselves. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "bench/report/histogram.h"
#include "crypto/random.h"

enum { VALUES = 20000 };

static struct bench_histogram h, other;
static uint64_t value[VALUES];

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Of all magnitudes alike. */
static void draw_values(void)
{
    struct cx_random_seeded seeded;
    struct cx_random random = cx_random_from_seed(&seeded, 7);
    for (size_t i = 0; i < VALUES; i++) {
        uint8_t shift;
        cx_random_fill(&random, &value[i], sizeof value[i]);
        cx_random_fill(&random, &shift, 1);
        value[i] >>= shift % 64;
    }
}

static void expect_quantiles_of_sorted(void)
{
    static const double shares[] = { 0, 0.001, 0.25, 0.5, 0.9, 0.99, 0.999, 0.9999, 1 };
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
        double rank = shares[i] * VALUES;
        size_t at = rank <= 1 ? 0 : (size_t)rank - (rank == (double)(size_t)rank);
        uint64_t told = bench_histogram_quantile(&h, shares[i]), exact = value[at];
        cr_expect(told >= exact && told - exact <= exact / 128, "share %g: %lu of %lu", shares[i], told, exact);
    }
}

Test(histogram, quantiles_are_within_a_128th)
{
    draw_values();
    for (size_t i = 0; i < VALUES; i++)
        bench_histogram_add(&h, value[i]);
    qsort(value, VALUES, sizeof *value, by_value);
    expect_quantiles_of_sorted();
    cr_expect_eq(h.least, value[0]);
    cr_expect_eq(h.most, value[VALUES - 1]);
}

Test(histogram, two_that_are_merged_are_as_one)
{
    draw_values();
    for (size_t i = 0; i < VALUES; i++)
        bench_histogram_add(i % 3 ? &h : &other, value[i]);
    bench_histogram_merge(&h, &other);
    qsort(value, VALUES, sizeof *value, by_value);
    expect_quantiles_of_sorted();
    cr_expect_eq(h.count, VALUES);
    cr_expect_eq(h.least, value[0]);
    cr_expect_eq(h.most, value[VALUES - 1]);
}

Test(histogram, an_empty_one_changes_nothing)
{
    bench_histogram_add(&h, 5);
    bench_histogram_merge(&h, &other);
    cr_expect_eq(h.least, 5);
    bench_histogram_merge(&other, &h);
    cr_expect_eq(other.least, 5);
    cr_expect_eq(other.count, 1);
}

Test(histogram, every_small_value_is_exact)
{
    for (uint64_t v = 0; v < 256; v++) {
        memset(&h, 0, sizeof h);
        bench_histogram_add(&h, v);
        bench_histogram_add(&h, 1000); /* else the largest value bounds what is told */
        cr_expect_eq(bench_histogram_quantile(&h, 0.5), v);
    }
}

Test(histogram, every_magnitude_has_its_buckets)
{
    for (unsigned bit = 0; bit < 64; bit++)
        for (int around = -1; around <= 1; around++) {
            uint64_t v = ((uint64_t)1 << bit) + (uint64_t)around;
            memset(&h, 0, sizeof h);
            bench_histogram_add(&h, v);
            bench_histogram_add(&h, UINT64_MAX);
            uint64_t told = bench_histogram_quantile(&h, 0.5);
            cr_expect(told >= v && told - v <= v / 128, "%lu: %lu", v, told);
        }
}

Test(histogram, an_empty_one_tells_nothing)
{
    cr_expect_eq(bench_histogram_quantile(&h, 0.99), 0);
    cr_expect_float_eq(bench_histogram_mean(&h), 0, 0);
}

Test(histogram, the_mean_is_exact)
{
    for (uint64_t v = 1; v <= 1001; v++)
        bench_histogram_add(&h, v * 1000);
    cr_expect_float_eq(bench_histogram_mean(&h), 501000, 1e-6);
}

Test(histogram, its_json_names_the_quantiles)
{
    char text[512];
    for (uint64_t v = 1; v <= 100; v++)
        bench_histogram_add(&h, v);
    FILE *out = fmemopen(text, sizeof text, "w");
    struct bench_json j = bench_json(out);
    bench_json_object(&j, NULL);
    bench_histogram_json(&h, &j, "ns");
    bench_json_end(&j);
    fclose(out);
    cr_expect_not_null(strstr(text, "\"p50\": 50,"), "%s", text);
    cr_expect_not_null(strstr(text, "\"p99\": 99,"), "%s", text);
    cr_expect_not_null(strstr(text, "\"p99_9\": 100,"), "%s", text);
}
