/* SPDX-License-Identifier: MIT */
/* Blowfish for bcrypt. OpenSSL has the cipher, but not this key setup. */
#include "crypto/keys/blowfish.h"

#include <assert.h>

static uint32_t mix(const struct cx_blowfish *b, uint32_t half)
{
    return ((b->boxes[0][half >> 24] + b->boxes[1][half >> 16 & 0xff]) ^ b->boxes[2][half >> 8 & 0xff]) + b->boxes[3][half & 0xff];
}

void cx_blowfish_encrypt(const struct cx_blowfish *b, uint32_t block[2])
{
    uint32_t left = block[0] ^ b->subkeys[0], right = block[1];
    for (size_t i = 1; i <= 16; i += 2) {
        right ^= mix(b, left) ^ b->subkeys[i];
        left ^= mix(b, right) ^ b->subkeys[i + 1];
    }
    block[0] = right ^ b->subkeys[17];
    block[1] = left;
}

/* The next four bytes of a text that starts over at its end. */
static uint32_t next_word(struct cx_view text, size_t *at)
{
    uint32_t word = 0;
    for (size_t i = 0; i < 4; i++) {
        word = word << 8 | text.data[*at];
        *at = (*at + 1) % text.len;
    }
    return word;
}

static void replace(struct cx_blowfish *b, uint32_t *words, size_t count, uint32_t chain[2], struct cx_view salt, size_t *at)
{
    for (size_t i = 0; i < count; i += 2) {
        if (salt.len > 0) {
            chain[0] ^= next_word(salt, at);
            chain[1] ^= next_word(salt, at);
        }
        cx_blowfish_encrypt(b, chain);
        words[i] = chain[0];
        words[i + 1] = chain[1];
    }
}

void cx_blowfish_expand(struct cx_blowfish *b, struct cx_view salt, struct cx_view key)
{
    uint32_t chain[2] = { 0, 0 };
    size_t key_at = 0, salt_at = 0;
    assert(key.len > 0);
    for (size_t i = 0; i < CX_BLOWFISH_SUBKEYS; i++)
        b->subkeys[i] ^= next_word(key, &key_at);
    replace(b, b->subkeys, CX_BLOWFISH_SUBKEYS, chain, salt, &salt_at);
    for (size_t i = 0; i < 4; i++)
        replace(b, b->boxes[i], 256, chain, salt, &salt_at);
}
