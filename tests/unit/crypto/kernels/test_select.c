/* SPDX-License-Identifier: MIT */
/* Picking kernels: what the processor has, the cap allows and the self-test passes; and that every self-test would notice. */
#include <criterion/criterion.h>

#include "crypto/kernels/kernels_priv.h"
#include "crypto/packet/packet_priv.h"

static const struct cx_kernel portable = { "portable", CX_TIER_PORTABLE, 0 }, narrow = { "narrow", CX_TIER_AVX2, CX_CPU_AVX2 },
                              wide = { "wide", CX_TIER_AVX512, CX_CPU_AVX2 | CX_CPU_AVX512F };
static const struct cx_kernel *const candidates[] = { &wide, &narrow, &portable, NULL };

static const struct cx_kernel *broken[3];
static size_t reports;

static bool test_unless_broken(const struct cx_evp *evp, enum cx_primitive primitive, const struct cx_kernel *kernel)
{
    (void)evp;
    (void)primitive;
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
        if (kernel == broken[i])
            return false;
    return true;
}

static void count(void *state, enum cx_primitive primitive, const struct cx_kernel *failed)
{
    (void)state;
    (void)primitive;
    cr_assert_eq(failed, broken[reports]);
    reports++;
}

static const struct cx_kernel *pick(uint32_t cpu, enum cx_tier cap)
{
    const struct cx_kernel_judge judge = { NULL, test_unless_broken, count, NULL };
    reports = 0;
    return cx_kernel_pick(CX_PRIMITIVE_GCM, candidates, cpu, cap, &judge);
}

Test(select, takes_the_best_that_the_processor_has_and_the_cap_allows)
{
    cr_assert_eq(pick(UINT32_MAX, CX_TIER_AVX512), &wide);
    cr_assert_eq(pick(UINT32_MAX, CX_TIER_AVX2), &narrow);
    cr_assert_eq(pick(UINT32_MAX, CX_TIER_PORTABLE), &portable);
    cr_assert_eq(pick(CX_CPU_AVX2, CX_TIER_AVX512), &narrow);
    cr_assert_eq(pick(CX_CPU_AVX512F, CX_TIER_AVX512), &portable);
    cr_assert_eq(pick(0, CX_TIER_AVX512), &portable);
    cr_assert_eq(reports, 0);
}

Test(select, what_fails_its_self_test_is_reported_and_passed_over)
{
    broken[0] = &wide;
    cr_assert_eq(pick(UINT32_MAX, CX_TIER_AVX512), &narrow);
    cr_assert_eq(reports, 1);
    broken[1] = &narrow;
    cr_assert_eq(pick(UINT32_MAX, CX_TIER_AVX512), &portable);
    cr_assert_eq(reports, 2);
    broken[2] = &portable; /* it is the measure of the others: nobody asks it */
    cr_assert_eq(pick(UINT32_MAX, CX_TIER_AVX512), &portable);
    cr_assert_eq(reports, 2);
}

static void must_not_fail(void *state, enum cx_primitive primitive, const struct cx_kernel *failed)
{
    (void)state;
    cr_assert_fail("%s of %s", failed->name, cx_primitive_name(primitive));
}

Test(select, every_processor_gets_a_whole_selection_within_its_bits_and_cap)
{
    uint32_t here = cx_cpu_detect();
    for (unsigned cap = 0; cap < CX_TIER_COUNT; cap++) {
        for (unsigned bits = 0; bits <= 32; bits++) {
            uint32_t cpu = here & (uint32_t)((1ull << bits) - 1);
            struct cx_kernels k;
            cx_kernels_select(&k, cpu, cap, must_not_fail, NULL);
            for (unsigned i = 0; i < CX_PRIMITIVE_COUNT; i++)
                cr_assert(cx_kernel_runs(k.of[i], cpu, cap), "%s of %s", k.of[i]->name, cx_primitive_name(i));
        }
    }
}

Test(select, the_portable_kernel_is_the_last_candidate_of_each_primitive)
{
    for (unsigned i = 0; i < CX_PRIMITIVE_COUNT; i++) {
        size_t n = 0;
        while (cx_kernel_at(i, n))
            n++;
        cr_assert_eq(cx_kernel_at(i, n - 1), cx_kernels_portable.of[i]);
        cr_assert(cx_kernel_runs(cx_kernels_portable.of[i], 0, CX_TIER_PORTABLE));
        cr_assert_null(cx_kernel_at(i, n + 1));
    }
}

Test(select, tiers_are_found_by_their_names)
{
    enum cx_tier tier;
    for (unsigned i = 0; i < CX_TIER_COUNT; i++)
        cr_assert(cx_tier_parse(cx_tier_name(i), &tier) && tier == i);
    cr_assert_not(cx_tier_parse("avx", &tier));
    cr_assert_not(cx_tier_parse("", &tier));
}

Test(select, the_names_of_the_processors_bits_end_with_the_last)
{
    size_t n = 0;
    while (cx_cpu_bit_name(n))
        n++;
    cr_assert_eq(1u << (n - 1), CX_CPU_AVX512VBMI2);
}

/* ---- self-tests, against kernels that are right but for one thing ---- */

static struct cx_packet_ops faulty_ops;
static struct cx_mac_ops faulty_mac;
static struct cx_ctr_kernel faulty_ctr;
static const struct cx_packet_ops *right_ops;
static uint32_t faulty_len;

