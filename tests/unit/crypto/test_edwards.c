/* SPDX-License-Identifier: MIT */
/* X25519's public values, which are made on the Edwards curve: against OpenSSL, which makes them by X25519 itself, and the way from
 * one curve to the other against its arithmetic of any length. */
#include <criterion/criterion.h>
#include <openssl/bn.h>
#include <openssl/evp.h>

#include "crypto/kex/edwards_priv.h"
#include "crypto/kex/kex.h"

enum { BYTES = CX_EDWARDS_BYTES, DRAWN = 200 };

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

Test(edwards, public_values_are_those_of_x25519_whatever_the_secret)
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
        cx_edwards_to_montgomery(point);
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

Test(edwards, the_way_to_the_other_curve_is_right_where_numbers_carry)
{
    BIGNUM *p = prime();
    BN_CTX *ctx = BN_CTX_new();
    for (unsigned bit = 0; bit <= 255; bit += 51)
        check_around(bit, p, ctx);
    BN_CTX_free(ctx);
    BN_free(p);
}

Test(edwards, the_way_to_the_other_curve_is_right_for_any_number)
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
