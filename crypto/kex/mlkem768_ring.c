/* SPDX-License-Identifier: MIT */
/* ML-KEM's ring. Products are reduced by Montgomery's method with R = 2^16 and sums by Barrett's, both as 16-bit multiplications
 * that give the high half: there is no division, and compilers find the vector instructions for them.
 *
 * multiply(a, b) is a b / R. Constants carry a factor of R that makes up for it. */
#include "crypto/kex/mlkem768_priv.h"

enum {
    Q_INVERSE = 62209, /* of q mod R */
    R_SQUARED = 1353,  /* mod q */
    R_OVER_128 = 512,  /* mod q: Algorithm 10 ends with a division by 128 */
    BARRETT = 20159,   /* 2^26 / q, rounded */
    BARRETT_SHIFT = 26 - 16,
};

static inline int16_t high_half(int32_t product)
{
    return (int16_t)(product >> 16);
}

/* x / R for |x| < q R / 2: small. The low halves of x and t q are equal and cancel. */
static inline int16_t reduce_product(int32_t x)
{
    int16_t t = (int16_t)((uint32_t)x * Q_INVERSE);
    return (int16_t)(high_half(x) - high_half((int32_t)t * MLKEM_Q));
}

static inline int16_t multiply(int16_t a, int16_t b)
{
    return reduce_product((int32_t)a * b);
}

/* Any 16-bit value in, reduced out. */
static inline int16_t reduce(int16_t a)
{
    int16_t quotient = (int16_t)((high_half((int32_t)a * BARRETT) + (1 << (BARRETT_SHIFT - 1))) >> BARRETT_SHIFT);
    return (int16_t)(a - quotient * MLKEM_Q);
}

/* One layer's butterflies on len pairs. Each of the seven layers adds less than q: 8 q stays below 2^15. */
static inline void butterflies(int16_t *restrict low, int16_t *restrict high, size_t len, int16_t zeta)
{
    for (size_t i = 0; i < len; i++) {
        int16_t t = multiply(zeta, high[i]);
        high[i] = (int16_t)(low[i] - t);
        low[i] = (int16_t)(low[i] + t);
    }
}

static inline void butterflies_inverse(int16_t *restrict low, int16_t *restrict high, size_t len, int16_t zeta)
{
    for (size_t i = 0; i < len; i++) {
        int16_t sum = (int16_t)(low[i] + high[i]);
        high[i] = multiply(zeta, (int16_t)(high[i] - low[i]));
        low[i] = reduce(sum);
    }
}

static void ntt(int16_t c[MLKEM_N])
{
    const int16_t *zeta = cx_mlkem_roots.forward;
    for (size_t len = MLKEM_N / 2; len >= 2; len /= 2)
        for (size_t at = 0; at < MLKEM_N; at += 2 * len)
            butterflies(c + at, c + at + len, len, *++zeta);
    for (size_t i = 0; i < MLKEM_N; i++)
        c[i] = reduce(c[i]);
}

static void ntt_inverse(int16_t c[MLKEM_N])
{
    const int16_t *zeta = cx_mlkem_roots.forward + 128;
    for (size_t len = 2; len <= MLKEM_N / 2; len *= 2)
        for (size_t at = 0; at < MLKEM_N; at += 2 * len)
            butterflies_inverse(c + at, c + at + len, len, *--zeta);
    for (size_t i = 0; i < MLKEM_N; i++)
        c[i] = multiply(c[i], R_OVER_128);
}

void cx_mlkem_ntt(struct cx_mlkem_poly *p, size_t count)
{
    for (size_t i = 0; i < count; i++)
        ntt(p[i].c);
}

void cx_mlkem_ntt_inverse(struct cx_mlkem_poly *p, size_t count)
{
    for (size_t i = 0; i < count; i++)
        ntt_inverse(p[i].c);
}

/* Coefficients 2 i and 2 i + 1 multiply modulo x^2 - zeta, where zetas of neighbours are opposite. The sums of three products
 * stay below 6 q^2, which reduce_product takes; the second factor of R makes up for the two reductions. */
static void dot(struct cx_mlkem_poly *out, const struct cx_mlkem_vector *a, const struct cx_mlkem_vector *b)
{
    for (size_t i = 0; i < MLKEM_N / 2; i++) {
        int16_t root = cx_mlkem_roots.forward[64 + i / 2], zeta = (int16_t)(i % 2 == 0 ? root : -root);
        int32_t even = 0, odd = 0;
        for (size_t k = 0; k < MLKEM_K; k++) {
            const int16_t *x = &a->p[k].c[2 * i], *y = &b->p[k].c[2 * i];
            even += (int32_t)x[0] * y[0] + (int32_t)multiply(x[1], y[1]) * zeta;
            odd += (int32_t)x[0] * y[1] + (int32_t)x[1] * y[0];
        }
        out->c[2 * i] = multiply(reduce_product(even), R_SQUARED);
        out->c[2 * i + 1] = multiply(reduce_product(odd), R_SQUARED);
    }
}

void cx_mlkem_dot(struct cx_mlkem_poly *out, const struct cx_mlkem_vector *a, size_t count, const struct cx_mlkem_vector *b)
{
    for (size_t i = 0; i < count; i++)
        dot(&out[i], &a[i], b);
}

void cx_mlkem_add(struct cx_mlkem_poly *a, const struct cx_mlkem_poly *b, size_t count)
{
    for (size_t k = 0; k < count; k++)
        for (size_t i = 0; i < MLKEM_N; i++)
            a[k].c[i] = reduce((int16_t)(a[k].c[i] + b[k].c[i]));
}

void cx_mlkem_subtract_from(struct cx_mlkem_poly *a, const struct cx_mlkem_poly *b)
{
    for (size_t i = 0; i < MLKEM_N; i++)
        a->c[i] = reduce((int16_t)(b->c[i] - a->c[i]));
}

void cx_mlkem_canonical(struct cx_mlkem_poly *p, size_t count)
{
    for (size_t k = 0; k < count; k++)
        for (size_t i = 0; i < MLKEM_N; i++) {
            int16_t c = reduce(p[k].c[i]);
            p[k].c[i] = (int16_t)(c + (MLKEM_Q & (c >> 15)));
        }
}
