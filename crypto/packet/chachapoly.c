/* SPDX-License-Identifier: MIT */
/* chacha20-poly1305@openssh.com: PROTOCOL.chacha20poly1305 of OpenSSH. The first half of the key encrypts bodies and
 * makes the one-time Poly1305 keys, the second half encrypts length fields; the nonce of both is the sequence number.
 *
 * It is not RFC 8439's AEAD: the nonce has 64 bits, and neither padding nor lengths enter the tag. */
#include <stdlib.h>

#include "crypto/packet/packet_priv.h"
#include "crypto/secret.h"
#include "crypto/wire.h"

enum { KEY_BYTES = 32, BLOCK_BYTES = 64, TAG_BYTES = 16, IV_BYTES = 16 };

struct context {
    EVP_CIPHER_CTX *body, *length;
    EVP_MAC_CTX *poly;
};

static void release(void *context)
{
    struct context *c = context;
    EVP_CIPHER_CTX_free(c->body);
    EVP_CIPHER_CTX_free(c->length);
    EVP_MAC_CTX_free(c->poly);
    free(c);
}

static void *expand(const struct cx_evp *evp, const struct cx_kernels *kernels, const struct cx_packet_key *k)
{
    (void)kernels;
    struct context *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->body = cx_evp_cipher_new(evp->cipher[CX_EVP_CHACHA20], k->key, true);
    c->length = cx_evp_cipher_new(evp->cipher[CX_EVP_CHACHA20], k->key + KEY_BYTES, true);
    c->poly = EVP_MAC_CTX_new(evp->mac[CX_EVP_POLY1305]);
    if (c->body && c->length && c->poly)
        return c;
    release(c);
    return NULL;
}

/* OpenSSL's IV is the last four words of ChaCha's first state: here a counter of 64 bits, from 0, and the nonce. */
static bool restart(EVP_CIPHER_CTX *ctx, uint32_t seq)
{
    uint8_t iv[IV_BYTES] = { 0 };
    cx_store_u64(iv + 8, seq);
    return cx_evp_cipher_restart(ctx, iv);
}

static enum cx_err peek(void *context, const struct cx_packet_job *job, uint32_t *len)
{
    struct context *c = context;
    uint8_t field[CX_PACKET_LENGTH_BYTES];
    if (!restart(c->length, job->seq) || !cx_evp_cipher_apply(c->length, field, job->from, sizeof field))
        return CX_E_RESOURCE;
    *len = cx_load_u32(field);
    return CX_OK;
}

/* Block 0 of the body's stream is the Poly1305 key; taking the whole block leaves the stream at block 1. */
static bool begin(struct context *c, uint32_t seq)
{
    uint8_t block[BLOCK_BYTES] = { 0 };
    bool good = restart(c->body, seq) && cx_evp_cipher_apply(c->body, block, block, sizeof block) &&
                EVP_MAC_init(c->poly, block, KEY_BYTES, NULL) == 1;
    cx_secret_wipe(block, sizeof block);
    return good;
}

/* Of a sealed packet, from its length field on. */
static bool make_tag(struct context *c, const uint8_t *packet, size_t packet_len, uint8_t tag[TAG_BYTES])
{
    size_t len = 0;
    return EVP_MAC_update(c->poly, packet, packet_len) == 1 && EVP_MAC_final(c->poly, tag, &len, TAG_BYTES) == 1 &&
           len == TAG_BYTES;
}

static bool apply_body(struct context *c, const struct cx_packet_job *job)
{
    return cx_evp_cipher_apply(c->body, job->start + CX_PACKET_LENGTH_BYTES, job->from + CX_PACKET_LENGTH_BYTES, job->len);
}

static bool seal_one(struct context *c, const struct cx_packet_job *job)
{
    size_t len = CX_PACKET_LENGTH_BYTES + (size_t)job->len;
    return restart(c->length, job->seq) && cx_evp_cipher_apply(c->length, job->start, job->from, CX_PACKET_LENGTH_BYTES) &&
           begin(c, job->seq) && apply_body(c, job) && make_tag(c, job->start, len, job->start + len);
}

static enum cx_err seal_batch(void *context, const struct cx_packet_job job[], size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!seal_one(context, &job[i]))
            return CX_E_RESOURCE;
    return CX_OK;
}

static enum cx_err open_one(struct context *c, const struct cx_packet_job *job)
{
    size_t len = CX_PACKET_LENGTH_BYTES + (size_t)job->len;
    uint8_t tag[TAG_BYTES];
    if (!begin(c, job->seq) || !make_tag(c, job->from, len, tag))
        return CX_E_RESOURCE;
    if (!cx_secret_equal(tag, job->from + len, TAG_BYTES))
        return CX_E_TAG;
    return apply_body(c, job) ? CX_OK : CX_E_RESOURCE;
}

static enum cx_err open_batch(void *context, const struct cx_packet_job job[], size_t n, size_t *good)
{
    for (*good = 0; *good < n; ++*good) {
        enum cx_err err = open_one(context, &job[*good]);
        if (err)
            return err;
    }
    return CX_OK;
}

const struct cx_packet_ops cx_packet_chachapoly = {
    .kernel = { "evp", CX_TIER_PORTABLE, 0 },
    .expand = expand,
    .release = release,
    .peek = peek,
    .advance = cx_packet_advance_seq,
    .seal = seal_batch,
    .open = open_batch,
};
