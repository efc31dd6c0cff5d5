/* SPDX-License-Identifier: MIT */
/* The wire formats against somebody else's word: a published packet, and every suite built a second time, plainly, on
 * libsodium's ChaCha20, Poly1305 and HMAC, on nettle's UMAC, which gives RFC 4418's tags, and on single AES blocks. */
#include <criterion/criterion.h>
#include <nettle/umac.h>
#include <openssl/evp.h>
#include <sodium.h>
#include <stdlib.h>

#include "crypto/packet/packet.h"
#include "crypto/wire.h"

enum { BLOCK = 16 };

/* Randomness that is known beforehand: the given bytes, again and again. */
struct fixed {
    struct cx_view bytes;
    size_t at;
};

static void fill_fixed(void *state, uint8_t *out, size_t len)
{
    struct fixed *f = state;
    for (size_t i = 0; i < len; i++)
        out[i] = f->bytes.data[f->at++ % f->bytes.len];
}

static size_t unhex(const char *hex, uint8_t *out, size_t room)
{
    size_t len;
    cr_assert_eq(sodium_hex2bin(out, room, hex, strlen(hex), NULL, &len, NULL), 0);
    return len;
}

/* draft-ietf-sshm-chacha20-poly1305, appendix A: sequence number 7. */
Test(formats, chacha20_poly1305_seals_the_drafts_packet)
{
    uint8_t key[64], plain[76], want[92], wire[92];
    unhex("8bbff6855fc102338c373e73aac0c914f076a905b2444a32eecaffeae22becc5"
          "e9b7a7a5825a8249346ec1c28301cf394543fc7569887d76e168f37562ac0740",
          key, sizeof key);
    unhex("00000048065e00000000000000384c6f72656d20697073756d20646f6c6f722073697420616d65742c20636f6e7365"
          "637465747572206164697069736963696e6720656c69744e43e804dc6c",
          plain, sizeof plain);
    unhex("2c3ecce4a5bc05895bf07a7ba956b6c68829ac7c83b780b7000ecde745afc705bbc378ce03a280236b87b53bed5839"
          "662302b164b6286a48cd1e097138e3cb909b8b2b829dd18d2a35ff82d995349e855bf02c298ef775f2d1a7e8b8",
          want, sizeof want);
    struct fixed padding = { cx_view(plain + sizeof plain - 6, 6), 0 };
    struct cx_random random = { fill_fixed, &padding };
    struct cx_packet_cache *cache = cx_packet_cache_new(1, cx_kernels_current());
    struct cx_packet_key k;
    cx_packet_key_init(&k, cache, true, cx_cipher_find(cx_view_text("chacha20-poly1305@openssh.com")), NULL, key, NULL, NULL);
    k.seq = 7;
    struct cx_packet_slot slot = { wire, 65 };
    memcpy(wire + CX_PACKET_HEADER, plain + CX_PACKET_HEADER, 65);
    cr_assert_eq(cx_packet_sealed_len(&k, 65), sizeof wire);
    cr_assert_eq(cx_packet_seal(cache, &k, &slot, 1, &random), CX_OK);
    cr_assert_arr_eq(wire, want, sizeof want);
    cx_packet_key_deinit(&k, cache);
    cx_packet_cache_free(cache);
}

/* ---- the second implementation ---- */

static void aes_block(const struct cx_packet_key *k, const uint8_t in[BLOCK], uint8_t out[BLOCK])
{
    const EVP_CIPHER *by_len[] = { EVP_aes_128_ecb(), EVP_aes_192_ecb(), EVP_aes_256_ecb() };
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int len = 0;
    cr_assert(EVP_EncryptInit_ex(ctx, by_len[k->cipher->key_len / 8 - 2], NULL, k->key, NULL) == 1 &&
              EVP_EncryptUpdate(ctx, out, &len, in, BLOCK) == 1 && len == BLOCK);
    EVP_CIPHER_CTX_free(ctx);
}

static void count_up(uint8_t *end, size_t bytes)
{
    while (bytes-- > 0 && ++*--end == 0)
        ;
}

/* counter advances by the blocks used; wrap: how many of its bytes count. */
static void ctr(const struct cx_packet_key *k, uint8_t counter[BLOCK], size_t wrap, uint8_t *bytes, size_t len)
{
    uint8_t stream[BLOCK];
    for (size_t i = 0; i < len; i++) {
        if (i % BLOCK == 0) {
            aes_block(k, counter, stream);
            count_up(counter + BLOCK, wrap);
        }
        bytes[i] ^= stream[i % BLOCK];
    }
}

