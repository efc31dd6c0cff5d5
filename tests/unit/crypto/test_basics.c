/* SPDX-License-Identifier: MIT */
/* Errors, hashes, randomness, secrets and the wire's data types. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "crypto/hash.h"
#include "crypto/random.h"
#include "crypto/secret.h"
#include "crypto/wire.h"

Test(err, every_error_has_a_text)
{
    for (unsigned e = 0; e < CX_E_COUNT; e++)
        cr_assert_gt(strlen(cx_err_text((enum cx_err)e)), 0);
}

/* ---- hash ---- */

static void hex(const uint8_t *bytes, size_t len, char *out)
{
    for (size_t i = 0; i < len; i++)
        sprintf(out + 2 * i, "%02x", bytes[i]);
}

/* FIPS 180-4's example "abc" */
Test(hash, abc_hashes_as_published)
{
    static const char *const want[CX_HASH_COUNT] = {
        [CX_SHA256] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        [CX_SHA384] = "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
                      "8086072ba1e7cc2358baeca134c825a7",
        [CX_SHA512] = "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                      "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
    };
    for (unsigned alg = 0; alg < CX_HASH_COUNT; alg++) {
        struct cx_hash h;
        uint8_t out[CX_HASH_MAX_BYTES];
        char text[2 * CX_HASH_MAX_BYTES + 1];
        cr_assert_eq(cx_hash_begin(&h, (enum cx_hash_alg)alg), CX_OK);
        cx_hash_add(&h, cx_view_text("a"));
        cx_hash_add(&h, cx_view_text(""));
        cx_hash_add(&h, cx_view_text("bc"));
        cr_assert_eq(cx_hash_end(&h, out), CX_OK);
        hex(out, cx_hash_len((enum cx_hash_alg)alg), text);
        cr_assert_str_eq(text, want[alg]);
    }
}

Test(hash, strings_carry_their_length_and_a_hash_may_be_abandoned)
{
    struct cx_hash a, b;
    uint8_t one[CX_HASH_MAX_BYTES], two[CX_HASH_MAX_BYTES];
    cr_assert_eq(cx_hash_begin(&a, CX_SHA256), CX_OK);
    cr_assert_eq(cx_hash_begin(&b, CX_SHA256), CX_OK);
    cx_hash_add_string(&a, cx_view_text("ssh"));
    cx_hash_add_u32(&b, 3);
    cx_hash_add(&b, cx_view_text("ssh"));
    cr_assert_eq(cx_hash_end(&a, one), CX_OK);
    cr_assert_eq(cx_hash_end(&b, two), CX_OK);
    cr_assert_arr_eq(one, two, 32);
    cr_assert_eq(cx_hash_begin(&a, CX_SHA512), CX_OK);
    cr_assert_eq(cx_hash_end(&a, NULL), CX_OK);
    cr_assert_eq(cx_hash_end(&a, one), CX_E_RESOURCE, "ended twice");
}

/* ---- random ---- */

Test(random, pool_bytes_are_fresh_and_wiped_once_given)
{
    struct cx_random_pool pool = { 0 };
    struct cx_random random = cx_random_system(&pool);
    uint8_t big[3 * CX_RANDOM_POOL_BYTES], small[24], seen[24];
    cx_random_fill(&random, small, sizeof small);
    for (size_t i = 0; i < 200; i++) {
        memcpy(seen, small, sizeof seen);
        cx_random_fill(&random, small, sizeof small);
        cr_assert_neq(memcmp(seen, small, sizeof small), 0);
        for (size_t j = CX_RANDOM_KEY_BYTES; j < sizeof pool.bytes - pool.left; j++)
            cr_assert_eq(pool.bytes[j], 0);
    }
    memset(big, 0, sizeof big);
    cx_random_fill(&random, big, sizeof big);
    size_t zeros = 0;
    for (size_t i = 0; i < sizeof big; i++)
        zeros += big[i] == 0;
    cr_assert_lt(zeros, 100);
}

Test(random, each_refill_has_a_key_of_its_own_and_the_system_is_asked_again)
{
    struct cx_random_pool pool = { 0 }, other = { 0 };
    struct cx_random random = cx_random_system(&pool), random2 = cx_random_system(&other);
    uint8_t key[CX_RANDOM_KEY_BYTES] = { 0 }, bytes[31], bytes2[31];
    cx_random_fill(&random, bytes, sizeof bytes);
    cx_random_fill(&random2, bytes2, sizeof bytes2);
    cr_assert_neq(memcmp(bytes, bytes2, sizeof bytes), 0, "two pools gave the same");
    cr_assert_eq(pool.refills_left, CX_RANDOM_REFILLS_A_SEED - 1);
    for (unsigned i = 0; i < CX_RANDOM_REFILLS_A_SEED; i++) {
        cr_assert_neq(memcmp(key, pool.bytes, sizeof key), 0);
        memcpy(key, pool.bytes, sizeof key);
        pool.left = 0;
        cx_random_fill(&random, bytes, sizeof bytes);
    }
    cr_assert_eq(pool.refills_left, CX_RANDOM_REFILLS_A_SEED - 1, "no new seed");
}

Test(random, a_seed_gives_the_same_stream_again)
{
    struct cx_random_seeded a, b, c;
    uint8_t one[100], two[100], other[100];
    struct cx_random first = cx_random_from_seed(&a, 42), second = cx_random_from_seed(&b, 42), third = cx_random_from_seed(&c, 43);
    cx_random_fill(&first, one, sizeof one);
    cx_random_fill(&second, two, sizeof two);
    cx_random_fill(&third, other, sizeof other);
    cr_assert_arr_eq(one, two, sizeof one);
    cr_assert_neq(memcmp(one, other, sizeof one), 0);
}

