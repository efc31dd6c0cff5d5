/* SPDX-License-Identifier: MIT */
/* What every fuzz target has: libFuzzer's entry, or that of replay.c, and a check that no build leaves out. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void require(bool good)
{
    if (!good)
        abort();
}

#endif
