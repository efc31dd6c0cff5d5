/* SPDX-License-Identifier: MIT */
/* A FIDO security key in software, as middleware that OpenSSH loads (SecurityKeyProvider; PROTOCOL.u2f and sk-api.h of OpenSSH,
 * version 10 of the interface): it is touched, and its user verified, whenever that is asked for. The private key itself is what
 * the key file keeps as the handle, so it is for tests alone. ssh-sk-helper loads it, so that no sanitizer may be in it. */
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { API_VERSION = 0x000a0000, ALG_ECDSA = 0, ALG_ED25519 = 1 };
enum { FLAG_TOUCH = 0x01, FLAG_VERIFY = 0x04, FLAG_RESIDENT = 0x20 };
enum { E_GENERAL = -1, E_UNSUPPORTED = -2 };
enum { POINT_BYTES = 65, HALF_BYTES = 32, MESSAGE_BYTES = 2 * SHA256_DIGEST_LENGTH + 5 };

struct bytes {
    uint8_t *data; /* malloc'd; whoever gets it frees it */
    size_t len;
};

struct sk_enroll_response {
    uint8_t flags;
    struct bytes public_key, key_handle, signature, attestation_cert, authdata;
};

struct sk_sign_response {
    uint8_t flags;
    uint32_t counter;
    struct bytes sig_r, sig_s;
};

struct sk_option;
struct sk_resident_key;

uint32_t sk_api_version(void);
int sk_enroll(uint32_t alg, const uint8_t *challenge, size_t challenge_len, const char *application, uint8_t flags, const char *pin,
              struct sk_option **options, struct sk_enroll_response **out);
int sk_sign(uint32_t alg, const uint8_t *data, size_t data_len, const char *application, const uint8_t *handle, size_t handle_len,
            uint8_t flags, const char *pin, struct sk_option **options, struct sk_sign_response **out);
int sk_load_resident_keys(const char *pin, struct sk_option **options, struct sk_resident_key ***keys, size_t *count);

uint32_t sk_api_version(void)
{
    return API_VERSION;
}

static struct bytes room(size_t len)
{
    return (struct bytes){ calloc(1, len), len };
}

static struct bytes public_half(const EVP_PKEY *key)
{
    struct bytes out = room(POINT_BYTES);
    if (EVP_PKEY_is_a(key, "EC"))
        (void)EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, out.data, out.len, &out.len);
    else
        (void)EVP_PKEY_get_raw_public_key(key, out.data, &out.len);
    return out;
}

int sk_enroll(uint32_t alg, const uint8_t *challenge, size_t challenge_len, const char *application, uint8_t flags, const char *pin,
              struct sk_option **options, struct sk_enroll_response **out)
{
    (void)challenge, (void)challenge_len, (void)application, (void)pin, (void)options;
    if (alg > ALG_ED25519 || (flags & FLAG_RESIDENT))
        return E_UNSUPPORTED;
    EVP_PKEY *key = alg == ALG_ECDSA ? EVP_EC_gen("P-256") : EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    struct sk_enroll_response *made = calloc(1, sizeof *made);
    unsigned char *der = NULL;
    int len = key && made ? i2d_PrivateKey(key, &der) : 0;
    if (len <= 0)
        return E_GENERAL;
    made->flags = flags;
    made->public_key = public_half(key);
    made->key_handle = room((size_t)len);
    memcpy(made->key_handle.data, der, (size_t)len);
    made->signature = room(1); /* nobody asks for an attestation here */
    OPENSSL_free(der);
    EVP_PKEY_free(key);
    *out = made;
    return 0;
}

/* What is signed: PROTOCOL.u2f, "SSH U2F Signatures". */
static void write_message(uint8_t out[MESSAGE_BYTES], const char *application, uint8_t flags, uint32_t counter, const uint8_t *data,
                          size_t len)
{
    SHA256((const uint8_t *)application, strlen(application), out);
    out += SHA256_DIGEST_LENGTH;
    *out++ = flags;
    for (int shift = 24; shift >= 0; shift -= 8)
        *out++ = (uint8_t)(counter >> shift);
    SHA256(data, len, out);
}

/* r and s by themselves, of a fixed length. */
static void split_ecdsa(const uint8_t *der, size_t len, struct sk_sign_response *out)
{
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)len);
    out->sig_r = room(HALF_BYTES);
    out->sig_s = room(HALF_BYTES);
    (void)BN_bn2binpad(ECDSA_SIG_get0_r(pair), out->sig_r.data, HALF_BYTES);
    (void)BN_bn2binpad(ECDSA_SIG_get0_s(pair), out->sig_s.data, HALF_BYTES);
    ECDSA_SIG_free(pair);
}

int sk_sign(uint32_t alg, const uint8_t *data, size_t data_len, const char *application, const uint8_t *handle, size_t handle_len,
            uint8_t flags, const char *pin, struct sk_option **options, struct sk_sign_response **out)
{
    (void)pin, (void)options;
    uint8_t message[MESSAGE_BYTES], raw[128];
    size_t len = sizeof raw;
    EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &handle, (long)handle_len);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    struct sk_sign_response *made = calloc(1, sizeof *made);
    if (!key || !ctx || !made)
        return E_GENERAL;
    made->flags = flags & (FLAG_TOUCH | FLAG_VERIFY);
    made->counter = (uint32_t)time(NULL);
    write_message(message, application, made->flags, made->counter, data, data_len);
    if (EVP_DigestSignInit(ctx, NULL, alg == ALG_ECDSA ? EVP_sha256() : NULL, NULL, key) != 1 ||
        EVP_DigestSign(ctx, raw, &len, message, sizeof message) != 1)
        return E_GENERAL;
    if (alg == ALG_ECDSA) {
        split_ecdsa(raw, len, made);
    } else {
        made->sig_r = room(len);
        memcpy(made->sig_r.data, raw, len);
    }
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
    *out = made;
    return 0;
}

int sk_load_resident_keys(const char *pin, struct sk_option **options, struct sk_resident_key ***keys, size_t *count)
{
    (void)pin, (void)options;
    *keys = NULL; /* none can be enrolled */
    *count = 0;
    return 0;
}
