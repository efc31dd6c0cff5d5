/* SPDX-License-Identifier: MIT */
/* Key exchange: both sides find the same K, and bad public values find none. */
#include <criterion/criterion.h>
#include <openssl/bn.h>

#include "crypto/kex/group.h"
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
        for (uint64_t seed = 0; !cx_kex_wants_group(kex) && seed < (is_group(kex) ? 4 : 40); seed++)
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

/* ---- exchanged groups ---- */

Test(kex_group, a_server_chooses_the_smallest_that_suffices_else_the_largest_allowed)
{
    static const struct {
        uint32_t min, preferred, max, bits; /* 0: none */
    } rows[] = { { 2048, 2048, 8192, 2048 }, { 2048, 3072, 8192, 3072 }, { 1024, 1024, 8192, 2048 }, { 2048, 2049, 8192, 3072 },
                 { 2048, 8192, 8192, 8192 }, { 2048, 7680, 8192, 8192 }, { 2048, 8192, 4096, 4096 }, { 4096, 2048, 8192, 4096 },
                 { 3000, 4000, 4000, 3072 }, { 1024, 1024, 2047, 0 },    { 8193, 9000, 16384, 0 },   { 2049, 2050, 3071, 0 } };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct cx_kex_group *group = NULL;
        enum cx_err err = cx_kex_group_choose(rows[i].min, rows[i].preferred, rows[i].max, &group);
        cr_assert_eq(err, rows[i].bits ? CX_OK : CX_E_WEAK, "row %zu", i);
        if (rows[i].bits)
            cr_assert_eq(cx_kex_group_prime(group).len, 1 + rows[i].bits / 8, "row %zu", i);
        cx_kex_group_free(group);
    }
}

Test(kex_group, both_sides_find_the_same_secret_in_it)
{
    struct cx_kex_group *chosen, *taken;
    cr_assert_eq(cx_kex_group_choose(2048, 3072, 8192, &chosen), CX_OK);
    cr_assert_eq(cx_kex_group_take(cx_kex_group_prime(chosen), cx_kex_group_generator(chosen), 2048, 8192, &taken), CX_OK);
    cr_assert_str_eq(cx_kex_group_method(taken)->name, "diffie-hellman-group-exchange-sha256");
    check_exchange(cx_kex_group_method(taken), 1);
    cx_kex_group_free(chosen);
    cx_kex_group_free(taken);
}

static enum cx_err take(struct cx_view prime, const void *generator, size_t generator_len)
{
    struct cx_kex_group *group = NULL;
    enum cx_err err = cx_kex_group_take(prime, cx_view(generator, generator_len), 1024, 3072, &group);
    cx_kex_group_free(group);
    return err;
}

Test(kex_group, that_is_no_prime_of_a_good_size_or_whose_generator_is_trivial_is_refused)
{
    struct cx_kex_group *chosen;
    uint8_t p[CX_GROUP_VALUE_MAX], last[CX_GROUP_VALUE_MAX];
    cr_assert_eq(cx_kex_group_choose(2048, 2048, 2048, &chosen), CX_OK);
    struct cx_view prime = cx_kex_group_prime(chosen);
    cr_assert_eq(take(prime, "\2", 1), CX_OK);
    cr_assert_eq(take(prime, "\5", 1), CX_OK);
    cr_assert_eq(take(prime, "\1", 1), CX_E_WEAK);
    cr_assert_eq(take(prime, "", 0), CX_E_MALFORMED);
    cr_assert_eq(take(prime, "\0", 1), CX_E_MALFORMED);
    cr_assert_eq(take(prime, "\377", 1), CX_E_MALFORMED);
    cr_assert_eq(take(prime, "\0\2", 2), CX_E_MALFORMED);
    memcpy(last, prime.data, prime.len);
    cr_assert_eq(take(prime, last, prime.len), CX_E_WEAK);
    last[prime.len - 1]--;
    cr_assert_eq(take(prime, last, prime.len), CX_E_WEAK);
    last[prime.len - 1]--;
    cr_assert_eq(take(prime, last, prime.len), CX_OK);
    /* p - 2 is odd and no prime, p - 1 is even; without its sign byte p is negative; half of it is too short */
    memcpy(p, prime.data, prime.len);
    p[prime.len - 1] -= 2;
    cr_assert_eq(take(cx_view(p, prime.len), "\2", 1), CX_E_WEAK);
    p[prime.len - 1] += 1;
    cr_assert_eq(take(cx_view(p, prime.len), "\2", 1), CX_E_WEAK);
    cr_assert_eq(take(cx_view(prime.data + 1, prime.len - 1), "\2", 1), CX_E_MALFORMED);
    cr_assert_eq(take(cx_view(prime.data, prime.len / 2), "\2", 1), CX_E_WEAK);
    cx_kex_group_free(chosen);
    cr_assert_eq(cx_kex_group_choose(4096, 4096, 4096, &chosen), CX_OK);
    cr_assert_eq(take(cx_kex_group_prime(chosen), "\2", 1), CX_E_WEAK);
    cx_kex_group_free(chosen);
}
