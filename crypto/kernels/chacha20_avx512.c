/* SPDX-License-Identifier: MIT */
/* ChaCha20 in AVX-512: a register holds one word of sixteen blocks, and two such sets stand in all thirty-two registers, because
 * the rounds of one set are a chain that leaves half of the processor idle. */
#include <immintrin.h>

#include "crypto/kernels/chachapoly_priv.h"

enum { WORDS = 16, SET = 16, DOUBLE_ROUNDS = 10 };

#define INLINE static inline __attribute__((always_inline))

/* Not loops: an array that is an array until loops are unrolled has missed the pass that puts it into registers. */
#define EACH_EIGHTH(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7)
#define EACH_WORD(DO) EACH_EIGHTH(DO) DO(8) DO(9) DO(10) DO(11) DO(12) DO(13) DO(14) DO(15)

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
    s->word[0] = _mm512_set1_epi32(0x61707865);
    s->word[1] = _mm512_set1_epi32(0x3320646e);
    s->word[2] = _mm512_set1_epi32(0x79622d32);
    s->word[3] = _mm512_set1_epi32(0x6b206574);
    s->word[12] = counter;
    s->word[13] = s->word[14] = _mm512_setzero_si512();
    s->word[15] = nonce_words(seq);
}

/* The lower eight lanes under one key, the upper eight under another. */
INLINE void set_keys(struct set *s, const struct cx_chacha20_key *low, const struct cx_chacha20_key *high)
{
#define SET_KEY(i) s->word[4 + i] = _mm512_mask_set1_epi32(_mm512_set1_epi32((int)low->word[i]), 0xff00, (int)high->word[i]);
    EACH_EIGHTH(SET_KEY)
}

/* One of the four steps of a quarter round: a += b; d = (d ^ a) <<< count. In assembly, which works in place: gcc 12 does not find
 * that thirty-two values fit into thirty-two registers otherwise. */
INLINE void step(__m512i *a, const __m512i *b, __m512i *d, const int count)
{
    __asm__("vpaddd %[b], %[a], %[a]\n\tvpxord %[a], %[d], %[d]\n\tvprold %[count], %[d], %[d]"
            : [a] "+v"(*a), [d] "+v"(*d)
            : [b] "v"(*b), [count] "i"(count));
}

/* A step of four quarter rounds, of rows of four words; b and d are turned by so many words. */
INLINE void step_row(__m512i a[4], const __m512i b[4], __m512i d[4], const int b_turn, const int d_turn, const int a_turn,
                     const int count)
{
    step(&a[a_turn], &b[b_turn], &d[d_turn], count);
    step(&a[(a_turn + 1) % 4], &b[(b_turn + 1) % 4], &d[(d_turn + 1) % 4], count);
    step(&a[(a_turn + 2) % 4], &b[(b_turn + 2) % 4], &d[(d_turn + 2) % 4], count);
    step(&a[(a_turn + 3) % 4], &b[(b_turn + 3) % 4], &d[(d_turn + 3) % 4], count);
}

/* Columns (turn 0) or diagonals (turn 1). */
INLINE void round_of(__m512i x[WORDS], const int turn)
{
    step_row(x, x + 4, x + 12, turn, 3 * turn, 0, 16);
    step_row(x + 8, x + 12, x + 4, 3 * turn, turn, 2 * turn, 12);
    step_row(x, x + 4, x + 12, turn, 3 * turn, 0, 8);
    step_row(x + 8, x + 12, x + 4, 3 * turn, turn, 2 * turn, 7);
}

/* Words x[0..3] of sixteen blocks: x[j] then has in its quarter q those of block 4q + j. */
INLINE void transpose_quarters(__m512i x[4])
{
    __m512i a = _mm512_unpacklo_epi32(x[0], x[1]), b = _mm512_unpackhi_epi32(x[0], x[1]);
    __m512i c = _mm512_unpacklo_epi32(x[2], x[3]), d = _mm512_unpackhi_epi32(x[2], x[3]);
    x[0] = _mm512_unpacklo_epi64(a, c);
    x[1] = _mm512_unpackhi_epi64(a, c);
    x[2] = _mm512_unpacklo_epi64(b, d);
    x[3] = _mm512_unpackhi_epi64(b, d);
}

/* Quarters of the blocks j, 4 + j, 8 + j and 12 + j, which become whole. */
INLINE void join_quarters(__m512i x[WORDS], const int j)
{
    __m512i low0 = _mm512_shuffle_i32x4(x[j], x[4 + j], 0x44), low1 = _mm512_shuffle_i32x4(x[8 + j], x[12 + j], 0x44);
    __m512i high0 = _mm512_shuffle_i32x4(x[j], x[4 + j], 0xee), high1 = _mm512_shuffle_i32x4(x[8 + j], x[12 + j], 0xee);
    x[j] = _mm512_shuffle_i32x4(low0, low1, 0x88);
    x[4 + j] = _mm512_shuffle_i32x4(low0, low1, 0xdd);
    x[8 + j] = _mm512_shuffle_i32x4(high0, high1, 0x88);
    x[12 + j] = _mm512_shuffle_i32x4(high0, high1, 0xdd);
}

/* The first state is added, and from a register a word come registers a block. */
INLINE void finish(__m512i x[WORDS], const struct set *start)
{
#define ADD_WORD(i) x[i] = _mm512_add_epi32(x[i], start->word[i]);
    EACH_WORD(ADD_WORD)
    transpose_quarters(x);
    transpose_quarters(x + 4);
    transpose_quarters(x + 8);
    transpose_quarters(x + 12);
    join_quarters(x, 0);
    join_quarters(x, 1);
    join_quarters(x, 2);
    join_quarters(x, 3);
}

