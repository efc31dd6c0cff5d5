/* SPDX-License-Identifier: MIT */
/* Inside sntrup761: rings, which are a kernel's, sampling and encodings. R is Z[x] / (x^761 - x - 1), a field modulo q = 4591;
 * coefficients modulo q are held from -2295 to 2295, modulo 3 ("small") from -1 to 1. "Short" is small with 286 coefficients that
 * are not zero. */
#ifndef CX_SNTRUP761_PRIV_H
#define CX_SNTRUP761_PRIV_H

#include "crypto/kex/sntrup761.h"

enum {
    SNTRUP_P = 761,
    SNTRUP_Q = 4591,
    SNTRUP_HALF_Q = (SNTRUP_Q - 1) / 2,
    SNTRUP_WEIGHT = 286,
    SNTRUP_SMALL_BYTES = 191, /* 2 bits a coefficient */
    SNTRUP_ROUNDED_BYTES = 1007,
    SNTRUP_HASH_BYTES = 32,
    SNTRUP_PRODUCT = 2 * 768, /* room for a product's 1,521 coefficients, and zeros behind them */
};

struct cx_sntrup_poly {
    int16_t c[SNTRUP_P];
};

/* out may be an argument. */
struct cx_sntrup_kernel {
    struct cx_kernel kernel;
    /* a times small b, modulo q. */
    void (*multiply)(struct cx_sntrup_poly *out, const struct cx_sntrup_poly *a, const struct cx_sntrup_poly *b);
    /* Both small, modulo 3. */
    void (*multiply_small)(struct cx_sntrup_poly *out, const struct cx_sntrup_poly *a, const struct cx_sntrup_poly *b);
    /* 3 a modulo q, and that modulo 3: small. */
    void (*triple_to_small)(struct cx_sntrup_poly *out, const struct cx_sntrup_poly *a);
    /* Each coefficient becomes the nearest multiple of 3. */
    void (*round)(struct cx_sntrup_poly *a);
    /* The short polynomial that a small one is, or, where its weight is another, 286 ones. */
    void (*force_weight)(struct cx_sntrup_poly *a);
    /* 1 / (3 a) modulo q, for small a that is not zero. */
    void (*invert_triple)(struct cx_sntrup_poly *out, const struct cx_sntrup_poly *a);
    /* 1 / a modulo 3, of a small a. False: it has none, which is public. */
    bool (*invert_small)(struct cx_sntrup_poly *out, const struct cx_sntrup_poly *a);
    /* Upwards. */
    void (*sort)(uint32_t word[SNTRUP_P]);
};

extern const struct cx_sntrup_kernel cx_sntrup_portable; /* sntrup761_portable.c */
#if defined(__x86_64__)
extern const struct cx_sntrup_kernel cx_sntrup_avx2;
extern const struct cx_sntrup_kernel cx_sntrup_avx512;
#endif

/* ---- sntrup761_sample.c ---- */

void cx_sntrup_sample_small(struct cx_sntrup_poly *out, const struct cx_random *random);
void cx_sntrup_sample_short(const struct cx_kernels *k, struct cx_sntrup_poly *out, const struct cx_random *random);

/* ---- sntrup761_code.c; what is decoded is public, but for small polynomials ---- */

void cx_sntrup_encode_small(uint8_t out[SNTRUP_SMALL_BYTES], const struct cx_sntrup_poly *a);
void cx_sntrup_decode_small(struct cx_sntrup_poly *a, const uint8_t in[SNTRUP_SMALL_BYTES]);
void cx_sntrup_encode(uint8_t out[CX_SNTRUP761_PUBLIC_BYTES], const struct cx_sntrup_poly *a);
void cx_sntrup_decode(struct cx_sntrup_poly *a, const uint8_t in[CX_SNTRUP761_PUBLIC_BYTES]);
/* Multiples of 3. */
void cx_sntrup_encode_rounded(uint8_t out[SNTRUP_ROUNDED_BYTES], const struct cx_sntrup_poly *a);
void cx_sntrup_decode_rounded(struct cx_sntrup_poly *a, const uint8_t in[SNTRUP_ROUNDED_BYTES]);

#endif
