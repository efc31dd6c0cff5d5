/* SPDX-License-Identifier: MIT */
#include "bench/cipher/lanes.h"

#include <stdio.h>
#include <string.h>

static bool has_failed(const struct bench_kernels *k, const struct cx_kernel *kernel)
{
    for (size_t i = 0; i < k->failed_count; i++)
        if (k->failed[i] == kernel)
            return true;
    return false;
}

static void note_failure(void *state, enum cx_primitive primitive, const struct cx_kernel *failed)
{
    struct bench_kernels *k = state;
    if (has_failed(k, failed) || k->failed_count == BENCH_FAILED_MAX)
        return;
    k->failed[k->failed_count++] = failed;
    fprintf(stderr, "sluice-bench: the %s kernel of %s failed its self-test and is left out\n", failed->name,
            cx_primitive_name(primitive));
}

void bench_kernels_find(struct bench_kernels *k, enum cx_tier cap)
{
    struct cx_kernels picked;
    *k = (struct bench_kernels){ .cpu = cx_cpu_detect(), .cap = cap };
    for (unsigned tier = 0; tier <= cap; tier++)
        cx_kernels_select(&picked, k->cpu, tier, note_failure, k);
}

static bool usable(const struct bench_kernels *k, const struct cx_kernel *kernel, enum cx_tier cap)
{
    return cx_kernel_runs(kernel, k->cpu, cap) && !has_failed(k, kernel);
}

/* The portable one always is. */
static const struct cx_kernel *best_within(const struct bench_kernels *k, enum cx_primitive primitive, enum cx_tier cap)
{
    size_t i = 0;
    while (!usable(k, cx_kernel_at(primitive, i), cap))
        i++;
    return cx_kernel_at(primitive, i);
}

static bool same(const struct bench_lane *a, const struct bench_lane *b)
{
    return memcmp(a->kernels.of, b->kernels.of, sizeof a->kernels.of) == 0;
}

static bool has_name(const struct bench_lane *lane, const char *name)
{
    size_t len = strlen(name);
    for (const char *at = lane->name; *at; at += strcspn(at, "+"), at += *at == '+')
        if (strcspn(at, "+") == len && strncmp(at, name, len) == 0)
            return true;
    return false;
}

static void add_name(struct bench_lane *lane, const char *name)
{
    size_t used = strlen(lane->name);
    if (!has_name(lane, name))
        snprintf(lane->name + used, sizeof lane->name - used, "%s%s", used > 0 ? "+" : "", name);
}

static size_t add_lane(struct bench_lane lanes[], size_t n, struct bench_lane lane, const enum cx_primitive primitives[],
                       size_t count)
{
    for (size_t i = 0; i < n; i++)
        if (same(&lanes[i], &lane))
            return n;
    for (size_t i = 0; i < count; i++) {
        const struct cx_kernel *kernel = lane.kernels.of[primitives[i]];
        lane.tier = kernel->tier > lane.tier ? kernel->tier : lane.tier;
        add_name(&lane, kernel->name);
    }
    lanes[n] = lane;
    return n + 1;
}

size_t bench_lanes_find(const struct bench_kernels *k, const enum cx_primitive primitives[], size_t count,
                        struct bench_lane lanes[BENCH_LANES_MAX])
{
    const struct bench_lane portable = { .kernels = cx_kernels_portable };
    const struct cx_kernel *kernel;
    struct bench_lane picked = portable;
    picked.picked = true;
    for (size_t p = 0; p < count; p++)
        picked.kernels.of[primitives[p]] = best_within(k, primitives[p], k->cap);
    size_t n = add_lane(lanes, 0, picked, primitives, count);
    for (size_t p = 0; p < count; p++)
        for (size_t i = 0; (kernel = cx_kernel_at(primitives[p], i)) && n < BENCH_LANES_MAX - 1; i++) {
            struct bench_lane lane = portable;
            if (kernel->tier == CX_TIER_PORTABLE || !usable(k, kernel, k->cap))
                continue;
            for (size_t other = 0; other < count; other++)
                lane.kernels.of[primitives[other]] = best_within(k, primitives[other], kernel->tier);
            lane.kernels.of[primitives[p]] = kernel;
            n = add_lane(lanes, n, lane, primitives, count);
        }
    return add_lane(lanes, n, portable, primitives, count);
}
