/* SPDX-License-Identifier: MIT */
/* UMAC (RFC 4418) with tags of 64 and 128 bits, as draft-miller-secsh-umac-01 puts it into SSH: two or four runs of one universal
 * hash under shifted keys. All but its first layer, NH, takes a few instructions a kilobyte; the file that includes this has the NH
 * of its vectors:
 *
 *   nh(sum, key, bytes, len, runs)   of the len <= 1024 bytes, as if zeros filled the last 32 of them; without the length that the
 * layer adds. Key words for run i begin at key[4 * i]; UMAC_KEY_ROOM words may be read.
 *
 * Whatever depends on the key or the packet does so without a branch: where the standard's second layer asks whether a word is near
 * 2^64, both answers are computed. */
#ifndef CX_UMAC_PRIV_H
#define CX_UMAC_PRIV_H

#include <stdlib.h>

#include "crypto/kernels/aes_priv.h"
#include "crypto/kernels/kernels_priv.h"
#include "crypto/packet/packet_priv.h"
#include "crypto/secret.h"
#include "crypto/wire.h"

enum {
    KEY_BYTES = 16,
    ROUNDS = 10,
    CHUNK_BYTES = UMAC_CHUNK_BYTES,
    KEY_WORDS = CHUNK_BYTES / 4 + (UMAC_RUNS_MAX - 1) * 4,
    MESSAGE_MAX_BYTES =
        1 << 24,    /* from where on the second layer takes 128 bits: no peer sends that, and nettle does it if it must */
    THIRD_KEYS = 4, /* eight by the standard: the upper half of what they are multiplied with is zero up to that length */
};

/* What each part of the key is made of, besides the key: RFC 4418 section 3.2.1. */
enum key_use { FOR_PADS, FOR_FIRST, FOR_SECOND, FOR_THIRD, FOR_THIRD_SUM };

/* Mod 2^36 - 5 and 2^64 - 59. */
#define PRIME36 ((1ull << 36) - 5)
#define PRIME64 (0 - 59ull)
#define SECOND_KEY_MASK 0x01ffffff01ffffffull

/* 1.7 KiB. */
struct context {
    uint32_t first[UMAC_KEY_ROOM];
    __m128i pad_key[CX_AES_ROUND_KEYS_MAX];
    uint64_t second[UMAC_RUNS_MAX];
    uint64_t third[UMAC_RUNS_MAX][THIRD_KEYS];
    uint32_t third_sum[UMAC_RUNS_MAX];
    unsigned runs;
    uint8_t key[KEY_BYTES];
} __attribute__((aligned(64)));

/* ---- keys ---- */

static void derive(const __m128i *round_key, enum key_use use, uint8_t *out, size_t blocks)
{
    for (size_t i = 0; i < blocks; i++) {
        uint8_t block[CX_AES_BLOCK_BYTES];
        cx_store_u64(block, use);
        cx_store_u64(block + 8, i + 1);
        __m128i made = cx_aes_encrypt(round_key, ROUNDS, _mm_loadu_si128((const void *)block));
        _mm_storeu_si128((void *)(out + i * sizeof block), made);
    }
}

