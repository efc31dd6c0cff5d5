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
            cx_sha256_eight_run(state + i, in + i, blocks);
            break;
        }
    }
}

static const struct cx_sha2 shani = {
    .word_bytes = sizeof(uint32_t),
    .first = &cx_sha256_first,
    .stack_bytes = 1152,
    .run = run,
    .run_beside = cx_sha256_eight_run_beside,
    .short_tags = cx_sha256_eight_short_tags,
};

static void *expand(const struct cx_evp *evp, const struct cx_packet_key *k)
{
    (void)evp;
    return cx_hmac_expand(&shani, k);
}

const struct cx_mac_ops cx_mac_hmac_sha256_shani8 = {
    .kernel = { "shani8", CX_TIER_AVX512, CX_CPU_SHANI | CX_CPU_AVX512 },
    .lanes = CX_SHA2_GROUP,
    .expand = expand,
    .release = cx_hmac_release,
    .tags = cx_hmac_tags,
    .beside = &cx_ctr_vaes512,
    .tags_and_crypt = cx_hmac_tags_and_crypt,
};
