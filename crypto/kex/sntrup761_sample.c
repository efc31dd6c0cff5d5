/* SPDX-License-Identifier: MIT */
/* Random polynomials of sntrup761. A short one is a fixed multiset of coefficients in random order: each gets random bits in
 * front of it, and sorting them shuffles it. The sort is a network, whose comparisons do not depend on what is sorted. */
#include "crypto/kex/sntrup761_priv.h"
#include "crypto/secret.h"

struct draws {
    uint8_t bytes[4 * SNTRUP_P];
    uint32_t word[SNTRUP_P];
};

static void draw(struct draws *d, const struct cx_random *random)
{
    cx_random_fill(random, d->bytes, sizeof d->bytes);
    for (size_t i = 0; i < SNTRUP_P; i++) {
        const uint8_t *p = &d->bytes[4 * i];
        d->word[i] = (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
    }
}

void cx_sntrup_sample_small(struct cx_sntrup_poly *out, const struct cx_random *random)
{
    struct draws d;
    draw(&d, random);
    for (size_t i = 0; i < SNTRUP_P; i++)
        out->c[i] = (int16_t)((int)((d.word[i] & 0x3fffffff) * 3 >> 30) - 1);
    cx_secret_wipe(&d, sizeof d);
}

/* The two lowest bits are the coefficient plus 1: 0 or 2 where it is not zero, as the random bit above the lowest says. */
void cx_sntrup_sample_short(const struct cx_kernels *k, struct cx_sntrup_poly *out, const struct cx_random *random)
{
    struct draws d;
    draw(&d, random);
    for (size_t i = 0; i < SNTRUP_WEIGHT; i++)
        d.word[i] &= ~(uint32_t)1;
    for (size_t i = SNTRUP_WEIGHT; i < SNTRUP_P; i++)
        d.word[i] = (d.word[i] & ~(uint32_t)3) | 1;
    k->sntrup->sort(d.word);
    for (size_t i = 0; i < SNTRUP_P; i++)
        out->c[i] = (int16_t)((int)(d.word[i] & 3) - 1);
    cx_secret_wipe(&d, sizeof d);
}
