/* SPDX-License-Identifier: MIT */
/* What kernels on four states share. The includer has defined what keccak_rounds_priv.h needs, but for broadcast. */
#ifndef CX_KECCAK_FOUR_PRIV_H
#define CX_KECCAK_FOUR_PRIV_H

static inline word broadcast(uint64_t x)
{
    return _mm256_set1_epi64x((long long)x);
}

#include "crypto/keccak_rounds_priv.h"

enum { STATES = 4 };

static void permute(uint64_t *lanes)
{
    word a[CX_KECCAK_LANES], *rows = (word *)lanes;
#pragma GCC unroll 25
    for (size_t i = 0; i < CX_KECCAK_LANES; i++)
        a[i] = _mm256_load_si256(rows + i);
    keccak_rounds(a);
#pragma GCC unroll 25
    for (size_t i = 0; i < CX_KECCAK_LANES; i++)
        _mm256_store_si256(rows + i, a[i]);
}

#endif
