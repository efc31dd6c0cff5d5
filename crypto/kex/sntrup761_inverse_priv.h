/* SPDX-License-Identifier: MIT */
/* Inverses in sntrup761's rings by division steps: D. J. Bernstein and B.-Y. Yang, "Fast constant-time gcd computation and modular
 * inversion" (2019). The number of steps is fixed, and each does the same work whatever the polynomials are.
 *
 * f and g hold the modulus and the argument back to front, so that a step cancels the constant term and shifts. v and r follow
 * them: up to powers of x, f is v times the argument and g is r times it, modulo the modulus. In the end f is a constant.
 *
 * Included by each kernel, whose flags say which vectors the compiler makes of the loops: a step takes about 2,000 cycles without,
 * 550 with AVX-512. */
#ifndef CX_SNTRUP761_INVERSE_PRIV_H
#define CX_SNTRUP761_INVERSE_PRIV_H

#include "crypto/kex/ct_priv.h"
#include "crypto/kex/sntrup761_priv.h"
#include "crypto/secret.h"

enum { TERMS = SNTRUP_P + 1, STEPS = 2 * SNTRUP_P - 1 };

struct division {
    int16_t f[TERMS], g[TERMS], v[TERMS], r[TERMS];
    int32_t delta; /* the difference of degrees that is left */
};

static void division_init(struct division *d, const struct cx_sntrup_poly *a)
{
    memset(d, 0, sizeof *d);
    d->f[0] = 1; /* x^p - x - 1, back to front */
    d->f[SNTRUP_P - 1] = -1;
    d->f[SNTRUP_P] = -1;
    for (size_t i = 0; i < SNTRUP_P; i++)
        d->g[i] = a->c[SNTRUP_P - 1 - i];
    d->r[0] = 1;
    d->delta = 1;
}

/* Ones where x is not 0. */
static uint32_t not_zero(int32_t x)
{
    return cx_ct_mask((uint32_t)(x | -x) >> 31);
}

static inline void swap_where(int16_t *restrict a, int16_t *restrict b, int16_t mask)
{
    for (size_t i = 0; i < TERMS; i++) {
        int16_t difference = (int16_t)((a[i] ^ b[i]) & mask);
        a[i] ^= difference;
        b[i] ^= difference;
    }
}

/* The half of a step that both rings share: v is shifted, and where the degree of g is to be looked at next, f and g change
 * places. g_constant is g's constant term, 0 only where it is 0 in the ring. */
static inline void arrange(struct division *d, int32_t g_constant)
{
    memmove(d->v + 1, d->v, (TERMS - 1) * sizeof d->v[0]);
    d->v[0] = 0;
    uint32_t swap = not_zero(g_constant) & cx_ct_mask((uint32_t)-d->delta >> 31);
    d->delta ^= (int32_t)(swap & (uint32_t)(d->delta ^ -d->delta));
    d->delta++;
    swap_where(d->f, d->g, (int16_t)swap);
    swap_where(d->v, d->r, (int16_t)swap);
}

/* ---- modulo 3 ---- */

/* For |x| up to 2. */
static inline int16_t wrap_3(int16_t x)
{
    return (int16_t)(x - 3 * (((x + 4) * 11 >> 5) - 1));
}

static bool invert_small(struct cx_sntrup_poly *out, const struct cx_sntrup_poly *a)
{
    struct division d;
    division_init(&d, a);
    for (unsigned step = 0; step < STEPS; step++) {
        arrange(&d, d.g[0]);
        int16_t factor = (int16_t)(-d.g[0] * d.f[0]);
        for (size_t i = 0; i < TERMS - 1; i++)
            d.g[i] = wrap_3((int16_t)(d.g[i + 1] + factor * d.f[i + 1]));
        d.g[TERMS - 1] = 0;
        for (size_t i = 0; i < TERMS; i++)
            d.r[i] = wrap_3((int16_t)(d.r[i] + factor * d.v[i]));
    }
    for (size_t i = 0; i < SNTRUP_P; i++)
        out->c[i] = (int16_t)(d.f[0] * d.v[SNTRUP_P - 1 - i]);
    bool invertible = d.delta == 0;
    cx_secret_wipe(&d, sizeof d);
    return invertible;
}

/* ---- modulo q ----
 * Products are reduced by Montgomery's method with R = 2^16: multiply_scalars(a, b) is a b / R. A step puts the same factor 1 / R
 * on g and on r, and the last division cancels all of them. New elements are differences of two products: where the old ones are at
 * most b, they are at most q + 2 b^2 / R, so that none ever passes 5,523. */

enum { SNTRUP_Q_INVERSE = 15631 /* of q mod R */, R_MODULO_Q = 1262, R_SQUARED = 4158, THIRD = 3061 /* 1 / 3 mod q */ };

static inline int16_t multiply_scalars(int16_t a, int16_t b)
{
    int32_t x = (int32_t)a * b;
    int16_t t = (int16_t)((uint32_t)x * SNTRUP_Q_INVERSE);
    return (int16_t)((int16_t)(x >> 16) - (int16_t)((int32_t)t * SNTRUP_Q >> 16));
}

/* From -2295 to 2295, for |x| up to 3 q / 2. */
static inline int16_t centre(int16_t x)
{
    int16_t below = (int16_t)((x + SNTRUP_HALF_Q) >> 15), above = (int16_t)((SNTRUP_HALF_Q - x) >> 15);
    return (int16_t)(x + (below & SNTRUP_Q) - (above & SNTRUP_Q));
}

/* R / a, with Fermat: a^(q-2). */
static int16_t invert_scalar(int16_t a)
{
    int16_t result = R_MODULO_Q;
    int16_t power = multiply_scalars(a, R_SQUARED);
    for (unsigned exponent = SNTRUP_Q - 2; exponent > 0; exponent >>= 1) {
        if (exponent & 1)
            result = multiply_scalars(result, power);
        power = multiply_scalars(power, power);
    }
    return result;
}

static void invert_triple(struct cx_sntrup_poly *out, const struct cx_sntrup_poly *a)
{
    struct division d;
    division_init(&d, a);
    d.r[0] = THIRD;
    for (unsigned step = 0; step < STEPS; step++) {
        arrange(&d, centre(d.g[0]));
        int16_t f0 = d.f[0], g0 = d.g[0];
        for (size_t i = 0; i < TERMS - 1; i++)
            d.g[i] = (int16_t)(multiply_scalars(f0, d.g[i + 1]) - multiply_scalars(g0, d.f[i + 1]));
        d.g[TERMS - 1] = 0;
        for (size_t i = 0; i < TERMS; i++)
            d.r[i] = (int16_t)(multiply_scalars(f0, d.r[i]) - multiply_scalars(g0, d.v[i]));
    }
    int16_t scale = invert_scalar(d.f[0]);
    for (size_t i = 0; i < SNTRUP_P; i++)
        out->c[i] = centre(multiply_scalars(scale, d.v[SNTRUP_P - 1 - i]));
    cx_secret_wipe(&d, sizeof d);
}

#endif
