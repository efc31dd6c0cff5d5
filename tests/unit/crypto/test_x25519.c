/* SPDX-License-Identifier: MIT */
/* X25519: public values, which are made on the Edwards curve, and every kernel against OpenSSL and RFC 7748; numbers and the way
 * from one curve to the other against OpenSSL's arithmetic of any length. */
#include <criterion/criterion.h>
#include <openssl/bn.h>
#include <openssl/evp.h>

#include "crypto/kernels/kernels_priv.h"
#include "crypto/kex/kex.h"
#include "crypto/kex/x25519_priv.h"

enum { BYTES = CX_X25519_BYTES, LIMBS = CX_X25519_LIMBS, LIMB_BITS = 51, DRAWN = 200 };

static void fill_from(void *state, uint8_t *out, size_t len)
{
    cr_assert_eq(len, BYTES);
    memcpy(out, state, len);
}

static void check_public_value(uint8_t secret[BYTES])
{
    const struct cx_kex *kex = cx_kex_find(cx_view_text("curve25519-sha256"));
    struct cx_random random = { fill_from, secret };
    struct cx_kex_state *state = NULL;
    struct cx_kex_public mine;
    uint8_t want[BYTES];
    size_t len = sizeof want;
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, secret, BYTES);
    cr_assert_eq(EVP_PKEY_get_raw_public_key(key, want, &len), 1);
    EVP_PKEY_free(key);
    cr_assert_eq(cx_kex_start(kex, &random, &state, &mine), CX_OK);
    cx_kex_state_free(state);
    cr_assert_eq(mine.len, BYTES);
    cr_assert_arr_eq(mine.bytes, want, BYTES);
}

Test(x25519, public_values_are_those_of_x25519_whatever_the_secret)
{
    uint8_t secret[BYTES];
    struct cx_random_seeded seed;
    struct cx_random random = cx_random_from_seed(&seed, 1);
    for (unsigned byte = 0; byte < 256; byte++) { /* zero is one that clamping makes good */
        memset(secret, (int)byte, sizeof secret);
        check_public_value(secret);
    }
    for (unsigned i = 0; i < DRAWN; i++) {
        cx_random_fill(&random, secret, sizeof secret);
        check_public_value(secret);
    }
}

/* ---- the way from one curve to the other ---- */

static BIGNUM *prime(void)
{
    BIGNUM *p = BN_new();
    cr_assert(BN_set_bit(p, 255) && BN_sub_word(p, 19));
    return p;
}

/* (1 + y) / (1 - y); of 1 zero. */
static void divide(const uint8_t y_bytes[BYTES], const BIGNUM *p, BN_CTX *ctx, uint8_t u_bytes[BYTES])
{
    BIGNUM *y = BN_lebin2bn(y_bytes, BYTES, NULL), *above = BN_dup(BN_value_one()), *below = BN_dup(BN_value_one());
    (void)BN_mask_bits(y, 255); /* it fails where there is nothing to cut off */
    cr_assert(BN_mod_add(above, above, y, p, ctx) && BN_mod_sub(below, below, y, p, ctx));
    if (BN_is_zero(below))
        BN_zero(above);
    else
        cr_assert(BN_mod_inverse(below, below, p, ctx) && BN_mod_mul(above, above, below, p, ctx));
    cr_assert_eq(BN_bn2lebinpad(above, u_bytes, BYTES), BYTES);
    BN_free(y);
    BN_free(above);
    BN_free(below);
}

/* With both signs of x. */
static void check_way(const BIGNUM *y, const BIGNUM *p, BN_CTX *ctx)
{
    uint8_t bytes[BYTES], point[BYTES], want[BYTES];
    cr_assert_eq(BN_bn2lebinpad(y, bytes, BYTES), BYTES);
    for (unsigned sign = 0; sign < 2; sign++) {
        memcpy(point, bytes, BYTES);
        point[BYTES - 1] = (uint8_t)((point[BYTES - 1] & 0x7f) | sign << 7);
        divide(point, p, ctx, want);
        cx_x25519_from_edwards(point);
        char *text = BN_bn2hex(y);
        cr_expect_arr_eq(point, want, BYTES, "y = 0x%s, sign %u", text, sign);
        OPENSSL_free(text);
    }
}

/* What is up to 20 beside 2^bit: where carries run through all limbs, and what is p or more though it has 255 bits. */
static void check_around(unsigned bit, const BIGNUM *p, BN_CTX *ctx)
{
    BIGNUM *y = BN_new();
    cr_assert(BN_set_bit(y, (int)bit) && (bit < 5 || BN_sub_word(y, 20)));
    for (unsigned i = 0; i < 40 && BN_num_bits(y) <= 255; i++) {
        check_way(y, p, ctx);
        BN_add_word(y, 1);
    }
    BN_free(y);
}

