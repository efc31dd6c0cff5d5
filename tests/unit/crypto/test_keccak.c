/* SPDX-License-Identifier: MIT */
/* SHA-3 and SHAKE against OpenSSL's, at every length around the rate and however the bytes are cut; and side by side, with every
 * kernel that this processor runs. */
#include <criterion/criterion.h>
#include <openssl/evp.h>

#include "crypto/keccak_lanes.h"

enum { INPUT_MAX = 400, OUTPUT_MAX = 400 };

static size_t output_len(enum cx_keccak_alg alg)
{
    return alg == CX_SHA3_256 ? CX_SHA3_256_BYTES : alg == CX_SHA3_512 ? CX_SHA3_512_BYTES : OUTPUT_MAX;
}

static void reference(enum cx_keccak_alg alg, struct cx_view in, uint8_t *out)
{
    const EVP_MD *const md[CX_KECCAK_ALG_COUNT] = { EVP_sha3_256(), EVP_sha3_512(), EVP_shake128(), EVP_shake256() };
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    cr_assert(EVP_DigestInit_ex(ctx, md[alg], NULL) == 1 && EVP_DigestUpdate(ctx, in.data, in.len) == 1);
    if (alg == CX_SHAKE128 || alg == CX_SHAKE256)
        cr_assert_eq(EVP_DigestFinalXOF(ctx, out, OUTPUT_MAX), 1);
    else
        cr_assert_eq(EVP_DigestFinal_ex(ctx, out, NULL), 1);
    EVP_MD_CTX_free(ctx);
}

Test(keccak, every_length_hashes_as_the_library_does)
{
    uint8_t in[INPUT_MAX], want[OUTPUT_MAX], got[OUTPUT_MAX];
    for (size_t i = 0; i < sizeof in; i++)
        in[i] = (uint8_t)(i * 7 + 1);
    for (unsigned alg = 0; alg < CX_KECCAK_ALG_COUNT; alg++) {
        size_t out_len = output_len(alg);
        for (size_t len = 0; len <= sizeof in; len++) {
            reference(alg, cx_view(in, len), want);
            cx_keccak(alg, cx_view(in, len / 3), cx_view(in + len / 3, len - len / 3), got, out_len);
            cr_assert_arr_eq(got, want, out_len, "algorithm %u, %zu bytes", alg, len);
        }
    }
}

Test(keccak, pieces_give_what_the_whole_gives)
{
    uint8_t in[INPUT_MAX] = { 1, 2, 3 }, want[OUTPUT_MAX], got[OUTPUT_MAX];
    cx_keccak(CX_SHAKE128, cx_view(in, sizeof in), cx_view(NULL, 0), want, sizeof want);
    for (size_t piece = 1; piece < 180; piece++) {
        struct cx_keccak k;
        cx_keccak_begin(&k, CX_SHAKE128);
        for (size_t at = 0; at < sizeof in; at += piece)
            cx_keccak_absorb(&k, cx_view(in + at, sizeof in - at < piece ? sizeof in - at : piece));
        for (size_t at = 0; at < sizeof got; at += piece)
            cx_keccak_squeeze(&k, got + at, sizeof got - at < piece ? sizeof got - at : piece);
        cr_assert_arr_eq(got, want, sizeof got, "in pieces of %zu", piece);
    }
}

/* Kernel i, or NULL past the last or where it does not run. */
static const struct cx_keccak_kernel *kernel_at(size_t i, bool *more)
{
    const struct cx_kernel *kernel = cx_kernel_at(CX_PRIMITIVE_KECCAK, i);
    *more = kernel != NULL;
    if (kernel && !cx_kernel_runs(kernel, cx_cpu_detect(), CX_TIER_AVX512)) {
        cr_log_info("%s does not run here", kernel->name);
        return NULL;
    }
    return (const struct cx_keccak_kernel *)kernel;
}

enum { JOBS = 2 * CX_KECCAK_STATES_MAX + 1 };

static void check_jobs(const struct cx_keccak_kernel *kernel, const uint8_t in[INPUT_MAX], size_t count, size_t seed)
{
    static uint8_t got[JOBS][OUTPUT_MAX + 1];
    struct cx_keccak_job job[JOBS];
    uint8_t want[OUTPUT_MAX];
    for (size_t i = 0; i < count; i++) {
        size_t len = (seed + i * 67) % (INPUT_MAX + 1), cut = len > 0 ? (seed * 5 + i) % len : 0;
        enum cx_keccak_alg alg = (enum cx_keccak_alg)((seed + i) % CX_KECCAK_ALG_COUNT);
        size_t room = output_len(alg), out_len = room == OUTPUT_MAX ? (seed * 3 + i) % OUTPUT_MAX + 1 : room;
        job[i] = (struct cx_keccak_job){ alg, cx_view(in, cut), cx_view(in + cut, len - cut), got[i], out_len };
        got[i][out_len] = 0xa5;
    }
    cx_keccak_many(kernel, job, count);
    for (size_t i = 0; i < count; i++) {
        reference(job[i].alg, cx_view(in, job[i].a.len + job[i].b.len), want);
        cr_assert_arr_eq(got[i], want, job[i].out_len, "%s: job %zu of %zu", kernel->kernel.name, i, count);
        cr_assert_eq(got[i][job[i].out_len], 0xa5, "%s writes past the end", kernel->kernel.name);
    }
}

Test(keccak, any_number_of_jobs_of_any_length_go_side_by_side)
{
    uint8_t in[INPUT_MAX];
    bool more = true;
    for (size_t i = 0; i < sizeof in; i++)
        in[i] = (uint8_t)(i * 13 + 5);
    for (size_t i = 0; more; i++) {
        const struct cx_keccak_kernel *kernel = kernel_at(i, &more);
        for (; kernel; kernel = kernel->narrow)
            for (size_t seed = 0; seed <= INPUT_MAX; seed++)
                check_jobs(kernel, in, seed % JOBS + 1, seed);
    }
}
