/* SPDX-License-Identifier: MIT */
/* Key exchanges whose secrets live longer than a packet, and comparing secrets. */
#include "crypto/kex/mlkem768.h"
#include "crypto/kex/sntrup761.h"
#include "crypto/kex/x25519_priv.h"
#include "crypto/secret.h"
#include "timing.h"

enum { COMPARED = 1024 };

static uint8_t shared[CX_MLKEM768_SHARED_BYTES];

/* ---- ML-KEM: secrets; ciphertexts, of which every one in class 1 is refused inside ---- */

static uint8_t mlkem_ek[CX_MLKEM768_EK_BYTES], mlkem_dk[CX_MLKEM768_DK_BYTES];

static void mlkem_ciphertext(uint8_t *input, unsigned class)
{
    static bool have_pair;
    uint8_t seed[CX_MLKEM768_SEED_BYTES], message[CX_MLKEM768_MESSAGE_BYTES];
    if (!have_pair) {
        cx_random_fill(&timing_random, seed, sizeof seed);
        cx_mlkem768_make_pair(cx_kernels_current(), seed, mlkem_ek, mlkem_dk);
        have_pair = true;
    }
    cx_random_fill(&timing_random, message, sizeof message);
    timing_need(cx_mlkem768_encapsulate(cx_kernels_current(), mlkem_ek, message, input, shared) == CX_OK);
    if (class == 1)
        input[CX_MLKEM768_CIPHERTEXT_BYTES - 1] ^= 1;
}

static void mlkem_run_ciphertext(const uint8_t *input)
{
    cx_mlkem768_decapsulate(cx_kernels_current(), mlkem_dk, input, shared);
}

/* z, the last 32 bytes of a secret, and the secret polynomials in front; the public key stays that of one pair. */
static void mlkem_secret(uint8_t *input, unsigned class)
{
    enum { VECTOR_BYTES = CX_MLKEM768_DK_BYTES - CX_MLKEM768_EK_BYTES - 64 };
    static uint8_t fixed[CX_MLKEM768_DK_BYTES];
    static uint8_t other_ek[CX_MLKEM768_EK_BYTES], other_dk[CX_MLKEM768_DK_BYTES], seed[CX_MLKEM768_SEED_BYTES];
    static bool have_fixed;
    cx_random_fill(&timing_random, seed, sizeof seed);
    cx_mlkem768_make_pair(cx_kernels_current(), seed, other_ek, other_dk);
    if (!have_fixed)
        memcpy(fixed, other_dk, sizeof fixed);
    have_fixed = true;
    memcpy(input, fixed, sizeof fixed);
    if (class == 1) {
        memcpy(input, other_dk, VECTOR_BYTES);
        memcpy(input + sizeof fixed - 32, other_dk + sizeof fixed - 32, 32);
    }
}

static void mlkem_run_secret(const uint8_t *input)
{
    static const uint8_t ciphertext[CX_MLKEM768_CIPHERTEXT_BYTES] = { 1 };
    cx_mlkem768_decapsulate(cx_kernels_current(), input, ciphertext, shared);
}

/* ---- sntrup761: as ML-KEM ---- */

static uint8_t ntru_public[CX_SNTRUP761_PUBLIC_BYTES], ntru_secret[CX_SNTRUP761_SECRET_BYTES];

static void ntru_ciphertext(uint8_t *input, unsigned class)
{
    static bool have_pair;
    if (!have_pair)
        timing_need(cx_sntrup761_make_pair(cx_kernels_current(), &timing_random, ntru_secret, ntru_public) == CX_OK);
    have_pair = true;
    timing_need(cx_sntrup761_encapsulate(cx_kernels_current(), &timing_random, ntru_public, input, shared) == CX_OK);
    if (class == 1)
        input[CX_SNTRUP761_CIPHERTEXT_BYTES - 1] ^= 1;
}

static void ntru_run_ciphertext(const uint8_t *input)
{
    timing_need(cx_sntrup761_decapsulate(cx_kernels_current(), ntru_secret, input, shared) == CX_OK);
}

/* The two small polynomials in front, and what a rejected ciphertext is hashed with; the public key stays that of one pair. */
static void ntru_secret_key(uint8_t *input, unsigned class)
{
    enum { SMALL_BYTES = 191, PUBLIC_AT = 2 * SMALL_BYTES, RHO_AT = PUBLIC_AT + CX_SNTRUP761_PUBLIC_BYTES };
    static uint8_t fixed[CX_SNTRUP761_SECRET_BYTES], other[CX_SNTRUP761_SECRET_BYTES], other_public[CX_SNTRUP761_PUBLIC_BYTES];
    static bool have_fixed;
    timing_need(cx_sntrup761_make_pair(cx_kernels_current(), &timing_random, other, other_public) == CX_OK);
    if (!have_fixed)
        memcpy(fixed, other, sizeof fixed);
    have_fixed = true;
    memcpy(input, fixed, sizeof fixed);
    if (class == 1) {
        memcpy(input, other, PUBLIC_AT);
        memcpy(input + RHO_AT, other + RHO_AT, SMALL_BYTES);
    }
}

static void ntru_run_secret_key(const uint8_t *input)
{
    static const uint8_t ciphertext[CX_SNTRUP761_CIPHERTEXT_BYTES] = { 1 };
    timing_need(cx_sntrup761_decapsulate(cx_kernels_current(), input, ciphertext, shared) == CX_OK);
}

/* ---- X25519: scalars ---- */

static void x25519_scalar(uint8_t *input, unsigned class)
{
    static const uint8_t fixed[CX_X25519_BYTES] = { 0x5a };
    memcpy(input, fixed, sizeof fixed);
    if (class == 1)
        cx_random_fill(&timing_random, input, sizeof fixed);
}

static void x25519_run(const uint8_t *input)
{
    static const uint8_t point[CX_X25519_BYTES] = { 9 };
    timing_need(cx_kernels_current()->x25519->multiply(shared, input, point));
}

/* ---- comparisons ---- */

static volatile unsigned sink;
static uint8_t compared[COMPARED];

/* Class 0 is equal, class 1 differs from its first byte on. */
static void compare_make(uint8_t *input, unsigned class)
{
    memset(input, 0, COMPARED);
    if (class == 1)
        cx_random_fill(&timing_random, input, COMPARED);
}

static void compare_run(const uint8_t *input)
{
    sink = cx_secret_equal(input, compared, COMPARED);
}

static void compare_leak(const uint8_t *input)
{
    sink = (unsigned)memcmp(input, compared, COMPARED);
}

const struct bench timing_kex[] = {
    { "mlkem768 decapsulate", "right / wrong ciphertext", .make = mlkem_ciphertext, .run = mlkem_run_ciphertext, .slow = true },
    { "mlkem768 decapsulate", "fixed / other secret", .make = mlkem_secret, .run = mlkem_run_secret, .slow = true },
    { "sntrup761 decapsulate", "right / wrong ciphertext", .make = ntru_ciphertext, .run = ntru_run_ciphertext, .slow = true },
    { "sntrup761 decapsulate", "fixed / other secret", .make = ntru_secret_key, .run = ntru_run_secret_key, .slow = true },
    { "x25519", "fixed / other scalar", .make = x25519_scalar, .run = x25519_run, .slow = true },
    { "cx_secret_equal", "equal / random", .make = compare_make, .run = compare_run },
    { "memcmp (leak)", "equal / random", .make = compare_make, .run = compare_leak, .leaks = true },
    { NULL },
};
