/* SPDX-License-Identifier: MIT */
/* sntrup761's kernel of portable C. A product is 1,521 inner products of 16-bit numbers, which compilers turn into their vector
 * instruction for that. */
#include "crypto/kex/sntrup761_priv.h"
#include "crypto/secret.h"

enum {
    LANES = 16,                                            /* inner products go by so many at once */
    ROOM = (SNTRUP_P + LANES - 1) / LANES * LANES + LANES, /* so that they may read zeros past the end */
    FULL = 2 * SNTRUP_P - 1,                               /* coefficients of a product */
};

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
};

static void multiply_plain(int32_t product[SNTRUP_PRODUCT], const struct cx_sntrup_poly *a, const struct cx_sntrup_poly *b)
{
    struct factors f = { 0 };
    memcpy(f.a, a->c, sizeof a->c);
    for (size_t i = 0; i < SNTRUP_P; i++)
        f.b_reversed[i] = b->c[SNTRUP_P - 1 - i];
    for (size_t k = 0; k < SNTRUP_P; k++)
        product[k] = inner_product(f.a, f.b_reversed + (SNTRUP_P - 1 - k), k + 1);
    for (size_t k = SNTRUP_P; k < FULL; k++)
        product[k] = inner_product(f.a + (k - SNTRUP_P + 1), f.b_reversed, FULL - k);
    memset(product + FULL, 0, (SNTRUP_PRODUCT - FULL) * sizeof product[0]);
    cx_secret_wipe(&f, sizeof f);
}

/* Each of a against its partner in b: the smaller goes to a. The borrow of a 64-bit subtraction is the mask. */
static inline void order(uint32_t *restrict a, uint32_t *restrict b, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        uint32_t swap = (uint32_t)(((uint64_t)b[i] - a[i]) >> 32) & (a[i] ^ b[i]);
        a[i] ^= swap;
        b[i] ^= swap;
    }
}

/* Every i with i AND p = r against i + d. */
static void compare_all(uint32_t word[SNTRUP_P], size_t p, size_t r, size_t d)
{
    for (size_t at = r; at < SNTRUP_P - d; at += 2 * p)
        order(word + at, word + at + d, SNTRUP_P - d - at < p ? SNTRUP_P - d - at : p);
}

/* Batcher's merge exchange: Knuth, "The Art of Computer Programming" volume 3, section 5.2.2, algorithm M. */
static void sort(uint32_t word[SNTRUP_P])
{
    enum { TOP = 512 }; /* the highest power of 2 below SNTRUP_P */
    for (size_t p = TOP; p > 0; p /= 2) {
        compare_all(word, p, 0, p);
        for (size_t q = TOP; q > p; q /= 2)
            compare_all(word, p, p, q - p);
    }
}

#include "crypto/kex/sntrup761_ring_priv.h"

const struct cx_sntrup_kernel cx_sntrup_portable = { .kernel = { .name = "portable" }, SNTRUP_FUNCTIONS };
