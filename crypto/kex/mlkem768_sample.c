/* SPDX-License-Identifier: MIT */
/* ML-KEM's sampling: FIPS 203 section 4.2.2. */
#include "crypto/keccak.h"
#include "crypto/kex/mlkem768_priv.h"
#include "crypto/secret.h"

enum { NOISE_BYTES = MLKEM_N / 2 };

/* SampleNTT, Algorithm 7. Values of q and more are drawn again: rho is public, and so is what its time tells. */
static void sample_uniform(struct cx_mlkem_poly *p, const uint8_t rho[MLKEM_HASH_BYTES], uint8_t j, uint8_t i)
{
    uint8_t place[2] = { j, i }, block[CX_SHAKE128_RATE_BYTES];
    struct cx_keccak xof;
    size_t have = 0;
    cx_keccak_begin(&xof, CX_SHAKE128);
    cx_keccak_absorb(&xof, cx_view(rho, MLKEM_HASH_BYTES));
    cx_keccak_absorb(&xof, cx_view(place, sizeof place));
    while (have < MLKEM_N) {
        cx_keccak_squeeze(&xof, block, sizeof block);
        for (size_t at = 0; at < sizeof block && have < MLKEM_N; at += 3) {
            int first = block[at] | (block[at + 1] & 0x0f) << 8, second = block[at + 1] >> 4 | block[at + 2] << 4;
            if (first < MLKEM_Q)
                p->c[have++] = (int16_t)first;
            if (second < MLKEM_Q && have < MLKEM_N)
                p->c[have++] = (int16_t)second;
        }
    }
}

void cx_mlkem_sample_matrix(struct cx_mlkem_matrix *a, const uint8_t rho[MLKEM_HASH_BYTES], bool transposed)
{
    for (uint8_t i = 0; i < MLKEM_K; i++)
        for (uint8_t j = 0; j < MLKEM_K; j++)
            sample_uniform(&a->row[i].p[j], rho, transposed ? i : j, transposed ? j : i);
}

/* SamplePolyCBD, Algorithm 8: a coefficient is the bits of one half of a nibble less those of the other. */
static void sample_binomial(struct cx_mlkem_poly *p, const uint8_t bytes[NOISE_BYTES])
{
    for (size_t i = 0; i < NOISE_BYTES; i++) {
        unsigned sums = (bytes[i] & 0x55u) + (bytes[i] >> 1 & 0x55u); /* of two neighbouring bits */
        p->c[2 * i] = (int16_t)((int)(sums & 3) - (int)(sums >> 2 & 3));
        p->c[2 * i + 1] = (int16_t)((int)(sums >> 4 & 3) - (int)(sums >> 6));
    }
}

void cx_mlkem_sample_noise(struct cx_mlkem_poly *p, size_t count, const uint8_t seed[MLKEM_HASH_BYTES], uint8_t nonce)
{
    uint8_t bytes[NOISE_BYTES];
    for (size_t i = 0; i < count; i++, nonce++) {
        cx_keccak(CX_SHAKE256, cx_view(seed, MLKEM_HASH_BYTES), cx_view(&nonce, 1), bytes, sizeof bytes);
        sample_binomial(&p[i], bytes);
    }
    cx_secret_wipe(bytes, sizeof bytes);
}
