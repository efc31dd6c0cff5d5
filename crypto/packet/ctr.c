/* SPDX-License-Identifier: MIT */
/* AES in counter mode (RFC 4344 section 4) beside a MAC, in both orders:
 *   plain  the MAC is over the plaintext, and the length field is encrypted: RFC 4253 section 6.4;
 *   etm    the MAC is over the ciphertext, and the length field is in the clear: OpenSSH's PROTOCOL section 1.5.
 * The MAC covers the packet from its length field on. The counter runs through the packets without a gap; jobs carry it
 * at their first encrypted byte, which needs no remainder since packets fill blocks. */
#include <stdlib.h>

#include "crypto/packet/packet_priv.h"
#include "crypto/secret.h"
#include "crypto/wire.h"

enum { BLOCK_BYTES = 16, TAG_MAX_BYTES = 64 };

struct context {
    EVP_CIPHER_CTX *ctr;
    const struct cx_mac *mac;
    void *mac_context;
};

static void release(void *context)
{
    struct context *c = context;
    EVP_CIPHER_CTX_free(c->ctr);
    c->mac->ops->release(c->mac_context);
    free(c);
}

static void *expand(const struct cx_evp *evp, const struct cx_packet_key *k)
{
    static const enum cx_evp_cipher by_key_len[] = { CX_EVP_AES_128_CTR, CX_EVP_AES_192_CTR, CX_EVP_AES_256_CTR };
    struct context *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->ctr = cx_evp_cipher_new(evp->cipher[by_key_len[(k->cipher->key_len - 16) / 8]], k->key, true);
    c->mac = k->mac;
    c->mac_context = k->mac->ops->expand(evp, k);
    if (c->ctr && c->mac_context)
        return c;
    release(c);
    return NULL;
}

/* The counter block is one big-endian number of 128 bits. */
static void add_blocks(uint8_t iv[BLOCK_BYTES], uint32_t blocks)
{
    uint64_t carry = blocks;
    for (size_t i = BLOCK_BYTES; i > 0 && carry > 0; i--) {
        carry += iv[i - 1];
        iv[i - 1] = (uint8_t)carry;
        carry >>= 8;
    }
}

static void advance_plain(struct cx_packet_job *job)
{
    job->seq++;
    add_blocks(job->iv, (CX_PACKET_LENGTH_BYTES + job->len) / BLOCK_BYTES);
}

static void advance_etm(struct cx_packet_job *job)
{
    job->seq++;
    add_blocks(job->iv, job->len / BLOCK_BYTES);
}

static enum cx_err peek_plain(void *context, const struct cx_packet_job *job, uint32_t *len)
{
    struct context *c = context;
    uint8_t field[CX_PACKET_LENGTH_BYTES];
    memcpy(field, job->start, sizeof field);
    if (!cx_evp_cipher_restart(c->ctr, job->iv) || !cx_evp_cipher_apply(c->ctr, field, sizeof field))
        return CX_E_RESOURCE;
    *len = cx_load_u32(field);
    return CX_OK;
}

/* Encrypts or decrypts what follows the first `clear` bytes. */
static bool crypt(struct context *c, const struct cx_packet_job *job, uint32_t clear)
{
    return cx_evp_cipher_restart(c->ctr, job->iv) &&
           cx_evp_cipher_apply(c->ctr, job->start + clear, CX_PACKET_LENGTH_BYTES + job->len - clear);
}

static bool make_tag(struct context *c, const struct cx_packet_job *job, uint8_t *tag)
{
    struct cx_view packet = cx_view(job->start, CX_PACKET_LENGTH_BYTES + (size_t)job->len);
    return c->mac->ops->tag(c->mac_context, job->seq, packet, (struct cx_span){ tag, c->mac->tag_len });
}

static enum cx_err check_tag(struct context *c, const struct cx_packet_job *job)
{
    uint8_t tag[TAG_MAX_BYTES];
    if (!make_tag(c, job, tag))
        return CX_E_RESOURCE;
    return cx_secret_equal(tag, job->start + CX_PACKET_LENGTH_BYTES + job->len, c->mac->tag_len) ? CX_OK : CX_E_TAG;
}

static enum cx_err seal_plain(void *context, const struct cx_packet_job job[], size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!make_tag(context, &job[i], job[i].start + CX_PACKET_LENGTH_BYTES + job[i].len) || !crypt(context, &job[i], 0))
            return CX_E_RESOURCE;
    return CX_OK;
}

static enum cx_err open_plain(void *context, const struct cx_packet_job job[], size_t n, size_t *good)
{
    for (*good = 0; *good < n; ++*good) {
        enum cx_err err = crypt(context, &job[*good], 0) ? check_tag(context, &job[*good]) : CX_E_RESOURCE;
        if (err)
            return err;
    }
    return CX_OK;
}

static enum cx_err seal_etm(void *context, const struct cx_packet_job job[], size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!crypt(context, &job[i], CX_PACKET_LENGTH_BYTES) ||
            !make_tag(context, &job[i], job[i].start + CX_PACKET_LENGTH_BYTES + job[i].len))
            return CX_E_RESOURCE;
    return CX_OK;
}

static enum cx_err open_etm(void *context, const struct cx_packet_job job[], size_t n, size_t *good)
{
    for (*good = 0; *good < n; ++*good) {
        enum cx_err err = check_tag(context, &job[*good]);
        if (!err && !crypt(context, &job[*good], CX_PACKET_LENGTH_BYTES))
            err = CX_E_RESOURCE;
        if (err)
            return err;
    }
    return CX_OK;
}

const struct cx_packet_ops cx_packet_ctr_plain = {
    .length_in_blocks = true,
    .expand = expand,
    .release = release,
    .peek = peek_plain,
    .advance = advance_plain,
    .seal = seal_plain,
    .open = open_plain,
};

const struct cx_packet_ops cx_packet_ctr_etm = {
    .expand = expand,
    .release = release,
    .peek = cx_packet_peek_clear,
    .advance = advance_etm,
    .seal = seal_etm,
    .open = open_etm,
};
