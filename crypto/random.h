/* SPDX-License-Identifier: MIT */
/* Randomness is handed in: the system's in production, a seeded generator in tests and fuzzers.
 * A cx_random may be used by one thread at a time. */
#ifndef CX_RANDOM_H
#define CX_RANDOM_H

#include "crypto/span.h"

struct cx_random {
    void (*fill)(void *state, uint8_t *out, size_t len); /* cannot fail: the system's aborts the process instead */
    void *state;
};

static inline void cx_random_fill(const struct cx_random *r, void *out, size_t len)
{
    r->fill(r->state, out, len);
}

/* Requests of CX_RANDOM_KEY_BYTES and more, which is what keys are made of, are getrandom(2)'s own bytes. Shorter ones, padding
 * above all, come from a generator keyed by it (ChaCha20 with fast key erasure: each refill's first bytes are the next one's key,
 * and bytes are wiped as they leave), so that a packet's padding costs neither a system call nor the kernel's generator. Each
 * thread has a pool of its own; a forked child zeroes what it inherited, or both give the same bytes. */
enum { CX_RANDOM_KEY_BYTES = 32, CX_RANDOM_POOL_BYTES = 2048, CX_RANDOM_REFILLS_A_SEED = 512 };
struct cx_random_pool {
    unsigned refills_left;               /* before the key is made anew; 0 at first */
    size_t left;                         /* bytes not given away yet, at the end */
    uint8_t bytes[CX_RANDOM_POOL_BYTES]; /* begins with the next refill's key */
};

/* The pool must be zeroed before its first use, and outlive the result. */
struct cx_random cx_random_system(struct cx_random_pool *pool);

/* A reproducible stream from a seed: for tests, benchmarks and fuzzers only. */
struct cx_random_seeded {
    uint64_t s[4];
};
struct cx_random cx_random_from_seed(struct cx_random_seeded *state, uint64_t seed);

#endif
