/* SPDX-License-Identifier: MIT */
/* AES in counter mode over vectors of several blocks: everything but the vector's width, which the file that includes this gives:
 * `vec`, VEC_BLOCKS, UNROLL, and vec_broadcast, vec_count, vec_add, vec_swap, vec_xor, vec_aes, vec_aes_last, vec_load, vec_store,
 * vec_load_part and vec_store_part (fewer bytes than a vector has).
 *
 * A counter block is one big-endian number of 128 bits. Vectors count in little-endian words of 64, so that a run of blocks ends
 * where the lower word wraps; the next run begins with the carry in the upper one. A first counter comes out of the key exchange,
 * and such a wrap in a packet with probability 2^-50: that runs are cut there tells nothing more. */
#ifndef CX_AESCTR_PRIV_H
#define CX_AESCTR_PRIV_H

#include <stdlib.h>

#include "crypto/kernels/aes_priv.h"
#include "crypto/kernels/kernels_priv.h"
#include "crypto/packet/packet_priv.h"
#include "crypto/secret.h"
#include "crypto/wire.h"

#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* 960 bytes at 512 bits, half of it at 256: a broadcast a round and block would cost as much as the round itself. */
struct context {
    vec round_key[CX_AES_ROUND_KEYS_MAX];
    unsigned rounds;
};

static void *expand(const struct cx_evp *evp, const uint8_t *key, size_t key_len)
{
    (void)evp;
    struct context *c = aligned_alloc(_Alignof(struct context), sizeof *c);
    __m128i round_key[CX_AES_ROUND_KEYS_MAX];
    if (!c)
        return NULL;
    c->rounds = cx_aes_rounds(key_len);
    cx_aes_expand(round_key, key, key_len);
    for (unsigned i = 0; i <= c->rounds; i++)
        c->round_key[i] = vec_broadcast(round_key[i]);
    cx_secret_wipe(round_key, sizeof round_key);
    return c;
}

static void release(void *context)
{
    if (context)
        cx_secret_wipe(context, sizeof(struct context));
    free(context);
}

/* The key stream of `n` vectors from `count` on, which moves past them. */
ALWAYS_INLINE void key_stream(const struct context *c, unsigned rounds, vec *count, vec stream[], unsigned n)
{
#pragma GCC unroll 8
    for (unsigned i = 0; i < n; i++) {
        stream[i] = vec_xor(vec_swap(*count), c->round_key[0]);
        *count = vec_add(*count, VEC_BLOCKS);
    }
#pragma GCC unroll 16
    for (unsigned r = 1; r < rounds; r++) {
#pragma GCC unroll 8
        for (unsigned i = 0; i < n; i++)
            stream[i] = vec_aes(stream[i], c->round_key[r]);
    }
#pragma GCC unroll 8
    for (unsigned i = 0; i < n; i++)
        stream[i] = vec_aes_last(stream[i], c->round_key[rounds]);
}

/* len bytes whose counters share the upper word. */
ALWAYS_INLINE void crypt_run(const struct context *c, unsigned rounds, uint64_t high, uint64_t low, uint8_t *to,
                             const uint8_t *from, size_t len)
{
    vec count = vec_count(high, low), stream[UNROLL];
    for (; len >= sizeof stream; len -= sizeof stream, to += sizeof stream, from += sizeof stream) {
        key_stream(c, rounds, &count, stream, UNROLL);
#pragma GCC unroll 8
        for (unsigned i = 0; i < UNROLL; i++)
            vec_store(to + i * sizeof(vec), vec_xor(stream[i], vec_load(from + i * sizeof(vec))));
    }
    for (; len >= sizeof(vec); len -= sizeof(vec), to += sizeof(vec), from += sizeof(vec)) {
        key_stream(c, rounds, &count, stream, 1);
        vec_store(to, vec_xor(stream[0], vec_load(from)));
    }
    if (len > 0) {
        vec part = vec_load_part(from, len); /* first: it may call, and calls leave on the stack what registers hold */
        key_stream(c, rounds, &count, stream, 1);
        vec_store_part(to, vec_xor(stream[0], part), len);
    }
}

ALWAYS_INLINE void crypt_jobs(const struct context *c, unsigned rounds, const struct cx_ctr_job job[], size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t high = cx_load_u64(job[i].iv), low = cx_load_u64(job[i].iv + 8);
        uint64_t until_wrap = 0 - low; /* blocks; 0 stands for 2^64 */
        size_t first = job[i].len;
        if (until_wrap - 1 < first / CX_AES_BLOCK_BYTES)
            first = until_wrap * CX_AES_BLOCK_BYTES;
        crypt_run(c, rounds, high, low, job[i].to, job[i].from, first);
        if (first < job[i].len)
            crypt_run(c, rounds, high + 1, 0, job[i].to + first, job[i].from + first, job[i].len - first);
    }
}

/* The number of rounds is a constant inside each. */
static bool crypt_all(void *context, const struct cx_ctr_job job[], size_t n)
{
    const struct context *c = context;
    switch (c->rounds) {
    case 10:
        crypt_jobs(c, 10, job, n);
        break;
    case 12:
        crypt_jobs(c, 12, job, n);
        break;
    default:
        crypt_jobs(c, 14, job, n);
        break;
    }
    return true;
}

#endif
