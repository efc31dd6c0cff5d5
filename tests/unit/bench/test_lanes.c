/* SPDX-License-Identifier: MIT */
/* bench/lanes: under which kernels a suite is measured. */
#include <criterion/criterion.h>
#include <string.h>

#include "bench/cipher/lanes.h"

static const enum cx_primitive gcm[] = { CX_PRIMITIVE_GCM };
static const enum cx_primitive ctr_umac[] = { CX_PRIMITIVE_CTR, CX_PRIMITIVE_UMAC64 };

Test(lanes, the_portable_one_stands_last)
{
    struct bench_kernels kernels;
    struct bench_lane lanes[BENCH_LANES_MAX];
    bench_kernels_find(&kernels, CX_TIER_COUNT - 1);
    cr_expect_eq(kernels.failed_count, 0);
    size_t n = bench_lanes_find(&kernels, gcm, 1, lanes);
    cr_assert_geq(n, 1);
    for (size_t i = 0; i < n; i++)
        cr_expect_eq(lanes[i].tier == CX_TIER_PORTABLE, i == n - 1, "%s", lanes[i].name);
    cr_expect_eq(lanes[n - 1].kernels.gcm, cx_kernels_portable.gcm);
}

Test(lanes, what_the_gateway_picks_stands_in_front)
{
    struct bench_kernels kernels;
    struct bench_lane lanes[BENCH_LANES_MAX];
    struct cx_kernels picked;
    for (unsigned cap = 0; cap < CX_TIER_COUNT; cap++) {
        bench_kernels_find(&kernels, cap);
        cx_kernels_select(&picked, kernels.cpu, cap, NULL, NULL);
        size_t n = bench_lanes_find(&kernels, ctr_umac, 2, lanes);
        cr_expect_eq(lanes[0].kernels.ctr, picked.ctr);
        cr_expect_eq(lanes[0].kernels.umac64, picked.umac64);
        for (size_t i = 0; i < n; i++)
            cr_expect_eq(lanes[i].picked, i == 0);
    }
}

Test(lanes, a_cap_leaves_out_what_is_above_it)
{
    struct bench_kernels kernels;
    struct bench_lane lanes[BENCH_LANES_MAX];
    bench_kernels_find(&kernels, CX_TIER_PORTABLE);
    cr_expect_eq(bench_lanes_find(&kernels, gcm, 1, lanes), 1);
    cr_expect_str_eq(lanes[0].name, "evp");
    cr_expect_eq(bench_lanes_find(&kernels, ctr_umac, 2, lanes), 1);
    cr_expect_str_eq(lanes[0].name, "evp+nettle");
}

Test(lanes, no_two_are_alike)
{
    struct bench_kernels kernels;
    struct bench_lane lanes[BENCH_LANES_MAX];
    bench_kernels_find(&kernels, CX_TIER_COUNT - 1);
    size_t n = bench_lanes_find(&kernels, ctr_umac, 2, lanes);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            cr_expect(strcmp(lanes[i].name, lanes[j].name) != 0, "%s", lanes[i].name);
}

Test(lanes, a_kernel_that_failed_its_self_test_is_left_out)
{
    struct bench_kernels kernels;
    struct bench_lane lanes[BENCH_LANES_MAX];
    bench_kernels_find(&kernels, CX_TIER_COUNT - 1);
    size_t n = bench_lanes_find(&kernels, gcm, 1, lanes);
    for (size_t i = 0; i + 1 < n; i++)
        kernels.failed[kernels.failed_count++] = lanes[i].kernels.of[CX_PRIMITIVE_GCM];
    cr_expect_eq(bench_lanes_find(&kernels, gcm, 1, lanes), 1);
    cr_expect_str_eq(lanes[0].name, "evp");
}
