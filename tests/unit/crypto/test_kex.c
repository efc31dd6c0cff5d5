/* SPDX-License-Identifier: MIT */
/* Key exchange: both sides find the same K, and bad public values find none. */
#include <criterion/criterion.h>

#include "crypto/kex/kex.h"
#include "crypto/wire.h"

static struct cx_random random_new(struct cx_random_seeded *state, uint64_t seed)
{
    return cx_random_from_seed(state, seed);
}

Test(kex, both_sides_find_the_same_secret)
{
    const struct cx_kex *kex;
    for (size_t i = 0; (kex = cx_kex_at(i)); i++) {
        cr_assert_eq(cx_kex_find(cx_view_text(kex->name)), kex);
        for (uint64_t seed = 0; seed < 40; seed++) {
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
            cr_assert(cx_reader_mpint(&r).len > 0 && cx_reader_done(&r), "%s: not an mpint", kex->name);
            cx_kex_state_free(state);
        }
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

Test(kex, values_of_the_wrong_length_are_malformed)
{
    uint8_t bytes[80] = { 4 };
    for (size_t len = 0; len < sizeof bytes; len++) {
        if (len != 32)
            check_refused("curve25519-sha256", cx_view(bytes, len), CX_E_MALFORMED);
        if (len != 65)
            check_refused("ecdh-sha2-nistp256", cx_view(bytes, len), CX_E_MALFORMED);
    }
}

Test(kex, points_of_small_order_and_off_the_curve_are_weak)
{
    uint8_t point[65] = { 0 };
    check_refused("curve25519-sha256", cx_view(point, 32), CX_E_WEAK);
    point[0] = 1;
    check_refused("curve25519-sha256", cx_view(point, 32), CX_E_WEAK);
    check_refused("ecdh-sha2-nistp256", cx_view(point, 65), CX_E_MALFORMED);
    point[0] = 4;
    check_refused("ecdh-sha2-nistp256", cx_view(point, 65), CX_E_WEAK);
    memset(point + 1, 0xff, 64);
    check_refused("ecdh-sha2-nistp256", cx_view(point, 65), CX_E_WEAK);
}
