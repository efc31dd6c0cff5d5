/* SPDX-License-Identifier: MIT */
/* The tables of candidates, and picking from them. */
#include "crypto/kernels/kernels.h"

#include <assert.h>

#include "crypto/kernels/kernels_priv.h"
#include "crypto/kex/mlkem768_priv.h"
#include "crypto/kex/sntrup761_priv.h"
#include "crypto/kex/x25519_priv.h"
#include "crypto/packet/packet_priv.h"

typedef const struct cx_kernel *const candidate_list[];

/* An entry of a list where the architecture has it, nothing where not. */
#ifdef __x86_64__
#define X86(table) &(table).kernel,
#else
#define X86(table)
#endif

static candidate_list gcm = { X86(cx_packet_gcm_vaes512) X86(cx_packet_gcm_vaes256) & cx_packet_gcm.kernel, NULL };
static candidate_list chachapoly = {
    X86(cx_chachapoly_ifma) X86(cx_chachapoly_avx512) X86(cx_chachapoly_avx2) & cx_packet_chachapoly.kernel, NULL
};
static candidate_list ctr = { X86(cx_ctr_vaes512) X86(cx_ctr_vaes256) & cx_ctr_evp.kernel, NULL };
static candidate_list hmac_sha256 = { X86(cx_mac_hmac_sha256_shani8) X86(cx_mac_hmac_sha256_shani) & cx_mac_hmac_sha256.kernel,
                                      NULL };
static candidate_list hmac_sha512 = { X86(cx_mac_hmac_sha512_avx512) X86(cx_mac_hmac_sha512_avx2) & cx_mac_hmac_sha512.kernel,
                                      NULL };
static candidate_list umac64 = { X86(cx_mac_umac64_avx512) X86(cx_mac_umac64_avx2) & cx_mac_umac64.kernel, NULL };
static candidate_list umac128 = { X86(cx_mac_umac128_avx512) X86(cx_mac_umac128_avx2) & cx_mac_umac128.kernel, NULL };
static candidate_list keccak = { X86(cx_keccak_avx512) X86(cx_keccak_avx2) & cx_keccak_portable.kernel, NULL };
static candidate_list mlkem = { X86(cx_mlkem_avx512) X86(cx_mlkem_avx2) & cx_mlkem_portable.kernel, NULL };
static candidate_list sntrup = { X86(cx_sntrup_avx512) X86(cx_sntrup_avx2) & cx_sntrup_portable.kernel, NULL };
static candidate_list x25519 = { X86(cx_x25519_ifma) & cx_x25519_portable.kernel, NULL };

static const struct {
    const char *name;
    const struct cx_kernel *const *candidates;
    cx_kernel_test *test;
} primitives[CX_PRIMITIVE_COUNT] = {
    [CX_PRIMITIVE_GCM] = { "aes-gcm", gcm, cx_selftest_packets },
    [CX_PRIMITIVE_CHACHAPOLY] = { "chacha20-poly1305", chachapoly, cx_selftest_packets },
    [CX_PRIMITIVE_CTR] = { "aes-ctr", ctr, cx_selftest_ctr },
    [CX_PRIMITIVE_HMAC_SHA256] = { "hmac-sha2-256", hmac_sha256, cx_selftest_mac },
    [CX_PRIMITIVE_HMAC_SHA512] = { "hmac-sha2-512", hmac_sha512, cx_selftest_mac },
    [CX_PRIMITIVE_UMAC64] = { "umac-64", umac64, cx_selftest_mac },
    [CX_PRIMITIVE_UMAC128] = { "umac-128", umac128, cx_selftest_mac },
    [CX_PRIMITIVE_KECCAK] = { "keccak", keccak, cx_selftest_keccak },
    [CX_PRIMITIVE_MLKEM] = { "mlkem768", mlkem, cx_selftest_mlkem },
    [CX_PRIMITIVE_SNTRUP] = { "sntrup761", sntrup, cx_selftest_sntrup },
    [CX_PRIMITIVE_X25519] = { "x25519", x25519, cx_selftest_x25519 },
};

const struct cx_kernels cx_kernels_portable = {
    .gcm = &cx_packet_gcm,
    .chachapoly = &cx_packet_chachapoly,
    .ctr = &cx_ctr_evp,
    .hmac_sha256 = &cx_mac_hmac_sha256,
    .hmac_sha512 = &cx_mac_hmac_sha512,
    .umac64 = &cx_mac_umac64,
    .umac128 = &cx_mac_umac128,
    .keccak = &cx_keccak_portable,
    .mlkem = &cx_mlkem_portable,
    .sntrup = &cx_sntrup_portable,
    .x25519 = &cx_x25519_portable,
};

static const char *const tiers[CX_TIER_COUNT] = {
    [CX_TIER_PORTABLE] = "portable",
    [CX_TIER_AVX2] = "avx2",
    [CX_TIER_AVX512] = "avx512",
};

static const struct cx_kernels *current = &cx_kernels_portable;

const char *cx_tier_name(enum cx_tier tier)
{
    assert(tier < CX_TIER_COUNT);
    return tiers[tier];
}

bool cx_tier_parse(const char *name, enum cx_tier *tier)
{
    for (unsigned i = 0; i < CX_TIER_COUNT; i++) {
        if (strcmp(name, tiers[i]) == 0) {
            *tier = (enum cx_tier)i;
            return true;
        }
    }
    return false;
}

const char *cx_primitive_name(enum cx_primitive primitive)
{
    assert(primitive < CX_PRIMITIVE_COUNT);
    return primitives[primitive].name;
}

const struct cx_kernel *cx_kernel_at(enum cx_primitive primitive, size_t i)
{
    assert(primitive < CX_PRIMITIVE_COUNT);
    const struct cx_kernel *const *list = primitives[primitive].candidates;
    while (i > 0 && *list) {
        list++;
        i--;
    }
    return *list;
}

bool cx_kernel_runs(const struct cx_kernel *kernel, uint32_t cpu, enum cx_tier cap)
{
    return kernel->tier <= cap && (kernel->needs & ~cpu) == 0;
}

const struct cx_kernel *cx_kernel_pick(enum cx_primitive primitive, const struct cx_kernel *const candidates[], uint32_t cpu,
                                       enum cx_tier cap, const struct cx_kernel_judge *judge)
{
    for (; candidates[1]; candidates++) {
        if (!cx_kernel_runs(*candidates, cpu, cap))
            continue;
        if (judge->test(judge->evp, primitive, *candidates))
            break;
        if (judge->report)
            judge->report(judge->state, primitive, *candidates);
    }
    return *candidates;
}

void cx_kernels_select(struct cx_kernels *out, uint32_t cpu, enum cx_tier cap, cx_kernels_report *report, void *state)
{
    struct cx_evp evp = { 0 };
    /* without the oracle nothing can be judged */
    bool fetched = cx_evp_fetch(&evp);
    for (unsigned i = 0; i < CX_PRIMITIVE_COUNT; i++) {
        struct cx_kernel_judge judge = { &evp, primitives[i].test, report, state };
        out->of[i] = cx_kernel_pick(i, primitives[i].candidates, cpu, fetched ? cap : CX_TIER_PORTABLE, &judge);
    }
    cx_evp_drop(&evp);
}

void cx_kernels_install(const struct cx_kernels *kernels)
{
    current = kernels;
}

const struct cx_kernels *cx_kernels_current(void)
{
    return current;
}