/* ---- secret ---- */

Test(secret, a_wipe_wipes_and_equal_looks_at_every_byte)
{
    uint8_t a[64], b[64];
    memset(a, 7, sizeof a);
    memset(b, 7, sizeof b);
    cr_assert(cx_secret_equal(a, b, sizeof a));
    cr_assert(cx_secret_equal(a, b, 0));
    for (size_t i = 0; i < sizeof a; i++) {
        a[i] ^= 1;
        cr_assert_not(cx_secret_equal(a, b, sizeof a));
        a[i] ^= 1;
    }
    cx_secret_wipe(a, sizeof a);
    for (size_t i = 0; i < sizeof a; i++)
        cr_assert_eq(a[i], 0);
}

/* ---- wire ---- */

Test(wire, what_is_written_is_read)
{
    uint8_t bytes[128];
    struct cx_writer w = cx_writer((struct cx_span){ bytes, sizeof bytes });
    cx_writer_u8(&w, 250);
    cx_writer_bool(&w, true);
    cx_writer_u32(&w, 0xfedcba98);
    cx_writer_u64(&w, 0x0123456789abcdef);
    cx_writer_text(&w, "sluice");
    cx_writer_string(&w, cx_view(NULL, 0));
    cx_writer_mpint(&w, cx_view("\0\0\x80\x01", 4));
    cx_writer_raw(&w, cx_view_text("!"));
    cr_assert(cx_writer_ok(&w));
    struct cx_reader r = cx_reader(cx_writer_view(&w));
    cr_assert_eq(cx_reader_u8(&r), 250);
    cr_assert(cx_reader_bool(&r));
    cr_assert_eq(cx_reader_u32(&r), 0xfedcba98);
    cr_assert_eq(cx_reader_u64(&r), 0x0123456789abcdef);
    cr_assert(cx_view_is(cx_reader_string(&r), "sluice"));
    cr_assert_eq(cx_reader_string(&r).len, 0);
    cr_assert(cx_view_equal(cx_reader_mpint(&r), cx_view("\x80\x01", 2)));
    cr_assert_not(cx_reader_done(&r));
    cr_assert(cx_view_is(cx_reader_raw(&r, 1), "!"));
    cr_assert(cx_reader_done(&r));
}

/* RFC 4251 section 5's examples */
Test(wire, mpints_are_those_of_the_rfc)
{
    static const struct {
        const char *magnitude, *wire;
        size_t magnitude_len, wire_len;
    } rows[] = {
        { "", "\0\0\0\0", 0, 4 },
        { "\0\0", "\0\0\0\0", 2, 4 },
        { "\x09\xa3\x78\xf9\xb2\xe3\x32\xa7", "\0\0\0\x08\x09\xa3\x78\xf9\xb2\xe3\x32\xa7", 8, 12 },
        { "\x80", "\0\0\0\x02\0\x80", 1, 6 },
        { "\0\x7f", "\0\0\0\x01\x7f", 2, 5 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t bytes[16];
        struct cx_writer w = cx_writer((struct cx_span){ bytes, sizeof bytes });
        cx_writer_mpint(&w, cx_view(rows[i].magnitude, rows[i].magnitude_len));
        cr_assert(cx_view_equal(cx_writer_view(&w), cx_view(rows[i].wire, rows[i].wire_len)), "row %zu", i);
    }
}

Test(wire, mpints_that_are_negative_or_padded_fail)
{
    static const struct {
        const char *bytes;
        size_t len;
        bool good;
    } rows[] = {
        { "\0\0\0\0", 4, true },          { "\0\0\0\x01\x7f", 5, true },        { "\0\0\0\x02\0\x80", 6, true },
        { "\0\0\0\x01\x80", 5, false },   { "\0\0\0\x01\0", 5, false },         { "\0\0\0\x02\0\x7f", 6, false },
        { "\0\0\0\x03\0\x80", 6, false }, { "\xff\xff\xff\xff\x01", 5, false },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct cx_reader r = cx_reader(cx_view(rows[i].bytes, rows[i].len));
        cx_reader_mpint(&r);
        cr_assert_eq(cx_reader_done(&r), rows[i].good, "row %zu", i);
    }
}

Test(wire, a_reader_never_recovers_from_a_failure)
{
    struct cx_reader r = cx_reader(cx_view("\0\0\0\x05"
                                           "abcd",
                                           8));
    cr_assert_eq(cx_reader_string(&r).len, 0);
    cr_assert_not(cx_reader_ok(&r));
    cr_assert_eq(cx_reader_u8(&r), 0);
    cr_assert_eq(cx_reader_raw(&r, 0).len, 0);
    cr_assert_not(cx_reader_done(&r));
    for (size_t len = 0; len < 4; len++) {
        r = cx_reader(cx_view("\xff\xff\xff\xff", len));
        cr_assert_eq(cx_reader_u32(&r), 0);
        cr_assert_not(cx_reader_ok(&r));
    }
}

Test(wire, a_writer_never_passes_its_end)
{
    for (size_t room = 0; room < 20; room++) {
        uint8_t bytes[24];
        memset(bytes, 0xee, sizeof bytes);
        struct cx_writer w = cx_writer((struct cx_span){ bytes, room });
        cx_writer_u32(&w, 1);
        cx_writer_text(&w, "twelve bytes");
        cr_assert_eq(cx_writer_ok(&w), room >= 20);
        cx_writer_u8(&w, 9);
        cr_assert_not(cx_writer_ok(&w), "room %zu", room);
        for (size_t i = room; i < sizeof bytes; i++)
            cr_assert_eq(bytes[i], 0xee);
    }
}
