/* SPDX-License-Identifier: MIT */
/* ML-KEM-768: the scheme of FIPS 203 sections 5 and 6 (K-PKE and, around it, the KEM) on the kernel's ring
 * and encodings. Names are the standard's; a hat there is _hat here: a value in the transform's domain. */
#include "crypto/kex/mlkem768.h"

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

/* H, beside which the matrix is sampled. */
static struct cx_keccak_job hash_h(uint8_t out[MLKEM_HASH_BYTES], const uint8_t ek[CX_MLKEM768_EK_BYTES])
{
    return (struct cx_keccak_job){ CX_SHA3_256, cx_view(ek, CX_MLKEM768_EK_BYTES), cx_view(NULL, 0), out, MLKEM_HASH_BYTES };
}

/* Both halves of G, section 4.1. */
struct halves {
    uint8_t first[MLKEM_HASH_BYTES], second[MLKEM_HASH_BYTES];
};

static void hash_g(const struct cx_kernels *k, struct halves *out, struct cx_view a, struct cx_view b)
{
    _Static_assert(sizeof *out == CX_SHA3_512_BYTES, "the halves are all there is");
    cx_keccak_many(k->keccak, &(struct cx_keccak_job){ CX_SHA3_512, a, b, out->first, sizeof *out }, 1);
}

/* K-PKE.KeyGen, Algorithm 13: dk is s_hat alone. */
static void pke_make_pair(const struct cx_kernels *k, const uint8_t d[MLKEM_HASH_BYTES], uint8_t ek[CX_MLKEM768_EK_BYTES],
                          uint8_t dk[MLKEM_VECTOR_BYTES])
{
    static const uint8_t rank = MLKEM_K;
    struct {
        struct halves rho_sigma;
        struct cx_mlkem_noise noise;
        struct cx_mlkem_vector s_e[2]; /* s_hat, e_hat */
        struct cx_mlkem_vector t_hat;
    } secret;
    struct cx_mlkem_vector a_hat[MLKEM_K], *s_hat = &secret.s_e[0], *e_hat = &secret.s_e[1];

    hash_g(k, &secret.rho_sigma, cx_view(d, MLKEM_HASH_BYTES), cx_view(&rank, 1));
    cx_ct_publish(secret.rho_sigma.first, MLKEM_HASH_BYTES);
    cx_mlkem_noise_begin(&secret.noise, secret.rho_sigma.second, 2 * MLKEM_K);
    cx_mlkem_sample_matrix(k, a_hat, secret.rho_sigma.first, false, secret.noise.job, 2 * MLKEM_K);
    cx_mlkem_noise_end(k, &secret.noise, s_hat->p, 2 * MLKEM_K);
    k->mlkem->ntt(s_hat->p, 2 * MLKEM_K);
    k->mlkem->dot(secret.t_hat.p, a_hat, MLKEM_K, s_hat);
    k->mlkem->add(secret.t_hat.p, e_hat->p, MLKEM_K);
    k->mlkem->canonical(secret.t_hat.p, MLKEM_K);
    k->mlkem->canonical(s_hat->p, MLKEM_K);
    k->mlkem->encode(ek, &secret.t_hat);
    memcpy(ek + MLKEM_VECTOR_BYTES, secret.rho_sigma.first, MLKEM_HASH_BYTES);
    k->mlkem->encode(dk, s_hat);
    cx_secret_wipe(&secret, sizeof secret);
}

/* What an encryption multiplies: the matrix, transposed, and t_hat as one more row. */
struct rows {
    struct cx_mlkem_vector row[MLKEM_K + 1];
};

/* K-PKE.Encrypt, Algorithm 14. The rows' products are u, and v. */
static void pke_encrypt(const struct cx_kernels *k, const struct rows *rows, const uint8_t message[CX_MLKEM768_MESSAGE_BYTES],
                        const uint8_t r[MLKEM_HASH_BYTES], uint8_t ciphertext[CX_MLKEM768_CIPHERTEXT_BYTES])
{
    enum { ROWS = MLKEM_K + 1, V = MLKEM_K };
    struct {
        struct cx_mlkem_noise noise;
        union {
            struct cx_mlkem_poly drawn[MLKEM_K + ROWS];
            struct {
                struct cx_mlkem_vector y_hat;
                struct cx_mlkem_poly e[ROWS]; /* e1, e2 */
            };
        };
        union {
            struct cx_mlkem_poly product[ROWS];
            struct cx_mlkem_vector u;
        };
        struct cx_mlkem_poly mu;
    } secret;

    cx_mlkem_noise_begin(&secret.noise, r, MLKEM_K + ROWS);
    cx_keccak_many(k->keccak, secret.noise.job, MLKEM_K + ROWS);
    cx_mlkem_noise_end(k, &secret.noise, secret.drawn, MLKEM_K + ROWS);
    k->mlkem->ntt(secret.y_hat.p, MLKEM_K);
    k->mlkem->dot(secret.product, rows->row, ROWS, &secret.y_hat);
    k->mlkem->ntt_inverse(secret.product, ROWS);
    k->mlkem->add(secret.product, secret.e, ROWS);
    k->mlkem->decode_message(&secret.mu, message);
    k->mlkem->add(&secret.product[V], &secret.mu, 1);
    k->mlkem->canonical(secret.product, ROWS);
    k->mlkem->encode_ciphertext(ciphertext, &secret.u, &secret.product[V]);
    cx_secret_wipe(&secret, sizeof secret);
}

