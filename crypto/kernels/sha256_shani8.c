/* SPDX-License-Identifier: MIT */
/* HMAC-SHA-256 on SHA-NI, where everything but the rounds has AVX-512's 32 registers. Measured on Zen 5, cycles a byte: 2.0 with
 * one lane, 1.31 with two, 1.15 with three, 1.07 with four and with six; eight are in assembly, and take 1.00 with AES-CTR beside
 * them or without.
 *
 * Eight messages in vectors of 256 bits instead, with a schedule two words wide, took 1.16: their rounds wait 9 cycles for each
 * other. Seven on SHA-NI beside one in the integer units took .99: that many instructions leave nothing to take out of order. */
enum { LANES_MAX = 6 };

#include "crypto/kernels/sha256_eight_priv.h"
#include "crypto/kernels/sha256_shani_priv.h"
#include "crypto/wire.h"

static void eight_load(struct cx_sha256_eight *x, union cx_sha2_state *const state[], const uint8_t *const in[])
{
    for (size_t i = 0; i < CX_SHA256_EIGHT; i++) {
        struct halves s = state_load(state[i]);
        _mm_store_si128((void *)x->state[i][0], s.abef);
        _mm_store_si128((void *)x->state[i][1], s.cdgh);
        x->in[i] = in[i];
    }
}

static void eight_store(union cx_sha2_state *const state[], const struct cx_sha256_eight *x)
{
    for (size_t i = 0; i < CX_SHA256_EIGHT; i++) {
        state_store(state[i],
                    (struct halves){ _mm_load_si128((const void *)x->state[i][0]), _mm_load_si128((const void *)x->state[i][1]) });
    }
}

static void run_eight(union cx_sha2_state *const state[], const uint8_t *const in[], size_t blocks)
{
    struct cx_sha256_eight x;
    eight_load(&x, state, in);
    cx_sha256_eight(&x, blocks * BLOCK_BYTES);
    eight_store(state, &x);
}

static void run_eight_beside(union cx_sha2_state *const state[], const uint8_t *const in[], size_t blocks, const void *ctr_context,
                             const struct cx_ctr_job *job)
{
    struct cx_sha256_eight x;
    eight_load(&x, state, in);
    for (size_t i = 0; i < CX_SHA256_EIGHT; i++) {
        uint64_t high = cx_load_u64(job[i].iv), low = cx_load_u64(job[i].iv + 8);
        for (size_t j = 0; j < 4; j++) {
            x.count[i][j][0] = low + j;
            x.count[i][j][1] = high;
        }
        x.from[i] = job[i].from;
        x.to[i] = job[i].to;
    }
    unsigned rounds;
    x.round_key = cx_ctr_vaes512_round_keys(ctr_context, &rounds);
    if (rounds == 10)
        cx_sha256_eight_aes128(&x, blocks * BLOCK_BYTES);
    else if (rounds == 12)
        cx_sha256_eight_aes192(&x, blocks * BLOCK_BYTES);
    else
        cx_sha256_eight_aes256(&x, blocks * BLOCK_BYTES);
    eight_store(state, &x);
}

/* How many of those that are left go next: together they should take the least. */
static size_t share(size_t left)
{
    static const uint8_t of[] = { 0, 1, 2, 3, 4, 3, 6, 4, 8, 6 };
    return left < sizeof of ? of[left] : CX_SHA256_EIGHT;
}

static void run(union cx_sha2_state *const state[], const uint8_t *const in[], size_t lanes, size_t blocks)
{
    for (size_t i = 0, now; i < lanes; i += now) {
        now = share(lanes - i);
        switch (now) {
        case 1:
            run_lanes(state + i, in + i, blocks, 1);
            break;
        case 2:
            run_lanes(state + i, in + i, blocks, 2);
            break;
        case 3:
            run_lanes(state + i, in + i, blocks, 3);
            break;
        case 4:
            run_lanes(state + i, in + i, blocks, 4);
            break;
        case 6:
            run_lanes(state + i, in + i, blocks, 6);
            break;
        default:
            run_eight(state + i, in + i, blocks);
            break;
        }
    }
}

static const struct cx_sha2 shani = { sizeof(uint32_t), &cx_sha256_first, run, run_eight_beside };

static void *expand(const struct cx_evp *evp, const struct cx_packet_key *k)
{
    (void)evp;
    return cx_hmac_expand(&shani, k);
}

const struct cx_mac_ops cx_mac_hmac_sha256_shani8 = {
    .kernel = { "shani8", CX_TIER_AVX512, CX_CPU_SHANI | CX_CPU_AVX512 },
    .expand = expand,
    .release = cx_hmac_release,
    .tags = cx_hmac_tags,
    .beside = &cx_ctr_vaes512,
    .tags_and_crypt = cx_hmac_tags_and_crypt,
};
