/* SPDX-License-Identifier: MIT */
/* sntrup761: the scheme, on the kernel's rings, and sampling and encodings of sntrup761_*.c. Hashes are the first half of SHA-512
 * behind a byte that says what for. */
#include "crypto/kex/sntrup761.h"

#include "crypto/hash.h"
#include "crypto/kex/ct_priv.h"
#include "crypto/kex/kex_priv.h"
#include "crypto/kex/sntrup761_priv.h"
#include "crypto/secret.h"

enum purpose { FOR_REJECTION, FOR_SESSION, FOR_CONFIRMATION, FOR_INPUT, FOR_PUBLIC_KEY };

/* Where the parts of a secret key stand. */
enum {
    SK_G_INVERSE = SNTRUP_SMALL_BYTES, /* behind f */
    SK_PUBLIC = SK_G_INVERSE + SNTRUP_SMALL_BYTES,
    SK_RHO = SK_PUBLIC + CX_SNTRUP761_PUBLIC_BYTES,
    SK_HASH = SK_RHO + SNTRUP_SMALL_BYTES, /* of the public key */
};

static enum cx_err digest(uint8_t out[SNTRUP_HASH_BYTES], uint8_t purpose, struct cx_view a, struct cx_view b)
{
    uint8_t whole[CX_HASH_MAX_BYTES];
    struct cx_hash h;
    enum cx_err err = cx_hash_begin(&h, CX_SHA512);
    if (err)
        return err;
    cx_hash_add(&h, cx_view(&purpose, 1));
    cx_hash_add(&h, a);
    cx_hash_add(&h, b);
    err = cx_hash_end(&h, whole);
    if (!err)
        memcpy(out, whole, SNTRUP_HASH_BYTES);
    cx_secret_wipe(whole, sizeof whole);
    return err;
}

static enum cx_err digest_public(uint8_t out[SNTRUP_HASH_BYTES], const uint8_t public[CX_SNTRUP761_PUBLIC_BYTES])
{
    return digest(out, FOR_PUBLIC_KEY, cx_view(public, CX_SNTRUP761_PUBLIC_BYTES), cx_view(NULL, 0));
}

/* What both roles share, from the encoded input. */
static enum cx_err session_key(uint8_t shared[SNTRUP_HASH_BYTES], uint8_t purpose, const uint8_t input[SNTRUP_SMALL_BYTES],
                               const uint8_t ciphertext[CX_SNTRUP761_CIPHERTEXT_BYTES])
{
    uint8_t hashed[SNTRUP_HASH_BYTES];
    enum cx_err err = digest(hashed, FOR_INPUT, cx_view(input, SNTRUP_SMALL_BYTES), cx_view(NULL, 0));
    if (!err)
        err = digest(shared, purpose, cx_view(hashed, sizeof hashed), cx_view(ciphertext, CX_SNTRUP761_CIPHERTEXT_BYTES));
    cx_secret_wipe(hashed, sizeof hashed);
    return err;
}

/* The ciphertext of a short polynomial r: h r, rounded, and a confirmation that whoever made it knew r. */
static enum cx_err hide(const struct cx_kernels *k, const struct cx_sntrup_poly *r, const uint8_t public[CX_SNTRUP761_PUBLIC_BYTES],
                        const uint8_t public_hash[SNTRUP_HASH_BYTES], uint8_t input[SNTRUP_SMALL_BYTES],
                        uint8_t ciphertext[CX_SNTRUP761_CIPHERTEXT_BYTES])
{
    struct cx_sntrup_poly h;
    uint8_t hashed[SNTRUP_HASH_BYTES];
    cx_sntrup_encode_small(input, r);
    cx_sntrup_decode(&h, public);
    k->sntrup->multiply(&h, &h, r);
    k->sntrup->round(&h);
    cx_sntrup_encode_rounded(ciphertext, &h);
    enum cx_err err = digest(hashed, FOR_INPUT, cx_view(input, SNTRUP_SMALL_BYTES), cx_view(NULL, 0));
    if (!err)
        err = digest(ciphertext + SNTRUP_ROUNDED_BYTES, FOR_CONFIRMATION, cx_view(hashed, sizeof hashed),
                     cx_view(public_hash, SNTRUP_HASH_BYTES));
    cx_secret_wipe(&h, sizeof h);
    cx_secret_wipe(hashed, sizeof hashed);
    return err;
}

