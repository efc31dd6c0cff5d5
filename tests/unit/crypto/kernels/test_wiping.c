/* SPDX-License-Identifier: MIT */
/* What a packet's kernels leave behind when they have sealed, or refused a tag: nothing of it on the stack, and of the keys nothing
 * in memory that they free. Looked for are payloads, key stream, keys and what is made of them alone, and the tag that a forged
 * packet would have needed. OpenSSL's and nettle's kernels wipe as those libraries do, and are left out.
 *
 * The linker sends every free of the program through here. Not under sanitizers, which lay out frames of their own. */
#define OPENSSL_SUPPRESS_DEPRECATED /* where a hash stands is not to be had otherwise */
#include <criterion/criterion.h>
#include <malloc.h>
#include <openssl/sha.h>
#include <stdlib.h>

#include "crypto/packet/packet_priv.h"
#include "crypto/wire.h"
#include "suites.h"

enum { BLOCK = 16, SECRETS_MAX = 4096, DEPTH = 48 * 1024, MAX_PACKET = 4096, FILTER = 1 << 16 };

/* ---- what must not be found ---- */

static struct {
    struct {
        const char *what;
        uint8_t bytes[BLOCK], len;
    } secret[SECRETS_MAX];
    size_t n;
    bool begins[FILTER]; /* whether any begins with these two bytes */
} hidden;

static void hide(const char *what, const uint8_t *bytes, size_t len)
{
    cr_assert(hidden.n < SECRETS_MAX && len <= BLOCK);
    hidden.secret[hidden.n].what = what;
    hidden.secret[hidden.n].len = (uint8_t)len;
    memcpy(hidden.secret[hidden.n++].bytes, bytes, len);
    hidden.begins[bytes[0] | bytes[1] << 8] = true;
}

static void hide_all(const char *what, const uint8_t *bytes, size_t len)
{
    for (size_t at = 0; at + BLOCK <= len; at += BLOCK)
        hide(what, bytes + at, BLOCK);
}

static void forget(void)
{
    memset(&hidden, 0, sizeof hidden);
}

/* NULL: nothing hidden begins there, of which so many bytes are to be looked at. */
static const char *hidden_at(const volatile uint8_t *at, size_t len)
{
    if (len < 2 || !hidden.begins[at[0] | at[1] << 8])
        return NULL;
    for (size_t i = 0; i < hidden.n; i++) {
        size_t same = 0;
        while (same < hidden.secret[i].len && same < len && at[same] == hidden.secret[i].bytes[same])
            same++;
        if (same == hidden.secret[i].len)
            return hidden.secret[i].what;
    }
    return NULL;
}

/* Below the stack's end, where what was called had its frames. */
static __attribute__((noinline)) const char *find_on_stack(void)
{
    const volatile uint8_t *end = (const uint8_t *)__builtin_frame_address(0) - 256;
    const char *found = NULL;
    for (size_t i = 1; i < DEPTH && !found; i++)
        found = hidden_at(end - i, i);
    return found;
}

static __attribute__((noinline)) void clear_stack(void)
{
    volatile uint8_t room[DEPTH + 1024];
    for (size_t i = 0; i < sizeof room; i++)
        room[i] = 0;
}

static const char *freed; /* what was found in memory that was freed; NULL: nothing */

void __real_free(void *p);
void __wrap_free(void *p);

void __wrap_free(void *p)
{
    size_t len = p ? malloc_usable_size(p) : 0;
    for (size_t i = 0; i < len && !freed; i++)
        freed = hidden_at((const uint8_t *)p + i, len - i);
    __real_free(p);
}

/* ---- a direction ---- */

enum { PACKETS = 11 };
static const uint32_t lengths[PACKETS] = { 100, 16, 33, 2000, 1700, 96, 560, 1000, 48, 700, 300 };

/* All of it static, so that none of it is on the stack. */
static struct {
    struct cx_kernels kernels;
    struct cx_packet_cache *cache;
    struct cx_packet_key out, in;
    const struct cx_cipher *cipher;
    const struct cx_mac *mac;
    struct cx_random_seeded seeded;
    struct cx_random random;
    struct {
        uint8_t key[CX_PACKET_KEY_MAX], mac_key[CX_PACKET_MAC_KEY_MAX], iv[CX_PACKET_IV_MAX];
    } raw;
    uint8_t payload[PACKETS][MAX_PACKET];
    uint8_t wire[PACKETS * (MAX_PACKET + CX_PACKET_OVERHEAD_MAX)];
    size_t start[PACKETS + 1];
} dir;

static void start(void)
{
    dir.random = cx_random_from_seed(&dir.seeded, 5);
    cx_random_fill(&dir.random, &dir.raw, sizeof dir.raw);
    cx_random_fill(&dir.random, dir.payload, sizeof dir.payload);
    dir.cache = cx_packet_cache_new(4, &dir.kernels);
    cr_assert_not_null(dir.cache);
    cx_packet_key_init(&dir.out, dir.cache, true, dir.cipher, dir.mac, dir.raw.key, dir.raw.iv, dir.raw.mac_key);
    cx_packet_key_init(&dir.in, dir.cache, false, dir.cipher, dir.mac, dir.raw.key, dir.raw.iv, dir.raw.mac_key);
    freed = NULL;
}