static void load_keys(struct context *c, const uint8_t *key)
{
    enum { SECOND_BYTES = 24, THIRD_BYTES = 64 };
    __m128i round_key[CX_AES_ROUND_KEYS_MAX];
    uint8_t made[CHUNK_BYTES + UMAC_RUNS_MAX * CX_AES_BLOCK_BYTES];
    cx_aes_expand(round_key, key, KEY_BYTES);
    derive(round_key, FOR_PADS, made, 1);
    cx_aes_expand(c->pad_key, made, KEY_BYTES);
    derive(round_key, FOR_FIRST, made, KEY_WORDS / 4);
    for (unsigned i = 0; i < KEY_WORDS; i++)
        c->first[i] = cx_load_u32(made + 4 * i);
    derive(round_key, FOR_SECOND, made, UMAC_RUNS_MAX * SECOND_BYTES / CX_AES_BLOCK_BYTES);
    for (unsigned i = 0; i < UMAC_RUNS_MAX; i++)
        c->second[i] = cx_load_u64(made + SECOND_BYTES * i) & SECOND_KEY_MASK;
    derive(round_key, FOR_THIRD, made, UMAC_RUNS_MAX * THIRD_BYTES / CX_AES_BLOCK_BYTES);
    for (unsigned i = 0; i < UMAC_RUNS_MAX; i++)
        for (unsigned j = 0; j < THIRD_KEYS; j++)
            c->third[i][j] = cx_load_u64(made + THIRD_BYTES * i + THIRD_BYTES / 2 + 8 * j);
    derive(round_key, FOR_THIRD_SUM, made, 1);
    for (unsigned i = 0; i < UMAC_RUNS_MAX; i++)
        c->third_sum[i] = cx_load_u32(made + 4 * i);
    cx_secret_wipe(round_key, sizeof round_key);
    cx_secret_wipe(made, sizeof made);
}

/* x mod 2^36 - 5, in two folds and without a division. */
ALWAYS_INLINE uint64_t mod36(uint64_t x)
{
    const uint64_t low = (1ull << 36) - 1;
    x = (x & low) + 5 * (x >> 36);
    x = (x & low) + 5 * (x >> 36);
    uint64_t less = x - PRIME36;
    return less + (PRIME36 & (0 - (less >> 63)));
}

static void *expand(const struct cx_evp *evp, const struct cx_packet_key *k)
{
    (void)evp;
    struct context *c = aligned_alloc(_Alignof(struct context), sizeof *c);
    if (!c)
        return NULL;
    memset(c, 0, sizeof *c);
    c->runs = k->mac->tag_len / 4;
    memcpy(c->key, k->mac_key, KEY_BYTES);
    load_keys(c, k->mac_key);
    for (unsigned i = 0; i < UMAC_RUNS_MAX; i++)
        for (unsigned j = 0; j < THIRD_KEYS; j++)
            c->third[i][j] = mod36(c->third[i][j]);
    return c;
}

static void release(void *context)
{
    if (context)
        cx_secret_wipe(context, sizeof(struct context));
    free(context);
}

/* ---- the second layer: a polynomial in the key, mod 2^64 - 59 ---- */

/* key * y + m, mod 2^64 - 59, but not fully reduced; key is below 2^57. */
ALWAYS_INLINE uint64_t multiply_add(uint64_t key, uint64_t y, uint64_t m)
{
    unsigned __int128 product = (unsigned __int128)key * y;
    unsigned __int128 sum = (unsigned __int128)(uint64_t)product + m + (unsigned __int128)(uint64_t)(product >> 64) * 59;
    uint64_t folded, over = (uint64_t)(sum >> 64) * 59; /* at most twice 59 */
    uint64_t carried = __builtin_add_overflow((uint64_t)sum, over, &folded);
    return folded + (59 & (0 - carried));
}

/* One more word. From 2^64 - 2^32 on it stands as a marker and the word less 59. */
ALWAYS_INLINE uint64_t second_step(uint64_t key, uint64_t y, uint64_t m)
{
    uint64_t near = 0 - (((m >> 32) + 1) >> 32);
    uint64_t once = multiply_add(key, y, ((PRIME64 - 1) & near) | (m & ~near));
    uint64_t twice = multiply_add(key, once, m - 59);
    return (twice & near) | (once & ~near);
}

ALWAYS_INLINE uint64_t mod64(uint64_t y)
{
    uint64_t less, wrapped = __builtin_add_overflow(y, 59ull, &less);
    return (less & (0 - wrapped)) | (y & (wrapped - 1));
}

/* ---- a packet ---- */

