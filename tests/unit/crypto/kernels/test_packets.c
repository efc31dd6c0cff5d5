/* SPDX-License-Identifier: MIT */
/* Every kernel of the AEADs, and every pair of counter mode and a MAC, against the portable ones: all lengths, batches of every
 * size, misaligned, in place and apart, counters that carry and wrap, broken packets, and not one byte outside. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "arena.h"
#include "crypto/packet/packet_priv.h"

enum { BEYOND = 64, ROOM = 6 * 1024 * 1024 };

/* One direction of one kernel, or pair. */
struct side {
    const struct cx_packet_ops *ops;
    void *context;
};

struct bench {
    const struct cx_cipher *cipher;
    const struct cx_mac *mac; /* NULL: an AEAD */
    const char *name;         /* the kernel's, of a pair the MAC's */
    size_t tag_len;
    uint32_t block_len, in_blocks; /* the bytes of the length field that belong to the first block */
    struct cx_evp evp;
    struct side portable, seal, open; /* the portable one seals */
    struct arena plain, want, got;
    uint64_t seed;
};

static struct side side_new(struct bench *b, const struct cx_packet_ops *ops, const struct cx_kernels *kernels, bool sealing)
{
    struct cx_packet_key k = { .cipher = b->cipher, .mac = b->mac, .sealing = sealing };
    pattern(k.key, sizeof k.key, 77);
    pattern(k.mac_key, sizeof k.mac_key, 78);
    struct side s = { ops, ops->expand(&b->evp, kernels, &k) };
    cr_assert_not_null(s.context);
    return s;
}

static void bench_init(struct bench *b, const struct cx_packet_ops *trusted, const struct cx_packet_ops *ops,
                       const struct cx_kernels *kernels)
{
    cr_assert(cx_evp_fetch(&b->evp));
    b->tag_len = b->mac ? b->mac->tag_len : b->cipher->tag_len;
    b->block_len = b->mac ? b->cipher->block_len : 1;
    b->in_blocks = b->mac && !b->mac->etm ? CX_PACKET_LENGTH_BYTES : 0;
    b->portable = side_new(b, trusted, &cx_kernels_portable, true);
    b->seal = side_new(b, ops, kernels, true);
    b->open = side_new(b, ops, kernels, false);
    b->plain = arena_new(ROOM);
    b->want = arena_new(ROOM);
    b->got = arena_new(ROOM);
    pattern(b->plain.bytes, b->plain.len, 5);
}

static void bench_deinit(struct bench *b)
{
    b->portable.ops->release(b->portable.context);
    b->seal.ops->release(b->seal.context);
    b->open.ops->release(b->open.context);
    cx_evp_drop(&b->evp);
    arena_free(&b->plain);
    arena_free(&b->want);
    arena_free(&b->got);
}

/* A batch: where each packet stands in all three arenas. */
struct batch {
    struct cx_packet_job job[CX_PACKET_BATCH + 1];
    size_t at[CX_PACKET_BATCH];
    size_t n, end;
};

static uint32_t choose(struct bench *b, uint32_t below)
{
    uint32_t x;
    pattern((uint8_t *)&x, sizeof x, ++b->seed);
    return x % below;
}

/* The least length that fills blocks and is no less. */
static uint32_t fit(const struct bench *b, uint32_t len)
{
    uint32_t over = (len + b->in_blocks) % b->block_len;
    return over > 0 ? len + b->block_len - over : len;
}

/* Packets of these lengths, as they fit, with odd gaps between them. */
static void batch_init(struct bench *b, struct batch *x, const uint32_t len[], size_t n)
{
    *x = (struct batch){ .n = n };
    x->job[0].seq = UINT32_MAX - choose(b, 24);
    pattern(x->job[0].iv, sizeof x->job[0].iv, b->seed);
    /* the counter of packets of a GCM nonce ends in so many 0xff, so that it carries that far, or wraps */
    memset(x->job[0].iv + 12 - b->seed % 9, 0xff, b->seed % 9);
    for (size_t i = 0; i < n; i++) {
        x->at[i] = x->end + BEYOND + choose(b, 65);
        x->job[i].len = fit(b, len[i]);
        x->end = x->at[i] + CX_PACKET_LENGTH_BYTES + x->job[i].len + b->tag_len;
        b->portable.ops->advance(&x->job[i], &x->job[i + 1]);
    }
    x->end += BEYOND;
    cr_assert_leq(x->end, ROOM);
}

static void place(struct batch *x, const uint8_t *from, uint8_t *to)
{
    for (size_t i = 0; i < x->n; i++) {
        x->job[i].from = from + x->at[i];
        x->job[i].start = to + x->at[i];
    }
}

static void must_equal(const struct bench *b, const struct batch *x, const uint8_t *got, const uint8_t *want, const char *what)
{
    if (memcmp(got, want, x->end) == 0)
        return;
    size_t at = 0;
    while (got[at] == want[at])
        at++;
    for (size_t i = 0; i < x->n; i++)
        cr_log_error("packet %zu of %u bytes stands at %zu", i, x->job[i].len, x->at[i]);
    cr_assert_fail("%s %s: %s differs at %zu", b->cipher->name, b->name, what, at);
}