Test(x25519, the_way_to_the_other_curve_is_right_where_numbers_carry)
{
    BIGNUM *p = prime();
    BN_CTX *ctx = BN_CTX_new();
    for (unsigned bit = 0; bit <= 255; bit += 51)
        check_around(bit, p, ctx);
    BN_CTX_free(ctx);
    BN_free(p);
}

Test(x25519, the_way_to_the_other_curve_is_right_for_any_number)
{
    BIGNUM *p = prime();
    BN_CTX *ctx = BN_CTX_new();
    uint8_t bytes[BYTES];
    struct cx_random_seeded seed;
    struct cx_random random = cx_random_from_seed(&seed, 2);
    for (unsigned i = 0; i < DRAWN; i++) {
        cx_random_fill(&random, bytes, sizeof bytes);
        BIGNUM *y = BN_lebin2bn(bytes, BYTES, NULL);
        check_way(y, p, ctx);
        BN_free(y);
    }
    BN_CTX_free(ctx);
    BN_free(p);
}

/* ---- numbers ---- */

static BIGNUM *number(const uint64_t limb[LIMBS])
{
    BIGNUM *sum = BN_new(), *part = BN_new();
    BN_zero(sum);
    for (size_t i = LIMBS; i-- > 0;)
        cr_assert(BN_set_word(part, limb[i]) && BN_lshift(sum, sum, LIMB_BITS) && BN_add(sum, sum, part));
    BN_free(part);
    return sum;
}

static void check_quotient(const uint64_t above[LIMBS], const uint64_t below[LIMBS], const BIGNUM *p, BN_CTX *ctx)
{
    uint8_t got[BYTES], want[BYTES];
    BIGNUM *a = number(above), *b = number(below), *inverse = BN_new();
    if (BN_mod_inverse(inverse, b, p, ctx))
        cr_assert(BN_mod_mul(a, a, inverse, p, ctx));
    else
        BN_zero(a);
    cr_assert_eq(BN_bn2lebinpad(a, want, BYTES), BYTES);
    cx_x25519_divide(got, above, below);
    cr_assert_arr_eq(got, want, BYTES);
    BN_free(a);
    BN_free(b);
    BN_free(inverse);
}

/* All limbs are the largest that they may be, or of so many bits, or nothing. */
Test(x25519, quotients_are_right_for_limbs_of_up_to_53_bits)
{
    BIGNUM *p = prime();
    BN_CTX *ctx = BN_CTX_new();
    struct cx_random_seeded seed;
    struct cx_random random = cx_random_from_seed(&seed, 3);
    for (unsigned i = 0; i < 2 * DRAWN; i++) {
        uint64_t limb[2][LIMBS];
        cx_random_fill(&random, (uint8_t *)limb, sizeof limb);
        for (unsigned j = 0; j < 2 * LIMBS; j++) {
            uint64_t *at = &limb[j / LIMBS][j % LIMBS], most = (UINT64_C(1) << 53) - 1;
            *at = i == 0 || *at % 7 == 0 ? most : *at % 7 == 1 ? 0 : *at & most >> i % 3;
        }
        check_quotient(limb[0], limb[1], p, ctx);
    }
    BN_CTX_free(ctx);
    BN_free(p);
}

/* ---- kernels ---- */

static bool openssl_multiply(uint8_t out[BYTES], const uint8_t scalar[BYTES], const uint8_t point[BYTES])
{
    size_t len = BYTES;
    EVP_PKEY *mine = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, scalar, BYTES);
    EVP_PKEY *theirs = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, point, BYTES);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(mine, NULL);
    cr_assert(EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_derive_set_peer(ctx, theirs) == 1);
    bool good = EVP_PKEY_derive(ctx, out, &len) == 1; /* not where the result is zero */
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(mine);
    EVP_PKEY_free(theirs);
    return good;
}

static void check_product(const struct cx_x25519_kernel *kernel, const uint8_t scalar[BYTES], const uint8_t point[BYTES])
{
    uint8_t got[BYTES], want[BYTES];
    bool good = openssl_multiply(want, scalar, point);
    cr_assert_eq(kernel->multiply(got, scalar, point), good, "%s", kernel->kernel.name);
    if (good)
        cr_assert_arr_eq(got, want, BYTES, "%s", kernel->kernel.name);
}

