/* SPDX-License-Identifier: MIT */
#include "nonces.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include "crypto/packet/packet_priv.h"
#include "crypto/wire.h"

enum { BLOCK = 16, KEYS_MAX = 4096, ROOM_FIRST = 1 << 12 };

/* What a nonce is used for is part of its name: a key's number and one of these, or key stream, which belongs to no key. */
enum use { CIPHER, MAC, USES };
enum { KEY_STREAM = UINT32_MAX };

struct entry {
    uint8_t nonce[BLOCK];
    uint32_t name;
    bool taken;
    uint64_t packet; /* what it sealed */
};

static struct {
    struct entry *entry;
    size_t used, room;
    uint8_t key[KEYS_MAX][USES][CX_PACKET_KEY_MAX];
    struct nonces_seen seen;
} all;

const struct nonces_seen *nonces_seen(void)
{
    return &all.seen;
}

void nonces_forget(void)
{
    free(all.entry);
    all.entry = NULL;
    all.used = all.room = 0;
    all.seen = (struct nonces_seen){ 0 };
}

static uint64_t fnv(uint64_t hash, const void *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ ((const uint8_t *)bytes)[i]) * 0x100000001b3u;
    return hash;
}

/* Where it stands, or would. */
static struct entry *find(uint32_t name, const uint8_t nonce[BLOCK])
{
    size_t at = fnv(fnv(0xcbf29ce484222325u, nonce, BLOCK), &name, sizeof name);
    for (;; at++) {
        struct entry *e = &all.entry[at & (all.room - 1)];
        if (!e->taken || (e->name == name && memcmp(e->nonce, nonce, BLOCK) == 0))
            return e;
    }
}

static void grow(void)
{
    struct entry *old = all.entry;
    size_t room = all.room;
    all.room = room > 0 ? 2 * room : ROOM_FIRST;
    all.entry = calloc(all.room, sizeof *all.entry);
    cr_assert_not_null(all.entry);
    for (size_t i = 0; i < room; i++)
        if (old[i].taken)
            *find(old[i].name, old[i].nonce) = old[i];
    free(old);
}

/* False: it was taken before. */
static bool take(uint32_t name, const uint8_t nonce[BLOCK], uint64_t packet)
{
    if (2 * all.used >= all.room)
        grow();
    struct entry *e = find(name, nonce);
    if (e->taken)
        return false;
    *e = (struct entry){ .name = name, .taken = true, .packet = packet };
    memcpy(e->nonce, nonce, BLOCK);
    all.used++;
    return true;
}

static uint32_t name_of(const struct cx_packet_key *k, enum use use)
{
    const uint8_t *key = use == CIPHER ? k->key : k->mac_key;
    size_t i = 0;
    while (i < all.seen.keys && memcmp(all.key[i][use], key, CX_PACKET_KEY_MAX) != 0)
        i++;
    if (i == all.seen.keys) {
        cr_assert_lt(i, KEYS_MAX);
        memcpy(all.key[i][CIPHER], k->key, sizeof k->key);
        memcpy(all.key[i][MAC], k->mac_key, sizeof k->mac_key);
        all.seen.keys++;
    }
    return (uint32_t)(i * USES + use);
}

static void seq_nonce(const struct cx_packet_key *k, uint8_t nonce[BLOCK])
{
    memset(nonce, 0, BLOCK);
    cx_store_u32(nonce, k->seq);
}

/* Of the packet that comes next. */
static void first_nonce(const struct cx_packet_key *k, uint8_t nonce[BLOCK])
{
    memcpy(nonce, k->iv, BLOCK);
    if (k->cipher->primitive == CX_PRIMITIVE_CHACHAPOLY)
        seq_nonce(k, nonce);
}

static void add(uint8_t *number, size_t bytes, uint64_t n)
{
    for (size_t i = bytes; i > 0; i--) {
        n += number[i - 1];
        number[i - 1] = (uint8_t)n;
        n >>= 8;
    }
}

static size_t tag_len(const struct cx_packet_key *k)
{
    return k->mac ? k->mac->tag_len : k->cipher->tag_len;
}

/* Where in a packet what is encrypted with the packet's first nonce begins. */
static size_t clear_bytes(const struct cx_packet_key *k)
{
    return k->mac && !k->mac->etm ? 0 : CX_PACKET_LENGTH_BYTES;
}

static size_t blocks(const struct cx_packet_key *k, size_t size)
{
    return k->cipher->primitive == CX_PRIMITIVE_CTR ? (size - tag_len(k) - clear_bytes(k)) / BLOCK : 1;
}

/* Past a packet that takes so many bytes: RFC 4253 section 6.4, RFC 5647 section 7.1, RFC 4344 section 4. */
static void move_on(struct cx_packet_key *k, size_t size)
{
    k->seq++;
    if (k->cipher->primitive == CX_PRIMITIVE_GCM)
        add(k->iv + 4, 8, 1);
    else if (k->cipher->primitive == CX_PRIMITIVE_CTR)
        add(k->iv, BLOCK, blocks(k, size));
}

