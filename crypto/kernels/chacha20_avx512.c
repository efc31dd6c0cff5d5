/* SPDX-License-Identifier: MIT */
/* ChaCha20 in AVX-512: a register holds one word of sixteen blocks, and two such sets stand in all thirty-two registers, because
 * the rounds of one set are a chain that leaves half of the processor idle. */
#include <immintrin.h>

#include "crypto/kernels/chachapoly_priv.h"

enum { WORDS = 16, SET = 16, DOUBLE_ROUNDS = 10 };

#define INLINE static inline __attribute__((always_inline))

static const uint32_t sigma[4] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 };

/* The first state of sixteen blocks. */
struct set {
    __m512i word[WORDS];
};

INLINE __m512i lane_numbers(void)
{
    return _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}

/* The nonce is the sequence number, a big-endian number of eight bytes: RFC 4251 section 5's uint64. */
INLINE __m512i nonce_words(__m512i seq)
{
    const __m512i swap = _mm512_broadcast_i32x4(_mm_setr_epi8(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12));
    return _mm512_shuffle_epi8(seq, swap);
}

INLINE void set_start(struct set *s, __m512i counter, __m512i seq)
{
    for (int i = 0; i < 4; i++)
        s->word[i] = _mm512_set1_epi32((int)sigma[i]);
    s->word[12] = counter;
    s->word[13] = s->word[14] = _mm512_setzero_si512();
    s->word[15] = nonce_words(seq);
}

INLINE void set_key(struct set *s, const struct cx_chacha20_key *key)
{
    for (int i = 0; i < 8; i++)
        s->word[4 + i] = _mm512_set1_epi32((int)key->word[i]);
}

/* The lower eight lanes under one key, the upper eight under another. */
INLINE void set_keys(struct set *s, const struct cx_chacha20_key *low, const struct cx_chacha20_key *high)
{
    for (int i = 0; i < 8; i++)
        s->word[4 + i] = _mm512_mask_set1_epi32(_mm512_set1_epi32((int)low->word[i]), 0xff00, (int)high->word[i]);
}

/* One of the four steps of four quarter rounds side by side. A macro, since a rotation's count is part of the instruction. */
#define STEP(x, turn, a, b, c, ca, cb, cc, count)                                                                                  \
    for (int i = 0; i < 4; i++)                                                                                                    \
        x[a + (i + ca * turn) % 4] = _mm512_add_epi32(x[a + (i + ca * turn) % 4], x[b + (i + cb * turn) % 4]);                     \
    for (int i = 0; i < 4; i++)                                                                                                    \
        x[c + (i + cc * turn) % 4] = _mm512_xor_si512(x[c + (i + cc * turn) % 4], x[a + (i + ca * turn) % 4]);                     \
    for (int i = 0; i < 4; i++)                                                                                                    \
    x[c + (i + cc * turn) % 4] = _mm512_rol_epi32(x[c + (i + cc * turn) % 4], count)

/* Columns (turn 0) or diagonals (turn 1). */
INLINE void round_of(__m512i x[WORDS], const int turn)
{
    STEP(x, turn, 0, 4, 12, 0, 1, 3, 16);
    STEP(x, turn, 8, 12, 4, 2, 3, 1, 12);
    STEP(x, turn, 0, 4, 12, 0, 1, 3, 8);
    STEP(x, turn, 8, 12, 4, 2, 3, 1, 7);
}

