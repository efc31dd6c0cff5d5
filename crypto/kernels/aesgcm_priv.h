/* SPDX-License-Identifier: MIT */
/* aes128-gcm@openssh.com and aes256-gcm@openssh.com over vectors of several blocks: everything but the vector's width, which the
 * file that includes this gives: see aesgcm_vaes512.c for the list.
 *
 * What GHASH reads, block by block, is the length field padded with zeros, the ciphertext padded likewise, and a block of lengths.
 * What AES makes is a mask for the tag, then the key stream. So both are one row of blocks: the first block of the row is the
 * length field for the one and the mask for the other. The first vector of the row is the head; then come strides of CX_GCM_STRIDE
 * vectors; the rest, with the block of lengths, is the tail.
 *
 * GHASH's numbers are kept with their bytes reversed, powers of H also multiplied by x once, so that a product of two needs no
 * shift (Gueron and Kounavis). A sum of products is reduced once a stride: each block is multiplied by the power that its distance
 * from the end of its stride asks for.
 *
 * Small packets need no interleaving by hand: they depend on nothing of each other, and the processor has several in flight. */
#ifndef CX_AESGCM_PRIV_H
#define CX_AESGCM_PRIV_H

#include <stdlib.h>

#include "crypto/kernels/aes_priv.h"
#include "crypto/packet/packet_priv.h"
#include "crypto/secret.h"
#include "crypto/wire.h"

#define ALWAYS_INLINE static inline __attribute__((always_inline))

enum {
    BLOCK_BYTES = 16,
    VEC_BYTES = sizeof(vec),
    VEC_BLOCKS = VEC_BYTES / BLOCK_BYTES,
    STRIDE_BYTES = STRIDE * VEC_BYTES,
    STRIDE_BLOCKS = STRIDE * VEC_BLOCKS,
    POWERS = STRIDE_BLOCKS + 2 * VEC_BLOCKS, /* a head, a stride less one byte, and the block of lengths, fill at most so many */
};

struct context {
    __m128i power[POWERS + VEC_BLOCKS]; /* H^POWERS … H^1, then zeros, which a tail's last vector may read */
    __m128i folded[STRIDE_BLOCKS];      /* of H^STRIDE_BLOCKS … H^1: the sum of both halves, in each half */
    __m128i round_key[CX_AES_ROUND_KEYS_MAX];
    unsigned rounds;
};

/* A sum of products that is not reduced yet, of 256 bits a lane: low + mid x^64 + high x^128. */
struct sum {
    vec low, mid, high;
};

ALWAYS_INLINE struct sum sum_zero(void)
{
    return (struct sum){ vec_zero(), vec_zero(), vec_zero() };
}

ALWAYS_INLINE void sum_add(struct sum *s, vec x, vec power)
{
    s->low = vec_xor(s->low, vec_clmul(x, power, 0x00));
    s->high = vec_xor(s->high, vec_clmul(x, power, 0x11));
    s->mid = vec_xor3(s->mid, vec_clmul(x, power, 0x01), vec_clmul(x, power, 0x10));
}

ALWAYS_INLINE vec sum_reduce(const struct sum *s)
{
    const vec poly = vec_broadcast(_mm_set_epi64x((long long)0xc200000000000000, 0));
    vec mid = vec_xor3(s->mid, vec_turn(s->low), vec_clmul(s->low, poly, 0x10));
    return vec_xor3(s->high, vec_turn(mid), vec_clmul(mid, poly, 0x10));
}

ALWAYS_INLINE vec multiply(vec a, vec b)
{
    struct sum s = sum_zero();
    sum_add(&s, a, b);
    return sum_reduce(&s);
}

/* ---- the context ---- */

/* H times x. */
static __m128i times_x(__m128i h)
{
    __m128i carry = _mm_srli_epi64(h, 63);
    __m128i doubled = _mm_or_si128(_mm_add_epi64(h, h), _mm_slli_si128(carry, 8));
    __m128i overflow = _mm_sub_epi64(_mm_setzero_si128(), _mm_unpackhi_epi64(carry, carry));
    return _mm_xor_si128(doubled, _mm_and_si128(overflow, _mm_set_epi64x((long long)0xc200000000000000, 1)));
}