/* What the portable kernel makes of the batch, in want; everything between the packets is the pattern's. */
static void seal_portably(struct bench *b, struct batch *x)
{
    memcpy(b->want.bytes, b->plain.bytes, x->end);
    place(x, b->plain.bytes, b->want.bytes);
    cr_assert_eq(b->portable.ops->seal(b->portable.context, x->job, x->n), CX_OK);
}

static void check_seal(struct bench *b, struct batch *x, bool in_place)
{
    memcpy(b->got.bytes, b->plain.bytes, x->end);
    place(x, in_place ? b->got.bytes : b->plain.bytes, b->got.bytes);
    cr_assert_eq(b->seal.ops->seal(b->seal.context, x->job, x->n), CX_OK);
    must_equal(b, x, b->got.bytes, b->want.bytes, in_place ? "sealed in place" : "sealed apart");
}

/* Opens want, which stays as it is, or a copy; the bodies come out, and nothing else is written. */
static void check_open(struct bench *b, struct batch *x, bool in_place)
{
    size_t good;
    memcpy(b->got.bytes, in_place ? b->want.bytes : b->plain.bytes, x->end);
    if (!in_place)
        for (size_t i = 0; i < x->n; i++)
            memset(b->got.bytes + x->at[i], 0xee, CX_PACKET_LENGTH_BYTES + x->job[i].len);
    place(x, in_place ? b->got.bytes : b->want.bytes, b->got.bytes);
    cr_assert_eq(b->open.ops->open(b->open.context, x->job, x->n, &good), CX_OK);
    cr_assert_eq(good, x->n);
    for (size_t i = 0; i < x->n;
         i++) { /* the length fields, and the tags where they are in place, are not said to be the plain ones */
        size_t end = x->at[i] + CX_PACKET_LENGTH_BYTES + x->job[i].len;
        memcpy(b->got.bytes + x->at[i], b->plain.bytes + x->at[i], CX_PACKET_LENGTH_BYTES);
        if (in_place)
            memcpy(b->got.bytes + end, b->plain.bytes + end, b->tag_len);
    }
    must_equal(b, x, b->got.bytes, b->plain.bytes, in_place ? "opened in place" : "opened apart");
}

/* One bit of packet `bad` turned, anywhere. */
static void check_broken(struct bench *b, struct batch *x, size_t bad)
{
    size_t good, size = CX_PACKET_LENGTH_BYTES + x->job[bad].len + b->tag_len;
    memcpy(b->got.bytes, b->want.bytes, x->end);
    b->got.bytes[x->at[bad] + choose(b, (uint32_t)size)] ^= (uint8_t)(1u << choose(b, 8));
    place(x, b->got.bytes, b->got.bytes);
    cr_assert_eq(b->open.ops->open(b->open.context, x->job, x->n, &good), CX_E_TAG);
    cr_assert_eq(good, bad, "%s %s: %zu of %zu, not %zu", b->cipher->name, b->name, good, x->n, bad);
    for (size_t i = 0; i < bad; i++) {
        size_t body = x->at[i] + CX_PACKET_LENGTH_BYTES;
        cr_assert_arr_eq(b->got.bytes + body, b->plain.bytes + body, x->job[i].len);
    }
}

static void check_batch(struct bench *b, const uint32_t len[], size_t n)
{
    struct batch x;
    batch_init(b, &x, len, n);
    seal_portably(b, &x);
    check_seal(b, &x, false);
    check_seal(b, &x, true);
    check_open(b, &x, false);
    check_open(b, &x, true);
    check_broken(b, &x, choose(b, (uint32_t)n));
}

/* Runs check for each kernel that this processor has beside the portable one, with each cipher that it serves. */
static void with_every_aead(void (*check)(struct bench *b))
{
    const struct cx_cipher *cipher;
    const struct cx_kernel *kernel;
    for (size_t i = 0; (cipher = cx_cipher_at(i)); i++) {
        for (size_t j = 0; cipher->tag_len > 0 && (kernel = runnable_at(cipher->primitive, j)); j++) {
            struct bench b = { .cipher = cipher, .name = kernel->name };
            bench_init(&b, (const struct cx_packet_ops *)cx_kernels_portable.of[cipher->primitive],
                       (const struct cx_packet_ops *)kernel, &cx_kernels_portable);
            check(&b);
            bench_deinit(&b);
        }
    }
}

static void with_pair(const struct cx_cipher *cipher, const struct cx_mac *mac, void (*check)(struct bench *b))
{
    const struct cx_packet_ops *ops = mac->etm ? &cx_packet_ctr_etm : &cx_packet_ctr_plain;
    const struct cx_kernel *ctr, *kernel;
    for (size_t i = 0; (ctr = runnable_at(CX_PRIMITIVE_CTR, i)) && (kernel = runnable_at(mac->primitive, i)); i++) {
        struct cx_kernels kernels = cx_kernels_portable;
        struct bench b = { .cipher = cipher, .mac = mac, .name = kernel->name };
        kernels.of[CX_PRIMITIVE_CTR] = ctr;
        kernels.of[mac->primitive] = kernel;
        bench_init(&b, ops, ops, &kernels);
        check(&b);
        bench_deinit(&b);
    }
}

