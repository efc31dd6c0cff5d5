/* SPDX-License-Identifier: MIT */
/* ML-KEM-768: the scheme of FIPS 203 sections 5 and 6 (K-PKE and, around it, the KEM) on the ring, sampling and encodings of
 * mlkem768_{ring,sample,code}.c. Names are the standard's; a hat there is _hat here: a value in the transform's domain. */
#include "crypto/kex/mlkem768.h"

#include "crypto/keccak.h"
#include "crypto/kex/ct_priv.h"
#include "crypto/kex/kex_priv.h"
#include "crypto/kex/mlkem768_priv.h"
#include "crypto/secret.h"

/* Where the parts of a decapsulation key stand: Algorithm 16. */
enum {
    DK_EK = MLKEM_VECTOR_BYTES,
    DK_HASH = DK_EK + CX_MLKEM768_EK_BYTES,
    DK_Z = DK_HASH + MLKEM_HASH_BYTES,
};

/* Both halves of G, section 4.1. */
struct halves {
    uint8_t first[MLKEM_HASH_BYTES], second[MLKEM_HASH_BYTES];
};

static void hash_g(struct halves *out, struct cx_view a, struct cx_view b)
{
    uint8_t digest[CX_SHA3_512_BYTES];
    cx_keccak(CX_SHA3_512, a, b, digest, sizeof digest);
    memcpy(out->first, digest, sizeof out->first);
    memcpy(out->second, digest + sizeof out->first, sizeof out->second);
    cx_secret_wipe(digest, sizeof digest);
}

static void hash_h(uint8_t out[MLKEM_HASH_BYTES], const uint8_t ek[CX_MLKEM768_EK_BYTES])
{
    cx_keccak(CX_SHA3_256, cx_view(ek, CX_MLKEM768_EK_BYTES), cx_view(NULL, 0), out, MLKEM_HASH_BYTES);
}

/* K-PKE.KeyGen, Algorithm 13: dk is s_hat alone. */
static void pke_make_pair(const uint8_t d[MLKEM_HASH_BYTES], uint8_t ek[CX_MLKEM768_EK_BYTES], uint8_t dk[MLKEM_VECTOR_BYTES])
{
    static const uint8_t k = MLKEM_K;
    struct {
        struct halves rho_sigma;
        struct cx_mlkem_vector noise[2]; /* s_hat, e_hat */
        struct cx_mlkem_vector t_hat;
    } secret;
    struct cx_mlkem_matrix a_hat;
    struct cx_mlkem_vector *s_hat = &secret.noise[0], *e_hat = &secret.noise[1];

    hash_g(&secret.rho_sigma, cx_view(d, MLKEM_HASH_BYTES), cx_view(&k, 1));
    cx_ct_publish(secret.rho_sigma.first, MLKEM_HASH_BYTES);
    cx_mlkem_sample_matrix(&a_hat, secret.rho_sigma.first, false);
    cx_mlkem_sample_noise(s_hat->p, MLKEM_K, secret.rho_sigma.second, 0);
    cx_mlkem_sample_noise(e_hat->p, MLKEM_K, secret.rho_sigma.second, MLKEM_K);
    cx_mlkem_ntt(s_hat->p, MLKEM_K);
    cx_mlkem_ntt(e_hat->p, MLKEM_K);
    for (size_t i = 0; i < MLKEM_K; i++)
        cx_mlkem_dot(&secret.t_hat.p[i], &a_hat.row[i], s_hat);
    cx_mlkem_add(secret.t_hat.p, e_hat->p, MLKEM_K);
    cx_mlkem_canonical(secret.t_hat.p, MLKEM_K);
    cx_mlkem_canonical(s_hat->p, MLKEM_K);
    cx_mlkem_encode(ek, &secret.t_hat);
    memcpy(ek + MLKEM_VECTOR_BYTES, secret.rho_sigma.first, MLKEM_HASH_BYTES);
    cx_mlkem_encode(dk, s_hat);
    cx_secret_wipe(&secret, sizeof secret);
}