/* Multiplication in GF(2^128), a bit at a time: NIST SP 800-38D section 6.3. */
static void ghash_block(const uint8_t h[BLOCK], uint8_t y[BLOCK], const uint8_t x[BLOCK])
{
    uint8_t z[BLOCK] = { 0 }, v[BLOCK];
    memcpy(v, h, BLOCK);
    for (size_t i = 0; i < BLOCK; i++)
        y[i] ^= x[i];
    for (size_t bit = 0; bit < 128; bit++) {
        uint8_t carry = v[BLOCK - 1] & 1;
        for (size_t i = 0; i < BLOCK; i++)
            z[i] ^= (y[bit / 8] >> (7 - bit % 8) & 1) ? v[i] : 0;
        for (size_t i = BLOCK - 1; i > 0; i--)
            v[i] = (uint8_t)(v[i] >> 1 | v[i - 1] << 7);
        v[0] = (uint8_t)(v[0] >> 1 ^ (carry ? 0xe1 : 0));
    }
    memcpy(y, z, BLOCK);
}

static void gcm(const struct cx_packet_key *k, uint8_t *packet, size_t len)
{
    uint8_t h[BLOCK] = { 0 }, y[BLOCK] = { 0 }, block[BLOCK] = { 0 }, counter[BLOCK] = { 0 }, *tag = packet + 4 + len;
    aes_block(k, h, h);
    memcpy(counter, k->iv, 12);
    counter[15] = 2;
    ctr(k, counter, 4, packet + 4, len);
    memcpy(block, packet, 4);
    ghash_block(h, y, block);
    for (size_t i = 0; i < len; i += BLOCK) /* a packet's length is a multiple of the block */
        ghash_block(h, y, packet + 4 + i);
    memset(block, 0, sizeof block);
    cx_store_u64(block, 32);
    cx_store_u64(block + 8, len * 8);
    ghash_block(h, y, block);
    memset(counter + 12, 0, 4);
    counter[15] = 1;
    memset(tag, 0, BLOCK);
    ctr(k, counter, 4, tag, BLOCK);
    for (size_t i = 0; i < BLOCK; i++)
        tag[i] ^= y[i];
}

static void chachapoly(const struct cx_packet_key *k, uint8_t *packet, size_t len)
{
    uint8_t nonce[8], poly_key[32];
    cx_store_u64(nonce, k->seq);
    crypto_stream_chacha20(poly_key, sizeof poly_key, nonce, k->key);
    crypto_stream_chacha20_xor(packet, packet, 4, nonce, k->key + 32);
    crypto_stream_chacha20_xor_ic(packet + 4, packet + 4, len, nonce, 1, k->key);
    crypto_onetimeauth_poly1305(packet + 4 + len, packet, 4 + len, poly_key);
}

static void umac(const struct cx_packet_key *k, const uint8_t *packet, size_t len, uint8_t *tag)
{
    uint8_t nonce[8];
    cx_store_u64(nonce, k->seq);
    if (k->mac->tag_len == 8) {
        struct umac64_ctx c;
        umac64_set_key(&c, k->mac_key);
        umac64_set_nonce(&c, sizeof nonce, nonce);
        umac64_update(&c, 4 + len, packet);
        umac64_digest(&c, 8, tag);
    } else {
        struct umac128_ctx c;
        umac128_set_key(&c, k->mac_key);
        umac128_set_nonce(&c, sizeof nonce, nonce);
        umac128_update(&c, 4 + len, packet);
        umac128_digest(&c, 16, tag);
    }
}

static void hmac(const struct cx_packet_key *k, const uint8_t *packet, size_t len, uint8_t *tag)
{
    uint8_t seq[4];
    cx_store_u32(seq, k->seq);
    if (k->mac->tag_len == 32) {
        crypto_auth_hmacsha256_state s;
        crypto_auth_hmacsha256_init(&s, k->mac_key, k->mac->key_len);
        crypto_auth_hmacsha256_update(&s, seq, sizeof seq);
        crypto_auth_hmacsha256_update(&s, packet, 4 + len);
        crypto_auth_hmacsha256_final(&s, tag);
    } else {
        crypto_auth_hmacsha512_state s;
        crypto_auth_hmacsha512_init(&s, k->mac_key, k->mac->key_len);
        crypto_auth_hmacsha512_update(&s, seq, sizeof seq);
        crypto_auth_hmacsha512_update(&s, packet, 4 + len);
        crypto_auth_hmacsha512_final(&s, tag);
    }
}

static void mac_tag(const struct cx_packet_key *k, const uint8_t *packet, size_t len, uint8_t *tag)
{
    (k->mac->tag_len >= 32 ? hmac : umac)(k, packet, len, tag);
}

/* The packet that k, with this state, makes of plaintext; the counter blocks used up advance k's iv. */
static void reference_seal(struct cx_packet_key *k, uint8_t *packet, size_t len)
{
    if (!k->mac && k->cipher->tag_len > 0 && k->cipher->iv_len == 0) {
        chachapoly(k, packet, len);
    } else if (!k->mac) {
        gcm(k, packet, len);
        count_up(k->iv + 12, 8);
    } else if (k->mac->etm) {
        ctr(k, k->iv, BLOCK, packet + 4, len);
        mac_tag(k, packet, len, packet + 4 + len);
    } else {
        mac_tag(k, packet, len, packet + 4 + len);
        ctr(k, k->iv, BLOCK, packet, 4 + len);
    }
    k->seq++;
}

