/* SPDX-License-Identifier: MIT */
#include "bench/cipher/kex_openssl.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

enum { SHARED_MAX_BYTES = 1024 };

/* Exponents of 512 bits, as ours are; OpenSSL's own choice is shorter, of the group's strength. */
static const int EXPONENT_BITS = 512;

static const struct form {
    const char *method, *algorithm, *group;
} forms[] = {
    { "curve25519-sha256", "X25519", NULL },
    { "curve25519-sha256@libssh.org", "X25519", NULL },
    { "ecdh-sha2-nistp256", "EC", "P-256" },
    { "ecdh-sha2-nistp384", "EC", "P-384" },
    { "ecdh-sha2-nistp521", "EC", "P-521" },
    { "diffie-hellman-group14-sha256", "DH", "modp_2048" },
    { "diffie-hellman-group16-sha512", "DH", "modp_4096" },
    { "diffie-hellman-group18-sha512", "DH", "modp_8192" },
    { "diffie-hellman-group-exchange-sha256", "DH", "modp_3072" },
};

struct side {
    EVP_PKEY *pair;
    uint8_t *public;
    size_t public_len;
    uint8_t shared[SHARED_MAX_BYTES];
};

struct bench_kex_openssl {
    const struct form *form;
    EVP_PKEY_CTX *generator;
    struct side client, server;
};

static EVP_PKEY_CTX *new_generator(const struct form *form)
{
    char group[16] = "";
    int exponent_bits = EXPONENT_BITS;
    OSSL_PARAM params[3] = { OSSL_PARAM_construct_end(), OSSL_PARAM_construct_end(), OSSL_PARAM_construct_end() };
    if (form->group) {
        memcpy(group, form->group, strlen(form->group) + 1);
        params[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0);
        if (strcmp(form->algorithm, "DH") == 0)
            params[1] = OSSL_PARAM_construct_int(OSSL_PKEY_PARAM_DH_PRIV_LEN, &exponent_bits);
    }
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, form->algorithm, NULL);
    if (ctx && EVP_PKEY_keygen_init(ctx) == 1 && EVP_PKEY_CTX_set_params(ctx, params) == 1)
        return ctx;
    EVP_PKEY_CTX_free(ctx);
    return NULL;
}

struct bench_kex_openssl *bench_kex_openssl_new(const char *method)
{
    const struct form *form = NULL;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        if (strcmp(forms[i].method, method) == 0)
            form = &forms[i];
    struct bench_kex_openssl *x = form ? calloc(1, sizeof *x) : NULL;
    if (!x)
        return NULL;
    x->form = form;
    x->generator = new_generator(form);
    if (x->generator)
        return x;
    bench_kex_openssl_free(x);
    return NULL;
}

static void forget(struct side *side)
{
    EVP_PKEY_free(side->pair);
    OPENSSL_free(side->public);
    side->pair = NULL;
    side->public = NULL;
}

void bench_kex_openssl_free(struct bench_kex_openssl *x)
{
    if (!x)
        return;
    forget(&x->client);
    forget(&x->server);
    EVP_PKEY_CTX_free(x->generator);
    free(x);
}

static bool make_pair(struct bench_kex_openssl *x, struct side *side)
{
    forget(side);
    if (EVP_PKEY_generate(x->generator, &side->pair) != 1)
        return false;
    side->public_len = EVP_PKEY_get1_encoded_public_key(side->pair, &side->public);
    return side->public_len > 0;
}

/* The other's public value, as it came over the wire, as a key. */
static EVP_PKEY *peer_key(const struct bench_kex_openssl *x, const struct side *mine, const struct side *other)
{
    if (!x->form->group)
        return EVP_PKEY_new_raw_public_key_ex(NULL, x->form->algorithm, NULL, other->public, other->public_len);
    EVP_PKEY *peer = EVP_PKEY_new();
    if (peer && EVP_PKEY_copy_parameters(peer, mine->pair) == 1 &&
        EVP_PKEY_set1_encoded_public_key(peer, other->public, other->public_len) == 1)
        return peer;
    EVP_PKEY_free(peer);
    return NULL;
}

/* A point was judged when it became a key; in a group of a safe prime there is nothing to judge but the range, while OpenSSL's own
 * validation would cost a second power. */
static bool agree(const struct bench_kex_openssl *x, struct side *mine, const struct side *other)
{
    size_t len = sizeof mine->shared;
    EVP_PKEY *peer = peer_key(x, mine, other);
    EVP_PKEY_CTX *ctx = peer ? EVP_PKEY_CTX_new_from_pkey(NULL, mine->pair, NULL) : NULL;
    bool good = ctx && EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_derive_set_peer_ex(ctx, peer, 0) == 1 &&
                EVP_PKEY_derive(ctx, mine->shared, &len) == 1;
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(peer);
    return good;
}

bool bench_kex_openssl_keygen(struct bench_kex_openssl *x)
{
    return make_pair(x, &x->client);
}

bool bench_kex_openssl_encaps(struct bench_kex_openssl *x)
{
    return make_pair(x, &x->server) && agree(x, &x->server, &x->client);
}

bool bench_kex_openssl_decaps(struct bench_kex_openssl *x)
{
    return agree(x, &x->client, &x->server);
}
