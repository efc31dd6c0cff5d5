/* SPDX-License-Identifier: MIT */
/* A batch of HMACs, a packet a lane. What is hashed is four bytes of sequence number and the packet, so that no block of the
 * message but the first begins elsewhere than in the packet itself. A lane passes through stages, each a run of blocks that stand
 * one behind the other: the first block (put together in the lane's scratch), the body (where it lies), the rest with its padding
 * (scratch), and the outer hash (scratch). A message of few blocks is put together whole, and its lane begins with the rest.
 *
 * All lanes that are not done move on together by as many blocks as each has left in its run, so that packets of one length, which
 * is what bulk makes, stay side by side from the first block to the last. */
#include <assert.h>
#include <stdlib.h>

#include "crypto/kernels/hmac_lanes_priv.h"
#include "crypto/kernels/stack_priv.h"
#include "crypto/secret.h"
#include "crypto/wire.h"

enum {
    SEQ_BYTES = 4,
    SCRATCH_BLOCKS = 4, /* a message of so many is copied: a stage costs about as much as half a block */
    BLOCK_BYTES_MAX = CX_SHA512_BLOCK_BYTES,
    INNER_PAD = 0x36,
    OUTER_PAD = 0x5c,
    STACK_BYTES = 3584,
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
    size_t body_blocks, rest; /* what is behind the body, in bytes */
    uint64_t hashed;          /* the pad included, which came first */
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
    for (unsigned i = 0; i < CX_SHA2_WORDS; i += 2) {
        if (sha2->word_bytes == sizeof(uint32_t)) {
            cx_store_u64(to + i * sizeof(uint32_t), (uint64_t)state->word32[i] << 32 | state->word32[i + 1]);
        } else {
            cx_store_u64(to + i * sizeof(uint64_t), state->word64[i]);
            cx_store_u64(to + (i + 1) * sizeof(uint64_t), state->word64[i + 1]);
        }
    }
}

/* Of what a hash's run, called from where this is, left there. */
static __attribute__((noinline, no_stack_protector)) void wipe_stack(const struct cx_sha2 *sha2)
{
    uint8_t frame[STACK_BYTES] __attribute__((aligned(16)));
    assert(sha2->stack_bytes <= sizeof frame);
    cx_stack_zero(frame + sizeof frame - sha2->stack_bytes, sha2->stack_bytes);
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
    wipe_stack(sha2);
    return c;
}

void cx_hmac_release(void *context)
{
    if (context)
        cx_secret_wipe(context, sizeof(struct context));
    free(context);
}

/* Ends what will stand in the first `used` bytes of `at`: a bit, zeros, and the length of it all, which came to `hashed` bytes. The
 * number of blocks. The zeros are put in whole blocks, and so in front of the message, since calls of memset for a few bytes cost
 * as much as a quarter of a block's compression. */
static size_t put_end(const struct cx_sha2 *sha2, uint8_t *at, size_t used, uint64_t hashed)
{
    size_t blocks = blocks_in(sha2, used + end_bytes(sha2) + block_bytes(sha2) - 1), end = blocks * block_bytes(sha2);
    for (size_t i = blocks > 1 ? blocks - 2 : 0; i < blocks; i++) {
        if (sha2->word_bytes == sizeof(uint32_t))
            memset(at + i * 64, 0, 64);
        else
            memset(at + i * 128, 0, 128);
    }
    at[used] = 0x80;
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
    l->hashed = block + SEQ_BYTES + (uint64_t)job->len;
    l->state = c->inner;
    l->tag = job->tag;
    if (SEQ_BYTES + job->len + end_bytes(c->sha2) <= SCRATCH_BLOCKS * block) {
        start_stage(l, REST, l->scratch, put_end(c->sha2, l->scratch, SEQ_BYTES + job->len, l->hashed));
        cx_store_u32(l->scratch, job->seq);
        memcpy(l->scratch + SEQ_BYTES, job->bytes, job->len);
        return;
    }
    cx_store_u32(l->scratch, job->seq);
    size_t in_first = block - SEQ_BYTES, whole = (job->len - in_first) & ~(block - 1);
    memcpy(l->scratch + SEQ_BYTES, job->bytes, in_first);
    l->body = job->bytes + in_first;
    l->body_blocks = blocks_in(c->sha2, whole);
    l->rest = job->len - in_first - whole;
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
    case BODY: /* the run ended where the rest begins */
    {
        const uint8_t *rest = l->at;
        start_stage(l, REST, l->scratch, put_end(c->sha2, l->scratch, l->rest, l->hashed));
        memcpy(l->scratch, rest, l->rest);
        break;
    }
    case REST:
        start_stage(l, OUTER, l->scratch, put_end(c->sha2, l->scratch, digest, block + digest));
        store_words(l->scratch, &l->state, c->sha2);
        l->state = c->outer;
        break;
    default:
        store_words(l->tag, &l->state, c->sha2);
        start_stage(l, DONE, NULL, 0);
        break;
    }
}