/* H^1 … H^VEC_BLOCKS one by one, the others a vector at a time. */
static void fill_powers(struct context *c)
{
    __m128i h = cx_aes_encrypt(c->round_key, c->rounds, _mm_setzero_si128());
    __m128i *power = c->power + POWERS;
    for (size_t i = 0; i < VEC_BLOCKS; i++)
        power[i] = _mm_setzero_si128();
    h = times_x(_mm_shuffle_epi8(h, block_reversal()));
    *--power = h;
    for (size_t i = 1; i < VEC_BLOCKS; i++, power--)
        power[-1] = vec_lane0(multiply(vec_broadcast(power[0]), vec_broadcast(h)));
    vec step = vec_broadcast(power[0]), last = vec_load(power);
    while (power > c->power) {
        power -= VEC_BLOCKS;
        last = multiply(last, step);
        vec_store(power, last);
    }
    for (size_t i = 0; i < STRIDE_BLOCKS; i++) {
        __m128i each = c->power[POWERS - STRIDE_BLOCKS + i];
        c->folded[i] = _mm_xor_si128(each, _mm_shuffle_epi32(each, _MM_SHUFFLE(1, 0, 3, 2)));
    }
}

static void *expand(const struct cx_evp *evp, const struct cx_kernels *kernels, const struct cx_packet_key *k)
{
    struct context *c = aligned_alloc(64, (sizeof *c + 63) / 64 * 64);
    (void)evp;
    (void)kernels;
    if (!c)
        return NULL;
    c->rounds = cx_aes_rounds(k->cipher->key_len);
    cx_aes_expand(c->round_key, k->key, k->cipher->key_len);
    fill_powers(c);
    return c;
}

static void release(void *context)
{
    cx_secret_wipe(context, sizeof(struct context));
    free(context);
}

/* ---- packets ---- */

/* A packet on its way. */
struct walk {
    const uint8_t *from;
    uint8_t *to;
    size_t left;     /* bytes */
    bool opening;    /* what is hashed is what comes in, not what goes out */
    vec count;       /* of the next vector's blocks: the lowest word of each lane, reversed as it is */
    struct sum sum;  /* of what no stride has reduced */
    vec hash;        /* of the strides, in the first lane; goes into the next block that is hashed */
    __m128i lengths; /* the last block of GHASH's row, reversed */
};

/* n vectors of what AES makes of the coming counts. */
ALWAYS_INLINE void key_stream(const struct context *c, unsigned rounds, struct walk *w, vec stream[], unsigned n)
{
    vec key = vec_broadcast(c->round_key[0]);
#pragma GCC unroll 8
    for (unsigned i = 0; i < n; i++) {
        stream[i] = vec_xor(vec_reverse(w->count), key);
        w->count = vec_count_on(w->count);
    }
#pragma GCC unroll 16
    for (unsigned r = 1; r < rounds; r++) {
        key = vec_broadcast(c->round_key[r]);
#pragma GCC unroll 8
        for (unsigned i = 0; i < n; i++)
            stream[i] = vec_aes(stream[i], key);
    }
    key = vec_broadcast(c->round_key[rounds]);
#pragma GCC unroll 8
    for (unsigned i = 0; i < n; i++)
        stream[i] = vec_aes_last(stream[i], key);
}

ALWAYS_INLINE size_t blocks_of(size_t bytes)
{
    return (bytes + BLOCK_BYTES - 1) / BLOCK_BYTES;
}

/* The powers for a vector whose first block is the blocks-th from the end. */
ALWAYS_INLINE vec powers_at(const struct context *c, size_t blocks)
{
    return vec_load(&c->power[POWERS - blocks]);
}

ALWAYS_INLINE void step(struct walk *w, size_t bytes)
{
    w->from += bytes;
    w->to += bytes;
    w->left -= bytes;
}

/* The first n bytes that are left, at most a vector, under `stream`. Returns what of it is hashed. */
ALWAYS_INLINE vec take_part(struct walk *w, size_t n, vec stream)
{
    vec in = vec_load_part(w->from, n);
    vec out = vec_keep(vec_xor(in, stream), n);
    vec_store_part(w->to, out, n);
    step(w, n);
    return w->opening ? in : out;
}

/* The i-th vector of a stride that begins at `hashed`. Three products for four, where it counts: mid is the product of the sums of
 * halves, which low and high are taken out of at the end (Karatsuba). */
ALWAYS_INLINE void hash_one(const struct context *c, const struct walk *w, struct sum *sum, const uint8_t *hashed, unsigned i)
{
    vec x = vec_reverse(vec_load(hashed + i * VEC_BYTES));
    if (i == 0)
        x = vec_xor(x, w->hash);
    vec power = powers_at(c, STRIDE_BLOCKS - i * VEC_BLOCKS), folded = vec_load(&c->folded[i * VEC_BLOCKS]);
    sum->low = vec_xor(sum->low, vec_clmul(x, power, 0x00));
    sum->high = vec_xor(sum->high, vec_clmul(x, power, 0x11));
    sum->mid = vec_xor(sum->mid, vec_clmul(vec_xor(x, vec_turn(x)), folded, 0x00));
}