enum cx_err cx_sntrup761_make_pair(const struct cx_kernels *k, const struct cx_random *random,
                                   uint8_t secret[CX_SNTRUP761_SECRET_BYTES], uint8_t public[CX_SNTRUP761_PUBLIC_BYTES])
{
    struct {
        struct cx_sntrup_poly f, g, g_inverse, h;
    } p;
    bool invertible;
    do {
        cx_sntrup_sample_small(&p.g, random);
        invertible = k->sntrup->invert_small(&p.g_inverse, &p.g);
        cx_ct_publish(&invertible, sizeof invertible);
    } while (!invertible);
    cx_sntrup_sample_short(k, &p.f, random);
    k->sntrup->invert_triple(&p.h, &p.f);
    k->sntrup->multiply(&p.h, &p.h, &p.g);
    cx_sntrup_encode(public, &p.h);
    cx_ct_publish(public, CX_SNTRUP761_PUBLIC_BYTES);
    cx_sntrup_encode_small(secret, &p.f);
    cx_sntrup_encode_small(secret + SK_G_INVERSE, &p.g_inverse);
    memcpy(secret + SK_PUBLIC, public, CX_SNTRUP761_PUBLIC_BYTES);
    cx_random_fill(random, secret + SK_RHO, SNTRUP_SMALL_BYTES);
    cx_secret_wipe(&p, sizeof p);
    return digest_public(secret + SK_HASH, public);
}

enum cx_err cx_sntrup761_encapsulate(const struct cx_kernels *k, const struct cx_random *random,
                                     const uint8_t public[CX_SNTRUP761_PUBLIC_BYTES],
                                     uint8_t ciphertext[CX_SNTRUP761_CIPHERTEXT_BYTES], uint8_t shared[CX_SNTRUP761_SHARED_BYTES])
{
    uint8_t public_hash[SNTRUP_HASH_BYTES], input[SNTRUP_SMALL_BYTES];
    struct cx_sntrup_poly r;
    cx_sntrup_sample_short(k, &r, random);
    enum cx_err err = digest_public(public_hash, public);
    if (!err)
        err = hide(k, &r, public, public_hash, input, ciphertext);
    if (!err)
        err = session_key(shared, FOR_SESSION, input, ciphertext);
    cx_secret_wipe(&r, sizeof r);
    cx_secret_wipe(input, sizeof input);
    return err;
}

/* The short polynomial in a ciphertext: c 3 f is g r modulo q but for a multiple of 3, and g's inverse modulo 3 leaves r. */
static void recover(const struct cx_kernels *k, struct cx_sntrup_poly *r, const uint8_t secret[CX_SNTRUP761_SECRET_BYTES],
                    const uint8_t ciphertext[CX_SNTRUP761_CIPHERTEXT_BYTES])
{
    struct cx_sntrup_poly factor;
    cx_sntrup_decode_rounded(r, ciphertext);
    cx_sntrup_decode_small(&factor, secret);
    k->sntrup->multiply(r, r, &factor);
    k->sntrup->triple_to_small(r, r);
    cx_sntrup_decode_small(&factor, secret + SK_G_INVERSE);
    k->sntrup->multiply_small(r, r, &factor);
    k->sntrup->force_weight(r);
    cx_secret_wipe(&factor, sizeof factor);
}

enum cx_err cx_sntrup761_decapsulate(const struct cx_kernels *k, const uint8_t secret[CX_SNTRUP761_SECRET_BYTES],
                                     const uint8_t ciphertext[CX_SNTRUP761_CIPHERTEXT_BYTES],
                                     uint8_t shared[CX_SNTRUP761_SHARED_BYTES])
{
    struct {
        struct cx_sntrup_poly r;
        uint8_t input[SNTRUP_SMALL_BYTES], again[CX_SNTRUP761_CIPHERTEXT_BYTES];
    } s;
    recover(k, &s.r, secret, ciphertext);
    enum cx_err err = hide(k, &s.r, secret + SK_PUBLIC, secret + SK_HASH, s.input, s.again);
    if (!err) {
        uint32_t wrong = cx_ct_differ(ciphertext, s.again, sizeof s.again);
        cx_ct_replace(s.input, secret + SK_RHO, sizeof s.input, wrong);
        err = session_key(shared, (uint8_t)(FOR_SESSION + wrong), s.input, ciphertext);
    }
    cx_secret_wipe(&s, sizeof s);
    return err;
}

/* ---- as a part of key exchange methods ---- */

static enum cx_err make_pair(const struct cx_random *random, uint8_t *secret, uint8_t *public)
{
    return cx_sntrup761_make_pair(cx_kernels_current(), random, secret, public);
}

static enum cx_err encapsulate(const struct cx_random *random, const uint8_t *public, uint8_t *ciphertext,
                               uint8_t shared[CX_KEM_SHARED_BYTES])
{
    return cx_sntrup761_encapsulate(cx_kernels_current(), random, public, ciphertext, shared);
}

static enum cx_err decapsulate(const uint8_t *secret, const uint8_t *ciphertext, uint8_t shared[CX_KEM_SHARED_BYTES])
{
    return cx_sntrup761_decapsulate(cx_kernels_current(), secret, ciphertext, shared);
}

const struct cx_kem cx_kem_sntrup761 = {
    CX_SNTRUP761_SECRET_BYTES, CX_SNTRUP761_PUBLIC_BYTES, CX_SNTRUP761_CIPHERTEXT_BYTES, make_pair, encapsulate, decapsulate
};