INLINE void run_one(struct set *x, const struct set *start)
{
    *x = *start;
    for (int i = 0; i < DOUBLE_ROUNDS; i++) {
        round_of(x->word, 0);
        round_of(x->word, 1);
    }
    finish(x->word, start);
}

INLINE void run_two(struct set *x, struct set *y, const struct set *first, const struct set *second)
{
    *x = *first;
    *y = *second;
    for (int i = 0; i < DOUBLE_ROUNDS; i++) {
        round_of(x->word, 0);
        round_of(y->word, 0);
        round_of(x->word, 1);
        round_of(y->word, 1);
    }
    finish(x->word, first);
    finish(y->word, second);
}

/* ---- rows ---- */

static void ahead(const struct cx_chacha20_key *body, const struct cx_chacha20_key *length, uint32_t seq,
                  struct cx_chachapoly_row row[CX_CHACHAPOLY_AHEAD])
{
    struct set pads, streams, x, y;
    __m512i seqs = _mm512_add_epi32(_mm512_set1_epi32((int)seq), _mm512_and_si512(lane_numbers(), _mm512_set1_epi32(7)));
    set_start(&pads, _mm512_setzero_si512(), seqs);
    set_keys(&pads, body, length);
    set_start(&streams, _mm512_mask_set1_epi32(_mm512_set1_epi32(1), 0xff00, 2), seqs);
    set_keys(&streams, body, body);
    run_two(&x, &y, &pads, &streams);
#define PUT_PADS(i)                                                                                                                \
    _mm256_storeu_si256((__m256i *)row[i].mac_key, _mm512_castsi512_si256(x.word[i]));                                             \
    _mm_storeu_si32(row[i].length_pad, _mm512_castsi512_si128(x.word[8 + i]));
    EACH_EIGHTH(PUT_PADS)
#define PUT_STREAM(i)                                                                                                              \
    _mm512_storeu_si512(row[i].stream, y.word[i]);                                                                                 \
    _mm512_storeu_si512(row[i].stream + CX_CHACHA20_BLOCK, y.word[8 + i]);
    EACH_EIGHTH(PUT_STREAM)
}

/* ---- lanes ---- */

INLINE void set_lanes(struct set *s, const struct cx_chacha20_key *key, const struct cx_chacha20_lanes *lanes, size_t from)
{
    set_start(s, _mm512_loadu_si512(lanes->counter + from), _mm512_loadu_si512(lanes->seq + from));
    set_keys(s, key, key);
}

/* Blocks past lanes->n are of what stood in the arrays before: they go nowhere. */
INLINE void put_lanes(struct set *x, const struct cx_chacha20_lanes *lanes, size_t from)
{
#define PUT_LANE(i)                                                                                                                \
    if (from + i < lanes->n) {                                                                                                     \
        __mmask64 mask = ~UINT64_C(0) >> (CX_CHACHA20_BLOCK - lanes->len[from + i]);                                               \
        __m512i bytes = _mm512_maskz_loadu_epi8(mask, lanes->from[from + i]);                                                      \
        _mm512_mask_storeu_epi8(lanes->to[from + i], mask, _mm512_xor_si512(bytes, x->word[i]));                                   \
    }
    EACH_WORD(PUT_LANE)
}

static void one_set(const struct cx_chacha20_key *key, const struct cx_chacha20_lanes *lanes)
{
    struct set start, x;
    set_lanes(&start, key, lanes, 0);
    run_one(&x, &start);
    put_lanes(&x, lanes, 0);
}

static void two_sets(const struct cx_chacha20_key *key, const struct cx_chacha20_lanes *lanes)
{
    struct set first, second, x, y;
    set_lanes(&first, key, lanes, 0);
    set_lanes(&second, key, lanes, SET);
    run_two(&x, &y, &first, &second);
    put_lanes(&x, lanes, 0);
    put_lanes(&y, lanes, SET);
}

static void lanes_of(const struct cx_chacha20_key *key, const struct cx_chacha20_lanes *lanes)
{
    if (lanes->n <= SET)
        one_set(key, lanes);
    else
        two_sets(key, lanes);
}

/* ---- stretches ---- */

INLINE void put_blocks(const struct set *x, uint8_t *to, const uint8_t *from)
{
#define PUT_BLOCK(i)                                                                                                               \
    _mm512_storeu_si512(to + i * CX_CHACHA20_BLOCK, _mm512_xor_si512(_mm512_loadu_si512(from + i * CX_CHACHA20_BLOCK), x->word[i]));
    EACH_WORD(PUT_BLOCK)
}

static void stretch(const struct cx_chacha20_key *key, uint32_t seq, uint32_t counter, uint8_t *to, const uint8_t *from,
                    size_t times)
{
    struct set first, second, x, y;
    const size_t bytes = SET * CX_CHACHA20_BLOCK;
    set_start(&first, _mm512_add_epi32(_mm512_set1_epi32((int)counter), lane_numbers()), _mm512_set1_epi32((int)seq));
    set_keys(&first, key, key);
    second = first;
    for (; times > 0; times--) {
        second.word[12] = _mm512_add_epi32(first.word[12], _mm512_set1_epi32(SET));
        run_two(&x, &y, &first, &second);
        put_blocks(&x, to, from);
        put_blocks(&y, to + bytes, from + bytes);
        first.word[12] = _mm512_add_epi32(second.word[12], _mm512_set1_epi32(SET));
        to += 2 * bytes;
        from += 2 * bytes;
    }
}

const struct cx_chacha20_kernel cx_chacha20_avx512 = { .ahead = ahead, .lanes = lanes_of, .stretch = stretch };