ALWAYS_INLINE void hash_end(struct walk *w, struct sum *sum)
{
    sum->mid = vec_xor3(sum->mid, sum->low, sum->high);
    w->hash = vec_fold(sum_reduce(sum));
}

ALWAYS_INLINE void hash_stride(const struct context *c, struct walk *w, const uint8_t *hashed)
{
    struct sum sum = sum_zero();
#pragma GCC unroll 8
    for (unsigned i = 0; i < STRIDE; i++)
        hash_one(c, w, &sum, hashed, i);
    hash_end(w, &sum);
}

/* Encrypts or decrypts a stride, and between the rounds of that hashes the one at `hashed`, if there is one: the processor's window
 * is shorter than a stride of AES. */
ALWAYS_INLINE void take_stride(const struct context *c, unsigned rounds, struct walk *w, const uint8_t *hashed)
{
    struct sum sum = sum_zero();
    vec x[STRIDE], key = vec_broadcast(c->round_key[0]);
#pragma GCC unroll 8
    for (unsigned i = 0; i < STRIDE; i++) {
        x[i] = vec_xor(vec_reverse(w->count), key);
        w->count = vec_count_on(w->count);
    }
#pragma GCC unroll 16
    for (unsigned r = 1; r < rounds; r++) {
        key = vec_broadcast(c->round_key[r]);
#pragma GCC unroll 8
        for (unsigned i = 0; i < STRIDE; i++)
            x[i] = vec_aes(x[i], key);
        if (hashed && r <= STRIDE)
            hash_one(c, w, &sum, hashed, r - 1);
    }
    key = vec_broadcast(c->round_key[rounds]);
#pragma GCC unroll 8
    for (unsigned i = 0; i < STRIDE; i++)
        vec_store(w->to + i * VEC_BYTES, vec_xor(vec_load(w->from + i * VEC_BYTES), vec_aes_last(x[i], key)));
    if (hashed)
        hash_end(w, &sum);
    step(w, STRIDE_BYTES);
}

/* All whole strides. Opening hashes what is decrypted, sealing what was encrypted before. */
ALWAYS_INLINE void take_strides(const struct context *c, unsigned rounds, struct walk *w)
{
    if (w->opening) {
        do
            take_stride(c, rounds, w, w->from);
        while (w->left >= STRIDE_BYTES);
    } else {
        take_stride(c, rounds, w, NULL);
        while (w->left >= STRIDE_BYTES)
            take_stride(c, rounds, w, w->to - STRIDE_BYTES);
        hash_stride(c, w, w->to - STRIDE_BYTES);
    }
}

/* Two whole vectors, with something behind them. */
ALWAYS_INLINE void take_pair(const struct context *c, unsigned rounds, struct walk *w)
{
    vec x[2];
    size_t blocks = blocks_of(w->left) + 1;
    key_stream(c, rounds, w, x, 2);
#pragma GCC unroll 2
    for (unsigned i = 0; i < 2; i++) {
        vec in = vec_load(w->from + i * VEC_BYTES), out = vec_xor(in, x[i]);
        vec_store(w->to + i * VEC_BYTES, out);
        x[i] = vec_reverse(w->opening ? in : out);
    }
    sum_add(&w->sum, vec_xor(x[0], w->hash), powers_at(c, blocks));
    sum_add(&w->sum, x[1], powers_at(c, blocks - VEC_BLOCKS));
    w->hash = vec_zero();
    step(w, 2 * VEC_BYTES);
}

/* Less than a stride, and the block of lengths. */
ALWAYS_INLINE void take_tail(const struct context *c, unsigned rounds, struct walk *w)
{
    while (w->left >= 2 * VEC_BYTES)
        take_pair(c, rounds, w);
    size_t blocks = blocks_of(w->left) + 1;
    for (bool last = false; !last; blocks -= VEC_BLOCKS) {
        vec x = vec_zero();
        last = blocks <= VEC_BLOCKS;
        if (w->left > 0) {
            key_stream(c, rounds, w, &x, 1);
            x = vec_reverse(take_part(w, w->left < VEC_BYTES ? w->left : VEC_BYTES, x));
        }
        if (last)
            x = vec_put(x, blocks - 1, w->lengths);
        sum_add(&w->sum, vec_xor(x, w->hash), powers_at(c, blocks));
        w->hash = vec_zero();
    }
}