ALWAYS_INLINE void first_and_second(const struct context *c, const struct cx_mac_job *job, const unsigned runs, uint64_t y[])
{
    uint64_t sum[UMAC_RUNS_MAX];
    size_t at = 0;
    if (job->len <= CHUNK_BYTES) {
        nh(sum, c->first, job->bytes, job->len, runs);
        for (unsigned i = 0; i < runs; i++)
            y[i] = sum[i] + 8 * job->len;
        return;
    }
    for (unsigned i = 0; i < runs; i++)
        y[i] = 1;
    for (; job->len - at >= CHUNK_BYTES; at += CHUNK_BYTES) {
        nh(sum, c->first, job->bytes + at, CHUNK_BYTES, runs);
        for (unsigned i = 0; i < runs; i++)
            y[i] = second_step(c->second[i], y[i], sum[i] + 8 * CHUNK_BYTES);
    }
    if (at < job->len) {
        nh(sum, c->first, job->bytes + at, job->len - at, runs);
        for (unsigned i = 0; i < runs; i++)
            y[i] = second_step(c->second[i], y[i], sum[i] + 8 * (job->len - at));
    }
    for (unsigned i = 0; i < runs; i++)
        y[i] = mod64(y[i]);
}

ALWAYS_INLINE uint32_t third(const struct context *c, unsigned run, uint64_t y)
{
    uint64_t sum = 0;
    for (unsigned j = 0; j < THIRD_KEYS; j++)
        sum += (y >> (48 - 16 * j) & 0xffff) * c->third[run][j];
    return (uint32_t)mod36(sum) ^ c->third_sum[run];
}

/* The pad: AES of the nonce. A tag of 64 bits takes one half of it, as the nonce's last bit says, which is not in it. */
ALWAYS_INLINE __m128i make_pad(const struct context *c, uint32_t seq, const unsigned runs)
{
    const __m128i bytes = _mm_set_epi8(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    uint32_t half = runs == 2 ? seq & 1 : 0;
    __m128i pad = cx_aes_encrypt(c->pad_key, ROUNDS, _mm_set_epi32(0, 0, (int)__builtin_bswap32(seq - half), 0));
    return _mm_shuffle_epi8(pad, _mm_add_epi8(bytes, _mm_set1_epi8((char)(8 * half))));
}

/* The pad does not leave the registers. */
ALWAYS_INLINE void make_tag(const struct context *c, const struct cx_mac_job *job, const unsigned runs)
{
    uint32_t words[UMAC_RUNS_MAX] = { 0 };
    uint64_t y[UMAC_RUNS_MAX];
    first_and_second(c, job, runs, y);
    for (unsigned i = 0; i < runs; i++)
        words[i] = __builtin_bswap32(third(c, i, y[i]));
    __m128i hash = _mm_set_epi32((int)words[3], (int)words[2], (int)words[1], (int)words[0]);
    __m128i tag = _mm_xor_si128(hash, make_pad(c, job->seq, runs));
    if (runs == 2)
        _mm_storeu_si64(job->tag, tag);
    else
        _mm_storeu_si128((void *)job->tag, tag);
}

static bool make_long_tag(const struct context *c, const struct cx_mac_job *job)
{
    const struct cx_mac_ops *portable = c->runs == 2 ? &cx_mac_umac64 : &cx_mac_umac128;
    struct cx_packet_key k = { 0 };
    memcpy(k.mac_key, c->key, sizeof c->key);
    void *context = portable->expand(NULL, &k);
    bool made = context && portable->tags(context, job, 1);
    portable->release(context);
    cx_secret_wipe(&k, sizeof k);
    return made;
}

ALWAYS_INLINE bool make_tags(const struct context *c, const struct cx_mac_job job[], size_t n, const unsigned runs)
{
    bool made = true;
    for (size_t i = 0; i < n; i++) {
        if (job[i].len <= MESSAGE_MAX_BYTES)
            make_tag(c, &job[i], runs);
        else
            made &= make_long_tag(c, &job[i]);
    }
    return made;
}

static bool tags64(void *context, const struct cx_mac_job job[], size_t n)
{
    return make_tags(context, job, n, 2);
}

static bool tags128(void *context, const struct cx_mac_job job[], size_t n)
{
    return make_tags(context, job, n, 4);
}

#endif
