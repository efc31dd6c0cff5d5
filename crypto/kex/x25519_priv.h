/* SPDX-License-Identifier: MIT */
/* Inside crypto/ and its tests only: X25519's kernels, and its numbers, modulo p = 2^255 - 19, where they are not libsodium's: 32
 * bytes, little-endian, or five limbs of 51 bits. */
#ifndef CX_X25519_PRIV_H
#define CX_X25519_PRIV_H

#include "crypto/kernels/kernels.h"

enum { CX_X25519_BYTES = 32, CX_X25519_LIMBS = 5 };

/* RFC 7748 section 5: what X25519 makes of a scalar first. */
static inline void cx_x25519_clamp(uint8_t scalar[CX_X25519_BYTES])
{
    scalar[0] &= 0xf8;
    scalar[CX_X25519_BYTES - 1] = (scalar[CX_X25519_BYTES - 1] & 0x7f) | 0x40;
}

struct cx_x25519_kernel {
    struct cx_kernel kernel;
    /* X25519 (RFC 7748 section 5) of any scalar and any point. False: the result is zero, or nothing works. */
    bool (*multiply)(uint8_t out[CX_X25519_BYTES], const uint8_t scalar[CX_X25519_BYTES], const uint8_t point[CX_X25519_BYTES]);
};

extern const struct cx_x25519_kernel cx_x25519_portable; /* x25519.c: libsodium, which picks for itself */
#if defined(__x86_64__)
extern const struct cx_x25519_kernel cx_x25519_ifma;
#endif

/* ---- x25519_field.c: in constant time ---- */

/* Without the top bit; p and what is above it may come. */
void cx_x25519_read(uint64_t limb[CX_X25519_LIMBS], const uint8_t in[CX_X25519_BYTES]);
/* above / below, less than p; by zero it is zero. Limbs may have 53 bits. */
void cx_x25519_divide(uint8_t out[CX_X25519_BYTES], const uint64_t above[CX_X25519_LIMBS], const uint64_t below[CX_X25519_LIMBS]);
/* In place, from a point of edwards25519, which is its y as RFC 8032 section 5.1.2 has it, whatever the top bit (x's sign), to the
 * same one of curve25519 (RFC 7748 section 4.1). Of the neutral point it is zero. */
void cx_x25519_from_edwards(uint8_t point[CX_X25519_BYTES]);

#endif