/* The first vector. Returns the mask of the tag. */
ALWAYS_INLINE __m128i take_head(const struct context *c, unsigned rounds, struct walk *w, __m128i length_field, vec *head)
{
    vec stream;
    size_t n = w->left < VEC_BYTES - BLOCK_BYTES ? w->left : VEC_BYTES - BLOCK_BYTES;
    key_stream(c, rounds, w, &stream, 1);
    *head = vec_reverse(vec_up(take_part(w, n, vec_down(stream)), length_field));
    return vec_lane0(stream);
}

/* Seals or opens but for the tag, which comes out. */
ALWAYS_INLINE __m128i crypt_packet(const struct context *c, unsigned rounds, const struct cx_packet_job *job, bool opening)
{
    uint32_t field;
    memcpy(&field, job->from, sizeof field);
    memcpy(job->start, &field, sizeof field);
    struct walk w = {
        .from = job->from + sizeof field,
        .to = job->start + sizeof field,
        .left = job->len,
        .opening = opening,
        .count = vec_count_from(job->iv),
        .sum = sum_zero(),
        .hash = vec_zero(),
        .lengths = _mm_set_epi64x(CX_PACKET_LENGTH_BYTES * 8, (long long)job->len * 8),
    };
    vec head;
    __m128i mask = take_head(c, rounds, &w, _mm_cvtsi32_si128((int)field), &head);
    size_t used = 1 + blocks_of(job->len - w.left);
    if (used < VEC_BLOCKS) { /* so short that it ends in its head */
        sum_add(&w.sum, vec_put(head, used, w.lengths), powers_at(c, used + 1));
    } else if (w.left < STRIDE_BYTES) {
        sum_add(&w.sum, head, powers_at(c, VEC_BLOCKS + blocks_of(w.left) + 1));
        take_tail(c, rounds, &w);
    } else {
        struct sum sum = sum_zero();
        sum_add(&sum, head, powers_at(c, VEC_BLOCKS));
        w.hash = vec_fold(sum_reduce(&sum));
        take_strides(c, rounds, &w);
        take_tail(c, rounds, &w);
    }
    __m128i hash = _mm_shuffle_epi8(vec_lane0(vec_fold(sum_reduce(&w.sum))), block_reversal());
    return _mm_xor_si128(hash, mask);
}

ALWAYS_INLINE void seal_all(const struct context *c, unsigned rounds, const struct cx_packet_job job[], size_t n)
{
    for (size_t i = 0; i < n; i++) {
        __m128i tag = crypt_packet(c, rounds, &job[i], false);
        _mm_storeu_si128((__m128i *)(job[i].start + CX_PACKET_LENGTH_BYTES + job[i].len), tag);
    }
}

static __attribute__((noinline)) void seal_jobs(const struct context *c, const struct cx_packet_job job[], size_t n)
{
    if (c->rounds == 10)
        seal_all(c, 10, job, n);
    else
        seal_all(c, 14, job, n);
}

/* What the compiler put on the stack, short of registers: masks of tags, sums of products. The frame lies where that of what was
 * called before lay, and is longer. */
static __attribute__((noinline)) void wipe_stack(void)
{
    vec frame[1024 / VEC_BYTES];
    for (size_t i = 0; i < sizeof frame / sizeof *frame; i++) {
        frame[i] = vec_zero();
        __asm__ volatile("" : : "r"(frame) : "memory"); /* no string instruction, which the next packet would wait for */
    }
}

static enum cx_err seal_batch(void *context, const struct cx_packet_job job[], size_t n)
{
    seal_jobs(context, job, n);
    wipe_stack();
    return CX_OK;
}

ALWAYS_INLINE size_t open_all(const struct context *c, unsigned rounds, const struct cx_packet_job job[], size_t n)
{
    for (size_t i = 0; i < n; i++) {
        __m128i sent = _mm_loadu_si128((const __m128i *)(job[i].from + CX_PACKET_LENGTH_BYTES + job[i].len));
        __m128i wrong = _mm_xor_si128(crypt_packet(c, rounds, &job[i], true), sent);
        if (!_mm_testz_si128(wrong, wrong))
            return i;
    }
    return n;
}

static __attribute__((noinline)) size_t open_jobs(const struct context *c, const struct cx_packet_job job[], size_t n)
{
    return c->rounds == 10 ? open_all(c, 10, job, n) : open_all(c, 14, job, n);
}

static enum cx_err open_batch(void *context, const struct cx_packet_job job[], size_t n, size_t *good)
{
    *good = open_jobs(context, job, n);
    wipe_stack();
    return *good == n ? CX_OK : CX_E_TAG;
}

#endif
