/* SPDX-License-Identifier: MIT */
/* Framing and padding, the same for every family: a batch is framed packet by packet, then handed over whole.
 *
 * job[i] starts as the cursor behind job[i - 1], so that job[n] is where the direction stands after n packets: state
 * moves by taking over the cursor behind the last good one. */
#include <assert.h>

#include "crypto/packet/packet_priv.h"
#include "crypto/secret.h"
#include "crypto/wire.h"

enum { BLOCK_MIN = 8 }; /* RFC 4253 section 6 */

static const struct cx_packet_ops *ops_of(const struct cx_kernels *kernels, const struct cx_packet_key *k)
{
    switch (k->cipher->primitive) {
    case CX_PRIMITIVE_GCM:
        return kernels->gcm;
    case CX_PRIMITIVE_CHACHAPOLY:
        return kernels->chachapoly;
    case CX_PRIMITIVE_CTR:
        return k->mac->etm ? &cx_packet_ctr_etm : &cx_packet_ctr_plain;
    default:
        assert(k->cipher == &cx_cipher_none);
        return &cx_packet_none;
    }
}

/* The block size counts the length field too: RFC 4253 section 6; AEADs and etm leave it out. */
static uint32_t length_in_blocks(const struct cx_packet_key *k)
{
    bool outside = k->mac ? k->mac->etm : k->cipher->tag_len > 0;
    return outside ? 0 : CX_PACKET_LENGTH_BYTES;
}

static size_t tag_len(const struct cx_packet_key *k)
{
    return k->mac ? k->mac->tag_len : k->cipher->tag_len;
}

void cx_packet_key_init(struct cx_packet_key *k, struct cx_packet_cache *cache, bool sealing, const struct cx_cipher *cipher,
                        const struct cx_mac *mac, const uint8_t *key, const uint8_t *iv, const uint8_t *mac_key)
{
    bool takes_mac = cipher != &cx_cipher_none && cipher->tag_len == 0;
    assert(takes_mac == (mac != NULL));
    memset(k, 0, sizeof *k);
    k->cipher = cipher;
    k->mac = mac;
    k->id = cx_packet_cache_id(cache);
    k->sealing = sealing;
    if (cipher->key_len > 0)
        memcpy(k->key, key, cipher->key_len);
    if (cipher->iv_len > 0)
        memcpy(k->iv, iv, cipher->iv_len);
    if (mac)
        memcpy(k->mac_key, mac_key, mac->key_len);
}

void cx_packet_key_deinit(struct cx_packet_key *k, struct cx_packet_cache *cache)
{
    cx_packet_cache_drop(cache, k->id);
    cx_secret_wipe(k, sizeof *k);
}

/* NULL in *context is right for packets without a key. */
static enum cx_err find_context(struct cx_packet_cache *cache, const struct cx_packet_ops *ops, const struct cx_packet_key *k,
                                void **context)
{
    *context = ops->expand ? cx_packet_cache_get(cache, ops, k) : NULL;
    return *context || !ops->expand ? CX_OK : CX_E_RESOURCE;
}

static void cursor_load(struct cx_packet_job *job, const struct cx_packet_key *k)
{
    job->seq = k->seq;
    memcpy(job->iv, k->iv, sizeof job->iv);
}

static void cursor_store(struct cx_packet_key *k, const struct cx_packet_job *job)
{
    k->seq = job->seq;
    memcpy(k->iv, job->iv, sizeof k->iv);
}

/* Bytes past the last whole block. Blocks are powers of two: a division would take as long as all else that framing does. */
static size_t past_block(size_t len, size_t block)
{
    assert((block & (block - 1)) == 0);
    return len & (block - 1);
}

static bool length_is_legal(const struct cx_packet_key *k, uint32_t len, uint32_t max_packet)
{
    return len >= 1 + CX_PACKET_PADDING_MIN && len <= max_packet &&
           past_block(len + length_in_blocks(k), k->cipher->block_len) == 0;
}

/* What a batch is opened from. */
struct batch {
    const struct cx_packet_ops *ops;
    void *context;
    struct cx_packet_job job[CX_PACKET_BATCH + 1];
    size_t n;
};

/* Finds at most `most` complete packets; b->n of them are framed when it fails, too. */
static enum cx_err frame(struct batch *b, const struct cx_packet_key *k, struct cx_span wire, uint32_t max_packet, size_t most,
                         size_t *need)
{
    while (b->n < most && wire.len >= CX_PACKET_LENGTH_BYTES) {
        struct cx_packet_job *job = &b->job[b->n];
        job->from = job->start = wire.data;
        enum cx_err err = b->ops->peek(b->context, job, &job->len);
        if (err)
            return err;
        if (!length_is_legal(k, job->len, max_packet))
            return CX_E_LENGTH;
        size_t whole = CX_PACKET_LENGTH_BYTES + (size_t)job->len + tag_len(k);
        if (whole > wire.len) {
            *need = whole;
            return CX_OK;
        }
        b->ops->advance(job, job + 1);
        b->n++;
        wire.data += whole;
        wire.len -= whole;
    }
    return CX_OK;
}