/* One run of all the lanes there are. Inlined, so that what it leaves on the stack is where wipe_stack looks. */
static inline __attribute__((always_inline)) void run_together(struct lane *const lane[], size_t n, const struct cx_sha2 *sha2)
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

static void run_to_end(struct lane all[], size_t n, const struct context *c)
{
    struct lane *live[CX_PACKET_BATCH];
    for (size_t i = 0; i < n; i++)
        live[i] = &all[i];
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
    wipe_stack(c->sha2);
}

bool cx_hmac_tags(void *context, const struct cx_mac_job job[], size_t n)
{
    const struct context *c = context;
    struct lane all[CX_PACKET_BATCH];
    while (n >= CX_SHA2_GROUP && c->sha2->short_tags && c->sha2->short_tags(&c->inner, &c->outer, job)) {
        job += CX_SHA2_GROUP;
        n -= CX_SHA2_GROUP;
    }
    if (n == 0)
        return true;
    for (size_t i = 0; i < n; i++)
        lane_begin(&all[i], c, &job[i]);
    run_to_end(all, n, c);
    cx_secret_wipe(all, n * sizeof all[0]);
    return true;
}

/* ---- with AES-CTR beside it ----
 * Of a group of packets the bodies are hashed and crypted in one pass; what else there is of them, and packets that are too few or
 * too short, is done by the one and then by the other. Where the tags are of what the cipher writes, that stays AHEAD bytes in
 * front: a hashed block begins 60 bytes into one of the cipher's, and a load of what was just stored in two pieces waits. */

enum { GROUP = CX_SHA2_GROUP, AHEAD = 192, BESIDE_LEAST = 4 };

/* Moves every job's cipher on from done[i] bytes to end[i]. */
static bool crypt_until(const struct cx_mac_crypt *x, size_t done[], const size_t end[])
{
    struct cx_ctr_job piece[CX_PACKET_BATCH];
    uint8_t iv[CX_PACKET_BATCH][CX_PACKET_IV_MAX];
    for (size_t i = 0; i < x->n; i++) {
        const struct cx_ctr_job *job = &x->crypt[i];
        piece[i] = (struct cx_ctr_job){ job->from + done[i], job->to + done[i], end[i] - done[i], iv[i] };
        cx_store_u64(iv[i], cx_load_u64(job->iv));
        cx_store_u64(iv[i] + 8, cx_load_u64(job->iv + 8) + done[i] / CX_PACKET_IV_MAX);
        done[i] = end[i];
    }
    return x->ctr->crypt(x->ctr_context, piece, x->n);
}

/* How many blocks of each body of a group the cipher takes beside the hash. None if a counter's lower word wraps, which happens in
 * no packet that anyone will see. */
static size_t blocks_beside(const struct cx_mac_crypt *x, size_t first, const struct cx_sha2 *sha2)
{
    size_t least = SIZE_MAX;
    for (size_t i = first; i < first + GROUP; i++) {
        size_t blocks = x->crypt[i].len < AHEAD ? 0 : blocks_in(sha2, x->crypt[i].len - AHEAD);
        uint64_t until_wrap = 0 - cx_load_u64(x->crypt[i].iv + 8); /* 0 stands for 2^64 */
        if (blocks < BESIDE_LEAST || until_wrap - 1 < x->crypt[i].len / CX_PACKET_IV_MAX)
            return 0;
        least = blocks < least ? blocks : least;
    }
    return least;
}

