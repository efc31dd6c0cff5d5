/* SPDX-License-Identifier: MIT */
/* sntrup761: the scheme, on the rings, sampling and encodings of sntrup761_*.c. Hashes are the first half of SHA-512 behind a
 * byte that says what for. */
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
static enum cx_err hide(const struct cx_sntrup_poly *r, const uint8_t public[CX_SNTRUP761_PUBLIC_BYTES],
                        const uint8_t public_hash[SNTRUP_HASH_BYTES], uint8_t input[SNTRUP_SMALL_BYTES],
                        uint8_t ciphertext[CX_SNTRUP761_CIPHERTEXT_BYTES])
{
    struct cx_sntrup_poly h;
    uint8_t hashed[SNTRUP_HASH_BYTES];
    cx_sntrup_encode_small(input, r);
    cx_sntrup_decode(&h, public);
    cx_sntrup_multiply(&h, &h, r);
    cx_sntrup_round(&h);
    cx_sntrup_encode_rounded(ciphertext, &h);
    enum cx_err err = digest(hashed, FOR_INPUT, cx_view(input, SNTRUP_SMALL_BYTES), cx_view(NULL, 0));
    if (!err)
        err = digest(ciphertext + SNTRUP_ROUNDED_BYTES, FOR_CONFIRMATION, cx_view(hashed, sizeof hashed),
                     cx_view(public_hash, SNTRUP_HASH_BYTES));
    cx_secret_wipe(&h, sizeof h);
    cx_secret_wipe(hashed, sizeof hashed);
    return err;
}

enum cx_err cx_sntrup761_make_pair(const struct cx_random *random, uint8_t secret[CX_SNTRUP761_SECRET_BYTES],
                                   uint8_t public[CX_SNTRUP761_PUBLIC_BYTES])
{
    struct {
        struct cx_sntrup_poly f, g, g_inverse, h;
    } p;
    do
        cx_sntrup_sample_small(&p.g, random);
    while (!cx_sntrup_invert_small(&p.g_inverse, &p.g));
    cx_sntrup_sample_short(&p.f, random);
    cx_sntrup_invert_triple(&p.h, &p.f);
    cx_sntrup_multiply(&p.h, &p.h, &p.g);
    cx_sntrup_encode(public, &p.h);
    cx_ct_publish(public, CX_SNTRUP761_PUBLIC_BYTES);
    cx_sntrup_encode_small(secret, &p.f);
    cx_sntrup_encode_small(secret + SK_G_INVERSE, &p.g_inverse);
    memcpy(secret + SK_PUBLIC, public, CX_SNTRUP761_PUBLIC_BYTES);
    cx_random_fill(random, secret + SK_RHO, SNTRUP_SMALL_BYTES);
    cx_secret_wipe(&p, sizeof p);
    return digest_public(secret + SK_HASH, public);
}

enum cx_err cx_sntrup761_encapsulate(const struct cx_random *random, const uint8_t public[CX_SNTRUP761_PUBLIC_BYTES],
                                     uint8_t ciphertext[CX_SNTRUP761_CIPHERTEXT_BYTES], uint8_t shared[CX_SNTRUP761_SHARED_BYTES])
{
    uint8_t public_hash[SNTRUP_HASH_BYTES], input[SNTRUP_SMALL_BYTES];
    struct cx_sntrup_poly r;
    cx_sntrup_sample_short(&r, random);
    enum cx_err err = digest_public(public_hash, public);
    if (!err)
        err = hide(&r, public, public_hash, input, ciphertext);
    if (!err)
        err = session_key(shared, FOR_SESSION, input, ciphertext);
    cx_secret_wipe(&r, sizeof r);
    cx_secret_wipe(input, sizeof input);
    return err;
}

/* The short polynomial in a ciphertext: c 3 f is g r modulo q but for a multiple of 3, and g's inverse modulo 3 leaves r. */
static void recover(struct cx_sntrup_poly *r, const uint8_t secret[CX_SNTRUP761_SECRET_BYTES],
                    const uint8_t ciphertext[CX_SNTRUP761_CIPHERTEXT_BYTES])
{
    struct cx_sntrup_poly factor;
    cx_sntrup_decode_rounded(r, ciphertext);
    cx_sntrup_decode_small(&factor, secret);
    cx_sntrup_multiply(r, r, &factor);
    cx_sntrup_triple_to_small(r, r);
    cx_sntrup_decode_small(&factor, secret + SK_G_INVERSE);
    cx_sntrup_multiply_small(r, r, &factor);
    cx_sntrup_force_weight(r);
    cx_secret_wipe(&factor, sizeof factor);
}

enum cx_err cx_sntrup761_decapsulate(const uint8_t secret[CX_SNTRUP761_SECRET_BYTES],
                                     const uint8_t ciphertext[CX_SNTRUP761_CIPHERTEXT_BYTES],
                                     uint8_t shared[CX_SNTRUP761_SHARED_BYTES])
{
    struct {
        struct cx_sntrup_poly r;
        uint8_t input[SNTRUP_SMALL_BYTES], again[CX_SNTRUP761_CIPHERTEXT_BYTES];
    } s;
    recover(&s.r, secret, ciphertext);
    enum cx_err err = hide(&s.r, secret + SK_PUBLIC, secret + SK_HASH, s.input, s.again);
    if (!err) {
        uint32_t wrong = cx_ct_differ(ciphertext, s.again, sizeof s.again);
        cx_ct_replace(s.input, secret + SK_RHO, sizeof s.input, wrong);
        err = session_key(shared, (uint8_t)(FOR_SESSION + wrong), s.input, ciphertext);
    }
    cx_secret_wipe(&s, sizeof s);
    return err;
}

const struct cx_kem cx_kem_sntrup761 = { CX_SNTRUP761_SECRET_BYTES, CX_SNTRUP761_PUBLIC_BYTES, CX_SNTRUP761_CIPHERTEXT_BYTES,
                                         cx_sntrup761_make_pair,    cx_sntrup761_encapsulate,  cx_sntrup761_decapsulate };
