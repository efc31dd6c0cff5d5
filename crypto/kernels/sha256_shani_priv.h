/* SPDX-License-Identifier: MIT */
/* SHA-256 on SHA-NI, up to LANES_MAX messages interleaved, which the file that includes this defines: a round instruction answers
 * after four cycles, and is taken every second one (Zen 5), which makes one cycle a byte the least.
 *
 * The instructions have no form for the upper sixteen registers, and take their third operand in the first one: which lane's rounds
 * stand where is left to the compiler, and the order to the processor. */
#ifndef CX_SHA256_SHANI_PRIV_H
#define CX_SHA256_SHANI_PRIV_H

#include <immintrin.h>

#include "crypto/kernels/hmac_lanes_priv.h"

enum { BLOCK_BYTES = 64, QUADS = CX_SHA256_ROUNDS / 4 };

#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* The instructions' order of the state: a b e f in one register, c d g h in the other, first the highest word. */
struct halves {
    __m128i abef, cdgh;
};

ALWAYS_INLINE struct halves state_load(const union cx_sha2_state *state)
{
    const __m128i *from = (const __m128i *)state;
    __m128i badc = _mm_shuffle_epi32(from[0], 0xb1), hgfe = _mm_shuffle_epi32(from[1], 0x1b);
    return (struct halves){ _mm_alignr_epi8(badc, hgfe, 8), _mm_blend_epi16(hgfe, badc, 0xf0) };
}

ALWAYS_INLINE void state_store(union cx_sha2_state *state, struct halves s)
{
    __m128i *to = (__m128i *)state;
    __m128i feba = _mm_shuffle_epi32(s.abef, 0x1b), dchg = _mm_shuffle_epi32(s.cdgh, 0xb1);
    to[0] = _mm_blend_epi16(feba, dchg, 0xf0);
    to[1] = _mm_alignr_epi8(dchg, feba, 8);
}

ALWAYS_INLINE __m128i load_words(const uint8_t *from)
{
    const __m128i order = _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);
    return _mm_shuffle_epi8(_mm_loadu_si128((const void *)from), order);
}

/* The next four words of the message schedule, made of the last sixteen: w[quad & 3] is the oldest four. */
ALWAYS_INLINE __m128i expand_words(const __m128i w[4], unsigned quad)
{
    __m128i oldest = _mm_sha256msg1_epu32(w[quad & 3], w[(quad + 1) & 3]);
    __m128i middle = _mm_alignr_epi8(w[(quad + 3) & 3], w[(quad + 2) & 3], 4);
    return _mm_sha256msg2_epu32(_mm_add_epi32(oldest, middle), w[(quad + 3) & 3]);
}

ALWAYS_INLINE void four_rounds(struct halves *s, __m128i words, unsigned quad)
{
    __m128i sum = _mm_add_epi32(words, _mm_loadu_si128((const void *)&cx_sha256_constant[4 * quad]));
    s->cdgh = _mm_sha256rnds2_epu32(s->cdgh, s->abef, sum);
    s->abef = _mm_sha256rnds2_epu32(s->abef, s->cdgh, _mm_shuffle_epi32(sum, 0x0e));
}

ALWAYS_INLINE void block_of_each(struct halves s[], const uint8_t *const in[], size_t at, const unsigned lanes)
{
    __m128i w[LANES_MAX][4];
#pragma GCC unroll 16
    for (unsigned quad = 0; quad < QUADS; quad++) {
#pragma GCC unroll 8
        for (unsigned i = 0; i < lanes; i++) {
            w[i][quad & 3] = quad < 4 ? load_words(in[i] + at + 16 * quad) : expand_words(w[i], quad);
            four_rounds(&s[i], w[i][quad & 3], quad);
        }
    }
}

ALWAYS_INLINE void run_lanes(union cx_sha2_state *const state[], const uint8_t *const in[], size_t blocks, const unsigned lanes)
{
    struct halves s[LANES_MAX], before[LANES_MAX];
#pragma GCC unroll 8
    for (unsigned i = 0; i < lanes; i++)
        s[i] = state_load(state[i]);
    for (size_t at = 0; at < blocks * BLOCK_BYTES; at += BLOCK_BYTES) {
#pragma GCC unroll 8
        for (unsigned i = 0; i < lanes; i++)
            before[i] = s[i];
        block_of_each(s, in, at, lanes);
#pragma GCC unroll 8
        for (unsigned i = 0; i < lanes; i++) {
            s[i].abef = _mm_add_epi32(s[i].abef, before[i].abef);
            s[i].cdgh = _mm_add_epi32(s[i].cdgh, before[i].cdgh);
        }
    }
#pragma GCC unroll 8
    for (unsigned i = 0; i < lanes; i++)
        state_store(state[i], s[i]);
}

#endif