static size_t tag_len(void)
{
    return dir.mac ? dir.mac->tag_len : dir.cipher->tag_len;
}

/* AES of one block: the counter mode's key stream with that block as its counter. */
static void hide_aes(const char *what, const struct cx_evp *evp, const uint8_t *key, size_t key_len, const uint8_t block[BLOCK])
{
    static uint8_t made[BLOCK];
    memset(made, 0, sizeof made);
    void *context = cx_ctr_evp.expand(evp, key, key_len);
    cr_assert(context && cx_ctr_evp.crypt(context, &(struct cx_ctr_job){ made, made, BLOCK, block }, 1));
    cx_ctr_evp.release(context);
    hide(what, made, BLOCK);
}

static void hide_derived(const struct cx_evp *evp, uint32_t seq)
{
    uint8_t block[BLOCK] = { 0 };
    static uint8_t made[2 * BLOCK];
    if (dir.cipher->primitive == CX_PRIMITIVE_GCM) {
        hide_aes("GCM's hash key", evp, dir.raw.key, dir.cipher->key_len, block);
        memcpy(block, dir.raw.iv, 12);
        cx_store_u64(block + 4, cx_load_u64(block + 4) + seq);
        block[15] = 1;
        hide_aes("the mask of GCM's tag", evp, dir.raw.key, dir.cipher->key_len, block);
    }
    if (dir.cipher->primitive == CX_PRIMITIVE_CHACHAPOLY) {
        EVP_CIPHER_CTX *ctx = cx_evp_cipher_new(evp->cipher[CX_EVP_CHACHA20], dir.raw.key, true);
        memset(made, 0, sizeof made);
        cx_store_u64(block + 8, seq);
        cr_assert(ctx && cx_evp_cipher_restart(ctx, block) && cx_evp_cipher_apply(ctx, made, made, sizeof made));
        EVP_CIPHER_CTX_free(ctx);
        hide_all("a Poly1305 key", made, sizeof made);
        cx_store_u64(made, cx_load_u64(made) & 0xffffff0ffcffff0f); /* as it multiplies: RFC 8439 section 2.5 */
        cx_store_u64(made + 8, cx_load_u64(made + 8) & 0xfcffff0ffcffff0f);
        hide("a Poly1305 key", made, BLOCK);
    }
    for (uint8_t use = 0; dir.mac && dir.mac->key_len == BLOCK && use < 4; use++) { /* UMAC's */
        memset(block, 0, sizeof block);
        block[7] = use;
        block[15] = 1;
        hide_aes("a key of UMAC's", evp, dir.raw.mac_key, BLOCK, block);
    }
}

/* The keys, and the pads of HMAC. */
static void hide_keys(void)
{
    static uint8_t pad[CX_PACKET_MAC_KEY_MAX];
    hide_all("the key", dir.raw.key, dir.cipher->key_len);
    for (size_t i = 0; dir.cipher->primitive == CX_PRIMITIVE_CHACHAPOLY && i < dir.cipher->key_len; i += 4) {
        for (size_t j = 0; j < BLOCK; j++)
            pad[j] = dir.raw.key[i + j % 4];
        hide("a word of the key in each lane", pad, BLOCK);
    }
    for (unsigned i = 0; dir.mac && i < 3; i++) {
        for (size_t j = 0; j < dir.mac->key_len; j++)
            pad[j] = dir.raw.mac_key[j] ^ (uint8_t)(i == 0 ? 0 : i == 1 ? 0x36 : 0x5c);
        hide_all("the MAC's key", pad, dir.mac->key_len);
    }
}

/* Where the hash stands behind HMAC's two pads, from which anyone makes tags: its words in their order, and in SHA-NI's. */
static void hide_hmac(void)
{
    enum { LONGEST = 128 };
    static uint8_t pad[LONGEST];
    static SHA256_CTX sha256;
    static SHA512_CTX sha512;
    for (unsigned i = 0; dir.mac && i < 2; i++) {
        memset(pad, i == 0 ? 0x36 : 0x5c, sizeof pad);
        for (size_t j = 0; j < dir.mac->key_len; j++)
            pad[j] ^= dir.raw.mac_key[j];
        if (dir.mac->primitive == CX_PRIMITIVE_HMAC_SHA256) {
            cr_assert(SHA256_Init(&sha256) == 1 && SHA256_Update(&sha256, pad, LONGEST / 2) == 1);
            const SHA_LONG *h = sha256.h, feba[] = { h[5], h[4], h[1], h[0] };
            hide_all("a state of HMAC's", (const uint8_t *)h, sizeof sha256.h);
            hide("a state of HMAC's", (const uint8_t *)feba, sizeof feba);
        }
        if (dir.mac->primitive == CX_PRIMITIVE_HMAC_SHA512) {
            cr_assert(SHA512_Init(&sha512) == 1 && SHA512_Update(&sha512, pad, LONGEST) == 1);
            hide_all("a state of HMAC's", (const uint8_t *)sha512.h, sizeof sha512.h);
        }
    }
}