/* The smallest points and the largest, those of small order among them, with their top bit and without it. */
static void check_small_and_large(const struct cx_x25519_kernel *kernel, const struct cx_random *random)
{
    uint8_t scalar[BYTES], point[BYTES];
    for (unsigned i = 0; i < 2 * 256; i++) {
        cx_random_fill(random, scalar, sizeof scalar);
        memset(point, i < 256 ? 0 : 0xff, sizeof point);
        point[0] = (uint8_t)i;
        point[BYTES - 1] &= i % 2 ? 0x7f : 0xff;
        check_product(kernel, scalar, point);
        point[BYTES - 1] ^= 0x80;
        check_product(kernel, scalar, point);
    }
}

/* RFC 7748 section 5.2: each result is the next scalar, the scalar the next point. */
static void check_known_answers(const struct cx_x25519_kernel *kernel)
{
    static const uint8_t once[BYTES] = { 0x42, 0x2c, 0x8e, 0x7a, 0x62, 0x27, 0xd7, 0xbc, 0xa1, 0x35, 0x0b,
                                         0x3e, 0x2b, 0xb7, 0x27, 0x9f, 0x78, 0x97, 0xb8, 0x7b, 0xb6, 0x85,
                                         0x4b, 0x78, 0x3c, 0x60, 0xe8, 0x03, 0x11, 0xae, 0x30, 0x79 };
    static const uint8_t often[BYTES] = { 0x68, 0x4c, 0xf5, 0x9b, 0xa8, 0x33, 0x09, 0x55, 0x28, 0x00, 0xef,
                                          0x56, 0x6f, 0x2f, 0x4d, 0x3c, 0x1c, 0x38, 0x87, 0xc4, 0x93, 0x60,
                                          0xe3, 0x87, 0x5f, 0x2e, 0xb9, 0x4d, 0x99, 0x53, 0x2c, 0x51 };
    uint8_t scalar[BYTES] = { 9 }, point[BYTES] = { 9 }, result[BYTES];
    for (unsigned i = 1; i <= 1000; i++) {
        cr_assert(kernel->multiply(result, scalar, point));
        memcpy(point, scalar, sizeof point);
        memcpy(scalar, result, sizeof scalar);
        if (i == 1)
            cr_assert_arr_eq(result, once, BYTES, "%s", kernel->kernel.name);
    }
    cr_assert_arr_eq(result, often, BYTES, "%s", kernel->kernel.name);
}

Test(x25519, every_kernel_multiplies_as_openssl_does_and_the_rfc_says)
{
    const struct cx_kernel *kernel;
    struct cx_random_seeded seed;
    struct cx_random random = cx_random_from_seed(&seed, 4);
    for (size_t i = 0; (kernel = cx_kernel_at(CX_PRIMITIVE_X25519, i)); i++) {
        if (!cx_kernel_runs(kernel, cx_cpu_detect(), CX_TIER_AVX512)) {
            cr_log_info("%s does not run here", kernel->name);
            continue;
        }
        const struct cx_x25519_kernel *x25519 = (const struct cx_x25519_kernel *)kernel;
        check_known_answers(x25519);
        check_small_and_large(x25519, &random);
        for (unsigned j = 0; j < DRAWN; j++) {
            uint8_t drawn[2][BYTES];
            cx_random_fill(&random, drawn[0], sizeof drawn);
            check_product(x25519, drawn[0], drawn[1]);
        }
    }
}

/* ---- the self-test, against kernels that are right but for one thing ---- */

static bool multiply_zero(uint8_t out[BYTES], const uint8_t scalar[BYTES], const uint8_t point[BYTES])
{
    (void)cx_x25519_portable.multiply(out, scalar, point);
    return true;
}

/* Above p only. */
static bool multiply_reduced(uint8_t out[BYTES], const uint8_t scalar[BYTES], const uint8_t point[BYTES])
{
    bool good = cx_x25519_portable.multiply(out, scalar, point);
    out[BYTES - 1] ^= (point[BYTES - 1] & 0x80) != 0;
    return good;
}

Test(x25519, a_self_test_notices_a_wrong_product_or_a_zero_that_is_let_through)
{
    struct cx_x25519_kernel faulty = cx_x25519_portable;
    cr_assert(cx_selftest_x25519(NULL, CX_PRIMITIVE_X25519, &faulty.kernel));
    faulty.multiply = multiply_zero;
    cr_assert_not(cx_selftest_x25519(NULL, CX_PRIMITIVE_X25519, &faulty.kernel));
    faulty.multiply = multiply_reduced;
    cr_assert_not(cx_selftest_x25519(NULL, CX_PRIMITIVE_X25519, &faulty.kernel));
}
