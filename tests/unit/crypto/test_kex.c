/* SPDX-License-Identifier: MIT */
/* Key exchange: both sides find the same K, and bad public values find none. */
#include <criterion/criterion.h>
#include <openssl/bn.h>

#include "crypto/kex/kex.h"
#include "crypto/wire.h"

static struct cx_random random_new(struct cx_random_seeded *state, uint64_t seed)
{
    return cx_random_from_seed(state, seed);
}

static bool is_group(const struct cx_kex *kex)
{
    return strncmp(kex->name, "diffie-hellman-", 15) == 0;
}

static void check_exchange(const struct cx_kex *kex, uint64_t seed)
{
    struct cx_random_seeded client_seed, server_seed;
    struct cx_random client = random_new(&client_seed, seed), server = random_new(&server_seed, ~seed);
    struct cx_kex_state *state = NULL;
    struct cx_kex_public c, s;
    struct cx_kex_shared mine, theirs;
    cr_assert_eq(cx_kex_start(kex, &client, &state, &c), CX_OK);
    cr_assert_eq(cx_kex_respond(kex, &server, cx_view(c.bytes, c.len), &s, &theirs), CX_OK);
    cr_assert_eq(cx_kex_finish(kex, state, cx_view(s.bytes, s.len), &mine), CX_OK);
    cr_assert(mine.len == theirs.len && mine.len > 30);
    cr_assert_arr_eq(mine.bytes, theirs.bytes, mine.len);
    struct cx_reader r = cx_reader(cx_view(mine.bytes, mine.len));
    if (kex->kem)
        cr_assert_eq(cx_reader_string(&r).len, cx_hash_len(kex->hash));
    else
        cr_assert_gt(cx_reader_mpint(&r).len, 0);
    cr_assert(cx_reader_done(&r), "%s: K has another form", kex->name);
    cx_kex_state_free(state);
}

Test(kex, both_sides_find_the_same_secret)
{
    const struct cx_kex *kex;
    for (size_t i = 0; (kex = cx_kex_at(i)); i++) {
        cr_assert_eq(cx_kex_find(cx_view_text(kex->name)), kex);
        for (uint64_t seed = 0; seed < (is_group(kex) ? 4 : 40); seed++)
            check_exchange(kex, seed);
    }
    cr_assert_null(cx_kex_find(cx_view_text("diffie-hellman-group1-sha1")));
    cx_kex_state_free(NULL);
}

/* Both roles refuse the value in the same way. */
static void check_refused(const char *name, struct cx_view value, enum cx_err want)
{
    const struct cx_kex *kex = cx_kex_find(cx_view_text(name));
    struct cx_random_seeded seed;
    struct cx_random random = random_new(&seed, 9);
    struct cx_kex_state *state = NULL;
    struct cx_kex_public public;
    struct cx_kex_shared k;
    enum cx_err err = cx_kex_respond(kex, &random, value, &public, &k);
    cr_assert_eq(err, want, "%s, %zu bytes: %s", name, value.len, cx_err_text(err));
    cr_assert_eq(cx_kex_start(kex, &random, &state, &public), CX_OK);
    cr_assert_eq(cx_kex_finish(kex, state, value, &k), want);
    cx_kex_state_free(state);
}

/* Where a length is the wrong one, whatever its bytes. */
static void check_lengths(const char *name, size_t good, size_t most)
{
    uint8_t bytes[256] = { 4 };
    cr_assert_leq(most, sizeof bytes);
    for (size_t len = 0; len < most; len++)
        if (len != good)
            check_refused(name, cx_view(bytes, len), CX_E_MALFORMED);
}

Test(kex, values_of_the_wrong_length_are_malformed)
{
    check_lengths("curve25519-sha256", 32, 80);
    check_lengths("ecdh-sha2-nistp256", 65, 80);
    check_lengths("ecdh-sha2-nistp384", 97, 100);
    check_lengths("ecdh-sha2-nistp521", 133, 140);
}

Test(kex, points_of_small_order_and_off_the_curve_are_weak)
{
    static const struct {
        const char *name;
        size_t len;
    } curves[] = { { "ecdh-sha2-nistp256", 65 }, { "ecdh-sha2-nistp384", 97 }, { "ecdh-sha2-nistp521", 133 } };
    uint8_t point[133] = { 0 };
    check_refused("curve25519-sha256", cx_view(point, 32), CX_E_WEAK);
    point[0] = 1;
    check_refused("curve25519-sha256", cx_view(point, 32), CX_E_WEAK);
    for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++) {
        memset(point, 0, sizeof point);
        check_refused(curves[i].name, cx_view(point, curves[i].len), CX_E_MALFORMED);
        point[0] = 4;
        check_refused(curves[i].name, cx_view(point, curves[i].len), CX_E_WEAK);
        memset(point + 1, 0xff, curves[i].len - 1);
        check_refused(curves[i].name, cx_view(point, curves[i].len), CX_E_WEAK);
    }
}

Test(kex, group_values_out_of_range_are_weak)
{
    uint8_t value[257] = { 0 };
    value[0] = 1;
    check_refused("diffie-hellman-group14-sha256", cx_view(value, 1), CX_E_WEAK);
    /* group 14's p ends in 64 set bits: p - 1, p and a number of one bit more */
    BIGNUM *p = BN_get_rfc3526_prime_2048(NULL);
    cr_assert_eq(BN_bn2binpad(p, value, sizeof value), sizeof value);
    check_refused("diffie-hellman-group14-sha256", cx_view(value, sizeof value), CX_E_WEAK);
    value[sizeof value - 1]--;
    check_refused("diffie-hellman-group14-sha256", cx_view(value, sizeof value), CX_E_WEAK);
    value[0] = 1;
    check_refused("diffie-hellman-group14-sha256", cx_view(value, sizeof value), CX_E_WEAK);
    BN_free(p);
}

Test(kex, group_values_that_are_no_positive_mpint_are_malformed)
{
    static const struct {
        uint8_t bytes[2];
        size_t len;
    } forms[] = { { { 0 }, 0 }, { { 0 }, 1 }, { { 0x80 }, 1 }, { { 0, 2 }, 2 }, { { 0xff, 0xff }, 2 } };
    uint8_t long_value[1026] = { 1 };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
        check_refused("diffie-hellman-group14-sha256", cx_view(forms[i].bytes, forms[i].len), CX_E_MALFORMED);
    check_refused("diffie-hellman-group18-sha512", cx_view(long_value, sizeof long_value), CX_E_MALFORMED);
}
