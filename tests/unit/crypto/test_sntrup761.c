/* SPDX-License-Identifier: MIT */
/* sntrup761 against known answers, and what a wrong ciphertext yields, with what each tier picks here; its kernels against the
 * portable one. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "crypto/hash.h"
#include "crypto/kernels/kernels_priv.h"
#include "crypto/kex/sntrup761_priv.h"

/* What this processor runs of a tier. */
static struct cx_kernels kernels_of(unsigned tier)
{
    struct cx_kernels k;
    cx_kernels_select(&k, cx_cpu_detect(), tier, NULL, NULL);
    cr_log_info("%s: %s", cx_tier_name(tier), k.sntrup->kernel.name);
    return k;
}

/* Randomness as the known answers have it: SHA-512(seed || n) for n = 0, 1, 2 …, where n is four bytes, the lowest first. */
struct stream {
    char seed[32];
    uint32_t next;
    uint8_t block[64];
    size_t used, drawn;
};

static void stream_fill(void *state, uint8_t *out, size_t len)
{
    struct stream *s = state;
    for (size_t i = 0; i < len; i++, s->drawn++) {
        if (s->used == sizeof s->block) {
            uint8_t n[4] = { (uint8_t)s->next, (uint8_t)(s->next >> 8) };
            struct cx_hash h;
            cr_assert_eq(cx_hash_begin(&h, CX_SHA512), CX_OK);
            cx_hash_add(&h, cx_view_text(s->seed));
            cx_hash_add(&h, cx_view(n, sizeof n));
            cr_assert_eq(cx_hash_end(&h, s->block), CX_OK);
            s->next++;
            s->used = 0;
        }
        out[i] = s->block[s->used++];
    }
}

static struct cx_random stream_new(struct stream *s, unsigned number)
{
    *s = (struct stream){ .used = sizeof s->block };
    snprintf(s->seed, sizeof s->seed, "reach sntrup761 kat %u", number);
    return (struct cx_random){ stream_fill, s };
}

/* SHA-512 of public key, secret key and ciphertext; the shared secret; and what the ciphertext with its first bit flipped
 * yields. Made by OpenSSH 10.0's implementation, as published. */
static const struct {
    const char *public, *secret, *ciphertext, *shared, *rejected;
} answers[] = {
    { "597101fee410d1a3303ba897b42c1dd145792e5aa203c868771718f865d57880aa4f1322aabc6516e1a500a9062c67ede5042ea5bc15813a9b4b192d59b1"
      "a568",
      "aa6a04dfedbd0c83686580e15dfcb712c7f9041141117e12d5453e01c87e8dde757fbde67a22eda0bc001b5e466070f67766d578be223994f18b17a96b55"
      "7ae2",
      "9d4bd929677894720d751523be604764cd9a119a7e10c056a6e0833fe78bc2ab4aa567dbe2b9fc42a36ecd5e26276116662186350cb4ad38dfb061307e61"
      "4d7f",
      "83efc9cc0a60166f3e38fc3f13f062e284d0cb3047fa6d26319b9a99a254b27f",
      "459b8fda2a5d122baaab2944c2918cfda5858c97dd56381257eac7a9549c597d" },
    { "79861eb4d22015a6d4a52657e378a7ff506db3dc455183d2ccdb6b4ac24c82013aac26cf12ecfada27db2be2e5f7628e241ca64c44fa82b8bc4e431bd2d8"
      "6a04",
      "417cac759eb5f9ec570eafb9088f23fc36e34a5e8ad76eba85e90844dc6b3a24acfc95bc0a274ae4dbcbb3bbd469bb8a540a76d609419211c8670f93a2a5"
      "21d9",
      "a61938b191e55b7e7e6016da728966e7a30cdc40c0aa948e74a5e68c6d0429fef2e0875596fb20ea2fd93bedc722c2754fe4a0b8e1cf69c6177b50aae036"
      "86d4",
      "0420fab273dda98b20380b8796f3506d5e21c6c2cdee527ebb1e6e0643b715b4",
      "df42ead65c9856239863607526c55a08714a69cc060f2237430aef7dcd623094" },
    { "d548cae841ff02186aa2340ab6e9520adf6866713626437724adbaa66aeff86ff3d2e5dd776d13125c43e5c835a7becd02cdd66993a4a8de4115559f09e1"
      "31e9",
      "3ef6c61402736f1dc32465d6b81619a3318f3f8efe9685d0648a6d8dc1817d2129e5aa11664312884fa2d4194fa60ebdd9bd02267a067575ae690ece0d89"
      "5882",
      "75f21ec11753cf13b274c4d98fc2689f398b980b90e150e155d9d9fe5d6759489d4ddb4149feb06b311d29e3d0f0a18b531bbb06d73c29ef211fb86b0e0f"
      "16c2",
      "1aaac89948e8a96c1cd3dc0c5d25a7c5b50707a082fa440f844b2110a97e29e2",
      "743eefb1fb612372ba8a7ebda507f44ce56b48fbddf53894178e4769dbd02da4" },
};

