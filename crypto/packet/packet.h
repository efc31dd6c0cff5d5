/* SPDX-License-Identifier: MIT */
/* The binary packet of RFC 4253 section 6 under each cipher and MAC: sealed and opened in place, many a call.
 *
 * A direction of a connection is a cx_packet_key: raw keys, IV and the sequence number of the next packet, and nothing
 * expanded. Expanded contexts live in a cx_packet_cache, bounded, one a worker; every call here is made by the worker
 * that owns both. The pipelines know packets, not messages: a payload is bytes.
 *
 * Layout of a packet, in and out:  length(4) padding_length(1) payload padding tag(tag_len).
 *
 * Nothing here ends a key's life: sequence numbers wrap at 2^32, and chacha20-poly1305's nonce with them, so that the
 * caller must change keys before (RFC 4344 section 3.1); a rekey by rekey_bytes comes long before GCM's counter ends. */
#ifndef CX_PACKET_H
#define CX_PACKET_H

#include "crypto/err.h"
#include "crypto/kernels/kernels.h"
#include "crypto/random.h"
#include "crypto/span.h"

enum {
    CX_PACKET_BATCH = 16,                 /* most packets one call opens or seals */
    CX_PACKET_HEADER = 5,                 /* length and padding_length, in front of the payload */
    CX_PACKET_PADDING_MIN = 4,            /* RFC 4253 section 6 */
    CX_PACKET_OVERHEAD_MAX = 5 + 31 + 64, /* header, padding that we make, tag: room that a slot needs beside its payload */
    CX_PACKET_KEY_MAX = 64,
    CX_PACKET_IV_MAX = 16,
    CX_PACKET_MAC_KEY_MAX = 64,
    CX_PACKET_LANES_MAX = 8,
    CX_PACKET_LENGTH_LIMIT = 1 << 28, /* keeps every sum of lengths far from an int's end */
};

struct cx_cipher {
    const char *name; /* as negotiated; "none" before the first NEWKEYS */
    uint8_t key_len, iv_len, block_len;
    uint8_t tag_len;             /* of an AEAD; 0: a MAC is negotiated beside it */
    uint64_t rekey_bytes;        /* after so many bytes under one key a rekey is due: RFC 4253 section 9, RFC 4344 section 3.2 */
    enum cx_primitive primitive; /* what makes it; of "none": nothing */
};

struct cx_mac {
    const char *name;
    uint8_t key_len, tag_len;
    bool etm; /* encrypt-then-MAC: length in the clear, tag over the ciphertext (OpenSSH PROTOCOL section 1.5) */
    enum cx_primitive primitive;
};

/* NULL: no such algorithm. "none" is not found by name: see cx_cipher_none. */
const struct cx_cipher *cx_cipher_find(struct cx_view name);
const struct cx_mac *cx_mac_find(struct cx_view name);
/* The i-th that exists, NULL past the end: for lists and tests. */
const struct cx_cipher *cx_cipher_at(size_t i);
const struct cx_mac *cx_mac_at(size_t i);
const char *cx_cipher_name_at(size_t i);
const char *cx_mac_name_at(size_t i);
extern const struct cx_cipher cx_cipher_none;

/* One direction. Plain data: may be copied as long as only one copy is used on. Wipe it when it is replaced. */
struct cx_packet_key {
    const struct cx_cipher *cipher;
    const struct cx_mac *mac; /* NULL with an AEAD or "none" */
    uint64_t id;              /* names the expanded context in the cache; never reused */
    uint32_t seq;             /* of the next packet; the caller carries it over NEWKEYS, or resets it (strict KEX) */
    bool sealing;             /* the direction's use: a context is expanded for one of the two */
    uint8_t key[CX_PACKET_KEY_MAX];
    uint8_t iv[CX_PACKET_IV_MAX]; /* counter block or nonce; advances with the packets */
    uint8_t mac_key[CX_PACKET_MAC_KEY_MAX];
};

struct cx_packet_cache; /* opaque */

/* At most `entries` expanded contexts, for these kernels, which must stay; the least recently used makes room. NULL: out of memory.
 */
struct cx_packet_cache *cx_packet_cache_new(size_t entries, const struct cx_kernels *kernels);
void cx_packet_cache_free(struct cx_packet_cache *cache);

/* Starts a direction. key, iv and mac_key hold at least the lengths that cipher and mac name; seq becomes 0. */
void cx_packet_key_init(struct cx_packet_key *k, struct cx_packet_cache *cache, bool sealing, const struct cx_cipher *cipher,
                        const struct cx_mac *mac, const uint8_t *key, const uint8_t *iv, const uint8_t *mac_key);
/* Drops its expanded context from the cache and wipes it. Also right on a zeroed key. */
void cx_packet_key_deinit(struct cx_packet_key *k, struct cx_packet_cache *cache);

/* Opens, in place, complete packets from the start of `wire`, at most *count (and at most CX_PACKET_BATCH).
 * Out: *count opened, payload[i] of each (inside wire), *used bytes of wire that they took, *need: the bytes that the
 * next, incomplete packet needs from its start (0: not even its length is readable yet; also 0 when wire is used up, or
 * *count was reached). max_packet is at most CX_PACKET_LENGTH_LIMIT.
 * A packet whose packet_length field exceeds max_packet, is too small or breaks the block size, or whose padding_length
 * does not fit: CX_E_LENGTH.
 * A tag that does not match: CX_E_TAG. On an error *count and *used stand for the good packets in front, and that packet
 * and all of wire behind it are wiped. The length of a chacha20-poly1305 packet, and of a CTR packet without etm, is
 * acted on before its tag is checked, within these bounds, as the format demands.
 * Once called with some bytes of an incomplete packet, call again with the same bytes and more: state does not move. */
CX_MUST_CHECK enum cx_err cx_packet_open(struct cx_packet_cache *cache, struct cx_packet_key *k, struct cx_span wire,
                                         uint32_t max_packet, struct cx_span payload[], size_t *count, size_t *used, size_t *need);

/* A packet to seal: the payload already stands at start + CX_PACKET_HEADER. */
struct cx_packet_slot {
    uint8_t *start;
    uint32_t payload_len;
};

/* Bytes on the wire of a packet with such a payload. */
size_t cx_packet_sealed_len(const struct cx_packet_key *k, size_t payload_len);

/* How many packets of a batch are done side by side, in little more time than one; 1: one after the other, so that how many make a
 * batch matters little. At most CX_PACKET_LANES_MAX. */
size_t cx_packet_lanes(const struct cx_packet_cache *cache, const struct cx_packet_key *k);

/* Seals n <= CX_PACKET_BATCH packets in place, in order; each takes cx_packet_sealed_len bytes from its start.
 * Slots may not overlap; they need not be adjacent. Padding comes from random. */
CX_MUST_CHECK enum cx_err cx_packet_seal(struct cx_packet_cache *cache, struct cx_packet_key *k, const struct cx_packet_slot slot[],
                                         size_t n, const struct cx_random *random);

#endif
