/* SPDX-License-Identifier: MIT */
/* Inside crypto/packet only: what packet.c asks of a family of pipelines, and what families ask of the cache.
 *
 * packet.c knows framing and batches, a family knows one construction. A family works on jobs: packets that carry their
 * own sequence number and IV, so that it may take them in any order, or several at once. A context is the expanded form
 * of one direction's keys; a call may leave anything in it but what the next call relies on. */
#ifndef CX_PACKET_PRIV_H
#define CX_PACKET_PRIV_H

#include <openssl/evp.h>

#include "crypto/packet/packet.h"

enum { CX_PACKET_LENGTH_BYTES = 4 }; /* the length field itself */

struct cx_packet_job {
    uint8_t *start; /* the packet's length field */
    uint32_t len;   /* its value: the bytes between the length field and the tag */
    uint32_t seq;
    uint8_t iv[CX_PACKET_IV_MAX];
};

/* OpenSSL's algorithms, fetched once a cache: a fetch takes locks that all threads share. */
enum cx_evp_cipher {
    CX_EVP_AES_128_GCM,
    CX_EVP_AES_256_GCM,
    CX_EVP_AES_128_CTR,
    CX_EVP_AES_192_CTR,
    CX_EVP_AES_256_CTR,
    CX_EVP_CHACHA20,
    CX_EVP_CIPHER_COUNT
};
enum cx_evp_mac { CX_EVP_HMAC, CX_EVP_POLY1305, CX_EVP_MAC_COUNT };

struct cx_evp {
    EVP_CIPHER *cipher[CX_EVP_CIPHER_COUNT];
    EVP_MAC *mac[CX_EVP_MAC_COUNT];
};

struct cx_packet_ops {
    /* The block size counts the length field too: RFC 4253 section 6; AEADs and etm leave it out. */
    bool length_in_blocks;
    /* NULL: out of memory. The context is wiped by release. */
    void *(*expand)(const struct cx_evp *evp, const struct cx_packet_key *k);
    void (*release)(void *context);
    /* The packet's length from its first four bytes, which stay as they are. */
    enum cx_err (*peek)(void *context, const struct cx_packet_job *job, uint32_t *len);
    /* Moves seq and iv past the job's packet. */
    void (*advance)(struct cx_packet_job *job);
    enum cx_err (*seal)(void *context, const struct cx_packet_job job[], size_t n);
    /* *good: so many from the front verified and were decrypted; the others may hold anything. A tag that does not match
     * is CX_E_TAG. */
    enum cx_err (*open)(void *context, const struct cx_packet_job job[], size_t n, size_t *good);
};

/* A MAC that stands beside a cipher: ctr.c calls it. */
struct cx_mac_ops {
    /* NULL: out of memory. The context is wiped by release. */
    void *(*expand)(const struct cx_evp *evp, const struct cx_packet_key *k);
    void (*release)(void *context); /* NULL is fine */
    /* Makes the tag of a packet, length field included, under its sequence number; tag is as long as the MAC's tags are. */
    bool (*tag)(void *context, uint32_t seq, struct cx_view packet, struct cx_span tag);
};

extern const struct cx_mac_ops cx_mac_hmac;
extern const struct cx_mac_ops cx_mac_umac64;
extern const struct cx_mac_ops cx_mac_umac128;

extern const struct cx_packet_ops cx_packet_none;
extern const struct cx_packet_ops cx_packet_gcm;
extern const struct cx_packet_ops cx_packet_chachapoly;
extern const struct cx_packet_ops cx_packet_ctr_plain;
extern const struct cx_packet_ops cx_packet_ctr_etm;

/* A length that stands in the clear: a family's peek. */
enum cx_err cx_packet_peek_clear(void *context, const struct cx_packet_job *job, uint32_t *len);
void cx_packet_advance_seq(struct cx_packet_job *job);

/* An EVP context with k's key, for its direction; sets IVs a packet later. NULL: out of memory. */
EVP_CIPHER_CTX *cx_evp_cipher_new(const EVP_CIPHER *cipher, const uint8_t *key, bool encrypting);
/* A packet's IV into a context that has its key. */
bool cx_evp_cipher_restart(EVP_CIPHER_CTX *ctx, const uint8_t *iv);
/* len bytes in place. */
bool cx_evp_cipher_apply(EVP_CIPHER_CTX *ctx, uint8_t *bytes, uint32_t len);

uint64_t cx_packet_cache_id(struct cx_packet_cache *cache);
/* k's context, expanded now if it is not there. It may be gone after the next get. NULL: out of memory. */
void *cx_packet_cache_get(struct cx_packet_cache *cache, const struct cx_packet_ops *ops, const struct cx_packet_key *k);
void cx_packet_cache_drop(struct cx_packet_cache *cache, uint64_t id);

#endif
