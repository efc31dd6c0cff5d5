/* SPDX-License-Identifier: MIT */
/* Packets: where their tags are wrong, what they hold, and under which keys. Each construction that has kernels of its own is a
 * suite; a batch is as wide as the widest kernel. */
#include "crypto/packet/packet.h"
#include "timing.h"

enum { PAYLOAD = 384, BATCH = 8, SLOT = PAYLOAD + CX_PACKET_OVERHEAD_MAX };

static const uint8_t zeros[CX_PACKET_KEY_MAX];
static struct cx_packet_cache *cache;
static const struct cx_cipher *cipher;
static const struct cx_mac *mac;
static struct cx_packet_key sealer, opener;
static uint8_t sealed[BATCH * SLOT];
static size_t sealed_len;

/* Payloads into sealed, packet behind packet. */
static void seal(struct cx_packet_key *k, const uint8_t *payload)
{
    struct cx_packet_slot slot[BATCH];
    size_t each = cx_packet_sealed_len(k, PAYLOAD);
    for (size_t i = 0; i < BATCH; i++) {
        slot[i] = (struct cx_packet_slot){ sealed + i * each, PAYLOAD };
        memcpy(slot[i].start + CX_PACKET_HEADER, payload + i * PAYLOAD, PAYLOAD);
    }
    timing_need(cx_packet_seal(cache, k, slot, BATCH, &timing_random) == CX_OK);
    sealed_len = BATCH * each;
}

static void start(const struct bench *b)
{
    static const uint8_t payload[BATCH * PAYLOAD];
    if (cache) {
        cx_packet_key_deinit(&sealer, cache);
        cx_packet_key_deinit(&opener, cache);
    } else {
        cache = cx_packet_cache_new(4, cx_kernels_current());
        timing_need(cache != NULL);
    }
    cipher = cx_cipher_find(cx_view_text(b->cipher));
    mac = b->mac ? cx_mac_find(cx_view_text(b->mac)) : NULL;
    timing_need(cipher && (mac || !b->mac));
    cx_packet_key_init(&sealer, cache, true, cipher, mac, zeros, zeros, zeros);
    cx_packet_key_init(&opener, cache, false, cipher, mac, zeros, zeros, zeros);
    struct cx_packet_key k = sealer;
    seal(&k, payload);
}

/* ---- tags: the last packet's is wrong, in class 0 in its last byte, in class 1 in its first; both are refused ---- */

static void tag_make(uint8_t *input, unsigned class)
{
    size_t tag_len = mac ? mac->tag_len : cipher->tag_len;
    memcpy(input, sealed, sealed_len);
    input[class == 0 ? sealed_len - 1 : sealed_len - tag_len] ^= 0xff;
}

static void tag_run(const uint8_t *input)
{
    static uint8_t wire[INPUT_MAX];
    struct cx_packet_key k = opener; /* a failed packet's direction is not used on */
    struct cx_span payload[BATCH];
    size_t count = BATCH, used, wanted;
    memcpy(wire, input, sealed_len);
    timing_need(cx_packet_open(cache, &k, (struct cx_span){ wire, sealed_len }, INPUT_MAX, payload, &count, &used, &wanted) ==
                CX_E_TAG);
}

/* ---- payloads, and keys of cipher and MAC ---- */

/* Class 0 is one that was drawn once, class 1 any. Not zeros: with payloads of those alone SHA-256 is a ten-thousandth faster on
 * Zen 5, where the code has no branch, address or division that would tell them. */
static void draw(uint8_t *input, size_t len, unsigned class)
{
    static uint8_t once[INPUT_MAX];
    static bool drawn;
    if (!drawn)
        cx_random_fill(&timing_random, once, sizeof once);
    drawn = true;
    memcpy(input, once, len);
    if (class == 1)
        cx_random_fill(&timing_random, input, len);
}

static void payload_make(uint8_t *input, unsigned class)
{
    draw(input, BATCH * PAYLOAD, class);
}

static void payload_run(const uint8_t *input)
{
    struct cx_packet_key k = sealer;
    seal(&k, input);
}

static void key_make(uint8_t *input, unsigned class)
{
    draw(input, CX_PACKET_KEY_MAX + CX_PACKET_MAC_KEY_MAX, class);
}

/* Expanding the keys is part of what is measured. */
static void key_run(const uint8_t *input)
{
    static const uint8_t payload[BATCH * PAYLOAD];
    struct cx_packet_key k;
    cx_packet_key_init(&k, cache, true, cipher, mac, input, zeros, input + CX_PACKET_KEY_MAX);
    seal(&k, payload);
    cx_packet_key_deinit(&k, cache);
}

#define SUITE(name, ...)                                                                                                           \
    { name " tag", "last / first byte wrong", start, tag_make, tag_run, __VA_ARGS__ },                                             \
        { name " payload", "fixed / random", start, payload_make, payload_run, __VA_ARGS__ },                                      \
    {                                                                                                                              \
        name " keys", "fixed / random", start, key_make, key_run, __VA_ARGS__                                                      \
    }
const struct bench timing_packets[] = {
    SUITE("aes128-gcm", "aes128-gcm@openssh.com"),
    SUITE("aes256-gcm", "aes256-gcm@openssh.com"),
    SUITE("chacha20-poly1305", "chacha20-poly1305@openssh.com"),
    SUITE("hmac-sha2-256-etm", "aes128-ctr", "hmac-sha2-256-etm@openssh.com"),
    SUITE("hmac-sha2-256", "aes256-ctr", "hmac-sha2-256"),
    SUITE("hmac-sha2-512-etm", "aes256-ctr", "hmac-sha2-512-etm@openssh.com"),
    SUITE("umac-64-etm", "aes192-ctr", "umac-64-etm@openssh.com"),
    SUITE("umac-128-etm", "aes128-ctr", "umac-128-etm@openssh.com"),
    { NULL },
};