static void must_stand(const struct cx_packet_key *k, const struct cx_packet_key *want, const char *after)
{
    cr_assert(k->seq == want->seq && memcmp(k->iv, want->iv, sizeof k->iv) == 0, "%s: %s, a direction stands elsewhere",
              k->cipher->name, after);
}

/* ---- sealing ---- */

static void take_nonces(const struct cx_packet_key *k, size_t size, uint64_t packet)
{
    uint8_t nonce[BLOCK];
    first_nonce(k, nonce);
    for (size_t i = blocks(k, size); i > 0; i--) {
        cr_assert(take(name_of(k, CIPHER), nonce, packet), "%s: a nonce serves again", k->cipher->name);
        add(nonce, BLOCK, 1);
    }
    seq_nonce(k, nonce);
    if (k->mac)
        cr_assert(take(name_of(k, MAC), nonce, packet), "%s: a sequence number serves again", k->mac->name);
}

/* Of the blocks that the payload fills. */
static void take_key_stream(const struct cx_packet_key *k, const uint8_t *packet, const uint8_t *payload, size_t len)
{
    size_t at = clear_bytes(k);
    while (at < CX_PACKET_HEADER)
        at += BLOCK;
    for (; at + BLOCK <= CX_PACKET_HEADER + len; at += BLOCK) {
        uint8_t stream[BLOCK];
        for (size_t i = 0; i < BLOCK; i++)
            stream[i] = packet[at + i] ^ payload[at - CX_PACKET_HEADER + i];
        cr_assert(take(KEY_STREAM, stream, 0), "%s: key stream comes again", k->cipher->name);
        all.seen.blocks++;
    }
}

enum cx_err __real_cx_packet_seal(struct cx_packet_cache *cache, struct cx_packet_key *k, const struct cx_packet_slot slot[],
                                  size_t n, const struct cx_random *random);
enum cx_err __wrap_cx_packet_seal(struct cx_packet_cache *cache, struct cx_packet_key *k, const struct cx_packet_slot slot[],
                                  size_t n, const struct cx_random *random);

enum cx_err __wrap_cx_packet_seal(struct cx_packet_cache *cache, struct cx_packet_key *k, const struct cx_packet_slot slot[],
                                  size_t n, const struct cx_random *random)
{
    struct cx_packet_key at = *k;
    uint8_t *payload[CX_PACKET_BATCH];
    for (size_t i = 0; i < n; i++) {
        payload[i] = malloc(slot[i].payload_len + 1);
        memcpy(payload[i], slot[i].start + CX_PACKET_HEADER, slot[i].payload_len);
    }
    enum cx_err err = __real_cx_packet_seal(cache, k, slot, n, random);
    cr_assert_eq(err, CX_OK);
    for (size_t i = 0; i < n; i++) {
        size_t size = cx_packet_sealed_len(k, slot[i].payload_len);
        if (k->cipher != &cx_cipher_none) {
            take_nonces(&at, size, fnv(0, slot[i].start, size));
            take_key_stream(k, slot[i].start, payload[i], slot[i].payload_len);
            all.seen.sealed++;
        }
        move_on(&at, size);
        free(payload[i]);
    }
    must_stand(k, &at, "after sealing");
    return err;
}

/* ---- opening ---- */

static void check_opened(const struct cx_packet_key *at, const uint8_t *packet, size_t size)
{
    uint8_t nonce[BLOCK];
    first_nonce(at, nonce);
    uint32_t name = name_of(at, CIPHER);
    cr_assert(all.room > 0 && find(name, nonce)->taken, "%s: opened under a nonce that sealed nothing", at->cipher->name);
    cr_assert_eq(find(name, nonce)->packet, fnv(0, packet, size), "%s: opened what another nonce sealed", at->cipher->name);
    all.seen.opened++;
}

enum cx_err __real_cx_packet_open(struct cx_packet_cache *cache, struct cx_packet_key *k, struct cx_span wire, uint32_t max_packet,
                                  struct cx_span payload[], size_t *count, size_t *used, size_t *need);
enum cx_err __wrap_cx_packet_open(struct cx_packet_cache *cache, struct cx_packet_key *k, struct cx_span wire, uint32_t max_packet,
                                  struct cx_span payload[], size_t *count, size_t *used, size_t *need);

enum cx_err __wrap_cx_packet_open(struct cx_packet_cache *cache, struct cx_packet_key *k, struct cx_span wire, uint32_t max_packet,
                                  struct cx_span payload[], size_t *count, size_t *used, size_t *need)
{
    struct cx_packet_key at = *k;
    uint8_t *sealed = malloc(wire.len + 1);
    memcpy(sealed, wire.data, wire.len);
    enum cx_err err = __real_cx_packet_open(cache, k, wire, max_packet, payload, count, used, need);
    size_t start = 0;
    for (size_t i = 0; i < *count; i++) {
        uint8_t padding = payload[i].data[-1];
        size_t size = CX_PACKET_HEADER + payload[i].len + padding + tag_len(k);
        if (k->cipher != &cx_cipher_none)
            check_opened(&at, sealed + start, size);
        move_on(&at, size);
        start += size;
    }
    free(sealed);
    cr_assert_eq(start, *used);
    must_stand(k, &at, "after opening");
    return err;
}
