/* SPDX-License-Identifier: MIT */
/* AES in counter mode (RFC 4344 section 4) beside a MAC, in both orders:
 *   plain  the MAC is over the plaintext, and the length field is encrypted: RFC 4253 section 6.4;
 *   etm    the MAC is over the ciphertext, and the length field is in the clear: OpenSSH's PROTOCOL section 1.5.
 * The MAC covers the packet from its length field on. The counter runs through the packets without a gap; jobs carry it
 * at their first encrypted byte, which needs no remainder since packets fill blocks. */
#include <assert.h>
#include <stdlib.h>

#include "crypto/packet/packet_priv.h"
#include "crypto/secret.h"
#include "crypto/wire.h"

enum { BLOCK_BYTES = 16, TAG_MAX_BYTES = 64 };

struct context {
    const struct cx_ctr_kernel *ctr;
    const struct cx_mac_ops *mac;
    void *ctr_context, *mac_context;
    size_t tag_len;
};

static void release(void *context)
{
    struct context *c = context;
    c->ctr->release(c->ctr_context);
    c->mac->release(c->mac_context);
    free(c);
}

static const struct cx_mac_ops *mac_of(const struct cx_kernels *kernels, enum cx_primitive primitive)
{
    switch (primitive) {
    case CX_PRIMITIVE_HMAC_SHA256:
        return kernels->hmac_sha256;
    case CX_PRIMITIVE_HMAC_SHA512:
        return kernels->hmac_sha512;
    case CX_PRIMITIVE_UMAC64:
        return kernels->umac64;
    default:
        assert(primitive == CX_PRIMITIVE_UMAC128);
        return kernels->umac128;
    }
}

static void *expand(const struct cx_evp *evp, const struct cx_kernels *kernels, const struct cx_packet_key *k)
{
    struct context *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->ctr = kernels->ctr;
    c->mac = mac_of(kernels, k->mac->primitive);
    c->tag_len = k->mac->tag_len;
    c->ctr_context = c->ctr->expand(evp, k->key, k->cipher->key_len);
    c->mac_context = c->mac->expand(evp, k);
    if (c->ctr_context && c->mac_context)
        return c;
    release(c);
    return NULL;
}

/* The counter block is one big-endian number of 128 bits. */
static void advance(const struct cx_packet_job *job, struct cx_packet_job *next, uint32_t bytes)
{
    uint64_t high = cx_load_u64(job->iv), low = cx_load_u64(job->iv + 8), sum = low + bytes / BLOCK_BYTES;
    next->seq = job->seq + 1;
    cx_store_u64(next->iv, high + (sum < low));
    cx_store_u64(next->iv + 8, sum);
}

static void advance_plain(const struct cx_packet_job *job, struct cx_packet_job *next)
{
    advance(job, next, CX_PACKET_LENGTH_BYTES + job->len);
}

static void advance_etm(const struct cx_packet_job *job, struct cx_packet_job *next)
{
    advance(job, next, job->len);
}

static enum cx_err peek_plain(void *context, const struct cx_packet_job *job, uint32_t *len)
{
    struct context *c = context;
    uint8_t field[CX_PACKET_LENGTH_BYTES];
    const struct cx_ctr_job whole = { job->from, field, sizeof field, job->iv };
    if (!c->ctr->crypt(c->ctr_context, &whole, 1))
        return CX_E_RESOURCE;
    *len = cx_load_u32(field);
    return CX_OK;
}

/* Encrypts or decrypts what follows the first `clear` bytes, copies those, and makes the tags: of what the cipher wrote, or of what
 * it reads. */
static bool crypt_and_tag(struct context *c, const struct cx_packet_job job[], struct cx_mac_job tag[], size_t n, uint32_t clear,
                          bool of_crypted)
{
    struct cx_ctr_job piece[CX_PACKET_BATCH];
    for (size_t i = 0; i < n; i++) {
        size_t len = CX_PACKET_LENGTH_BYTES + (size_t)job[i].len;
        if (clear > 0)
            memmove(job[i].start, job[i].from, CX_PACKET_LENGTH_BYTES);
        piece[i] = (struct cx_ctr_job){ job[i].from + clear, job[i].start + clear, len - clear, job[i].iv };
        tag[i].seq = job[i].seq;
        tag[i].bytes = of_crypted ? job[i].start : job[i].from;
        tag[i].len = len;
    }
    if (c->mac->beside == c->ctr) {
        const struct cx_mac_crypt both = { tag, piece, n, c->ctr, c->ctr_context, of_crypted };
        return c->mac->tags_and_crypt(c->mac_context, &both);
    }
    if (of_crypted)
        return c->ctr->crypt(c->ctr_context, piece, n) && c->mac->tags(c->mac_context, tag, n);
    return c->mac->tags(c->mac_context, tag, n) && c->ctr->crypt(c->ctr_context, piece, n);
}

static enum cx_err seal(struct context *c, const struct cx_packet_job job[], size_t n, uint32_t clear, bool of_crypted)
{
    struct cx_mac_job tag[CX_PACKET_BATCH];
    for (size_t i = 0; i < n; i++)
        tag[i].tag = job[i].start + CX_PACKET_LENGTH_BYTES + job[i].len;
    return crypt_and_tag(c, job, tag, n, clear, of_crypted) ? CX_OK : CX_E_RESOURCE;
}

/* The starts of packets behind a broken one are the caller's to wipe, so that the cipher need not wait for the MAC. */
static enum cx_err open(struct context *c, const struct cx_packet_job job[], size_t n, uint32_t clear, bool of_crypted,
                        size_t *good)
{
    struct cx_mac_job tag[CX_PACKET_BATCH];
    uint8_t want[CX_PACKET_BATCH][TAG_MAX_BYTES];
    *good = 0;
    for (size_t i = 0; i < n; i++)
        tag[i].tag = want[i];
    if (!crypt_and_tag(c, job, tag, n, clear, of_crypted))
        return CX_E_RESOURCE;
    for (; *good < n; ++*good) {
        const struct cx_packet_job *j = &job[*good];
        if (!cx_secret_equal(want[*good], j->from + CX_PACKET_LENGTH_BYTES + j->len, c->tag_len)) {
            cx_secret_wipe(want, sizeof want); /* what a forger would have needed */
            return CX_E_TAG;
        }
    }
    return CX_OK;
}

static enum cx_err seal_plain(void *context, const struct cx_packet_job job[], size_t n)
{
    return seal(context, job, n, 0, false);
}

static enum cx_err open_plain(void *context, const struct cx_packet_job job[], size_t n, size_t *good)
{
    return open(context, job, n, 0, true, good);
}

static enum cx_err seal_etm(void *context, const struct cx_packet_job job[], size_t n)
{
    return seal(context, job, n, CX_PACKET_LENGTH_BYTES, true);
}

static enum cx_err open_etm(void *context, const struct cx_packet_job job[], size_t n, size_t *good)
{
    return open(context, job, n, CX_PACKET_LENGTH_BYTES, false, good);
}

const struct cx_packet_ops cx_packet_ctr_plain = {
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
