/* SPDX-License-Identifier: MIT */
/* Inside crypto/kernels only, for files that are compiled for AES-NI: the key schedule (FIPS 197 section 5.2), and one block. Time
 * depends on the key's length only. */
#ifndef CX_AES_PRIV_H
#define CX_AES_PRIV_H

#include <immintrin.h>

#include "crypto/span.h"

enum { CX_AES_BLOCK_BYTES = 16, CX_AES_ROUND_KEYS_MAX = 15 };

static inline unsigned cx_aes_rounds(size_t key_len)
{
    return (unsigned)key_len / 4 + 6;
}

/* SubWord: with four equal columns there is nothing for ShiftRows to move. */
static inline uint32_t cx_aes_sub_word(uint32_t word)
{
    return (uint32_t)_mm_cvtsi128_si32(_mm_aesenclast_si128(_mm_set1_epi32((int)word), _mm_setzero_si128()));
}

/* The first cx_aes_rounds(key_len) + 1 of round_key are made; key_len is 16, 24 or 32. The caller wipes them. */
static inline void cx_aes_expand(__m128i round_key[CX_AES_ROUND_KEYS_MAX], const uint8_t *key, size_t key_len)
{
    uint32_t *word = (uint32_t *)round_key;
    size_t words = key_len / 4, total = 4 * (cx_aes_rounds(key_len) + 1);
    uint32_t constant = 1;
    memcpy(word, key, key_len);
    for (size_t i = words, turn = 0; i < total; i++, turn = turn + 1 == words ? 0 : turn + 1) {
        uint32_t last = word[i - 1];
        if (turn == 0) {
            last = cx_aes_sub_word(last >> 8 | last << 24) ^ constant;
            constant = constant == 0x80 ? 0x1b : constant << 1;
        } else if (words == 8 && turn == 4) {
            last = cx_aes_sub_word(last);
        }
        word[i] = word[i - words] ^ last;
    }
}

static inline __m128i cx_aes_encrypt(const __m128i *round_key, unsigned rounds, __m128i block)
{
    block = _mm_xor_si128(block, round_key[0]);
    for (unsigned i = 1; i < rounds; i++)
        block = _mm_aesenc_si128(block, round_key[i]);
    return _mm_aesenclast_si128(block, round_key[rounds]);
}

#endif
