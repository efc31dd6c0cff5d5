/* SPDX-License-Identifier: MIT */
/* ML-KEM's sampling: FIPS 203 section 4.2.2. All hashes that are due at a time go side by side. */
#include <assert.h>

#include "crypto/kernels/kernels.h"
#include "crypto/kex/mlkem768_priv.h"
#include "crypto/secret.h"

/* Three blocks are enough for 99 of 100 polynomials. */
enum { MATRIX = MLKEM_K * MLKEM_K, DRAWN_BYTES = 3 * CX_SHAKE128_RATE_BYTES };

size_t cx_mlkem_take_uniform(struct cx_mlkem_poly *p, size_t have, const uint8_t *bytes, size_t len)
{
    for (size_t at = 0; at < len && have < MLKEM_N; at += 3) {
        int first = bytes[at] | (bytes[at + 1] & 0x0f) << 8, second = bytes[at + 1] >> 4 | bytes[at + 2] << 4;
        if (first < MLKEM_Q)
            p->c[have++] = (int16_t)first;
        if (second < MLKEM_Q && have < MLKEM_N)
            p->c[have++] = (int16_t)second;
    }
    return have;
}

/* SampleNTT, Algorithm 7. Values of q and more are drawn again: rho is public, and so is what its time tells. */
static void sample_alone(struct cx_mlkem_poly *p, struct cx_view rho, struct cx_view place)
{
    uint8_t block[CX_SHAKE128_RATE_BYTES];
    struct cx_keccak xof;
    size_t have = 0;
    cx_keccak_begin(&xof, CX_SHAKE128);
    cx_keccak_absorb(&xof, rho);
    cx_keccak_absorb(&xof, place);
    while (have < MLKEM_N) {
        cx_keccak_squeeze(&xof, block, sizeof block);
        have = cx_mlkem_take_uniform(p, have, block, sizeof block);
    }
}

void cx_mlkem_sample_matrix(const struct cx_kernels *k, struct cx_mlkem_vector *rows, const uint8_t rho[MLKEM_HASH_BYTES],
                            bool transposed, const struct cx_keccak_job *beside, size_t count)
{
    uint8_t place[MATRIX][2], drawn[MATRIX][DRAWN_BYTES];
    struct cx_keccak_job job[MLKEM_NOISE_MAX + MATRIX];
    struct cx_view seed = cx_view(rho, MLKEM_HASH_BYTES);
    assert(count <= MLKEM_NOISE_MAX);
    memcpy(job, beside, count * sizeof job[0]);
    for (uint8_t i = 0; i < MATRIX; i++) {
        uint8_t row = i / MLKEM_K, column = i % MLKEM_K;
        place[i][0] = transposed ? row : column;
        place[i][1] = transposed ? column : row;
        job[count + i] = (struct cx_keccak_job){ CX_SHAKE128, seed, cx_view(place[i], sizeof place[i]), drawn[i], DRAWN_BYTES };
    }
    cx_keccak_many(k->keccak, job, count + MATRIX);
    for (size_t i = 0; i < MATRIX; i++) {
        struct cx_mlkem_poly *p = &rows[i / MLKEM_K].p[i % MLKEM_K];
        if (k->mlkem->take_uniform(p, drawn[i], DRAWN_BYTES) < MLKEM_N)
            sample_alone(p, seed, cx_view(place[i], sizeof place[i]));
    }
}

/* SamplePolyCBD, Algorithm 8: a coefficient is the bits of one half of a nibble less those of the other. */
void cx_mlkem_binomial(struct cx_mlkem_poly *p, const uint8_t bytes[MLKEM_NOISE_BYTES])
{
    for (size_t i = 0; i < MLKEM_NOISE_BYTES; i++) {
        unsigned sums = (bytes[i] & 0x55u) + (bytes[i] >> 1 & 0x55u); /* of two neighbouring bits */
        p->c[2 * i] = (int16_t)((int)(sums & 3) - (int)(sums >> 2 & 3));
        p->c[2 * i + 1] = (int16_t)((int)(sums >> 4 & 3) - (int)(sums >> 6));
    }
}

void cx_mlkem_noise_begin(struct cx_mlkem_noise *noise, const uint8_t seed[MLKEM_HASH_BYTES], size_t count)
{
    assert(count <= MLKEM_NOISE_MAX);
    for (uint8_t i = 0; i < count; i++) {
        noise->nonce[i] = i;
        noise->job[i] = (struct cx_keccak_job){ CX_SHAKE256, cx_view(seed, MLKEM_HASH_BYTES), cx_view(&noise->nonce[i], 1),
                                                noise->bytes[i], MLKEM_NOISE_BYTES };
    }
}

void cx_mlkem_noise_end(const struct cx_kernels *k, struct cx_mlkem_noise *noise, struct cx_mlkem_poly *p, size_t count)
{
    for (size_t i = 0; i < count; i++)
        k->mlkem->binomial(&p[i], noise->bytes[i]);
    cx_secret_wipe(noise->bytes, sizeof noise->bytes);
}