/* K-PKE.Encrypt, Algorithm 14, with t_hat decoded already. */
static void pke_encrypt(const struct cx_mlkem_vector *t_hat, const uint8_t rho[MLKEM_HASH_BYTES],
                        const uint8_t message[CX_MLKEM768_MESSAGE_BYTES], const uint8_t r[MLKEM_HASH_BYTES],
                        uint8_t ciphertext[CX_MLKEM768_CIPHERTEXT_BYTES])
{
    struct {
        struct cx_mlkem_vector y_hat, u, e1;
        struct cx_mlkem_poly v, e2, mu;
    } secret;
    struct cx_mlkem_matrix a_hat;

    cx_mlkem_sample_matrix(&a_hat, rho, true);
    cx_mlkem_sample_noise(secret.y_hat.p, MLKEM_K, r, 0);
    cx_mlkem_sample_noise(secret.e1.p, MLKEM_K, r, MLKEM_K);
    cx_mlkem_sample_noise(&secret.e2, 1, r, 2 * MLKEM_K);
    cx_mlkem_ntt(secret.y_hat.p, MLKEM_K);
    for (size_t i = 0; i < MLKEM_K; i++)
        cx_mlkem_dot(&secret.u.p[i], &a_hat.row[i], &secret.y_hat);
    cx_mlkem_dot(&secret.v, t_hat, &secret.y_hat);
    cx_mlkem_ntt_inverse(secret.u.p, MLKEM_K);
    cx_mlkem_ntt_inverse(&secret.v, 1);
    cx_mlkem_decode_message(&secret.mu, message);
    cx_mlkem_add(secret.u.p, secret.e1.p, MLKEM_K);
    cx_mlkem_add(&secret.v, &secret.e2, 1);
    cx_mlkem_add(&secret.v, &secret.mu, 1);
    cx_mlkem_canonical(secret.u.p, MLKEM_K);
    cx_mlkem_canonical(&secret.v, 1);
    cx_mlkem_encode_ciphertext(ciphertext, &secret.u, &secret.v);
    cx_secret_wipe(&secret, sizeof secret);
}

/* K-PKE.Decrypt, Algorithm 15. */
static void pke_decrypt(const uint8_t dk[MLKEM_VECTOR_BYTES], const uint8_t ciphertext[CX_MLKEM768_CIPHERTEXT_BYTES],
                        uint8_t message[CX_MLKEM768_MESSAGE_BYTES])
{
    struct {
        struct cx_mlkem_vector s_hat, u;
        struct cx_mlkem_poly v, w;
    } secret;

    cx_mlkem_decode_ciphertext(&secret.u, &secret.v, ciphertext);
    cx_mlkem_decode(&secret.s_hat, dk);
    cx_mlkem_ntt(secret.u.p, MLKEM_K);
    cx_mlkem_dot(&secret.w, &secret.s_hat, &secret.u);
    cx_mlkem_ntt_inverse(&secret.w, 1);
    cx_mlkem_subtract_from(&secret.w, &secret.v);
    cx_mlkem_canonical(&secret.w, 1);
    cx_mlkem_encode_message(message, &secret.w);
    cx_secret_wipe(&secret, sizeof secret);
}

void cx_mlkem768_make_pair(const uint8_t seed[CX_MLKEM768_SEED_BYTES], uint8_t ek[CX_MLKEM768_EK_BYTES],
                           uint8_t dk[CX_MLKEM768_DK_BYTES])
{
    pke_make_pair(seed, ek, dk);
    memcpy(dk + DK_EK, ek, CX_MLKEM768_EK_BYTES);
    hash_h(dk + DK_HASH, ek);
    memcpy(dk + DK_Z, seed + MLKEM_HASH_BYTES, MLKEM_HASH_BYTES);
}