/* The payload as words of a hash, whose blocks begin four bytes in front of the packet. */
static void hide_words(const uint8_t *payload, size_t len)
{
    static uint8_t turned[BLOCK];
    for (size_t at = BLOCK - 4 - CX_PACKET_HEADER; at + BLOCK <= len; at += BLOCK) {
        for (size_t last = 3; last <= 7; last += 4) {
            for (size_t i = 0; i < BLOCK; i++)
                turned[i] = payload[at + (i ^ last)];
            hide("words of a payload", turned, BLOCK);
        }
    }
}

/* Blocks of key stream, and the payload in the same places. */
static void hide_payloads(size_t n)
{
    static uint8_t stream[BLOCK];
    size_t first = dir.mac && !dir.mac->etm ? 0 : CX_PACKET_LENGTH_BYTES;
    for (size_t i = 0; i < n; i++) {
        /* of the first block, what the payload covers */
        for (size_t at = CX_PACKET_HEADER, end = first + BLOCK; end <= CX_PACKET_HEADER + lengths[i]; at = end, end += BLOCK) {
            const uint8_t *plain = dir.payload[i] + at - CX_PACKET_HEADER, *sealed = dir.wire + dir.start[i] + at;
            for (size_t j = 0; j < end - at; j++)
                stream[j] = plain[j] ^ sealed[j];
            hide("payload", plain, end - at);
            hide("key stream", stream, end - at);
        }
        hide_words(dir.payload[i], lengths[i]);
    }
}

static void seal(size_t n)
{
    static struct cx_packet_slot slot[PACKETS];
    for (size_t i = 0; i < n; i++) {
        slot[i] = (struct cx_packet_slot){ dir.wire + dir.start[i], lengths[i] };
        dir.start[i + 1] = dir.start[i] + cx_packet_sealed_len(&dir.out, lengths[i]);
        memcpy(slot[i].start + CX_PACKET_HEADER, dir.payload[i], lengths[i]);
    }
    clear_stack();
    enum cx_err err = cx_packet_seal(dir.cache, &dir.out, slot, n, &dir.random);
    cr_assert_eq(err, CX_OK);
}

static enum cx_err open_all(size_t n, size_t *good)
{
    static struct cx_span payload[PACKETS];
    size_t used, need;
    *good = n;
    return cx_packet_open(dir.cache, &dir.in, (struct cx_span){ dir.wire, dir.start[n] }, MAX_PACKET, payload, good, &used, &need);
}

static void must_not(const char *found, const char *what, size_t n)
{
    cr_expect(!found, "%s with %s: %s %zu packets left %s", suite_name(dir.cipher, dir.mac),
              dir.kernels.of[dir.cipher->primitive]->name, what, n, found);
}

/* The last of n packets has a wrong tag. */
static void check(const struct cx_evp *evp, size_t n)
{
    size_t good;
    start();
    hide_keys();
    hide_hmac();
    hide_derived(evp, (uint32_t)n - 1);
    seal(n);
    const char *found = find_on_stack();
    must_not(found, "sealing", n);
    hide_payloads(n);
    clear_stack();
    uint8_t *tag = dir.wire + dir.start[n] - tag_len();
    hide("the right tag", tag, tag_len() < BLOCK ? tag_len() : BLOCK);
    tag[0] ^= 1;
    clear_stack();
    enum cx_err err = open_all(n, &good);
    found = find_on_stack();
    cr_assert(err == CX_E_TAG && good == n - 1);
    must_not(found, "opening", n);
    cx_packet_key_deinit(&dir.out, dir.cache);
    cx_packet_key_deinit(&dir.in, dir.cache);
    cx_packet_cache_free(dir.cache);
    must_not(freed, "freeing after", n);
    forget();
}

static bool is_ours(void)
{
    return dir.kernels.of[dir.cipher->primitive] != cx_kernels_portable.of[dir.cipher->primitive] &&
           (!dir.mac || dir.kernels.of[dir.mac->primitive] != cx_kernels_portable.of[dir.mac->primitive]);
}

Test(wiping, a_refused_packet_leaves_nothing_behind)
{
    struct cx_evp evp;
    cr_assert(cx_evp_fetch(&evp));
    for (size_t selection = 0; selection_at(selection, &dir.kernels); selection++)
        for (size_t suite = 1; suite_at(suite, &dir.cipher, &dir.mac); suite++)
            for (size_t n = 1; is_ours() && n <= PACKETS; n++)
                check(&evp, n);
    cx_evp_drop(&evp);
}
