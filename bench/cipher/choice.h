/* SPDX-License-Identifier: MIT */
/* What the command line asks for. One thread. */
#ifndef BENCH_CHOICE_H
#define BENCH_CHOICE_H

#include <stdbool.h>

#include "bench/cipher/lanes.h"
#include "bench/options.h"

struct bench_choice {
    struct bench_words only, kernels; /* patterns; none: all */
    struct bench_numbers sizes, batches;
    const struct bench_kernels *available;
};

/* `area` is "cipher", "kex" or "sign". */
bool bench_choice_takes(const struct bench_choice *choice, const char *area, const char *name);
bool bench_choice_takes_kernel(const struct bench_choice *choice, const char *kernel);

#endif
