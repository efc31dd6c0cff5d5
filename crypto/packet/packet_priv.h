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

/* Sealing reads the packet at `from` and writes it, and its tag, to `start`; opening reads packet and tag at `from` and writes the
 * packet to `start`. The two are equal, or do not overlap; neither is aligned. */
struct cx_packet_job {
    const uint8_t *from; /* the packet's length field */
    uint8_t *start;      /* likewise; after opening it is not said in which form the length itself stands there */
    uint32_t len;        /* its value: the bytes between the length field and the tag */
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

/* A family of pipelines: one construction. */
struct cx_packet_ops {
    struct cx_kernel kernel;
    /* NULL: out of memory. The context is wiped by release. */
    void *(*expand)(const struct cx_evp *evp, const struct cx_kernels *kernels, const struct cx_packet_key *k);
    void (*release)(void *context);
    /* The packet's length from the first four bytes at from, which stay as they are. */
    enum cx_err (*peek)(void *context, const struct cx_packet_job *job, uint32_t *len);
    /* seq and iv of the next packet, which stands behind this job's, into next; which may be the same. */
    void (*advance)(const struct cx_packet_job *job, struct cx_packet_job *next);
    /* n is from 1 to CX_PACKET_BATCH. */
    enum cx_err (*seal)(void *context, const struct cx_packet_job job[], size_t n);
    /* *good: so many from the front verified and were decrypted. A tag that does not match is CX_E_TAG, and the starts of the
     * others may then hold anything, which the caller wipes: what they decrypt to may stay nowhere else. */
    enum cx_err (*open)(void *context, const struct cx_packet_job job[], size_t n, size_t *good);
};

/* AES in counter mode, whatever it is for; each job stands on its own. */
struct cx_ctr_job {
    const uint8_t *from;
    uint8_t *to; /* equal to from, or not overlapping */
    size_t len;
    const uint8_t *iv; /* the counter block of the first byte: 16 bytes, one big-endian number */
};

struct cx_ctr_kernel {
    struct cx_kernel kernel;
    /* key_len is 16, 24 or 32. NULL: out of memory. The context is wiped by release. */
    void *(*expand)(const struct cx_evp *evp, const uint8_t *key, size_t key_len);
    void (*release)(void *context); /* NULL is fine */
    /* n is from 1 to CX_PACKET_BATCH. */
    bool (*crypt)(void *context, const struct cx_ctr_job job[], size_t n);
};

/* A MAC that stands beside a cipher: ctr.c calls it. */
struct cx_mac_job {
    uint32_t seq;
    const uint8_t *bytes; /* the packet, length field included */
    size_t len;
    uint8_t *tag; /* as long as the MAC's tags are; outside bytes */
};

/* A batch's MACs and its cipher at once: packet i is tag[i] and crypt[i]. */
struct cx_mac_crypt {
    const struct cx_mac_job *tag;
    const struct cx_ctr_job *crypt;
    size_t n;                        /* from 1 to CX_PACKET_BATCH */
    const struct cx_ctr_kernel *ctr; /* whose context: */
    void *ctr_context;
    bool of_crypted; /* the tags are of what the cipher wrote; if not, of what it has still to read */
};

struct cx_mac_ops {
    struct cx_kernel kernel;
    unsigned lanes; /* packets that it does side by side, in little more time than one; 0 and 1: none */
    /* NULL: out of memory. The context is wiped by release. */
    void *(*expand)(const struct cx_evp *evp, const struct cx_packet_key *k);
    void (*release)(void *context); /* NULL is fine */
    /* n is from 1 to CX_PACKET_BATCH. */
    bool (*tags)(void *context, const struct cx_mac_job job[], size_t n);
    /* Where a kernel of AES-CTR gains by it: both at once. Of no other kernel than that one; both are NULL if there is none. */
    const struct cx_ctr_kernel *beside;
    bool (*tags_and_crypt)(void *context, const struct cx_mac_crypt *x);
};

extern const struct cx_mac_ops cx_mac_hmac_sha256;
extern const struct cx_mac_ops cx_mac_hmac_sha512;
extern const struct cx_mac_ops cx_mac_umac64;
extern const struct cx_mac_ops cx_mac_umac128;

extern const struct cx_ctr_kernel cx_ctr_evp;

/* Of these the last two are built of a selection's ctr and MAC; "none" of nothing. */
extern const struct cx_packet_ops cx_packet_gcm;
extern const struct cx_packet_ops cx_packet_gcm_vaes512;
extern const struct cx_packet_ops cx_packet_gcm_vaes256;
extern const struct cx_packet_ops cx_packet_chachapoly;
extern const struct cx_packet_ops cx_packet_none;
extern const struct cx_packet_ops cx_packet_ctr_plain;
extern const struct cx_packet_ops cx_packet_ctr_etm;

/* A length that stands in the clear: a family's peek. */
enum cx_err cx_packet_peek_clear(void *context, const struct cx_packet_job *job, uint32_t *len);
void cx_packet_advance_seq(const struct cx_packet_job *job, struct cx_packet_job *next);
/* GCM's: the nonce is four fixed bytes and a 64-bit counter of packets (RFC 5647 section 7.1). */
void cx_packet_advance_gcm(const struct cx_packet_job *job, struct cx_packet_job *next);

/* An EVP context with k's key, for its direction; sets IVs a packet later. NULL: out of memory. */
EVP_CIPHER_CTX *cx_evp_cipher_new(const EVP_CIPHER *cipher, const uint8_t *key, bool encrypting);
/* A packet's IV into a context that has its key. */
bool cx_evp_cipher_restart(EVP_CIPHER_CTX *ctx, const uint8_t *iv);
bool cx_evp_cipher_apply(EVP_CIPHER_CTX *ctx, uint8_t *to, const uint8_t *from, size_t len);
/* What fills a cx_evp, and empties one, filled or not. False: what came must be emptied nonetheless. */
bool cx_evp_fetch(struct cx_evp *evp);
void cx_evp_drop(struct cx_evp *evp);

const struct cx_kernels *cx_packet_cache_kernels(const struct cx_packet_cache *cache);
uint64_t cx_packet_cache_id(struct cx_packet_cache *cache);
/* k's context, expanded now if it is not there. It may be gone after the next get. NULL: out of memory. */
void *cx_packet_cache_get(struct cx_packet_cache *cache, const struct cx_packet_ops *ops, const struct cx_packet_key *k);
void cx_packet_cache_drop(struct cx_packet_cache *cache, uint64_t id);

#endif
