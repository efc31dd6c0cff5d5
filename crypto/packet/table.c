/* SPDX-License-Identifier: MIT */
/* The ciphers and MACs by name, best first. */
#include "crypto/packet/packet.h"

/* RFC 4344 section 3.2: 2^(L/4) blocks of L bits under one key; 2^32 blocks of 16 bytes with AES. A stream cipher has no
 * such bound; RFC 4253 section 9 advises a gigabyte, and OpenSSH does the same, so peers are used to it. */
#define AES_REKEY_BYTES ((uint64_t)1 << 36)
#define DEFAULT_REKEY_BYTES ((uint64_t)1 << 30)

const struct cx_cipher cx_cipher_none = {
    .name = "none", .block_len = 8, .rekey_bytes = DEFAULT_REKEY_BYTES, .primitive = CX_PRIMITIVE_COUNT
};

static const struct cx_cipher ciphers[] = {
    { "aes128-gcm@openssh.com", 16, 12, 16, 16, AES_REKEY_BYTES, CX_PRIMITIVE_GCM },
    { "aes256-gcm@openssh.com", 32, 12, 16, 16, AES_REKEY_BYTES, CX_PRIMITIVE_GCM },
    { "chacha20-poly1305@openssh.com", 64, 0, 8, 16, DEFAULT_REKEY_BYTES, CX_PRIMITIVE_CHACHAPOLY },
    { "aes128-ctr", 16, 16, 16, 0, AES_REKEY_BYTES, CX_PRIMITIVE_CTR },
    { "aes192-ctr", 24, 16, 16, 0, AES_REKEY_BYTES, CX_PRIMITIVE_CTR },
    { "aes256-ctr", 32, 16, 16, 0, AES_REKEY_BYTES, CX_PRIMITIVE_CTR },
};
enum { CIPHER_COUNT = sizeof ciphers / sizeof ciphers[0] };

static const struct cx_mac macs[] = {
    { "hmac-sha2-256-etm@openssh.com", 32, 32, true, CX_PRIMITIVE_HMAC_SHA256 },
    { "hmac-sha2-512-etm@openssh.com", 64, 64, true, CX_PRIMITIVE_HMAC_SHA512 },
    { "umac-128-etm@openssh.com", 16, 16, true, CX_PRIMITIVE_UMAC128 },
    { "umac-64-etm@openssh.com", 16, 8, true, CX_PRIMITIVE_UMAC64 },
    { "hmac-sha2-256", 32, 32, false, CX_PRIMITIVE_HMAC_SHA256 },
    { "hmac-sha2-512", 64, 64, false, CX_PRIMITIVE_HMAC_SHA512 },
    { "umac-128@openssh.com", 16, 16, false, CX_PRIMITIVE_UMAC128 },
    { "umac-64@openssh.com", 16, 8, false, CX_PRIMITIVE_UMAC64 },
};
enum { MAC_COUNT = sizeof macs / sizeof macs[0] };

const struct cx_cipher *cx_cipher_at(size_t i)
{
    return i < CIPHER_COUNT ? &ciphers[i] : NULL;
}

const struct cx_mac *cx_mac_at(size_t i)
{
    return i < MAC_COUNT ? &macs[i] : NULL;
}

const char *cx_cipher_name_at(size_t i)
{
    const struct cx_cipher *cipher = cx_cipher_at(i);
    return cipher ? cipher->name : NULL;
}

const char *cx_mac_name_at(size_t i)
{
    const struct cx_mac *mac = cx_mac_at(i);
    return mac ? mac->name : NULL;
}

const struct cx_cipher *cx_cipher_find(struct cx_view name)
{
    for (size_t i = 0; i < CIPHER_COUNT; i++)
        if (cx_view_is(name, ciphers[i].name))
            return &ciphers[i];
    return NULL;
}

const struct cx_mac *cx_mac_find(struct cx_view name)
{
    for (size_t i = 0; i < MAC_COUNT; i++)
        if (cx_view_is(name, macs[i].name))
            return &macs[i];
    return NULL;
}