/* The first block of each of a group, then so many of the bodies with the cipher, which goes on from done[i]. */
static void run_beside(struct lane lane[], const struct cx_mac_crypt *x, size_t first, size_t blocks, size_t done[],
                       const struct context *c)
{
    struct lane *group[GROUP];
    union cx_sha2_state *state[GROUP];
    const uint8_t *in[GROUP];
    struct cx_ctr_job piece[GROUP];
    uint8_t iv[GROUP][CX_PACKET_IV_MAX];
    for (size_t i = 0; i < GROUP; i++)
        group[i] = &lane[first + i];
    run_together(group, GROUP, c->sha2);
    for (size_t i = 0; i < GROUP; i++) {
        const struct cx_ctr_job *job = &x->crypt[first + i];
        size_t at = done[first + i];
        lane_next(group[i], c);
        state[i] = &group[i]->state;
        in[i] = group[i]->at;
        piece[i] = (struct cx_ctr_job){ job->from + at, job->to + at, blocks * block_bytes(c->sha2), iv[i] };
        cx_store_u64(iv[i], cx_load_u64(job->iv));
        cx_store_u64(iv[i] + 8, cx_load_u64(job->iv + 8) + at / CX_PACKET_IV_MAX);
        group[i]->at += piece[i].len;
        group[i]->blocks -= blocks;
        done[first + i] += piece[i].len;
    }
    c->sha2->run_beside(state, in, blocks, x->ctr_context, piece);
}

static bool one_after_the_other(void *context, const struct cx_mac_crypt *x)
{
    if (x->of_crypted)
        return x->ctr->crypt(x->ctr_context, x->crypt, x->n) && cx_hmac_tags(context, x->tag, x->n);
    return cx_hmac_tags(context, x->tag, x->n) && x->ctr->crypt(x->ctr_context, x->crypt, x->n);
}

/* So many blocks of each group beside each other; other packets one way and then the other. Not inlined: ten kilobytes of stack are
 * nothing that short packets should pay for. */
static __attribute__((noinline)) bool one_beside_the_other(const struct context *c, const struct cx_mac_crypt *x,
                                                           const size_t beside[])
{
    struct lane all[CX_PACKET_BATCH];
    size_t done[CX_PACKET_BATCH] = { 0 }, ahead[CX_PACKET_BATCH] = { 0 }, end[CX_PACKET_BATCH] = { 0 }, groups = x->n / GROUP;
    for (size_t i = 0; i < x->n; i++) {
        end[i] = x->crypt[i].len;
        ahead[i] = i / GROUP < groups && beside[i / GROUP] > 0 ? AHEAD : end[i];
    }
    bool fine = !x->of_crypted || crypt_until(x, done, ahead);
    for (size_t i = 0; i < x->n; i++)
        lane_begin(&all[i], c, &x->tag[i]);
    for (size_t g = 0; g < groups; g++)
        if (beside[g] > 0)
            run_beside(all, x, g * GROUP, beside[g], done, c);
    fine = fine && (!x->of_crypted || crypt_until(x, done, end));
    run_to_end(all, x->n, c);
    cx_secret_wipe(all, x->n * sizeof all[0]);
    return fine && (x->of_crypted || crypt_until(x, done, end));
}

bool cx_hmac_tags_and_crypt(void *context, const struct cx_mac_crypt *x)
{
    const struct context *c = context;
    size_t beside[CX_PACKET_BATCH / GROUP], any = 0;
    for (size_t g = 0; g < x->n / GROUP; g++)
        any |= beside[g] = blocks_beside(x, g * GROUP, c->sha2);
    return any > 0 ? one_beside_the_other(c, x, beside) : one_after_the_other(context, x);
}
