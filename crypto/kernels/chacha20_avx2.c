/* SPDX-License-Identifier: MIT */
/* ChaCha20 in AVX2: a register holds one word of eight blocks. Two such sets go through the rounds in turns: sixteen registers are
 * not enough for both, but loads and stores are cheaper than the wait for one set's chain (1.15 cycles a byte against 1.54). */
#include <immintrin.h>

#include "crypto/kernels/chachapoly_priv.h"

enum { WORDS = 16, SET = 8, DOUBLE_ROUNDS = 10, HALF_BLOCK = CX_CHACHA20_BLOCK / 2 };

#define INLINE static inline __attribute__((always_inline))

static const uint32_t sigma[4] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 };

/* The first state of eight blocks. */
struct set {
    __m256i word[WORDS];
};

INLINE __m256i lane_numbers(void)
{
    return _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
}

/* The nonce is the sequence number, a big-endian number of eight bytes. */
INLINE __m256i nonce_words(__m256i seq)
{
    const __m256i swap = _mm256_broadcastsi128_si256(_mm_setr_epi8(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12));
    return _mm256_shuffle_epi8(seq, swap);
}

INLINE void set_start(struct set *s, const struct cx_chacha20_key *key, __m256i counter, __m256i seq)
{
    for (int i = 0; i < 4; i++)
        s->word[i] = _mm256_set1_epi32((int)sigma[i]);
    for (int i = 0; i < 8; i++)
        s->word[4 + i] = _mm256_set1_epi32((int)key->word[i]);
    s->word[12] = counter;
    s->word[13] = s->word[14] = _mm256_setzero_si256();
    s->word[15] = nonce_words(seq);
}

INLINE __m256i rotate_bytes(__m256i x, __m128i order)
{
    return _mm256_shuffle_epi8(x, _mm256_broadcastsi128_si256(order));
}

INLINE __m256i rotate(__m256i x, const int count)
{
    if (count == 16)
        return rotate_bytes(x, _mm_setr_epi8(2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13));
    if (count == 8)
        return rotate_bytes(x, _mm_setr_epi8(3, 0, 1, 2, 7, 4, 5, 6, 11, 8, 9, 10, 15, 12, 13, 14));
    return _mm256_or_si256(_mm256_slli_epi32(x, count), _mm256_srli_epi32(x, 32 - count));
}

/* a += b; c = (c ^ a) <<< count. */
INLINE void step(__m256i *a, const __m256i *b, __m256i *c, const int count)
{
    *a = _mm256_add_epi32(*a, *b);
    *c = rotate(_mm256_xor_si256(*c, *a), count);
}

/* Columns (turn 0) or diagonals (turn 1). */
INLINE void round_of(__m256i x[WORDS], const int turn)
{
    for (int i = 0; i < 4; i++)
        step(&x[i], &x[4 + (i + turn) % 4], &x[12 + (i + 3 * turn) % 4], 16);
    for (int i = 0; i < 4; i++)
        step(&x[8 + (i + 2 * turn) % 4], &x[12 + (i + 3 * turn) % 4], &x[4 + (i + turn) % 4], 12);
    for (int i = 0; i < 4; i++)
        step(&x[i], &x[4 + (i + turn) % 4], &x[12 + (i + 3 * turn) % 4], 8);
    for (int i = 0; i < 4; i++)
        step(&x[8 + (i + 2 * turn) % 4], &x[12 + (i + 3 * turn) % 4], &x[4 + (i + turn) % 4], 7);
}

/* From a register a word to a register half a block: x[i] the lower half of block i, x[8 + i] the upper one. */
INLINE void transpose_half(__m256i x[SET])
{
    __m256i t[SET], u[SET];
    for (int i = 0; i < SET; i += 2) {
        t[i] = _mm256_unpacklo_epi32(x[i], x[i + 1]);
        t[i + 1] = _mm256_unpackhi_epi32(x[i], x[i + 1]);
    }
    for (int i = 0; i < SET; i += 4) {
        u[i] = _mm256_unpacklo_epi64(t[i], t[i + 2]);
        u[i + 1] = _mm256_unpackhi_epi64(t[i], t[i + 2]);
        u[i + 2] = _mm256_unpacklo_epi64(t[i + 1], t[i + 3]);
        u[i + 3] = _mm256_unpackhi_epi64(t[i + 1], t[i + 3]);
    }
    for (int i = 0; i < 4; i++) {
        x[i] = _mm256_permute2x128_si256(u[i], u[4 + i], 0x20);
        x[4 + i] = _mm256_permute2x128_si256(u[i], u[4 + i], 0x31);
    }
}

INLINE void end(__m256i x[WORDS], const struct set *start)
{
    for (int i = 0; i < WORDS; i++)
        x[i] = _mm256_add_epi32(x[i], start->word[i]);
    transpose_half(x);
    transpose_half(x + SET);
}

INLINE void run_two(__m256i x[WORDS], __m256i y[WORDS], const struct set *first, const struct set *second)
{
    for (int i = 0; i < WORDS; i++) {
        x[i] = first->word[i];
        y[i] = second->word[i];
    }
    for (int i = 0; i < DOUBLE_ROUNDS; i++) {
        round_of(x, 0);
        round_of(y, 0);
        round_of(x, 1);
        round_of(y, 1);
    }
    end(x, first);
    end(y, second);
}

INLINE void run_one(__m256i x[WORDS], const struct set *start)
{
    for (int i = 0; i < WORDS; i++)
        x[i] = start->word[i];
    for (int i = 0; i < DOUBLE_ROUNDS; i++) {
        round_of(x, 0);
        round_of(x, 1);
    }
    end(x, start);
}

