/* SPDX-License-Identifier: MIT */
/* Ours takes and gives what stands on the wire: a key is a blob, which each verification parses and checks anew, as it does for a
 * login. OpenSSL's has its keys ready. */
#include "bench/cipher/sign_ops.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "bench/cipher/repeat.h"
#include "crypto/keys/key.h"

enum { DATA_BYTES = 64, RSA_BITS = 3072, CELL_COUNT = 4 };

static const uint8_t data[DATA_BYTES] = "an exchange hash is of about this length";

struct key {
    struct key *next;
    const struct cx_sign_alg *alg;
    struct cx_private_key *private;
    uint8_t signature[CX_SIGNATURE_MAX];
    size_t signature_len;
    EVP_PKEY *evp;
    EVP_MD_CTX *ctx;
    const EVP_MD *digest; /* NULL: the algorithm has its own */
    uint8_t raw[CX_SIGNATURE_MAX];
    size_t raw_len;
    struct bench_repeat repeat[CELL_COUNT];
};

struct bench_sign_ops {
    struct key *keys;
};

static EVP_PKEY *openssl_key(enum cx_key_type type)
{
    switch (type) {
    case CX_KEY_ED25519:
        return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    case CX_KEY_ECDSA_P256:
        return EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    case CX_KEY_ECDSA_P384:
        return EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-384");
    case CX_KEY_ECDSA_P521:
        return EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-521");
    default:
        return EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)RSA_BITS);
    }
}

static bool sign(void *state)
{
    struct key *k = state;
    k->signature_len = sizeof k->signature;
    enum cx_err err = cx_private_key_sign(k->private, k->alg, cx_view(data, sizeof data), k->signature, &k->signature_len);
    return err == CX_OK;
}

static bool verify(void *state)
{
    struct key *k = state;
    enum cx_err err =
        cx_key_verify(cx_private_key_blob(k->private), k->alg, cx_view(k->signature, k->signature_len), cx_view(data, sizeof data));
    return err == CX_OK;
}

static bool openssl_sign(void *state)
{
    struct key *k = state;
    k->raw_len = sizeof k->raw;
    bool good = EVP_DigestSignInit(k->ctx, NULL, k->digest, NULL, k->evp) == 1 &&
                EVP_DigestSign(k->ctx, k->raw, &k->raw_len, data, sizeof data) == 1;
    return good && EVP_MD_CTX_reset(k->ctx) == 1;
}

static bool openssl_verify(void *state)
{
    struct key *k = state;
    bool good = EVP_DigestVerifyInit(k->ctx, NULL, k->digest, NULL, k->evp) == 1 &&
                EVP_DigestVerify(k->ctx, k->raw, k->raw_len, data, sizeof data) == 1;
    return good && EVP_MD_CTX_reset(k->ctx) == 1;
}

/* Signing comes before everything else; RSA's keys take a second, and --list needs none. */
static bool sign_pass(void *state, double *ns)
{
    struct bench_repeat *repeat = state;
    struct key *k = repeat->state;
    if (!k->evp)
        k->evp = openssl_key(k->alg->type);
    if (!k->evp || (!k->private && cx_private_key_generate(k->alg->type, &k->private) != CX_OK))
        return false;
    return bench_repeat_pass(repeat, ns);
}

static const EVP_MD *openssl_digest(const struct cx_sign_alg *alg)
{
    if (alg->type == CX_KEY_ED25519)
        return NULL;
    return alg->hash == CX_SHA256 ? EVP_sha256() : alg->hash == CX_SHA384 ? EVP_sha384() : EVP_sha512();
}

static struct key *add_key(struct bench_sign_ops *ops, const struct cx_sign_alg *alg)
{
    struct key *k = calloc(1, sizeof *k);
    if (!k)
        return NULL;
    *k = (struct key){ .next = ops->keys, .alg = alg, .digest = openssl_digest(alg) };
    ops->keys = k;
    k->ctx = EVP_MD_CTX_new();
    return k->ctx ? k : NULL;
}

static const struct {
    const char *kernel, *operation;
    enum bench_role role;
    bool (*once)(void *state);
} cells[CELL_COUNT] = {
    { "sluice", "sign", BENCH_OURS, sign },
    { "openssl", "sign", BENCH_REFERENCE, openssl_sign },
    { "sluice", "verify", BENCH_OURS, verify },
    { "openssl", "verify", BENCH_REFERENCE, openssl_verify },
};

static void plan_algorithm(struct bench_plan *plan, struct bench_sign_ops *ops, const struct cx_sign_alg *alg)
{
    struct key *k = add_key(ops, alg);
    if (!k) {
        plan->failed = true;
        return;
    }
    bench_plan_group(plan, BENCH_SIGN, alg->name, 0, 0);
    for (size_t i = 0; i < CELL_COUNT; i++) {
        k->repeat[i] = (struct bench_repeat){ cells[i].once, k, 0 };
        bench_plan_cell(plan, (struct bench_cell){ .kernel = cells[i].kernel,
                                                   .picked = true,
                                                   .operation = cells[i].operation,
                                                   .role = cells[i].role,
                                                   .pass = i == 0 ? sign_pass : bench_repeat_pass,
                                                   .state = &k->repeat[i] });
    }
}

static bool is_ours(const struct cx_sign_alg *alg)
{
    return alg->type < CX_KEY_PRIVATE_COUNT && !alg->webauthn && !alg->certificate;
}

struct bench_sign_ops *bench_sign_ops_plan(struct bench_plan *plan, const struct bench_choice *choice)
{
    const struct cx_sign_alg *alg;
    struct bench_sign_ops *ops = calloc(1, sizeof *ops);
    if (!ops)
        return NULL;
    for (size_t i = 0; (alg = cx_sign_alg_at(i)); i++)
        if (is_ours(alg) && bench_choice_takes(choice, "sign", alg->name))
            plan_algorithm(plan, ops, alg);
    return ops;
}

void bench_sign_ops_free(struct bench_sign_ops *ops)
{
    if (!ops)
        return;
    for (struct key *k = ops->keys, *next; k; k = next) {
        next = k->next;
        cx_private_key_free(k->private);
        EVP_MD_CTX_free(k->ctx);
        EVP_PKEY_free(k->evp);
        free(k);
    }
    free(ops);
}
