/* SPDX-License-Identifier: MIT */
/* What is chacha20-poly1305's own among kernels: carries of Poly1305 that random bytes never meet, rows of sequence numbers that
 * are asked for in any order, and that a used row leaves nothing. */
#include <criterion/criterion.h>
#include <malloc.h>
#include <stdlib.h>

#include "crypto/kernels/chachapoly_priv.h"
#include "crypto/kernels/kernels_priv.h"
#include "crypto/wire.h"

enum { LONGEST = 2100, TAG = CX_POLY1305_TAG, WIRE = CX_PACKET_LENGTH_BYTES + LONGEST + TAG };

static struct cx_evp evp;

static void fetch(void)
{
    cr_assert(cx_evp_fetch(&evp));
}

static void drop(void)
{
    cx_evp_drop(&evp);
}

TestSuite(chachapoly, .init = fetch, .fini = drop);

/* ---- Poly1305 ---- */

/* The i-th that this processor runs, NULL past the last. */
static const struct cx_poly1305_kernel *poly_at(size_t i)
{
    static const struct {
        const struct cx_poly1305_kernel *kernel;
        uint32_t needs;
    } all[] = { { &cx_poly1305_ifma, CX_CPU_AVX512 | CX_CPU_AVX512IFMA }, { &cx_poly1305_avx2, CX_CPU_AVX2 | CX_CPU_BMI2 } };
    for (size_t k = 0; k < sizeof all / sizeof *all; k++)
        if ((all[k].needs & ~cx_cpu_detect()) == 0 && i-- == 0)
            return all[k].kernel;
    return NULL;
}

static void tag_by_openssl(EVP_MAC_CTX *ctx, const struct cx_poly1305_job *job, uint8_t tag[TAG])
{
    size_t len;
    cr_assert_eq(EVP_MAC_init(ctx, job->key, CX_POLY1305_KEY, NULL), 1);
    cr_assert_eq(EVP_MAC_update(ctx, job->bytes, job->len), 1);
    cr_assert_eq(EVP_MAC_final(ctx, tag, &len, TAG), 1);
}

static void tag_by_words(const struct cx_poly1305_job *job, uint8_t tag[TAG])
{
    struct cx_poly1305 p = cx_poly1305_start(job->key);
    cx_poly1305_finish(&p, job->bytes, 0, job->len, job->key, tag);
}

/* Bytes that put sums at or next to the modulus: all ones, all zeros, and 2^130 - 5 and its neighbours as last blocks. */
static void extreme_bytes(uint8_t *bytes, size_t len, unsigned kind)
{
    memset(bytes, kind & 1 ? 0xff : 0, len);
    if (kind & 2 && len >= 16)
        bytes[len - 16] = (uint8_t)(0xf9 + kind / 4);
    if (kind & 4)
        for (size_t i = 0; i < len; i += 16)
            bytes[i] ^= 0x80;
}

static void extreme_key(uint8_t key[CX_POLY1305_KEY], unsigned kind)
{
    memset(key, kind & 1 ? 0xff : 0, CX_POLY1305_KEY / 2);
    memset(key + CX_POLY1305_KEY / 2, kind & 2 ? 0xff : 0, CX_POLY1305_KEY / 2);
    if (kind & 4)
        key[0] ^= 1; /* r is 1, or nearly all ones */
    if (kind & 8)
        key[15] ^= 0x0f;
}

static void check_tags(EVP_MAC_CTX *ctx, const struct cx_poly1305_kernel *kernel, struct cx_poly1305_job job[], size_t n)
{
    uint8_t want[TAG];
    kernel->tags(job, n);
    for (size_t i = 0; i < n; i++) {
        tag_by_openssl(ctx, &job[i], want);
        cr_assert_arr_eq(job[i].tag, want, TAG, "len=%zu n=%zu", job[i].len, n);
        tag_by_words(&job[i], job[i].tag);
        cr_assert_arr_eq(job[i].tag, want, TAG, "words, len=%zu", job[i].len);
    }
}

