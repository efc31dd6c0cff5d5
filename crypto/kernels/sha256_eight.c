/* SPDX-License-Identifier: MIT */
/* What stands around the assembly for eight messages: states and pointers in its order, and HMACs of packets that are so short that
 * going from stage to stage (hmac_lanes.c) would cost half as much as the hash. */
enum { LANES_MAX = 1 };

#include "crypto/kernels/sha256_eight_priv.h"
#include "crypto/kernels/sha256_shani_priv.h"
#include "crypto/secret.h"
#include "crypto/wire.h"

enum { SEQ_BYTES = 4, DIGEST_BYTES = 32, LENGTH_BYTES = 8, SHORT_BLOCKS = 4 };

static void eight_load(struct cx_sha256_eight *x, union cx_sha2_state *const state[], const uint8_t *const in[])
{
    for (size_t i = 0; i < CX_SHA256_EIGHT; i++) {
        struct halves s = state_load(state[i]);
        _mm_store_si128((void *)x->state[i][0], s.abef);
        _mm_store_si128((void *)x->state[i][1], s.cdgh);
        x->in[i] = in[i];
    }
}

static void eight_store(union cx_sha2_state *const state[], const struct cx_sha256_eight *x)
{
    for (size_t i = 0; i < CX_SHA256_EIGHT; i++) {
        state_store(state[i],
                    (struct halves){ _mm_load_si128((const void *)x->state[i][0]), _mm_load_si128((const void *)x->state[i][1]) });
    }
}

void cx_sha256_eight_run(union cx_sha2_state *const state[], const uint8_t *const in[], size_t blocks)
{
    struct cx_sha256_eight x;
    eight_load(&x, state, in);
    cx_sha256_eight(&x, blocks * BLOCK_BYTES);
    eight_store(state, &x);
}

void cx_sha256_eight_run_beside(union cx_sha2_state *const state[], const uint8_t *const in[], size_t blocks,
                                const void *ctr_context, const struct cx_ctr_job *job)
{
    struct cx_sha256_eight x;
    eight_load(&x, state, in);
    for (size_t i = 0; i < CX_SHA256_EIGHT; i++) {
        uint64_t high = cx_load_u64(job[i].iv), low = cx_load_u64(job[i].iv + 8);
        for (size_t j = 0; j < 4; j++) {
            x.count[i][j][0] = low + j;
            x.count[i][j][1] = high;
        }
        x.from[i] = job[i].from;
        x.to[i] = job[i].to;
    }
    unsigned rounds;
    x.round_key = cx_ctr_vaes512_round_keys(ctr_context, &rounds);
    if (rounds == 10)
        cx_sha256_eight_aes128(&x, blocks * BLOCK_BYTES);
    else if (rounds == 12)
        cx_sha256_eight_aes192(&x, blocks * BLOCK_BYTES);
    else
        cx_sha256_eight_aes256(&x, blocks * BLOCK_BYTES);
    eight_store(state, &x);
}

/* Ends what is put in the first `used` bytes of the text's blocks: a bit, zeros, and the length of it all and of the pad before it.
 * The zeros begin where a block does, so that this comes first. */
ALWAYS_INLINE void put_end(uint8_t *text, size_t blocks, size_t used)
{
    size_t last = (blocks - 1) * BLOCK_BYTES;
    memset(text + last, 0, BLOCK_BYTES);
    if (used < last) /* the bit is in the block before, and zeros behind it */
        memset(text + last - BLOCK_BYTES, 0, BLOCK_BYTES);
    text[used] = 0x80;
    cx_store_u64(text + last + BLOCK_BYTES - LENGTH_BYTES, (BLOCK_BYTES + used) * 8);
}

/* The bytes of a hash. */
ALWAYS_INLINE void put_digest(uint8_t *to, const uint8_t state[2][16])
{
    const __m128i order = _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);
    union cx_sha2_state words;
    state_store(&words, (struct halves){ _mm_load_si128((const void *)state[0]), _mm_load_si128((const void *)state[1]) });
    const __m128i *word = (const __m128i *)&words;
    _mm_storeu_si128((void *)to, _mm_shuffle_epi8(word[0], order));
    _mm_storeu_si128((void *)(to + DIGEST_BYTES / 2), _mm_shuffle_epi8(word[1], order));
}

ALWAYS_INLINE void start_from(struct cx_sha256_eight *x, const union cx_sha2_state *state)
{
    struct halves s = state_load(state);
    for (size_t i = 0; i < CX_SHA256_EIGHT; i++) {
        _mm_store_si128((void *)x->state[i][0], s.abef);
        _mm_store_si128((void *)x->state[i][1], s.cdgh);
    }
}

static size_t blocks_for(size_t len)
{
    return (SEQ_BYTES + len + 1 + LENGTH_BYTES + BLOCK_BYTES - 1) / BLOCK_BYTES;
}

bool cx_sha256_eight_short_tags(const union cx_sha2_state *inner, const union cx_sha2_state *outer, const struct cx_mac_job job[])
{
    uint8_t text[CX_SHA256_EIGHT * SHORT_BLOCKS * BLOCK_BYTES] __attribute__((aligned(64)));
    struct cx_sha256_eight x;
    size_t blocks = blocks_for(job[0].len), each = blocks * BLOCK_BYTES;
    for (size_t i = 0; i < CX_SHA256_EIGHT; i++)
        if (blocks > SHORT_BLOCKS || blocks_for(job[i].len) != blocks)
            return false;

    start_from(&x, inner);
    for (size_t i = 0; i < CX_SHA256_EIGHT; i++) {
        uint8_t *at = text + i * each;
        x.in[i] = at;
        put_end(at, blocks, SEQ_BYTES + job[i].len);
        cx_store_u32(at, job[i].seq);
        memcpy(at + SEQ_BYTES, job[i].bytes, job[i].len);
    }
    cx_sha256_eight(&x, each);
    for (size_t i = 0; i < CX_SHA256_EIGHT; i++) {
        put_end(text + i * each, 1, DIGEST_BYTES);
        put_digest(text + i * each, x.state[i]);
    }
    start_from(&x, outer);
    cx_sha256_eight(&x, BLOCK_BYTES);
    for (size_t i = 0; i < CX_SHA256_EIGHT; i++)
        put_digest(job[i].tag, x.state[i]);
    cx_secret_wipe(text, CX_SHA256_EIGHT * each);
    return true;
}
