/* SPDX-License-Identifier: MIT */
/* Every kernel of the MACs against the portable one: all lengths, batches of every size and mixture, sequence numbers that wrap,
 * misaligned, at the edge of what may be read, and no byte written behind a tag. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "arena.h"
#include "crypto/kernels/kernels_priv.h"
#include "crypto/packet/packet_priv.h"
#include "crypto/wire.h"

enum { LONGEST = 262160, TAG_ROOM = 64 + 16, UNTOUCHED = 0xee, MAC_KEY_SEED = 6 };

struct rig {
    const struct cx_mac *mac;
    const struct cx_mac_ops *trusted, *ops;
    void *portable, *context;
    struct arena bytes;
    uint64_t seed;
};

static void check_kernel(struct rig *r, const struct cx_evp *evp, void (*check)(struct rig *r))
{
    struct cx_packet_key k = { .mac = r->mac };
    pattern(k.mac_key, sizeof k.mac_key, MAC_KEY_SEED);
    r->portable = r->trusted->expand(evp, &k);
    r->context = r->ops->expand(evp, &k);
    cr_assert(r->portable && r->context);
    check(r);
    r->trusted->release(r->portable);
    r->ops->release(r->context);
}

/* Runs check for each kernel that this processor has beside the portable one, of each MAC. */
static void with_every_kernel(void (*check)(struct rig *r))
{
    const struct cx_kernel *kernel;
    struct cx_evp evp;
    struct rig r = { .bytes = arena_new(LONGEST + 64) };
    cr_assert(cx_evp_fetch(&evp));
    pattern(r.bytes.bytes, r.bytes.len, 7);
    for (size_t i = 0; (r.mac = cx_mac_at(i)); i++) {
        for (size_t j = 0; r.mac->etm && (kernel = runnable_at(r.mac->primitive, j)); j++) {
            r.ops = (const struct cx_mac_ops *)kernel;
            r.trusted = (const struct cx_mac_ops *)cx_kernels_portable.of[r.mac->primitive];
            check_kernel(&r, &evp, check);
        }
    }
    arena_free(&r.bytes);
    cx_evp_drop(&evp);
}

static uint32_t choose(struct rig *r, uint32_t below)
{
    uint32_t x;
    pattern((uint8_t *)&x, sizeof x, ++r->seed);
    return x % below;
}

/* The jobs' tags are the portable one's, and nothing is written behind them. */
static void check_jobs(struct rig *r, struct cx_mac_job job[], size_t n)
{
    uint8_t want[CX_PACKET_BATCH][TAG_ROOM], got[CX_PACKET_BATCH][TAG_ROOM];
    memset(want, UNTOUCHED, sizeof want);
    memset(got, UNTOUCHED, sizeof got);
    for (size_t i = 0; i < n; i++)
        job[i].tag = want[i] + i;
    cr_assert(r->trusted->tags(r->portable, job, n));
    for (size_t i = 0; i < n; i++)
        job[i].tag = got[i] + i;
    cr_assert(r->ops->tags(r->context, job, n));
    for (size_t i = 0; i < n; i++)
        cr_assert(memcmp(want[i], got[i], TAG_ROOM) == 0, "%s %s: %zu bytes, packet %zu of %zu", r->mac->name, r->ops->kernel.name,
                  job[i].len, i, n);
}

static void every_length(struct rig *r)
{
    uint32_t len;
    for (size_t i = 0; length_at(i, &len); i++) {
        struct cx_mac_job job = { (uint32_t)i, arena_end(&r->bytes, len), len, NULL };
        check_jobs(r, &job, 1);
        job.bytes = r->bytes.bytes + i % 64;
        check_jobs(r, &job, 1);
    }
}

Test(kernel_macs, every_length_gets_the_tag_that_the_portable_kernel_gives_it)
{
    with_every_kernel(every_length);
}

static void every_batch(struct rig *r)
{
    for (size_t round = 0; round < 40; round++) {
        for (size_t n = 0; n <= CX_PACKET_BATCH; n++) {
            static const uint32_t longest[] = { 40000, 2000, 160, 40 };
            struct cx_mac_job job[CX_PACKET_BATCH];
            uint32_t seq = UINT32_MAX - choose(r, 24);
            for (size_t i = 0; i < n; i++)
                job[i] =
                    (struct cx_mac_job){ seq + (uint32_t)i, r->bytes.bytes + choose(r, 2000), choose(r, longest[round % 4]), NULL };
            check_jobs(r, job, n);
        }
    }
}

Test(kernel_macs, batches_of_every_size_and_mixture_get_the_portable_tags)
{
    with_every_kernel(every_batch);
}

