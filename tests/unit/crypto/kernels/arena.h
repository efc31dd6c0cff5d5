/* SPDX-License-Identifier: MIT */
/* Memory between two pages that nobody may touch, so that a kernel that reads or writes a byte outside its packet is caught at its
 * end and at its beginning. */
#ifndef ARENA_H
#define ARENA_H

#include "crypto/span.h"

struct arena {
    uint8_t *bytes;
    size_t len; /* whole pages */
};

struct arena arena_new(size_t len);
void arena_free(struct arena *a);
/* The last n bytes. */
uint8_t *arena_end(const struct arena *a, size_t n);

/* The kernels that each primitive has beside the portable one, and which this processor runs; those that it does not are named once
 * in the log. NULL past the last. */
const struct cx_kernel *runnable_at(unsigned primitive, size_t i);

/* A reproducible stream for fillings and choices. */
void pattern(uint8_t *out, size_t len, uint64_t seed);

/* All lengths from 0 to 2048, then some up to 256 KiB. False: there is none at i. */
bool length_at(size_t i, uint32_t *len);

#endif
