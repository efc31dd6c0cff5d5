/* SPDX-License-Identifier: MIT */
/* What stands around multiplication in sntrup761's rings; divisions by 3 and by q are multiplications and shifts. Included by each
 * kernel, which defines multiply_plain:
 *   void multiply_plain(int32_t product[SNTRUP_PRODUCT], a, b)     as polynomials, unreduced, where b is small
 * and sort. */
#ifndef CX_SNTRUP761_RING_PRIV_H
#define CX_SNTRUP761_RING_PRIV_H

#include "crypto/kex/ct_priv.h"
#include "crypto/kex/sntrup761_inverse_priv.h"
#include "crypto/secret.h"

/* Modulo q, for |x| below 2^24: the quotient is rounded to the nearest, and so the rest is from -2295 to 2295. */
static inline int16_t modulo_q(int32_t x)
{
    static const int64_t reciprocal = 59873210; /* 2^38 / q, rounded */
    int32_t quotient = (int32_t)((x * reciprocal + ((int64_t)1 << 37)) >> 38);
    return (int16_t)(x - quotient * SNTRUP_Q);
}

/* Modulo 3, for |x| below 2^14. */
static inline int16_t modulo_3(int32_t x)
{
    return (int16_t)(x - 3 * ((10923 * x + (1 << 14)) >> 15));
}

/* The product modulo x^p - x - 1: x^(p+i) is x^(i+1) + x^i. Coefficients stay below 2^23, as one factor is small. */
static void fold(int32_t product[SNTRUP_PRODUCT])
{
    int32_t not_above = product[SNTRUP_P - 1];
    for (size_t i = 0; i < SNTRUP_P; i++)
        product[i] += product[i + SNTRUP_P] + product[i + SNTRUP_P - 1];
    product[0] -= not_above;
}

static void multiply(struct cx_sntrup_poly *out, const struct cx_sntrup_poly *a, const struct cx_sntrup_poly *b)
{
    _Alignas(64) int32_t product[SNTRUP_PRODUCT];
    multiply_plain(product, a, b);
    fold(product);
    for (size_t i = 0; i < SNTRUP_P; i++)
        out->c[i] = modulo_q(product[i]);
    cx_secret_wipe(product, sizeof product);
}

static void multiply_small(struct cx_sntrup_poly *out, const struct cx_sntrup_poly *a, const struct cx_sntrup_poly *b)
{
    _Alignas(64) int32_t product[SNTRUP_PRODUCT];
    multiply_plain(product, a, b);
    fold(product);
    for (size_t i = 0; i < SNTRUP_P; i++)
        out->c[i] = modulo_3(product[i]);
    cx_secret_wipe(product, sizeof product);
}

static void triple_to_small(struct cx_sntrup_poly *out, const struct cx_sntrup_poly *a)
{
    for (size_t i = 0; i < SNTRUP_P; i++)
        out->c[i] = modulo_3(modulo_q(3 * a->c[i]));
}

static void round_to_3(struct cx_sntrup_poly *a)
{
    for (size_t i = 0; i < SNTRUP_P; i++)
        a->c[i] = (int16_t)(a->c[i] - modulo_3(a->c[i]));
}

static void force_weight(struct cx_sntrup_poly *a)
{
    uint32_t weight = 0;
    for (size_t i = 0; i < SNTRUP_P; i++)
        weight += a->c[i] & 1;
    uint32_t difference = weight ^ SNTRUP_WEIGHT;
    int16_t keep = (int16_t)~cx_ct_mask((difference | -difference) >> 31);
    for (size_t i = 0; i < SNTRUP_WEIGHT; i++)
        a->c[i] = (int16_t)(((a->c[i] ^ 1) & keep) ^ 1);
    for (size_t i = SNTRUP_WEIGHT; i < SNTRUP_P; i++)
        a->c[i] &= keep;
}

/* What struct cx_sntrup_kernel holds behind its name. */
#define SNTRUP_FUNCTIONS                                                                                                           \
    .multiply = multiply, .multiply_small = multiply_small, .triple_to_small = triple_to_small, .round = round_to_3,               \
    .force_weight = force_weight, .invert_triple = invert_triple, .invert_small = invert_small, .sort = sort

#endif