/* Every length that a block, a padding or a chunk ends at, in full lanes. */
static void equal_lengths(struct rig *r)
{
    for (uint32_t len = 0; len < 2200; len += 1 + len / 300) {
        for (size_t n = 1; n <= CX_PACKET_BATCH; n += 5) {
            struct cx_mac_job job[CX_PACKET_BATCH];
            for (size_t i = 0; i < n; i++)
                job[i] = (struct cx_mac_job){ (uint32_t)i, r->bytes.bytes + i * 2201, len, NULL };
            check_jobs(r, job, n);
        }
    }
}

Test(kernel_macs, packets_of_one_length_get_the_portable_tags)
{
    with_every_kernel(equal_lengths);
}

/* One packet alone, one after the other: what a context may keep from call to call. */
static void any_order(struct rig *r)
{
    for (size_t i = 0; i < 400; i++) {
        struct cx_mac_job job = { choose(r, 9), r->bytes.bytes, choose(r, 3000), NULL };
        check_jobs(r, &job, 1);
    }
}

Test(kernel_macs, sequence_numbers_come_in_any_order)
{
    with_every_kernel(any_order);
}

/* UMAC goes on in another way behind 16 MiB. */
static void huge_packets(struct rig *r)
{
    enum { TURN = 1 << 24 };
    uint8_t *bytes = calloc(1, TURN + 1100);
    cr_assert_not_null(bytes);
    for (size_t i = 0; i < 3; i++) {
        struct cx_mac_job job = { 1, bytes, TURN + (i == 2 ? 1100 : i), NULL };
        check_jobs(r, &job, 1);
    }
    free(bytes);
}

Test(kernel_macs, packets_of_16_MiB_and_more_get_the_portable_tags)
{
    with_every_kernel(huge_packets);
}

/* ---- UMAC's words near 2^64, which random packets meet once in 2^32 kilobytes ---- */

enum { CHUNK = 1024, BLOCK = 16, KEY_WORDS = CHUNK / 4 + 3 * 4 };

/* The key words of NH: AES of the purpose 1 and a number (RFC 4418 section 3.2.1). */
static void nh_key(const uint8_t key[BLOCK], uint32_t word[KEY_WORDS])
{
    uint8_t in[BLOCK] = { [7] = 1 }, out[2 * BLOCK];
    EVP_CIPHER_CTX *aes = EVP_CIPHER_CTX_new();
    cr_assert(aes && EVP_EncryptInit_ex(aes, EVP_aes_128_ecb(), NULL, key, NULL) == 1);
    for (size_t i = 0; i < KEY_WORDS / 4; i++) {
        int len;
        in[BLOCK - 1] = (uint8_t)(i + 1);
        cr_assert(EVP_EncryptUpdate(aes, out, &len, in, BLOCK) == 1 && len == BLOCK);
        for (size_t j = 0; j < 4; j++)
            word[4 * i + j] = cx_load_u32(out + 4 * j);
    }
    EVP_CIPHER_CTX_free(aes);
}

static void put(uint8_t *chunk, size_t at, uint32_t word)
{
    for (size_t i = 0; i < 4; i++)
        chunk[4 * at + i] = (uint8_t)(word >> 8 * i);
}

/* A chunk whose sum under this key is (2^32 - 1)^2 + (2^32 - 1) * more: every other word cancels its key. */
static void chunk_with_sum(uint8_t chunk[CHUNK], const uint32_t *key, uint32_t more)
{
    for (size_t i = 0; i < CHUNK / 4; i++)
        put(chunk, i, 0 - key[i]);
    put(chunk, 0, UINT32_MAX - key[0]);
    put(chunk, 4, UINT32_MAX - key[4]);
    put(chunk, 1, UINT32_MAX - key[1]);
    put(chunk, 5, more - key[5]);
}

static void words_near_the_end(struct rig *r)
{
    uint8_t key[64], bytes[2 * CHUNK + 40];
    uint32_t word[KEY_WORDS];
    if (r->mac->primitive != CX_PRIMITIVE_UMAC64 && r->mac->primitive != CX_PRIMITIVE_UMAC128)
        return;
    pattern(key, sizeof key, MAC_KEY_SEED);
    pattern(bytes, sizeof bytes, 8);
    nh_key(key, word);
    for (size_t run = 0; run < r->mac->tag_len / 4u; run++) {
        for (uint32_t more = 0; more < 4; more++) { /* with 1 the sum is 2^64 - 2^32, with 2 it passes 2^64 */
            struct cx_mac_job job = { more, bytes, sizeof bytes, NULL };
            chunk_with_sum(bytes + CHUNK * (more & 1), word + 4 * run, more);
            check_jobs(r, &job, 1);
            chunk_with_sum(bytes, word + 4 * run, 1);
            check_jobs(r, &job, 1);
        }
    }
}

Test(kernel_macs, umac_marks_words_near_the_end_of_their_range)
{
    with_every_kernel(words_near_the_end);
}
