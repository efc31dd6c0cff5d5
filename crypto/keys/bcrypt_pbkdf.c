/* SPDX-License-Identifier: MIT */
/* bcrypt_pbkdf: PBKDF2's shape around a bcrypt whose passphrase and salt are SHA-512 hashes. Unlike PBKDF2 it deals the bytes
 * of its blocks out over the whole result, so that no part of a key can be had for less. */
#include "crypto/keys/bcrypt_pbkdf.h"

#include <sodium.h>

#include "crypto/keys/blowfish.h"
#include "crypto/secret.h"
#include "crypto/wire.h"

enum {
    BLOCK_BYTES = 32,
    BLOCK_WORDS = BLOCK_BYTES / 4,
    EXPANSIONS = 64,
    ENCRYPTIONS = 64,
    HASH_BYTES = crypto_hash_sha512_BYTES,
};

/* All of it depends on the passphrase. */
struct state {
    struct cx_blowfish blowfish;
    uint8_t passphrase[HASH_BYTES], salt[HASH_BYTES];
    uint32_t words[BLOCK_WORDS];
    uint8_t block[BLOCK_BYTES], sum[BLOCK_BYTES];
};

/* One bcrypt of s->passphrase and s->salt into s->block. */
static void bcrypt(struct state *s)
{
    static const uint8_t text[BLOCK_BYTES] = "OxychromaticBlowfishSwatDynamite";
    const struct cx_view passphrase = cx_view(s->passphrase, HASH_BYTES), salt = cx_view(s->salt, HASH_BYTES),
                         none = cx_view("", 0);
    s->blowfish = cx_blowfish_pi;
    cx_blowfish_expand(&s->blowfish, salt, passphrase);
    for (size_t i = 0; i < EXPANSIONS; i++) {
        cx_blowfish_expand(&s->blowfish, none, salt);
        cx_blowfish_expand(&s->blowfish, none, passphrase);
    }
    for (size_t i = 0; i < BLOCK_WORDS; i++)
        s->words[i] = cx_load_u32(text + 4 * i);
    for (size_t n = 0; n < ENCRYPTIONS; n++)
        for (size_t i = 0; i < BLOCK_WORDS; i += 2)
            cx_blowfish_encrypt(&s->blowfish, s->words + i);
    for (size_t i = 0; i < BLOCK_WORDS; i++) /* little-endian, unlike the way in */
        cx_store_u32(s->block + 4 * i, __builtin_bswap32(s->words[i]));
}

static void hash_salt(struct state *s, struct cx_view salt, uint32_t count)
{
    crypto_hash_sha512_state hash;
    uint8_t bytes[4];
    cx_store_u32(bytes, count);
    crypto_hash_sha512_init(&hash);
    crypto_hash_sha512_update(&hash, salt.data, salt.len);
    crypto_hash_sha512_update(&hash, bytes, sizeof bytes);
    crypto_hash_sha512_final(&hash, s->salt);
}

/* The sum of all rounds, each salted with the one before, into s->sum. */
static void derive_block(struct state *s, uint32_t rounds)
{
    memset(s->sum, 0, sizeof s->sum);
    for (uint32_t round = 0; round < rounds; round++) {
        if (round > 0)
            crypto_hash_sha512(s->salt, s->block, BLOCK_BYTES);
        bcrypt(s);
        for (size_t i = 0; i < BLOCK_BYTES; i++)
            s->sum[i] ^= s->block[i];
    }
}

enum cx_err cx_bcrypt_pbkdf(struct cx_view passphrase, struct cx_view salt, uint32_t rounds, struct cx_span out)
{
    struct state s;
    if (passphrase.len == 0 || salt.len == 0 || out.len == 0 || out.len > CX_BCRYPT_OUT_MAX || rounds == 0 ||
        rounds > CX_BCRYPT_ROUNDS_MAX)
        return CX_E_UNSUPPORTED;
    size_t blocks = (out.len + BLOCK_BYTES - 1) / BLOCK_BYTES;
    crypto_hash_sha512(s.passphrase, passphrase.data, passphrase.len);
    for (size_t block = 0; block < blocks; block++) {
        hash_salt(&s, salt, (uint32_t)block + 1);
        derive_block(&s, rounds);
        for (size_t i = 0; i < BLOCK_BYTES && i * blocks + block < out.len; i++)
            out.data[i * blocks + block] = s.sum[i];
    }
    cx_secret_wipe(&s, sizeof s);
    return CX_OK;
}
