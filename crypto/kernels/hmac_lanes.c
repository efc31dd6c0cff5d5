/* SPDX-License-Identifier: MIT */
/* A batch of HMACs, a packet a lane. What is hashed is four bytes of sequence number and the packet, so that no block of the
 * message but the first begins elsewhere than in the packet itself. A lane passes through stages, each a run of blocks that stand
 * one behind the other: the first block (put together in the lane's scratch), the body (where it lies), the rest with its padding
 * (scratch), and the outer hash (scratch). A message of few blocks is put together whole, and its lane begins with the rest.
 *
 * All lanes that are not done move on together by as many blocks as each has left in its run, so that packets of one length, which
 * is what bulk makes, stay side by side from the first block to the last. */
#include <stdlib.h>

#include "crypto/kernels/hmac_lanes_priv.h"
#include "crypto/secret.h"
#include "crypto/wire.h"

enum {
    SEQ_BYTES = 4,
    SCRATCH_BLOCKS = 4, /* a message of so many is copied: a stage costs about as much as half a block */
    BLOCK_BYTES_MAX = CX_SHA512_BLOCK_BYTES,
    INNER_PAD = 0x36,
    OUTER_PAD = 0x5c,
};

struct context {
    union cx_sha2_state inner, outer;
    const struct cx_sha2 *sha2;
};

enum stage { FIRST, BODY, REST, OUTER, DONE };

struct lane {
    union cx_sha2_state state;
    enum stage stage;
    const uint8_t *at; /* the run: where its next block stands, */
    size_t blocks;     /* and how many are left */
    const uint8_t *body;
    size_t body_blocks, rest_blocks;
    uint8_t *tag;
    uint8_t scratch[SCRATCH_BLOCKS * BLOCK_BYTES_MAX];
};

static unsigned block_bytes(const struct cx_sha2 *sha2)
{
    return 16 * sha2->word_bytes;
}

static size_t blocks_in(const struct cx_sha2 *sha2, size_t bytes)
{
    return sha2->word_bytes == sizeof(uint32_t) ? bytes / 64 : bytes / 128; /* shifts */
}

/* The least that stands behind a message: a byte for the bit, and two words for the length. */
static unsigned end_bytes(const struct cx_sha2 *sha2)
{
    return 1 + 2 * sha2->word_bytes;
}

static void store_words(uint8_t *to, const union cx_sha2_state *state, const struct cx_sha2 *sha2)
{
    for (unsigned i = 0; i < CX_SHA2_WORDS; i++) {
        if (sha2->word_bytes == sizeof(uint32_t))
            cx_store_u32(to + i * sizeof(uint32_t), state->word32[i]);
        else
            cx_store_u64(to + i * sizeof(uint64_t), state->word64[i]);
    }
}

static void absorb_pad(union cx_sha2_state *state, const struct cx_sha2 *sha2, const struct cx_packet_key *k, uint8_t pad)
{
    uint8_t block[BLOCK_BYTES_MAX];
    const uint8_t *in = block;
    memset(block, pad, sizeof block);
    for (size_t i = 0; i < k->mac->key_len; i++)
        block[i] ^= k->mac_key[i];
    *state = *sha2->first;
    sha2->run(&state, &in, 1, 1);
    cx_secret_wipe(block, sizeof block);
}

void *cx_hmac_expand(const struct cx_sha2 *sha2, const struct cx_packet_key *k)
{
    struct context *c = aligned_alloc(_Alignof(struct context), sizeof *c);
    if (!c)
        return NULL;
    c->sha2 = sha2;
    absorb_pad(&c->inner, sha2, k, INNER_PAD);
    absorb_pad(&c->outer, sha2, k, OUTER_PAD);
    return c;
}

void cx_hmac_release(void *context)
{
    if (context)
        cx_secret_wipe(context, sizeof(struct context));
    free(context);
}

/* Ends what stands in the first `used` bytes of `at`: a bit, zeros, and the length of it all, which came to `hashed` bytes. The
 * number of blocks. */