Test(chachapoly, poly1305_carries_where_random_bytes_never_do)
{
    static uint8_t bytes[CX_POLY1305_LANES][LONGEST], key[CX_POLY1305_LANES][CX_POLY1305_KEY], tag[CX_POLY1305_LANES][TAG];
    struct cx_poly1305_job job[CX_POLY1305_LANES];
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(evp.mac[CX_EVP_POLY1305]);
    const struct cx_poly1305_kernel *kernel;
    for (size_t k = 0; (kernel = poly_at(k)); k++) {
        for (unsigned round = 0; round < 16 * 32; round++) {
            size_t n = round % CX_POLY1305_LANES + 1;
            for (size_t i = 0; i < n; i++) {
                size_t len = kernel->least + (round * 67 + i * 211) % (LONGEST - kernel->least);
                extreme_bytes(bytes[i], len, (unsigned)(round / 16 + i));
                extreme_key(key[i], round);
                job[i] = (struct cx_poly1305_job){ key[i], bytes[i], len, tag[i] };
            }
            check_tags(ctx, kernel, job, n);
        }
    }
    EVP_MAC_CTX_free(ctx);
}

/* With r = 1 two blocks add up to 2^130 - below: from 5 downwards that is the modulus and more. */
Test(chachapoly, poly1305_reduces_what_reaches_the_modulus)
{
    static const uint8_t key[CX_POLY1305_KEY] = { 1 };
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(evp.mac[CX_EVP_POLY1305]);
    for (unsigned below = 2; below <= 8; below++) {
        uint8_t bytes[2 * CX_POLY1305_BLOCK], tag[TAG], want[TAG];
        struct cx_poly1305_job job = { key, bytes, sizeof bytes, tag };
        memset(bytes, 0xff, sizeof bytes);
        bytes[CX_POLY1305_BLOCK] = (uint8_t)(1 - below);
        tag_by_openssl(ctx, &job, want);
        tag_by_words(&job, tag);
        cr_assert_arr_eq(tag, want, TAG, "below=%u", below);
    }
    EVP_MAC_CTX_free(ctx);
}

/* ---- rows ---- */

struct side {
    const struct cx_packet_ops *ops;
    void *seal, *open;
};

/* The i-th kernel from the best on that this processor runs, with contexts of one fixed key; false past the last. */
static bool side_init(struct side *s, size_t i)
{
    struct cx_packet_key k = { .cipher = cx_cipher_find(cx_view_text("chacha20-poly1305@openssh.com")), .sealing = true };
    const struct cx_kernel *kernel;
    for (size_t at = 0; (kernel = cx_kernel_at(CX_PRIMITIVE_CHACHAPOLY, at)); at++)
        if (cx_kernel_runs(kernel, cx_cpu_detect(), CX_TIER_AVX512) && i-- == 0)
            break;
    if (!kernel)
        return false;
    for (size_t b = 0; b < sizeof k.key; b++)
        k.key[b] = (uint8_t)(b * 5 + 1);
    s->ops = (const struct cx_packet_ops *)kernel;
    s->seal = s->ops->expand(&evp, &cx_kernels_portable, &k);
    k.sealing = false;
    s->open = s->ops->expand(&evp, &cx_kernels_portable, &k);
    return s->seal && s->open;
}

static void side_deinit(struct side *s)
{
    s->ops->release(s->seal);
    s->ops->release(s->open);
}

/* A packet of len bytes that is sealed in place by OpenSSL. */
static struct cx_packet_job sealed(uint8_t wire[WIRE], uint32_t seq, uint32_t len)
{
    struct cx_packet_key k = { .cipher = cx_cipher_find(cx_view_text("chacha20-poly1305@openssh.com")), .sealing = true };
    for (size_t b = 0; b < sizeof k.key; b++)
        k.key[b] = (uint8_t)(b * 5 + 1);
    void *context = cx_packet_chachapoly.expand(&evp, &cx_kernels_portable, &k);
    struct cx_packet_job job = { .from = wire, .start = wire, .len = len, .seq = seq };
    memset(wire, (int)(seq + len), CX_PACKET_LENGTH_BYTES + (size_t)len);
    cx_store_u32(wire, len);
    cr_assert_eq(cx_packet_chachapoly.seal(context, &job, 1), CX_OK);
    cx_packet_chachapoly.release(context);
    return job;
}

