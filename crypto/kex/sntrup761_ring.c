/* SPDX-License-Identifier: MIT */
/* Multiplication in sntrup761's rings, and what stands beside it. A product is 1,521 inner products of 16-bit numbers, which
 * compilers turn into their vector instruction for that; divisions by 3 and by q are multiplications and shifts. */
#include "crypto/kex/ct_priv.h"
#include "crypto/kex/sntrup761_priv.h"
#include "crypto/secret.h"

enum {
    LANES = 16,                                            /* inner products go by so many at once */
    ROOM = (SNTRUP_P + LANES - 1) / LANES * LANES + LANES, /* so that they may read zeros past the end */
    PRODUCT = 2 * SNTRUP_P - 1,
};

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

static inline int32_t inner_product(const int16_t *a, const int16_t *b, size_t len)
{
    int32_t sum = 0;
    for (size_t i = 0; i < len; i += LANES)
        for (size_t j = 0; j < LANES; j++)
            sum += (int32_t)a[i + j] * b[i + j];
    return sum;
}

/* Both factors with zeros behind them, one of them back to front. */
struct factors {
    int16_t a[ROOM], b_reversed[ROOM];
    int32_t product[PRODUCT];
};

/* The product's coefficients: below 2^21, as one factor is small. */
static void multiply_plain(struct factors *f, const struct cx_sntrup_poly *a, const struct cx_sntrup_poly *b)
{
    memset(f->a, 0, sizeof f->a);
    memset(f->b_reversed, 0, sizeof f->b_reversed);
    memcpy(f->a, a->c, sizeof a->c);
    for (size_t i = 0; i < SNTRUP_P; i++)
        f->b_reversed[i] = b->c[SNTRUP_P - 1 - i];
    for (size_t k = 0; k < SNTRUP_P; k++)
        f->product[k] = inner_product(f->a, f->b_reversed + SNTRUP_P - 1 - k, k + 1);
    for (size_t k = SNTRUP_P; k < PRODUCT; k++)
        f->product[k] = inner_product(f->a + k - SNTRUP_P + 1, f->b_reversed, PRODUCT - k);
}

/* Coefficient i of the product modulo x^p - x - 1: x^(p+i) is x^(i+1) + x^i. */
static inline int32_t folded(const struct factors *f, size_t i)
{
    int32_t sum = f->product[i];
    if (i < SNTRUP_P - 1)
        sum += f->product[i + SNTRUP_P];
    if (i > 0)
        sum += f->product[i + SNTRUP_P - 1];
    return sum;
}

void cx_sntrup_multiply(struct cx_sntrup_poly *out, const struct cx_sntrup_poly *a, const struct cx_sntrup_poly *b)
{
    struct factors f;
    multiply_plain(&f, a, b);
    for (size_t i = 0; i < SNTRUP_P; i++)
        out->c[i] = modulo_q(folded(&f, i));
    cx_secret_wipe(&f, sizeof f);
}

void cx_sntrup_multiply_small(struct cx_sntrup_poly *out, const struct cx_sntrup_poly *a, const struct cx_sntrup_poly *b)
{
    struct factors f;
    multiply_plain(&f, a, b);
    for (size_t i = 0; i < SNTRUP_P; i++)
        out->c[i] = modulo_3(folded(&f, i));
    cx_secret_wipe(&f, sizeof f);
}

void cx_sntrup_triple_to_small(struct cx_sntrup_poly *out, const struct cx_sntrup_poly *a)
{
    for (size_t i = 0; i < SNTRUP_P; i++)
        out->c[i] = modulo_3(modulo_q(3 * a->c[i]));
}

void cx_sntrup_round(struct cx_sntrup_poly *a)
{
    for (size_t i = 0; i < SNTRUP_P; i++)
        a->c[i] = (int16_t)(a->c[i] - modulo_3(a->c[i]));
}

void cx_sntrup_force_weight(struct cx_sntrup_poly *a)
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