static enum cx_err seal_wrong(void *context, const struct cx_packet_job job[], size_t n)
{
    enum cx_err err = right_ops->seal(context, job, n);
    for (size_t i = 0; i < n; i++)
        if (job[i].len == faulty_len)
            job[i].start[CX_PACKET_LENGTH_BYTES + faulty_len + 15] ^= 1; /* the tag's last byte */
    return err;
}

static enum cx_err seal_wrong_from(void *context, const struct cx_packet_job job[], size_t n)
{
    enum cx_err err = right_ops->seal(context, job, n);
    for (size_t i = 0; i < n; i++)
        if (job[i].len >= faulty_len)
            job[i].start[CX_PACKET_LENGTH_BYTES + faulty_len - 1] ^= 1;
    return err;
}

static enum cx_err open_any(void *context, const struct cx_packet_job job[], size_t n, size_t *good)
{
    enum cx_err err = right_ops->open(context, job, n, good);
    if (err == CX_E_TAG && job[*good].len == faulty_len) {
        ++*good;
        err = CX_OK;
    }
    return err;
}

static bool tags_wrong(void *context, const struct cx_mac_job job[], size_t n)
{
    bool made = cx_mac_umac64.tags(context, job, n);
    if (job[n - 1].len == faulty_len)
        job[n - 1].tag[0] ^= 1;
    return made;
}

static bool crypt_wrong(void *context, const struct cx_ctr_job job[], size_t n)
{
    bool made = cx_ctr_evp.crypt(context, job, n);
    if (job[0].len == faulty_len)
        job[0].to[faulty_len - 1] ^= 1;
    return made;
}

static bool both_wrong(void *context, const struct cx_mac_crypt *x)
{
    bool tagged_first = x->of_crypted || cx_mac_hmac_sha256.tags(context, x->tag, x->n);
    bool crypted = tagged_first && cx_ctr_evp.crypt(x->ctr_context, x->crypt, x->n);
    bool made = crypted && (!x->of_crypted || cx_mac_hmac_sha256.tags(context, x->tag, x->n));
    if (x->crypt[x->n - 1].len == faulty_len)
        x->crypt[x->n - 1].to[faulty_len - 1] ^= 1;
    return made;
}

static void self_test_notices(const struct cx_evp *evp, enum cx_primitive primitive, const struct cx_packet_ops *right)
{
    right_ops = right;
    faulty_ops = *right;
    cr_assert(cx_selftest_packets(evp, primitive, &faulty_ops.kernel));
    for (faulty_len = 0; faulty_len < 512; faulty_len += 73) {
        faulty_ops.seal = seal_wrong;
        cr_assert_not(cx_selftest_packets(evp, primitive, &faulty_ops.kernel));
        faulty_ops.seal = right->seal;
    }
    faulty_len = 0;
    faulty_ops.open = open_any;
    cr_assert_not(cx_selftest_packets(evp, primitive, &faulty_ops.kernel));
}

Test(select, a_self_test_notices_one_wrong_bit_in_one_length)
{
    struct cx_evp evp;
    cr_assert(cx_evp_fetch(&evp));
    self_test_notices(&evp, CX_PRIMITIVE_GCM, &cx_packet_gcm);
    self_test_notices(&evp, CX_PRIMITIVE_CHACHAPOLY, &cx_packet_chachapoly);
    faulty_mac = cx_mac_umac64;
    faulty_ctr = cx_ctr_evp;
    faulty_len = 0;
    cr_assert(cx_selftest_mac(&evp, CX_PRIMITIVE_UMAC64, &faulty_mac.kernel));
    cr_assert(cx_selftest_ctr(&evp, CX_PRIMITIVE_CTR, &faulty_ctr.kernel));
    faulty_mac.tags = tags_wrong;
    cr_assert_not(cx_selftest_mac(&evp, CX_PRIMITIVE_UMAC64, &faulty_mac.kernel));
    faulty_len = 197; /* the first of the second batch */
    faulty_ctr.crypt = crypt_wrong;
    cr_assert_not(cx_selftest_ctr(&evp, CX_PRIMITIVE_CTR, &faulty_ctr.kernel));
    cx_evp_drop(&evp);
}

Test(select, a_self_test_notices_one_wrong_bit_of_a_cipher_beside_its_mac)
{
    struct cx_evp evp;
    cr_assert(cx_evp_fetch(&evp));
    faulty_mac = cx_mac_hmac_sha256;
    faulty_mac.beside = &cx_ctr_evp;
    faulty_mac.tags_and_crypt = both_wrong;
    faulty_len = 1; /* which does not come by */
    cr_assert(cx_selftest_mac(&evp, CX_PRIMITIVE_HMAC_SHA256, &faulty_mac.kernel));
    faulty_len = 544; /* the last of the second batch */
    cr_assert_not(cx_selftest_mac(&evp, CX_PRIMITIVE_HMAC_SHA256, &faulty_mac.kernel));
    cx_evp_drop(&evp);
}

/* chacha20-poly1305 has the widest: two blocks of the stream stand in the packet's row, and then 32 blocks are a turn. */
Test(select, a_self_test_goes_round_the_widest_loop_three_times)
{
    struct cx_evp evp;
    cr_assert(cx_evp_fetch(&evp));
    right_ops = &cx_packet_chachapoly;
    faulty_ops = cx_packet_chachapoly;
    faulty_ops.seal = seal_wrong_from;
    for (uint32_t turns = 1; turns <= 3; turns++) {
        faulty_len = 64 * (2 + 32 * turns);
        cr_assert_not(cx_selftest_packets(&evp, CX_PRIMITIVE_CHACHAPOLY, &faulty_ops.kernel), "%u", turns);
    }
    cx_evp_drop(&evp);
}
