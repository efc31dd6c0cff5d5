/* SPDX-License-Identifier: MIT */
/* Inside crypto/kernels only, for files that are compiled for AVX-512 (F, BW, VL, DQ). */
#ifndef CX_VEC512_PRIV_H
#define CX_VEC512_PRIV_H

#include <immintrin.h>

#include "crypto/span.h"

/* The first len bytes, fewer than 64. Whole blocks, which nearly all are, without a mask: what is stored with one is not to be had
 * from the store buffer, and loads of what stands behind it wait as if they were of the same bytes. */
static inline __attribute__((always_inline)) void cx_vec512_store_part(uint8_t *to, __m512i x, size_t len)
{
    if (len % 16 > 0) {
        _mm512_mask_storeu_epi8(to, ((__mmask64)1 << len) - 1, x);
        return;
    }
    __m256i half = _mm512_castsi512_si256(x);
    if (len & 32) {
        _mm256_storeu_si256((void *)to, half);
        half = _mm512_extracti64x4_epi64(x, 1);
    }
    if (len & 16)
        _mm_storeu_si128((void *)(to + (len & 32)), _mm256_castsi256_si128(half));
}

#endif