static void check_hex(const char *what, const uint8_t *bytes, size_t len, const char *want)
{
    char text[2 * CX_HASH_MAX_BYTES + 1];
    cr_assert_leq(len, CX_HASH_MAX_BYTES);
    for (size_t i = 0; i < len; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    cr_assert_str_eq(text, want, "%s is %s", what, text);
}

static void check_digest(const char *what, const uint8_t *bytes, size_t len, const char *want)
{
    uint8_t digest[CX_HASH_MAX_BYTES];
    struct cx_hash h;
    cr_assert_eq(cx_hash_begin(&h, CX_SHA512), CX_OK);
    cx_hash_add(&h, cx_view(bytes, len));
    cr_assert_eq(cx_hash_end(&h, digest), CX_OK);
    check_hex(what, digest, sizeof digest, want);
}

static void check_answers(const struct cx_kernels *k)
{
    for (unsigned i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        struct stream stream;
        struct cx_random random = stream_new(&stream, i);
        uint8_t public[CX_SNTRUP761_PUBLIC_BYTES], secret[CX_SNTRUP761_SECRET_BYTES], c[CX_SNTRUP761_CIPHERTEXT_BYTES];
        uint8_t shared[CX_SNTRUP761_SHARED_BYTES];
        cr_assert_eq(cx_sntrup761_make_pair(k, &random, secret, public), CX_OK);
        cr_assert_eq(stream.drawn, 6279);
        check_digest("public key", public, sizeof public, answers[i].public);
        check_digest("secret key", secret, sizeof secret, answers[i].secret);
        cr_assert_eq(cx_sntrup761_encapsulate(k, &random, public, c, shared), CX_OK);
        cr_assert_eq(stream.drawn, 9323);
        check_digest("ciphertext", c, sizeof c, answers[i].ciphertext);
        check_hex("shared secret", shared, sizeof shared, answers[i].shared);
        memset(shared, 0, sizeof shared);
        cr_assert_eq(cx_sntrup761_decapsulate(k, secret, c, shared), CX_OK);
        check_hex("shared secret of the receiver", shared, sizeof shared, answers[i].shared);
        c[0] ^= 1;
        cr_assert_eq(cx_sntrup761_decapsulate(k, secret, c, shared), CX_OK);
        check_hex("rejection", shared, sizeof shared, answers[i].rejected);
    }
}

Test(sntrup761, known_answers_come_out)
{
    for (unsigned tier = 0; tier < CX_TIER_COUNT; tier++) {
        struct cx_kernels k = kernels_of(tier);
        check_answers(&k);
    }
}

Test(sntrup761, a_wrong_ciphertext_yields_the_same_secret_of_its_own_every_time)
{
    struct cx_random_seeded seed;
    struct cx_random random = cx_random_from_seed(&seed, 7);
    struct cx_kernels k = kernels_of(CX_TIER_AVX512);
    uint8_t public[CX_SNTRUP761_PUBLIC_BYTES], secret[CX_SNTRUP761_SECRET_BYTES], c[CX_SNTRUP761_CIPHERTEXT_BYTES];
    uint8_t shared[CX_SNTRUP761_SHARED_BYTES], first[CX_SNTRUP761_SHARED_BYTES], second[CX_SNTRUP761_SHARED_BYTES];
    cr_assert_eq(cx_sntrup761_make_pair(&k, &random, secret, public), CX_OK);
    cr_assert_eq(cx_sntrup761_encapsulate(&k, &random, public, c, shared), CX_OK);
    for (size_t at = 0; at < sizeof c; at += 7) {
        c[at] ^= 0x40;
        cr_assert_eq(cx_sntrup761_decapsulate(&k, secret, c, first), CX_OK);
        cr_assert_eq(cx_sntrup761_decapsulate(&k, secret, c, second), CX_OK);
        cr_assert_arr_eq(first, second, sizeof first);
        cr_assert_arr_neq(first, shared, sizeof first);
        c[at] ^= 0x40;
    }
    cr_assert_eq(cx_sntrup761_decapsulate(&k, secret, c, first), CX_OK);
    cr_assert_arr_eq(first, shared, sizeof first);
}

/* Strings that no encoder writes are taken as they are. */
Test(sntrup761, any_bytes_are_a_public_key_and_a_ciphertext)
{
    struct cx_random_seeded seed;
    struct cx_random random = cx_random_from_seed(&seed, 8);
    struct cx_kernels k = kernels_of(CX_TIER_AVX512);
    uint8_t public[CX_SNTRUP761_PUBLIC_BYTES], secret[CX_SNTRUP761_SECRET_BYTES], c[CX_SNTRUP761_CIPHERTEXT_BYTES];
    uint8_t shared[CX_SNTRUP761_SHARED_BYTES];
    cr_assert_eq(cx_sntrup761_make_pair(&k, &random, secret, public), CX_OK);
    for (unsigned round = 0; round < 40; round++) {
        cx_random_fill(&random, c, sizeof c);
        cx_random_fill(&random, public, sizeof public);
        if (round == 0) {
            memset(c, 0xff, sizeof c);
            memset(public, 0xff, sizeof public);
        }
        cr_assert_eq(cx_sntrup761_decapsulate(&k, secret, c, shared), CX_OK);
        cr_assert_eq(cx_sntrup761_encapsulate(&k, &random, public, c, shared), CX_OK);
    }
}

/* ---- kernels against the portable one ---- */

/* Small where small_only; now and then the largest sums. */
static void fill(struct cx_sntrup_poly *p, const struct cx_random *random, unsigned round, bool small_only)
{
    int largest = small_only ? 1 : SNTRUP_HALF_Q;
    for (size_t i = 0; i < SNTRUP_P; i++) {
        uint16_t word;
        cx_random_fill(random, &word, sizeof word);
        int any = word % (2 * largest + 1) - largest, extreme = round & 8 && word & 1 ? -largest : largest;
        p->c[i] = (int16_t)(round & 4 ? extreme : any);
    }
}

static void check_kernel(const struct cx_sntrup_kernel *kernel, const struct cx_random *random, unsigned round)
{
    struct cx_sntrup_poly a, b, want, got;
    uint32_t want_word[SNTRUP_P], got_word[SNTRUP_P];
    fill(&a, random, round, false);
    fill(&b, random, round, true);
    cx_sntrup_portable.multiply(&want, &a, &b);
    kernel->multiply(&got, &a, &b);
    cr_assert_arr_eq(&got, &want, sizeof got, "%s multiplies wrongly", kernel->kernel.name);
    cx_sntrup_portable.multiply_small(&want, &b, &b);
    kernel->multiply_small(&b, &b, &b);
    cr_assert_arr_eq(&b, &want, sizeof b, "%s multiplies small polynomials wrongly", kernel->kernel.name);
    cx_random_fill(random, want_word, sizeof want_word);
    for (size_t i = 0; i < SNTRUP_P && round & 3; i++)
        want_word[i] &= round & 1 ? 3 : 0xff0000ff;
    memcpy(got_word, want_word, sizeof got_word);
    cx_sntrup_portable.sort(want_word);
    kernel->sort(got_word);
    for (size_t i = 1; i < SNTRUP_P; i++)
        cr_assert_leq(want_word[i - 1], want_word[i]);
    cr_assert_arr_eq(got_word, want_word, sizeof got_word, "%s sorts wrongly", kernel->kernel.name);
}

Test(sntrup761, every_kernel_multiplies_and_sorts_as_the_portable_one_does)
{
    enum { CHECKS = 200 };
    const struct cx_kernel *kernel;
    struct cx_random_seeded seed;
    struct cx_random random = cx_random_from_seed(&seed, 9);
    for (size_t i = 0; (kernel = cx_kernel_at(CX_PRIMITIVE_SNTRUP, i)); i++) {
        if (!cx_kernel_runs(kernel, cx_cpu_detect(), CX_TIER_AVX512)) {
            cr_log_info("%s does not run here", kernel->name);
            continue;
        }
        for (unsigned round = 0; round < CHECKS; round++)
            check_kernel((const struct cx_sntrup_kernel *)kernel, &random, round);
    }
}

/* ---- self-tests, against kernels that are right but for one thing ---- */

static void multiply_narrow(struct cx_sntrup_poly *out, const struct cx_sntrup_poly *a, const struct cx_sntrup_poly *b)
{
    cx_sntrup_portable.multiply(out, a, b);
    out->c[760] = (int16_t)(out->c[760] + (a->c[0] == SNTRUP_HALF_Q));
}

static void sort_wrong(uint32_t word[SNTRUP_P])
{
    cx_sntrup_portable.sort(word);
    uint32_t kept = word[500];
    word[500] = word[501];
    word[501] = kept;
}

static bool invert_any(struct cx_sntrup_poly *out, const struct cx_sntrup_poly *a)
{
    (void)cx_sntrup_portable.invert_small(out, a);
    return true;
}

static void leave(struct cx_sntrup_poly *a)
{
    (void)a;
}

Test(sntrup761, a_self_test_notices_a_wrong_sort_inverse_or_rounding)
{
    struct cx_sntrup_kernel faulty = cx_sntrup_portable;
    cr_assert(cx_selftest_sntrup(NULL, CX_PRIMITIVE_SNTRUP, &faulty.kernel));
    faulty.sort = sort_wrong;
    cr_assert_not(cx_selftest_sntrup(NULL, CX_PRIMITIVE_SNTRUP, &faulty.kernel));
    faulty = cx_sntrup_portable;
    faulty.invert_small = invert_any;
    cr_assert_not(cx_selftest_sntrup(NULL, CX_PRIMITIVE_SNTRUP, &faulty.kernel));
    faulty = cx_sntrup_portable;
    faulty.force_weight = leave;
    cr_assert_not(cx_selftest_sntrup(NULL, CX_PRIMITIVE_SNTRUP, &faulty.kernel));
    faulty = cx_sntrup_portable;
    faulty.multiply = multiply_narrow;
    cr_assert_not(cx_selftest_sntrup(NULL, CX_PRIMITIVE_SNTRUP, &faulty.kernel));
}