static void check_open(struct side *s, const struct cx_packet_job *job)
{
    uint32_t len;
    size_t good;
    cr_assert_eq(s->ops->peek(s->open, job, &len), CX_OK);
    cr_assert_eq(len, job->len, "%s seq=%x", s->ops->kernel.name, job->seq);
    cr_assert_eq(s->ops->open(s->open, job, 1, &good), CX_OK);
    cr_assert_eq(job->start[CX_PACKET_LENGTH_BYTES], (uint8_t)(job->seq + job->len), "%s seq=%x", s->ops->kernel.name, job->seq);
}

Test(chachapoly, sequence_numbers_come_in_any_order)
{
    static const uint32_t seqs[] = { 0, 1, 7, 8, 3, 3, 8, 9, 64, 0, UINT32_MAX, 0, UINT32_MAX - 7, UINT32_MAX - 8, UINT32_MAX, 5 };
    static uint8_t wire[WIRE];
    struct side s;
    for (size_t i = 0; side_init(&s, i); i++) {
        for (size_t at = 0; at < sizeof seqs / sizeof *seqs; at++) {
            struct cx_packet_job job = sealed(wire, seqs[at], (uint32_t)(1 + at * 131));
            check_open(&s, &job);
        }
        side_deinit(&s);
    }
}

Test(chachapoly, lengths_far_ahead_are_read_before_the_first_packet_is_opened)
{
    static uint8_t wire[40][WIRE];
    struct side s;
    uint32_t len;
    for (size_t i = 0; side_init(&s, i); i++) {
        struct cx_packet_job job[40];
        for (uint32_t p = 0; p < 40; p++) {
            job[p] = sealed(wire[p], UINT32_MAX - 20 + p, 8 * p);
            cr_assert_eq(s.ops->peek(s.open, &job[p], &len), CX_OK);
            cr_assert_eq(len, 8 * p);
        }
        for (uint32_t p = 1; p < 40; p++)
            check_open(&s, &job[p]);
        side_deinit(&s);
    }
}

/* Whether the context holds those bytes anywhere. */
static bool holds(const void *context, const void *bytes, size_t len)
{
    return memmem(context, malloc_usable_size((void *)(uintptr_t)context), bytes, len) != NULL;
}

/* The stream of a zeroed body is what it is encrypted to. */
Test(chachapoly, a_used_row_is_gone_from_the_context)
{
    static uint8_t plain[WIRE], wire[WIRE];
    struct side s;
    for (size_t i = 0; side_init(&s, i); i++) {
        uint32_t len;
        size_t good;
        struct cx_packet_job job = { .from = plain, .start = wire, .len = 128, .seq = 9 };
        cr_assert_eq(s.ops->seal(s.seal, &job, 1), CX_OK);
        cr_assert_not(holds(s.seal, wire + CX_PACKET_LENGTH_BYTES, 16), "%s", s.ops->kernel.name);
        job.from = wire;
        cr_assert_eq(s.ops->peek(s.open, &job, &len), CX_OK);
        struct cx_packet_job copy = job;
        uint8_t opened[WIRE];
        copy.start = opened;
        cr_assert_eq(s.ops->open(s.open, &copy, 1, &good), CX_OK);
        cr_assert_not(holds(s.open, wire + CX_PACKET_LENGTH_BYTES, 16), "%s", s.ops->kernel.name);
        cr_assert_not(holds(s.open, wire + CX_PACKET_LENGTH_BYTES + 112, 16), "%s", s.ops->kernel.name);
        side_deinit(&s);
    }
}
