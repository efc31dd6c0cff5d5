/* SPDX-License-Identifier: MIT */
/* RSA private keys whose numbers do not belong together, as a PEM file may hold them. */
#include <criterion/criterion.h>
#include <openssl/bn.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "crypto/keys/key.h"

enum { D, P, Q, EXPONENT_P, EXPONENT_Q, INVERSE_Q, SECRETS };

/* One key's numbers, made once: n and e stay what they are. */
struct numbers {
    BIGNUM *n, *e, *secret[SECRETS];
};

static struct numbers fresh(void)
{
    static EVP_PKEY *key;
    struct numbers k = { 0 };
    static const char *const names[SECRETS] = {
        "d", "rsa-factor1", "rsa-factor2", "rsa-exponent1", "rsa-exponent2", "rsa-coefficient1"
    };
    if (!key)
        key = EVP_RSA_gen(2048);
    cr_assert(EVP_PKEY_get_bn_param(key, "n", &k.n) && EVP_PKEY_get_bn_param(key, "e", &k.e));
    for (size_t i = 0; i < SECRETS; i++)
        cr_assert(EVP_PKEY_get_bn_param(key, names[i], &k.secret[i]), "%s", names[i]);
    return k;
}

static void put_integer(unsigned char **at, const BIGNUM *number)
{
    ASN1_INTEGER *integer = BN_to_ASN1_INTEGER(number, NULL);
    cr_assert(i2d_ASN1_INTEGER(integer, at) > 0);
    ASN1_INTEGER_free(integer);
}

/* The numbers in a file of PKCS#1's form (RFC 8017 appendix A.1.2); uses them up. */
static enum cx_err parse_pem(struct numbers *k)
{
    unsigned char body[2048], der[2048], *at = body;
    BIGNUM *version = BN_new();
    put_integer(&at, version);
    put_integer(&at, k->n);
    put_integer(&at, k->e);
    for (size_t i = 0; i < SECRETS; i++) {
        put_integer(&at, k->secret[i]);
        BN_free(k->secret[i]);
    }
    BN_free(version);
    BN_free(k->n);
    BN_free(k->e);
    size_t len = (size_t)(at - body);
    at = der;
    ASN1_put_object(&at, 1, (int)len, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
    memcpy(at, body, len);

    BIO *bio = BIO_new(BIO_s_mem());
    char *text;
    struct cx_private_key *key;
    cr_assert(PEM_write_bio(bio, "RSA PRIVATE KEY", "", der, (long)len + (at - der)));
    long text_len = BIO_get_mem_data(bio, &text);
    enum cx_err err = cx_private_key_parse(cx_view(text, (size_t)text_len), cx_view("", 0), &key);
    cr_assert_eq(key != NULL, err == CX_OK);
    cx_private_key_free(key);
    BIO_free(bio);
    return err;
}

Test(rsa_numbers, a_whole_key_opens)
{
    struct numbers k = fresh();
    cr_assert_eq(parse_pem(&k), CX_OK);
}

Test(rsa_numbers, a_key_with_any_damaged_number_is_refused)
{
    for (size_t i = 0; i < SECRETS; i++) {
        for (int way = 0; way < 3; way++) {
            struct numbers k = fresh();
            if (way == 0)
                cr_assert(BN_add_word(k.secret[i], 2));
            else if (way == 1)
                BN_zero(k.secret[i]);
            else
                BN_set_negative(k.secret[i], 1);
            cr_assert_eq(parse_pem(&k), CX_E_MALFORMED, "number %zu, way %d", i, way);
        }
    }
}

Test(rsa_numbers, both_primes_negative_are_refused)
{
    struct numbers k = fresh();
    BN_set_negative(k.secret[P], 1);
    BN_set_negative(k.secret[Q], 1);
    cr_assert_eq(parse_pem(&k), CX_E_MALFORMED);
}

Test(rsa_numbers, primes_in_the_others_place_are_refused)
{
    struct numbers k = fresh();
    BN_swap(k.secret[P], k.secret[Q]);
    cr_assert_eq(parse_pem(&k), CX_E_MALFORMED);
}

Test(rsa_numbers, one_and_the_modulus_are_no_primes)
{
    struct numbers k = fresh();
    cr_assert(BN_one(k.secret[P]) && BN_copy(k.secret[Q], k.n));
    cr_assert_eq(parse_pem(&k), CX_E_MALFORMED);
}

/* Both moduli that keygens use for d open: (p - 1)(q - 1) and the least common multiple; more than n is none's. */
Test(rsa_numbers, the_exponent_may_be_any_right_one_below_the_modulus)
{
    BN_CTX *scratch = BN_CTX_new();
    for (int row = 0; row < 2; row++) {
        struct numbers k = fresh();
        BIGNUM *p = BN_dup(k.secret[P]), *q = BN_dup(k.secret[Q]), *order = BN_new();
        cr_assert(BN_sub_word(p, 1) && BN_sub_word(q, 1) && BN_mul(order, p, q, scratch));
        if (row == 0)
            cr_assert(BN_mod_inverse(k.secret[D], k.e, order, scratch));
        else
            cr_assert(BN_add(k.secret[D], k.secret[D], order) && BN_add(k.secret[D], k.secret[D], order));
        BN_free(p);
        BN_free(q);
        BN_free(order);
        cr_assert_eq(parse_pem(&k), row == 0 ? CX_OK : CX_E_MALFORMED, "row %d", row);
    }
    BN_CTX_free(scratch);
}