enum cx_err cx_mlkem768_encapsulate(const uint8_t ek[CX_MLKEM768_EK_BYTES], const uint8_t message[CX_MLKEM768_MESSAGE_BYTES],
                                    uint8_t ciphertext[CX_MLKEM768_CIPHERTEXT_BYTES], uint8_t shared[CX_MLKEM768_SHARED_BYTES])
{
    struct cx_mlkem_vector t_hat;
    struct halves k_r;
    uint8_t hash[MLKEM_HASH_BYTES];
    cx_mlkem_decode(&t_hat, ek);
    if (!cx_mlkem_is_canonical(&t_hat))
        return CX_E_MALFORMED;
    hash_h(hash, ek);
    hash_g(&k_r, cx_view(message, CX_MLKEM768_MESSAGE_BYTES), cx_view(hash, sizeof hash));
    pke_encrypt(&t_hat, ek + MLKEM_VECTOR_BYTES, message, k_r.second, ciphertext);
    memcpy(shared, k_r.first, sizeof k_r.first);
    cx_secret_wipe(&k_r, sizeof k_r);
    return CX_OK;
}

void cx_mlkem768_decapsulate(const uint8_t dk[CX_MLKEM768_DK_BYTES], const uint8_t ciphertext[CX_MLKEM768_CIPHERTEXT_BYTES],
                             uint8_t shared[CX_MLKEM768_SHARED_BYTES])
{
    const uint8_t *ek = dk + DK_EK;
    struct cx_mlkem_vector t_hat;
    struct {
        uint8_t message[CX_MLKEM768_MESSAGE_BYTES], again[CX_MLKEM768_CIPHERTEXT_BYTES], rejected[CX_MLKEM768_SHARED_BYTES];
        struct halves k_r;
    } secret;

    pke_decrypt(dk, ciphertext, secret.message);
    hash_g(&secret.k_r, cx_view(secret.message, sizeof secret.message), cx_view(dk + DK_HASH, MLKEM_HASH_BYTES));
    cx_keccak(CX_SHAKE256, cx_view(dk + DK_Z, MLKEM_HASH_BYTES), cx_view(ciphertext, CX_MLKEM768_CIPHERTEXT_BYTES), secret.rejected,
              sizeof secret.rejected);
    cx_mlkem_decode(&t_hat, ek);
    pke_encrypt(&t_hat, ek + MLKEM_VECTOR_BYTES, secret.message, secret.k_r.second, secret.again);
    cx_ct_replace(secret.k_r.first, secret.rejected, sizeof secret.rejected,
                  cx_ct_differ(ciphertext, secret.again, sizeof secret.again));
    memcpy(shared, secret.k_r.first, CX_MLKEM768_SHARED_BYTES);
    cx_secret_wipe(&secret, sizeof secret);
}

/* ---- as a part of key exchange methods ---- */

static enum cx_err make_pair(const struct cx_random *random, uint8_t *secret, uint8_t *public)
{
    uint8_t seed[CX_MLKEM768_SEED_BYTES];
    cx_random_fill(random, seed, sizeof seed);
    cx_mlkem768_make_pair(seed, public, secret);
    cx_secret_wipe(seed, sizeof seed);
    return CX_OK;
}

static enum cx_err encapsulate(const struct cx_random *random, const uint8_t *public, uint8_t *ciphertext,
                               uint8_t shared[CX_KEM_SHARED_BYTES])
{
    uint8_t message[CX_MLKEM768_MESSAGE_BYTES];
    cx_random_fill(random, message, sizeof message);
    enum cx_err err = cx_mlkem768_encapsulate(public, message, ciphertext, shared);
    cx_secret_wipe(message, sizeof message);
    return err;
}

static enum cx_err decapsulate(const uint8_t *secret, const uint8_t *ciphertext, uint8_t shared[CX_KEM_SHARED_BYTES])
{
    cx_mlkem768_decapsulate(secret, ciphertext, shared);
    return CX_OK;
}

const struct cx_kem cx_kem_mlkem768 = { CX_MLKEM768_DK_BYTES, CX_MLKEM768_EK_BYTES, CX_MLKEM768_CIPHERTEXT_BYTES, make_pair,
                                        encapsulate,          decapsulate };