/* From a register a word to a register a block. */
INLINE void transpose(__m512i x[WORDS])
{
    __m512i t[WORDS];
    for (int i = 0; i < WORDS; i += 4) {
        t[i + 0] = _mm512_unpacklo_epi32(x[i], x[i + 1]);
        t[i + 1] = _mm512_unpackhi_epi32(x[i], x[i + 1]);
        t[i + 2] = _mm512_unpacklo_epi32(x[i + 2], x[i + 3]);
        t[i + 3] = _mm512_unpackhi_epi32(x[i + 2], x[i + 3]);
        x[i + 0] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
        x[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
        x[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
        x[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
    }
    for (int i = 0; i < 4; i++) {
        __m512i low0 = _mm512_shuffle_i32x4(x[i], x[4 + i], 0x44), low1 = _mm512_shuffle_i32x4(x[8 + i], x[12 + i], 0x44);
        __m512i high0 = _mm512_shuffle_i32x4(x[i], x[4 + i], 0xee), high1 = _mm512_shuffle_i32x4(x[8 + i], x[12 + i], 0xee);
        t[i] = _mm512_shuffle_i32x4(low0, low1, 0x88);
        t[4 + i] = _mm512_shuffle_i32x4(low0, low1, 0xdd);
        t[8 + i] = _mm512_shuffle_i32x4(high0, high1, 0x88);
        t[12 + i] = _mm512_shuffle_i32x4(high0, high1, 0xdd);
    }
    for (int i = 0; i < WORDS; i++)
        x[i] = t[i];
}

INLINE void finish(__m512i x[WORDS], const struct set *start)
{
    for (int i = 0; i < WORDS; i++)
        x[i] = _mm512_add_epi32(x[i], start->word[i]);
    transpose(x);
}

INLINE void run_one(__m512i x[WORDS], const struct set *start)
{
    for (int i = 0; i < WORDS; i++)
        x[i] = start->word[i];
    for (int i = 0; i < DOUBLE_ROUNDS; i++) {
        round_of(x, 0);
        round_of(x, 1);
    }
}

INLINE void run_two(__m512i x[WORDS], __m512i y[WORDS], const struct set *first, const struct set *second)
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
}

/* ---- rows ---- */

static void ahead(const struct cx_chacha20_key *body, const struct cx_chacha20_key *length, uint32_t seq,
                  struct cx_chachapoly_row row[CX_CHACHAPOLY_AHEAD])
{
    struct set pads, streams;
    __m512i x[WORDS], y[WORDS];
    const __mmask16 upper = 0xff00;
    __m512i seqs = _mm512_add_epi32(_mm512_set1_epi32((int)seq), _mm512_and_si512(lane_numbers(), _mm512_set1_epi32(7)));
    set_start(&pads, _mm512_setzero_si512(), seqs);
    set_keys(&pads, body, length);
    set_start(&streams, _mm512_mask_set1_epi32(_mm512_set1_epi32(1), upper, 2), seqs);
    set_key(&streams, body);
    run_two(x, y, &pads, &streams);
    finish(x, &pads);
    for (int i = 0; i < CX_CHACHAPOLY_AHEAD; i++) {
        _mm256_storeu_si256((__m256i *)row[i].mac_key, _mm512_castsi512_si256(x[i]));
        uint32_t pad = (uint32_t)_mm_cvtsi128_si32(_mm512_castsi512_si128(x[8 + i]));
        memcpy(row[i].length_pad, &pad, sizeof pad);
    }
    finish(y, &streams);
    for (int i = 0; i < CX_CHACHAPOLY_AHEAD; i++) {
        _mm512_storeu_si512(row[i].stream, y[i]);
        _mm512_storeu_si512(row[i].stream + CX_CHACHA20_BLOCK, y[8 + i]);
    }
}

/* ---- lanes ---- */

INLINE void set_lanes(struct set *s, const struct cx_chacha20_key *key, const struct cx_chacha20_lanes *lanes, size_t from)
{
    set_start(s, _mm512_loadu_si512(lanes->counter + from), _mm512_loadu_si512(lanes->seq + from));
    set_key(s, key);
}

/* Blocks past lanes->n are of what stood in the arrays before: they go nowhere. */
INLINE void put_lanes(__m512i x[WORDS], const struct cx_chacha20_lanes *lanes, size_t from)
{
    for (size_t i = 0; i < SET; i++) {
        size_t lane = from + i;
        if (lane >= lanes->n)
            return;
        __mmask64 mask = ~UINT64_C(0) >> (CX_CHACHA20_BLOCK - lanes->len[lane]);
        __m512i bytes = _mm512_maskz_loadu_epi8(mask, lanes->from[lane]);
        _mm512_mask_storeu_epi8(lanes->to[lane], mask, _mm512_xor_si512(bytes, x[i]));
    }
}

static void one_set(const struct cx_chacha20_key *key, const struct cx_chacha20_lanes *lanes)
{
    struct set start;
    __m512i x[WORDS];
    set_lanes(&start, key, lanes, 0);
    run_one(x, &start);
    finish(x, &start);
    put_lanes(x, lanes, 0);
}

static void two_sets(const struct cx_chacha20_key *key, const struct cx_chacha20_lanes *lanes)
{
    struct set first, second;
    __m512i x[WORDS], y[WORDS];
    set_lanes(&first, key, lanes, 0);
    set_lanes(&second, key, lanes, SET);
    run_two(x, y, &first, &second);
    finish(x, &first);
    put_lanes(x, lanes, 0);
    finish(y, &second);
    put_lanes(y, lanes, SET);
}

static void lanes_of(const struct cx_chacha20_key *key, const struct cx_chacha20_lanes *lanes)
{
    if (lanes->n <= SET)
        one_set(key, lanes);
    else
        two_sets(key, lanes);
}

/* ---- stretches ---- */

INLINE void put_blocks(__m512i x[WORDS], uint8_t *to, const uint8_t *from)
{
    for (int i = 0; i < WORDS; i++) {
        __m512i bytes = _mm512_loadu_si512(from + i * CX_CHACHA20_BLOCK);
        _mm512_storeu_si512(to + i * CX_CHACHA20_BLOCK, _mm512_xor_si512(bytes, x[i]));
    }
}

static void stretch(const struct cx_chacha20_key *key, uint32_t seq, uint32_t counter, uint8_t *to, const uint8_t *from,
                    size_t times)
{
    struct set first, second;
    __m512i x[WORDS], y[WORDS];
    set_start(&first, _mm512_add_epi32(_mm512_set1_epi32((int)counter), lane_numbers()), _mm512_set1_epi32((int)seq));
    set_key(&first, key);
    second = first;
    for (; times > 0; times--) {
        second.word[12] = _mm512_add_epi32(first.word[12], _mm512_set1_epi32(SET));
        run_two(x, y, &first, &second);
        finish(x, &first);
        put_blocks(x, to, from);
        finish(y, &second);
        put_blocks(y, to + SET * CX_CHACHA20_BLOCK, from + SET * CX_CHACHA20_BLOCK);
        first.word[12] = _mm512_add_epi32(second.word[12], _mm512_set1_epi32(SET));
        to += CX_CHACHA20_LANES * CX_CHACHA20_BLOCK;
        from += CX_CHACHA20_LANES * CX_CHACHA20_BLOCK;
    }
}

const struct cx_chacha20_kernel cx_chacha20_avx512 = { .ahead = ahead, .lanes = lanes_of, .stretch = stretch };
