/* SPDX-License-Identifier: MIT */
/* Ours takes and gives what stands on the wire: a key is a blob, which each verification parses and checks anew, as it does for a
 * login. OpenSSL's has its keys ready. */
#include "bench/sign_ops.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "bench/clock.h"
#include "crypto/keys/key.h"

enum { DATA_BYTES = 64, RSA_BITS = 3072 };

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

/* Before the first signature, which comes before everything else: RSA's keys take a second, and --list none. */
static bool make_keys(struct key *k)
{
    if (!k->evp)
        k->evp = openssl_key(k->alg->type);
    return k->evp && (k->private || cx_private_key_generate(k->alg->type, &k->private) == CX_OK);
}

static bool sign(void *state, double *ns)
{
    struct key *k = state;
    if (!make_keys(k))
        return false;
    struct bench_timer timer = bench_timer_start();
    k->signature_len = sizeof k->signature;
    enum cx_err err = cx_private_key_sign(k->private, k->alg, cx_view(data, sizeof data), k->signature, &k->signature_len);
    *ns = bench_timer_ns(&timer);
    return err == CX_OK;
}

static bool verify(void *state, double *ns)
{
    struct key *k = state;
    struct bench_timer timer = bench_timer_start();
    enum cx_err err =
        cx_key_verify(cx_private_key_blob(k->private), k->alg, cx_view(k->signature, k->signature_len), cx_view(data, sizeof data));
    *ns = bench_timer_ns(&timer);
    return err == CX_OK;
}

static bool openssl_sign(void *state, double *ns)
{
    struct key *k = state;
    struct bench_timer timer = bench_timer_start();
    k->raw_len = sizeof k->raw;
    bool good = EVP_DigestSignInit(k->ctx, NULL, k->digest, NULL, k->evp) == 1 &&
                EVP_DigestSign(k->ctx, k->raw, &k->raw_len, data, sizeof data) == 1;
    *ns = bench_timer_ns(&timer);
    return good && EVP_MD_CTX_reset(k->ctx) == 1;
}

static bool openssl_verify(void *state, double *ns)
{
    struct key *k = state;
    struct bench_timer timer = bench_timer_start();
    bool good = EVP_DigestVerifyInit(k->ctx, NULL, k->digest, NULL, k->evp) == 1 &&
                EVP_DigestVerify(k->ctx, k->raw, k->raw_len, data, sizeof data) == 1;
    *ns = bench_timer_ns(&timer);
    return good && EVP_MD_CTX_reset(k->ctx) == 1;
}

static const EVP_MD *openssl_digest(const struct cx_sign_alg *alg)
{
    static const EVP_MD *(*const digests[CX_HASH_COUNT])(
        void) = { [CX_SHA256] = EVP_sha256, [CX_SHA384] = EVP_sha384, [CX_SHA512] = EVP_sha512 };
    return alg->type == CX_KEY_ED25519 ? NULL : digests[alg->hash]();
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

static void plan_algorithm(struct bench_plan *plan, struct bench_sign_ops *ops, const struct cx_sign_alg *alg)
{
    struct key *k = add_key(ops, alg);
    if (!k) {
        plan->failed = true;
        return;
    }
    bench_plan_group(plan, BENCH_SIGN, alg->name, 0, 0);
    bench_plan_cell(plan, (struct bench_cell){ "sluice", NULL, "sign", BENCH_OURS, sign, k });
    bench_plan_cell(plan, (struct bench_cell){ "openssl", NULL, "sign", BENCH_REFERENCE, openssl_sign, k });
    bench_plan_cell(plan, (struct bench_cell){ "sluice", NULL, "verify", BENCH_OURS, verify, k });
    bench_plan_cell(plan, (struct bench_cell){ "openssl", NULL, "verify", BENCH_REFERENCE, openssl_verify, k });
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