static void compare_with_reference(const struct cx_cipher *cipher, const struct cx_mac *mac)
{
    struct cx_random_seeded seeded;
    struct cx_random random = cx_random_from_seed(&seeded, 4);
    struct cx_packet_cache *cache = cx_packet_cache_new(1, cx_kernels_current());
    struct cx_packet_key ours, theirs;
    uint8_t secret[3][64], zero = 0;
    cx_random_fill(&random, secret, sizeof secret);
    memset(secret[1] + 4, 0xff, 12);
    cx_packet_key_init(&ours, cache, true, cipher, mac, secret[0], secret[1], secret[2]);
    theirs = ours;
    struct fixed padding = { cx_view(&zero, 1), 0 };
    struct cx_random zeros = { fill_fixed, &padding };
    for (size_t len = 0; len < 600; len += 1 + len / 5) {
        uint8_t wire[1024], want[1024] = { 0 };
        size_t whole = cx_packet_sealed_len(&ours, len), tag_len = mac ? mac->tag_len : cipher->tag_len;
        cx_random_fill(&random, wire, sizeof wire);
        memcpy(want + 5, wire + 5, len);
        cx_store_u32(want, (uint32_t)(whole - 4 - tag_len));
        want[4] = (uint8_t)(whole - 5 - len - tag_len);
        struct cx_packet_slot slot = { wire, (uint32_t)len };
        cr_assert_eq(cx_packet_seal(cache, &ours, &slot, 1, &zeros), CX_OK);
        reference_seal(&theirs, want, whole - 4 - tag_len);
        cr_assert_arr_eq(wire, want, whole, "%s %s, %zu bytes", cipher->name, mac ? mac->name : "", len);
    }
    cx_packet_key_deinit(&ours, cache);
    cx_packet_cache_free(cache);
}

Test(formats, every_suite_makes_the_bytes_of_a_second_implementation)
{
    for (size_t c = 0; cx_cipher_at(c); c++) {
        if (cx_cipher_at(c)->tag_len > 0)
            compare_with_reference(cx_cipher_at(c), NULL);
        for (size_t m = 0; cx_cipher_at(c)->tag_len == 0 && cx_mac_at(m); m++)
            compare_with_reference(cx_cipher_at(c), cx_mac_at(m));
    }
}

/* RFC 4418, appendix A: key "abcdefghijklmnop", nonce "bcdefghi". A tag of 128 bits begins with that of 96. */
static const struct {
    const char *letters;
    size_t times;
    const char *tag_64, *tag_96;
} umac_rows[] = {
    { "", 0, "6e155fad26900be1", "32fedb100c79ad58f07ff764" },
    { "a", 3, "44b5cb542f220104", "185e4fe905cba7bd85e4c2dc" },
    { "a", 1 << 10, "26bf2f5d60118bd9", "7a54abe04af82d60fb298c3c" },
    { "a", 1 << 15, "27f8ef643b0d118d", "7b136bd911e4b734286ef2be" },
    { "a", 1 << 20, "a4477e87e9f55853", "f8acfa3ac31cfeea047f7b11" },
    { "abc", 1, "d4d7b9f6bd4fbfcf", "883c3d4b97a61976ffcf2323" },
    { "abc", 500, "d4cf26ddefd5c01a", "8824a260c53c66a36c9260a6" },
};

Test(formats, umac_makes_the_rfcs_tags)
{
    static const uint8_t key[] = "abcdefghijklmnop", nonce[] = "bcdefghi";
    for (size_t i = 0; i < sizeof umac_rows / sizeof umac_rows[0]; i++) {
        struct umac64_ctx c64;
        struct umac128_ctx c128;
        uint8_t tag[16], want[12];
        umac64_set_key(&c64, key);
        umac64_set_nonce(&c64, 8, nonce);
        umac128_set_key(&c128, key);
        umac128_set_nonce(&c128, 8, nonce);
        for (size_t n = 0; n < umac_rows[i].times; n++) {
            umac64_update(&c64, strlen(umac_rows[i].letters), (const uint8_t *)umac_rows[i].letters);
            umac128_update(&c128, strlen(umac_rows[i].letters), (const uint8_t *)umac_rows[i].letters);
        }
        umac64_digest(&c64, 8, tag);
        cr_assert_arr_eq(tag, want, unhex(umac_rows[i].tag_64, want, sizeof want), "row %zu", i);
        umac128_digest(&c128, 16, tag);
        cr_assert_arr_eq(tag, want, unhex(umac_rows[i].tag_96, want, sizeof want), "row %zu", i);
    }
}
