/* SPDX-License-Identifier: MIT */
/* Inside Keccak: the sponge's constants, lanes as bytes, and the permutation of one state. */
#ifndef CX_KECCAK_PRIV_H
#define CX_KECCAK_PRIV_H

#include "crypto/keccak.h"

enum { KECCAK_RATE_MAX = CX_SHAKE128_RATE_BYTES };

struct keccak_sponge {
    unsigned rate;  /* bytes of the state that input and output pass through */
    uint8_t suffix; /* domain separation and the first bit of the padding */
};

extern const struct keccak_sponge cx_keccak_sponges[CX_KECCAK_ALG_COUNT];

static inline uint64_t keccak_load_lane(const uint8_t *p)
{
    uint64_t lane;
    memcpy(&lane, p, sizeof lane);
    return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? lane : __builtin_bswap64(lane);
}

static inline void keccak_store_lane(uint8_t *p, uint64_t lane)
{
    lane = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? lane : __builtin_bswap64(lane);
    memcpy(p, &lane, sizeof lane);
}

void cx_keccak_permute(uint64_t lanes[CX_KECCAK_LANES]);

#endif
