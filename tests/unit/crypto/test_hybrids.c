/* SPDX-License-Identifier: MIT */
/* Hybrid methods: the shape of C, S and K, and what becomes of a value that is wrong in one of its two halves. */
#include <criterion/criterion.h>

#include "crypto/kex/kex.h"
#include "crypto/kex/mlkem768.h"
#include "crypto/wire.h"

static const struct {
    const char *name;
    size_t c_len, s_len, dh_len, k_len; /* dh_len: the group's share of c_len and s_len */
} hybrids[] = {
    { "mlkem768x25519-sha256", 1184 + 32, 1088 + 32, 32, 4 + 32 },
    { "mlkem768nistp256-sha256", 1184 + 65, 1088 + 65, 65, 4 + 32 },
    { "sntrup761x25519-sha512", 1158 + 32, 1039 + 32, 32, 4 + 64 },
    { "sntrup761x25519-sha512@openssh.com", 1158 + 32, 1039 + 32, 32, 4 + 64 },
};
enum { HYBRID_COUNT = sizeof hybrids / sizeof hybrids[0] };

/* One exchange up to the client's last step. */
struct exchange {
    const struct cx_kex *kex;
    struct cx_random_seeded seed;
    struct cx_random random;
    struct cx_kex_state *state;
    struct cx_kex_public c, s;
    struct cx_kex_shared k;
};

static void exchange_init(struct exchange *x, const char *name)
{
    x->kex = cx_kex_find(cx_view_text(name));
    cr_assert_not_null(x->kex, "%s", name);
    x->random = cx_random_from_seed(&x->seed, 11);
    cr_assert_eq(cx_kex_start(x->kex, &x->random, &x->state, &x->c), CX_OK);
    cr_assert_eq(cx_kex_respond(x->kex, &x->random, cx_view(x->c.bytes, x->c.len), &x->s, &x->k), CX_OK);
}

static void exchange_deinit(struct exchange *x)
{
    cx_kex_state_free(x->state);
}

/* What the server answers to a C, and the client to an S. */
static enum cx_err take_c(struct exchange *x, const uint8_t *c, size_t len)
{
    struct cx_kex_public s;
    struct cx_kex_shared k;
    return cx_kex_respond(x->kex, &x->random, cx_view(c, len), &s, &k);
}

static enum cx_err take_s(struct exchange *x, const uint8_t *s, size_t len, struct cx_kex_shared *k)
{
    return cx_kex_finish(x->kex, x->state, cx_view(s, len), k);
}

Test(hybrids, values_have_the_lengths_of_their_definitions)
{
    for (size_t i = 0; i < HYBRID_COUNT; i++) {
        struct exchange x;
        exchange_init(&x, hybrids[i].name);
        cr_assert_eq(x.c.len, hybrids[i].c_len);
        cr_assert_eq(x.s.len, hybrids[i].s_len);
        cr_assert_eq(x.k.len, hybrids[i].k_len);
        cr_assert_eq(cx_load_u32(x.k.bytes), hybrids[i].k_len - 4, "%s: K is no string", hybrids[i].name);
        exchange_deinit(&x);
    }
}

Test(hybrids, other_lengths_are_malformed)
{
    for (size_t i = 0; i < HYBRID_COUNT; i++) {
        struct exchange x;
        struct cx_kex_shared k;
        uint8_t value[CX_KEX_PUBLIC_MAX] = { 0 };
        exchange_init(&x, hybrids[i].name);
        const size_t wrong_c[] = { 0, 1, x.c.len - hybrids[i].dh_len - 1, x.c.len - hybrids[i].dh_len, x.c.len - 1, x.c.len + 1 };
        const size_t wrong_s[] = { 0, 1, x.s.len - hybrids[i].dh_len - 1, x.s.len - hybrids[i].dh_len, x.s.len - 1, x.s.len + 1 };
        for (size_t j = 0; j < sizeof wrong_c / sizeof wrong_c[0]; j++) {
            memcpy(value, x.c.bytes, x.c.len);
            cr_assert_eq(take_c(&x, value, wrong_c[j]), CX_E_MALFORMED, "%s, %zu", hybrids[i].name, wrong_c[j]);
            memcpy(value, x.s.bytes, x.s.len);
            cr_assert_eq(take_s(&x, value, wrong_s[j], &k), CX_E_MALFORMED, "%s, %zu", hybrids[i].name, wrong_s[j]);
        }
        exchange_deinit(&x);
    }
}

Test(hybrids, a_weak_value_of_the_group_is_refused)
{
    for (size_t i = 0; i < HYBRID_COUNT; i++) {
        struct exchange x;
        struct cx_kex_shared k;
        exchange_init(&x, hybrids[i].name);
        /* zero is of small order on Curve25519; behind the byte that says uncompressed, it is no point of P-256 */
        size_t kept = hybrids[i].dh_len % 2;
        memset(x.c.bytes + x.c.len - hybrids[i].dh_len + kept, 0, hybrids[i].dh_len - kept);
        memset(x.s.bytes + x.s.len - hybrids[i].dh_len + kept, 0, hybrids[i].dh_len - kept);
        cr_assert_eq(take_c(&x, x.c.bytes, x.c.len), CX_E_WEAK, "%s", hybrids[i].name);
        cr_assert_eq(take_s(&x, x.s.bytes, x.s.len, &k), CX_E_WEAK, "%s", hybrids[i].name);
        exchange_deinit(&x);
    }
}

/* No error tells the two apart; the exchange fails later, for want of a common K. */
Test(hybrids, a_wrong_ciphertext_yields_another_secret)
{
    for (size_t i = 0; i < HYBRID_COUNT; i++) {
        struct exchange x;
        struct cx_kex_shared right, wrong, again;
        exchange_init(&x, hybrids[i].name);
        cr_assert_eq(take_s(&x, x.s.bytes, x.s.len, &right), CX_OK);
        cr_assert_arr_eq(right.bytes, x.k.bytes, x.k.len);
        x.s.bytes[5] ^= 4;
        cr_assert_eq(take_s(&x, x.s.bytes, x.s.len, &wrong), CX_OK);
        cr_assert_eq(take_s(&x, x.s.bytes, x.s.len, &again), CX_OK);
        cr_assert_eq(wrong.len, right.len);
        cr_assert_arr_eq(wrong.bytes, again.bytes, wrong.len);
        cr_assert_arr_neq(wrong.bytes, right.bytes, wrong.len);
        exchange_deinit(&x);
    }
}

/* FIPS 203 section 7.2: 12 bits that stand for 3329 or more, first and last of the key. */
Test(hybrids, a_key_that_fails_the_modulus_check_is_malformed)
{
    static const size_t at[] = { 0, CX_MLKEM768_EK_BYTES - 32 - 3 };
    for (size_t i = 0; i < 2; i++)
        for (size_t j = 0; j < sizeof at / sizeof at[0]; j++) {
            struct exchange x;
            exchange_init(&x, hybrids[i].name);
            uint8_t *pair = x.c.bytes + at[j];
            pair[0] = 0x00; /* the even coefficient is 3328, the greatest there is, then 3329 */
            pair[1] = (uint8_t)((pair[1] & 0xf0) | 0x0d);
            cr_assert_eq(take_c(&x, x.c.bytes, x.c.len), CX_OK);
            pair[0] = 0x01;
            cr_assert_eq(take_c(&x, x.c.bytes, x.c.len), CX_E_MALFORMED);
            exchange_deinit(&x);
        }
}
