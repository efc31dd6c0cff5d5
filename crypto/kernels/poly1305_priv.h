/* SPDX-License-Identifier: MIT */
/* Poly1305 in 64-bit words, for short messages and for the ends of long ones. */
#ifndef CX_POLY1305_PRIV_H
#define CX_POLY1305_PRIV_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
    CX_POLY1305_KEY = 32,
    CX_POLY1305_TAG = 16,
    CX_POLY1305_BLOCK = 16,
};

struct cx_poly1305 {
    uint64_t h[3]; /* below 2^130 and a little */
    uint64_t r[2];
};

static inline struct cx_poly1305 cx_poly1305_start(const uint8_t key[CX_POLY1305_KEY])
{
    struct cx_poly1305 p = { .h = { 0 } };
    memcpy(p.r, key, sizeof p.r);
    p.r[0] &= 0x0ffffffc0fffffff;
    p.r[1] &= 0x0ffffffc0ffffffc;
    return p;
}

/* The message from the byte `done`, a multiple of CX_POLY1305_BLOCK, to its end; what is in front stands in h. */
void cx_poly1305_finish(const struct cx_poly1305 *p, const uint8_t *bytes, size_t done, size_t len,
                        const uint8_t key[CX_POLY1305_KEY], uint8_t tag[CX_POLY1305_TAG]);

/* r, r^2, …, r^n. */
void cx_poly1305_powers(const uint8_t key[CX_POLY1305_KEY], uint64_t power[][3], size_t n);

#endif
