/* SPDX-License-Identifier: MIT */
/* bench/samples and bench/canary: which samples count, and what they come to. */
#include <criterion/criterion.h>

#include "bench/cipher/canary.h"
#include "bench/cipher/samples.h"
#include "bench/clock.h"

static struct bench_samples samples_of(const struct bench_sample *sample, size_t n)
{
    struct bench_samples s = { 0 };
    for (size_t i = 0; i < n; i++)
        cr_assert(bench_samples_add(&s, sample[i]));
    return s;
}

Test(samples, only_those_between_fast_canaries_count)
{
    static const struct bench_sample taken[] = { { 10, 100 }, { 90, 120 }, { 12, 104 }, { 95, 300 }, { 11, 105 } };
    struct bench_samples s = samples_of(taken, 5);
    struct bench_result r = bench_samples_result(&s, 105);
    cr_expect_eq(r.samples, 3);
    cr_expect_eq(r.rejected, 2);
    cr_expect_not(r.noisy);
    cr_expect_float_eq(r.ns, 11, 1e-9);
    bench_samples_free(&s);
}

Test(samples, too_few_make_the_median_of_all_and_say_so)
{
    static const struct bench_sample taken[] = { { 10, 100 }, { 30, 200 }, { 12, 100 }, { 40, 200 }, { 20, 200 } };
    struct bench_samples s = samples_of(taken, 5);
    struct bench_result r = bench_samples_result(&s, 105);
    cr_expect_eq(r.samples, 2);
    cr_expect_eq(r.rejected, 3);
    cr_expect(r.noisy);
    cr_expect_float_eq(r.ns, 20, 1e-9);
    bench_samples_free(&s);
}

Test(samples, none_come_to_nothing)
{
    struct bench_samples s = { 0 };
    struct bench_result r = bench_samples_result(&s, 1);
    cr_expect(r.noisy);
    cr_expect_float_eq(r.ns, 0, 0);
}

Test(samples, quantiles_are_values_that_were_there)
{
    double v[] = { 5, 1, 4, 2, 3 };
    cr_expect_float_eq(bench_quantile(v, 5, 0), 1, 0);
    cr_expect_float_eq(bench_quantile(v, 5, 0.5), 3, 0);
    cr_expect_float_eq(bench_quantile(v, 5, 1), 5, 0);
    cr_expect_float_eq(bench_quantile(v, 1, 0.5), 1, 0);
}

Test(canary, full_speed_is_never_set_lower_again)
{
    struct bench_canary canary = { 0 };
    bench_canary_calibrate(&canary);
    cr_expect_gt(canary.full_ns, 0);
    cr_expect_gt(canary.clock_ghz, 0);
    double before = canary.full_ns;
    bench_canary_calibrate(&canary);
    cr_expect_leq(canary.full_ns, before);
    cr_expect_gt(bench_canary_limit_ns(&canary), canary.full_ns);
}

/* Sleeping takes no time of the core. */
Test(clock, what_takes_long_is_told_in_cpu_time)
{
    struct bench_timer timer = bench_timer_start();
    nanosleep(&(struct timespec){ .tv_nsec = 50 * 1000 * 1000 }, NULL);
    cr_expect_lt(bench_timer_ns(&timer), 25e6);
}