/* K-PKE.Decrypt, Algorithm 15. */
static void pke_decrypt(const struct cx_kernels *k, const uint8_t dk[MLKEM_VECTOR_BYTES],
                        const uint8_t ciphertext[CX_MLKEM768_CIPHERTEXT_BYTES], uint8_t message[CX_MLKEM768_MESSAGE_BYTES])
{
    struct {
        struct cx_mlkem_vector s_hat, u;
        struct cx_mlkem_poly v, w;
    } secret;

    k->mlkem->decode_ciphertext(&secret.u, &secret.v, ciphertext);
    k->mlkem->decode(&secret.s_hat, dk);
    k->mlkem->ntt(secret.u.p, MLKEM_K);
    k->mlkem->dot(&secret.w, &secret.s_hat, 1, &secret.u);
    k->mlkem->ntt_inverse(&secret.w, 1);
    k->mlkem->subtract_from(&secret.w, &secret.v);
    k->mlkem->canonical(&secret.w, 1);
    k->mlkem->encode_message(message, &secret.w);
    cx_secret_wipe(&secret, sizeof secret);
}

void cx_mlkem768_make_pair(const struct cx_kernels *k, const uint8_t seed[CX_MLKEM768_SEED_BYTES], uint8_t ek[CX_MLKEM768_EK_BYTES],
                           uint8_t dk[CX_MLKEM768_DK_BYTES])
{
    pke_make_pair(k, seed, ek, dk);
    memcpy(dk + DK_EK, ek, CX_MLKEM768_EK_BYTES);
    struct cx_keccak_job h = hash_h(dk + DK_HASH, ek);
    cx_keccak_many(k->keccak, &h, 1);
    memcpy(dk + DK_Z, seed + MLKEM_HASH_BYTES, MLKEM_HASH_BYTES);
}

enum cx_err cx_mlkem768_encapsulate(const struct cx_kernels *k, const uint8_t ek[CX_MLKEM768_EK_BYTES],
                                    const uint8_t message[CX_MLKEM768_MESSAGE_BYTES],
                                    uint8_t ciphertext[CX_MLKEM768_CIPHERTEXT_BYTES], uint8_t shared[CX_MLKEM768_SHARED_BYTES])
{
    struct rows rows;
    struct halves k_r;
    uint8_t hash[MLKEM_HASH_BYTES];
    struct cx_keccak_job h = hash_h(hash, ek);
    k->mlkem->decode(&rows.row[MLKEM_K], ek);
    if (!k->mlkem->is_canonical(&rows.row[MLKEM_K]))
        return CX_E_MALFORMED;
    cx_mlkem_sample_matrix(k, rows.row, ek + MLKEM_VECTOR_BYTES, true, &h, 1);
    hash_g(k, &k_r, cx_view(message, CX_MLKEM768_MESSAGE_BYTES), cx_view(hash, sizeof hash));
    pke_encrypt(k, &rows, message, k_r.second, ciphertext);
    memcpy(shared, k_r.first, sizeof k_r.first);
    cx_secret_wipe(&k_r, sizeof k_r);
    return CX_OK;
}

/* The hash that stands for a shared secret where the ciphertext is refused is made beside the matrix, refused or not. */
void cx_mlkem768_decapsulate(const struct cx_kernels *k, const uint8_t dk[CX_MLKEM768_DK_BYTES],
                             const uint8_t ciphertext[CX_MLKEM768_CIPHERTEXT_BYTES], uint8_t shared[CX_MLKEM768_SHARED_BYTES])
{
    const uint8_t *ek = dk + DK_EK;
    struct rows rows;
    struct {
        uint8_t message[CX_MLKEM768_MESSAGE_BYTES], again[CX_MLKEM768_CIPHERTEXT_BYTES], rejected[CX_MLKEM768_SHARED_BYTES];
        struct halves k_r;
    } secret;
    struct cx_keccak_job j = { CX_SHAKE256, cx_view(dk + DK_Z, MLKEM_HASH_BYTES), cx_view(ciphertext, CX_MLKEM768_CIPHERTEXT_BYTES),
                               secret.rejected, sizeof secret.rejected };

    pke_decrypt(k, dk, ciphertext, secret.message);
    hash_g(k, &secret.k_r, cx_view(secret.message, sizeof secret.message), cx_view(dk + DK_HASH, MLKEM_HASH_BYTES));
    k->mlkem->decode(&rows.row[MLKEM_K], ek);
    cx_mlkem_sample_matrix(k, rows.row, ek + MLKEM_VECTOR_BYTES, true, &j, 1);
    pke_encrypt(k, &rows, secret.message, secret.k_r.second, secret.again);
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
    cx_mlkem768_make_pair(cx_kernels_current(), seed, public, secret);
    cx_secret_wipe(seed, sizeof seed);
    return CX_OK;
}

static enum cx_err encapsulate(const struct cx_random *random, const uint8_t *public, uint8_t *ciphertext,
                               uint8_t shared[CX_KEM_SHARED_BYTES])
{
    uint8_t message[CX_MLKEM768_MESSAGE_BYTES];
    cx_random_fill(random, message, sizeof message);
    enum cx_err err = cx_mlkem768_encapsulate(cx_kernels_current(), public, message, ciphertext, shared);
    cx_secret_wipe(message, sizeof message);
    return err;
}

static enum cx_err decapsulate(const uint8_t *secret, const uint8_t *ciphertext, uint8_t shared[CX_KEM_SHARED_BYTES])
{
    cx_mlkem768_decapsulate(cx_kernels_current(), secret, ciphertext, shared);
    return CX_OK;
}

const struct cx_kem cx_kem_mlkem768 = { CX_MLKEM768_DK_BYTES, CX_MLKEM768_EK_BYTES, CX_MLKEM768_CIPHERTEXT_BYTES, make_pair,
                                        encapsulate,          decapsulate };