static size_t pad_end(const struct cx_sha2 *sha2, uint8_t *at, size_t used, uint64_t hashed)
{
    size_t blocks = blocks_in(sha2, used + end_bytes(sha2) + block_bytes(sha2) - 1), end = blocks * block_bytes(sha2);
    at[used] = 0x80;
    memset(at + used + 1, 0, end - used - 1 - sizeof hashed);
    cx_store_u64(at + end - sizeof hashed, hashed * 8);
    return blocks;
}

static void start_stage(struct lane *l, enum stage stage, const uint8_t *at, size_t blocks)
{
    l->stage = stage;
    l->at = at;
    l->blocks = blocks;
}

static void lane_begin(struct lane *l, const struct context *c, const struct cx_mac_job *job)
{
    size_t block = block_bytes(c->sha2);
    uint64_t hashed = block + SEQ_BYTES + (uint64_t)job->len; /* the pad came first */
    l->state = c->inner;
    l->tag = job->tag;
    cx_store_u32(l->scratch, job->seq);
    if (SEQ_BYTES + job->len + end_bytes(c->sha2) <= SCRATCH_BLOCKS * block) {
        memcpy(l->scratch + SEQ_BYTES, job->bytes, job->len);
        start_stage(l, REST, l->scratch, pad_end(c->sha2, l->scratch, SEQ_BYTES + job->len, hashed));
        return;
    }
    size_t in_first = block - SEQ_BYTES, whole = (job->len - in_first) & ~(block - 1), rest = job->len - in_first - whole;
    memcpy(l->scratch + SEQ_BYTES, job->bytes, in_first);
    memcpy(l->scratch + block, job->bytes + in_first + whole, rest);
    l->body = job->bytes + in_first;
    l->body_blocks = blocks_in(c->sha2, whole);
    l->rest_blocks = pad_end(c->sha2, l->scratch + block, rest, hashed);
    start_stage(l, FIRST, l->scratch, 1);
}

/* The lane's run is over: on to its next stage. */
static void lane_next(struct lane *l, const struct context *c)
{
    size_t block = block_bytes(c->sha2), digest = CX_SHA2_WORDS * c->sha2->word_bytes;
    switch (l->stage) {
    case FIRST:
        start_stage(l, BODY, l->body, l->body_blocks);
        break;
    case BODY:
        start_stage(l, REST, l->scratch + block, l->rest_blocks);
        break;
    case REST:
        store_words(l->scratch, &l->state, c->sha2);
        l->state = c->outer;
        start_stage(l, OUTER, l->scratch, pad_end(c->sha2, l->scratch, digest, block + digest));
        break;
    default:
        store_words(l->tag, &l->state, c->sha2);
        start_stage(l, DONE, NULL, 0);
        break;
    }
}

/* One run of all the lanes there are. */
static void run_together(struct lane *const lane[], size_t n, const struct cx_sha2 *sha2)
{
    union cx_sha2_state *state[CX_PACKET_BATCH];
    const uint8_t *in[CX_PACKET_BATCH];
    size_t blocks = SIZE_MAX;
    for (size_t i = 0; i < n; i++) {
        state[i] = &lane[i]->state;
        in[i] = lane[i]->at;
        if (lane[i]->blocks < blocks)
            blocks = lane[i]->blocks;
    }
    sha2->run(state, in, n, blocks);
    for (size_t i = 0; i < n; i++) {
        lane[i]->at += blocks * block_bytes(sha2);
        lane[i]->blocks -= blocks;
    }
}

bool cx_hmac_tags(void *context, const struct cx_mac_job job[], size_t n)
{
    const struct context *c = context;
    struct lane all[CX_PACKET_BATCH], *live[CX_PACKET_BATCH];
    for (size_t i = 0; i < n; i++) {
        live[i] = &all[i];
        lane_begin(live[i], c, &job[i]);
    }
    for (size_t left = n; left > 0;) {
        run_together(live, left, c->sha2);
        for (size_t i = left; i > 0; i--) {
            if (live[i - 1]->blocks > 0)
                continue;
            lane_next(live[i - 1], c);
            if (live[i - 1]->stage == DONE)
                live[i - 1] = live[--left];
        }
    }
    cx_secret_wipe(all, n * sizeof all[0]);
    return true;
}