/* Runs check for the best of both, the second best, and so on: each cipher with one primitive's MACs, each MAC with one cipher. */
static void with_every_pair(void (*check)(struct bench *b))
{
    const struct cx_cipher *cipher;
    const struct cx_mac *mac;
    for (size_t i = 0; (cipher = cx_cipher_at(i)); i++)
        for (size_t j = 0; cipher->primitive == CX_PRIMITIVE_CTR && (mac = cx_mac_at(j)); j++)
            if (mac->primitive == CX_PRIMITIVE_HMAC_SHA256 || cipher->key_len == 16)
                with_pair(cipher, mac, check);
}

static void every_length(struct bench *b)
{
    uint32_t len;
    for (size_t i = 0; length_at(i, &len); i++)
        check_batch(b, &len, 1);
}

Test(kernel_packets, every_length_comes_out_as_the_portable_kernel_makes_it)
{
    with_every_aead(every_length);
}

static void batches(struct bench *b, size_t rounds)
{
    uint32_t len[CX_PACKET_BATCH];
    for (size_t round = 0; round < rounds; round++) {
        for (size_t n = 1; n <= CX_PACKET_BATCH; n++) {
            for (size_t i = 0; i < n; i++)
                len[i] = choose(b, round % 4 == 0 ? 40000 : round % 4 == 1 ? 2000 : round % 4 == 2 ? 160 : 40);
            check_batch(b, len, n);
        }
    }
}

static void many_batches(struct bench *b)
{
    batches(b, 40);
}

static void some_batches(struct bench *b)
{
    batches(b, 8);
}

Test(kernel_packets, batches_of_every_size_and_mixture_come_out_alike)
{
    with_every_aead(many_batches);
    with_every_pair(some_batches);
}

static void equal_lengths(struct bench *b)
{
    uint32_t len[CX_PACKET_BATCH];
    for (uint32_t each = 0; each < 700; each += 1 + each / 40) {
        for (size_t i = 0; i < CX_PACKET_BATCH; i++)
            len[i] = each;
        for (size_t n = 1; n <= CX_PACKET_BATCH; n += 5)
            check_batch(b, len, n);
    }
}

Test(kernel_packets, batches_of_equal_packets_come_out_alike)
{
    with_every_aead(equal_lengths);
}

/* What fills a group of lanes, with the cipher beside the hash for as long as the shortest lasts. */
static void groups_of_packets(struct bench *b)
{
    uint32_t len[CX_PACKET_BATCH];
    for (uint32_t each = 0; each < 6000; each += 16 + each / 8) {
        for (size_t n = 7; n <= CX_PACKET_BATCH; n += n == 9 ? 6 : 1) {
            for (size_t i = 0; i < n; i++)
                len[i] = each + choose(b, 96);
            check_batch(b, len, n);
        }
    }
}

Test(kernel_packets, packets_of_about_one_length_come_out_alike)
{
    with_every_pair(groups_of_packets);
}

/* In front of the forbidden page, or behind the other. */
static void check_edge(struct bench *b, uint32_t len, bool at_end)
{
    size_t good, size = CX_PACKET_LENGTH_BYTES + (size_t)len + b->tag_len;
    struct cx_packet_job job = { .len = len, .seq = len };
    job.from = at_end ? arena_end(&b->plain, size - b->tag_len) : b->plain.bytes;
    job.start = at_end ? arena_end(&b->got, size) : b->got.bytes;
    cr_assert_eq(b->seal.ops->seal(b->seal.context, &job, 1), CX_OK);
    job.from = job.start;
    job.start = at_end ? arena_end(&b->want, size - b->tag_len) : b->want.bytes;
    cr_assert_eq(b->open.ops->open(b->open.context, &job, 1, &good), CX_OK);
    job.start = arena_end(&b->got, size);
    job.from = memmove(job.start, job.from, size);
    cr_assert_eq(b->open.ops->open(b->open.context, &job, 1, &good), CX_OK);
    const uint8_t *plain = at_end ? arena_end(&b->plain, size - b->tag_len) : b->plain.bytes;
    cr_assert_arr_eq(job.start + CX_PACKET_LENGTH_BYTES, plain + CX_PACKET_LENGTH_BYTES, len);
}

static void every_edge(struct bench *b)
{
    for (uint32_t len = 0; len < 2100; len += len < 700 ? 1 : 13) {
        check_edge(b, fit(b, len), true);
        check_edge(b, fit(b, len), false);
    }
}

Test(kernel_packets, nothing_outside_a_packet_is_touched)
{
    with_every_aead(every_edge);
    with_every_pair(every_edge);
}