/* ---- rows ---- */

static void store_blocks(struct cx_chachapoly_row row[CX_CHACHAPOLY_AHEAD], size_t block, const __m256i x[WORDS])
{
    for (int i = 0; i < CX_CHACHAPOLY_AHEAD; i++) {
        uint8_t *to = row[i].stream + block * CX_CHACHA20_BLOCK;
        _mm256_storeu_si256((__m256i *)to, x[i]);
        _mm256_storeu_si256((__m256i *)(to + HALF_BLOCK), x[SET + i]);
    }
}

static void ahead(const struct cx_chacha20_key *body, const struct cx_chacha20_key *length, uint32_t seq,
                  struct cx_chachapoly_row row[CX_CHACHAPOLY_AHEAD])
{
    struct set first, second;
    __m256i x[WORDS], y[WORDS], seqs = _mm256_add_epi32(_mm256_set1_epi32((int)seq), lane_numbers());
    set_start(&first, length, _mm256_setzero_si256(), seqs);
    set_start(&second, body, _mm256_setzero_si256(), seqs);
    run_two(x, y, &first, &second);
    for (int i = 0; i < CX_CHACHAPOLY_AHEAD; i++) {
        uint32_t pad = (uint32_t)_mm_cvtsi128_si32(_mm256_castsi256_si128(x[i]));
        memcpy(row[i].length_pad, &pad, sizeof pad);
        _mm256_storeu_si256((__m256i *)row[i].mac_key, y[i]);
    }
    first = second;
    first.word[12] = _mm256_set1_epi32(1);
    second.word[12] = _mm256_set1_epi32(2);
    run_two(x, y, &first, &second);
    store_blocks(row, 0, x);
    store_blocks(row, 1, y);
}

/* ---- lanes ---- */

INLINE void mix_half(uint8_t *to, const uint8_t *from, __m256i stream)
{
    _mm256_storeu_si256((__m256i *)to, _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)from), stream));
}

static void put_block(uint8_t *to, const uint8_t *from, size_t len, __m256i low, __m256i high)
{
    if (len == CX_CHACHA20_BLOCK) {
        mix_half(to, from, low);
        mix_half(to + HALF_BLOCK, from + HALF_BLOCK, high);
        return;
    }
    uint8_t part[CX_CHACHA20_BLOCK];
    memcpy(part, from, len);
    mix_half(part, part, low);
    mix_half(part + HALF_BLOCK, part + HALF_BLOCK, high);
    memcpy(to, part, len);
}

INLINE void set_lanes(struct set *s, const struct cx_chacha20_key *key, const struct cx_chacha20_lanes *lanes, size_t from)
{
    set_start(s, key, _mm256_loadu_si256((const __m256i *)(lanes->counter + from)),
              _mm256_loadu_si256((const __m256i *)(lanes->seq + from)));
}

static void put_lanes(const __m256i x[WORDS], const struct cx_chacha20_lanes *lanes, size_t from)
{
    for (size_t i = 0; i < SET && from + i < lanes->n; i++)
        put_block(lanes->to[from + i], lanes->from[from + i], lanes->len[from + i], x[i], x[SET + i]);
}

static void lanes_of(const struct cx_chacha20_key *key, const struct cx_chacha20_lanes *lanes)
{
    struct set first, second;
    __m256i x[WORDS], y[WORDS];
    size_t from = 0;
    for (; lanes->n > from + SET; from += 2 * SET) {
        set_lanes(&first, key, lanes, from);
        set_lanes(&second, key, lanes, from + SET);
        run_two(x, y, &first, &second);
        put_lanes(x, lanes, from);
        put_lanes(y, lanes, from + SET);
    }
    if (lanes->n > from) {
        set_lanes(&first, key, lanes, from);
        run_one(x, &first);
        put_lanes(x, lanes, from);
    }
}

/* ---- stretches ---- */

INLINE void put_set(uint8_t *to, const uint8_t *from, const __m256i x[WORDS])
{
    for (size_t i = 0; i < SET; i++) {
        mix_half(to + i * CX_CHACHA20_BLOCK, from + i * CX_CHACHA20_BLOCK, x[i]);
        mix_half(to + i * CX_CHACHA20_BLOCK + HALF_BLOCK, from + i * CX_CHACHA20_BLOCK + HALF_BLOCK, x[SET + i]);
    }
}

static void stretch(const struct cx_chacha20_key *key, uint32_t seq, uint32_t counter, uint8_t *to, const uint8_t *from,
                    size_t times)
{
    struct set first, second;
    __m256i x[WORDS], y[WORDS];
    const size_t bytes = SET * CX_CHACHA20_BLOCK;
    set_start(&first, key, _mm256_add_epi32(_mm256_set1_epi32((int)counter), lane_numbers()), _mm256_set1_epi32((int)seq));
    second = first;
    for (times *= CX_CHACHA20_LANES / SET / 2; times > 0; times--) {
        second.word[12] = _mm256_add_epi32(first.word[12], _mm256_set1_epi32(SET));
        run_two(x, y, &first, &second);
        put_set(to, from, x);
        put_set(to + bytes, from + bytes, y);
        first.word[12] = _mm256_add_epi32(second.word[12], _mm256_set1_epi32(SET));
        to += 2 * bytes;
        from += 2 * bytes;
    }
}

const struct cx_chacha20_kernel cx_chacha20_avx2 = { .ahead = ahead, .lanes = lanes_of, .stretch = stretch };
