/* SPDX-License-Identifier: MIT */
/* Under which kernels something is measured: those that the gateway picks, in front; every candidate that this processor runs and
 * that passes its self-test, each beside the best others of its tier; the portable ones last. One thread. */
#ifndef BENCH_LANES_H
#define BENCH_LANES_H

#include "crypto/kernels/kernels.h"

enum { BENCH_LANES_MAX = 8, BENCH_FAILED_MAX = 16 };

/* The kernels of this processor. */
struct bench_kernels {
    uint32_t cpu;
    enum cx_tier cap;
    const struct cx_kernel *failed[BENCH_FAILED_MAX];
    size_t failed_count;
};

/* Tests them all; what fails is told on standard error. */
void bench_kernels_find(struct bench_kernels *kernels, enum cx_tier cap);

struct bench_lane {
    struct cx_kernels kernels;
    char name[48]; /* "vaes512+shani": of the primitives in question, each name once */
    enum cx_tier tier;
    bool picked; /* what cx_kernels_select picks, and so the gateway */
};

/* For something that is made of these primitives; returns how many lanes there are, one at least. */
size_t bench_lanes_find(const struct bench_kernels *kernels, const enum cx_primitive primitives[], size_t count,
                        struct bench_lane lanes[BENCH_LANES_MAX]);

#endif