static bool payload_find(const struct cx_packet_job *job, struct cx_span *payload)
{
    uint8_t padding = job->start[CX_PACKET_LENGTH_BYTES];
    if (padding < CX_PACKET_PADDING_MIN || padding > job->len - 1)
        return false;
    *payload = (struct cx_span){ job->start + CX_PACKET_HEADER, job->len - 1 - padding };
    return true;
}

enum cx_err cx_packet_open(struct cx_packet_cache *cache, struct cx_packet_key *k, struct cx_span wire, uint32_t max_packet,
                           struct cx_span payload[], size_t *count, size_t *used, size_t *need)
{
    struct batch b; /* whose jobs, a kilobyte, nobody need zero */
    size_t most = *count < CX_PACKET_BATCH ? *count : CX_PACKET_BATCH, verified = 0;
    assert(!k->sealing && max_packet <= CX_PACKET_LENGTH_LIMIT);
    *count = *used = *need = 0;
    if (wire.len < CX_PACKET_LENGTH_BYTES)
        return CX_OK;

    b.ops = ops_of(cx_packet_cache_kernels(cache), k);
    b.n = 0;
    cursor_load(&b.job[0], k);
    enum cx_err framing = find_context(cache, b.ops, k, &b.context);
    if (!framing)
        framing = frame(&b, k, wire, max_packet, most, need);
    enum cx_err err = b.n > 0 ? b.ops->open(b.context, b.job, b.n, &verified) : CX_OK;
    for (; *count < verified; ++*count) {
        const struct cx_packet_job *job = &b.job[*count];
        if (!payload_find(job, &payload[*count])) {
            err = CX_E_LENGTH;
            break;
        }
        *used += CX_PACKET_LENGTH_BYTES + job->len + tag_len(k);
    }
    cursor_store(k, &b.job[*count]);
    /* A bad packet hides what framing found behind it. */
    if (!err)
        err = framing;
    if (err) {
        *need = 0;
        cx_secret_wipe(wire.data + *used, wire.len - *used);
    }
    return err;
}

static uint8_t padding_for(const struct cx_packet_key *k, size_t payload_len)
{
    size_t block = k->cipher->block_len > BLOCK_MIN ? k->cipher->block_len : BLOCK_MIN;
    size_t covered = 1 + payload_len + length_in_blocks(k);
    size_t padding = block - past_block(covered, block);
    return (uint8_t)(padding < CX_PACKET_PADDING_MIN ? padding + block : padding);
}

size_t cx_packet_sealed_len(const struct cx_packet_key *k, size_t payload_len)
{
    return CX_PACKET_HEADER + payload_len + padding_for(k, payload_len) + tag_len(k);
}

size_t cx_packet_lanes(const struct cx_packet_cache *cache, const struct cx_packet_key *k)
{
    if (!k->mac)
        return 1;
    const struct cx_mac_ops *mac = (const struct cx_mac_ops *)cx_packet_cache_kernels(cache)->of[k->mac->primitive];
    assert(mac->lanes <= CX_PACKET_LANES_MAX);
    return mac->lanes > 1 ? mac->lanes : 1;
}

static void fill_in(struct cx_packet_job *job, const struct cx_packet_key *k, const struct cx_packet_slot *slot,
                    const struct cx_random *random)
{
    uint8_t padding = padding_for(k, slot->payload_len);
    assert(slot->payload_len <= CX_PACKET_LENGTH_LIMIT);
    job->from = job->start = slot->start;
    job->len = 1 + slot->payload_len + padding;
    cx_store_u32(slot->start, job->len);
    slot->start[CX_PACKET_LENGTH_BYTES] = padding;
    cx_random_fill(random, slot->start + CX_PACKET_HEADER + slot->payload_len, padding);
}

enum cx_err cx_packet_seal(struct cx_packet_cache *cache, struct cx_packet_key *k, const struct cx_packet_slot slot[], size_t n,
                           const struct cx_random *random)
{
    const struct cx_packet_ops *ops = ops_of(cx_packet_cache_kernels(cache), k);
    struct cx_packet_job job[CX_PACKET_BATCH + 1];
    void *context = NULL;
    assert(k->sealing && n <= CX_PACKET_BATCH);
    if (n == 0)
        return CX_OK;
    enum cx_err err = find_context(cache, ops, k, &context);
    if (err)
        return err;
    cursor_load(&job[0], k);
    for (size_t i = 0; i < n; i++) {
        fill_in(&job[i], k, &slot[i], random);
        ops->advance(&job[i], &job[i + 1]);
    }
    err = ops->seal(context, job, n);
    if (!err)
        cursor_store(k, &job[n]);
    return err;
}
