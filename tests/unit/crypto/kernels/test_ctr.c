/* SPDX-License-Identifier: MIT */
/* Every kernel of AES in counter mode against the portable one: all lengths and keys, batches, misaligned, in place and apart, at
 * the edge of what may be read and written, and counters that carry at every byte. */
#include <criterion/criterion.h>

#include "arena.h"
#include "crypto/kernels/kernels_priv.h"
#include "crypto/packet/packet_priv.h"

enum { BLOCK = 16, LONGEST = 262160, BATCH_LONGEST = 3000, ROOM = LONGEST + 128 };

struct rig {
    const struct cx_ctr_kernel *ctr;
    struct cx_evp evp;
    void *portable, *context;
    struct arena from, to;
    uint8_t want[ROOM];
};

static struct rig rig;

/* Runs check for each kernel that this processor has beside the portable one, with each length of key. */
static void with_every_kernel(void (*check)(struct rig *r))
{
    const struct cx_kernel *kernel;
    uint8_t key[32];
    struct rig *r = &rig;
    pattern(key, sizeof key, 4);
    cr_assert(cx_evp_fetch(&r->evp));
    r->from = arena_new(ROOM);
    r->to = arena_new(ROOM);
    pattern(r->from.bytes, r->from.len, 5);
    for (size_t i = 0; (kernel = runnable_at(CX_PRIMITIVE_CTR, i)); i++) {
        for (size_t key_len = 16; key_len <= sizeof key; key_len += 8) {
            r->ctr = (const struct cx_ctr_kernel *)kernel;
            r->portable = cx_ctr_evp.expand(&r->evp, key, key_len);
            r->context = r->ctr->expand(&r->evp, key, key_len);
            cr_assert(r->portable && r->context);
            check(r);
            cx_ctr_evp.release(r->portable);
            r->ctr->release(r->context);
        }
    }
    arena_free(&r->from);
    arena_free(&r->to);
    cx_evp_drop(&r->evp);
}

static void crypt_portably(struct rig *r, const uint8_t *from, size_t len, const uint8_t *iv)
{
    const struct cx_ctr_job job = { from, r->want, len, iv };
    cr_assert(cx_ctr_evp.crypt(r->portable, &job, 1));
}

/* One job, from and to anywhere. */
static void check_one(struct rig *r, const uint8_t *from, uint8_t *to, size_t len, const uint8_t *iv)
{
    const struct cx_ctr_job job = { from, to, len, iv };
    crypt_portably(r, from, len, iv);
    cr_assert(r->ctr->crypt(r->context, &job, 1));
    cr_assert(memcmp(to, r->want, len) == 0, "%s: %zu bytes", r->ctr->kernel.name, len);
}

static void every_length(struct rig *r)
{
    uint32_t len;
    uint8_t iv[BLOCK];
    for (size_t i = 0; length_at(i, &len); i++) {
        pattern(iv, sizeof iv, i);
        check_one(r, arena_end(&r->from, len), r->to.bytes, len, iv);
        check_one(r, r->from.bytes, arena_end(&r->to, len), len, iv);
        uint8_t *here = r->to.bytes + 1 + i % 63;
        memcpy(here, r->from.bytes, len);
        here[len] = 0xee;
        check_one(r, here, here, len, iv);
        cr_assert_eq(here[len], 0xee);
    }
}

Test(kernel_ctr, every_length_comes_out_as_the_portable_kernel_makes_it)
{
    with_every_kernel(every_length);
}

/* A counter whose last bytes are so many 0xff, or all but the last of them: it carries with the first block, or the second. */
static void every_carry(struct rig *r)
{
    for (size_t ones = 1; ones <= BLOCK; ones++) {
        for (unsigned last = 0xd0; last <= 0xff; last++) {
            uint8_t iv[BLOCK];
            pattern(iv, sizeof iv, ones);
            memset(iv + BLOCK - ones, 0xff, ones);
            iv[BLOCK - 1] = (uint8_t)last;
            check_one(r, r->from.bytes + last % 16, r->to.bytes + ones, 16 * 64 + 5, iv);
            check_one(r, r->from.bytes, r->to.bytes, last % 40, iv);
        }
    }
}

Test(kernel_ctr, a_counter_carries_through_every_byte_and_wraps)
{
    with_every_kernel(every_carry);
}

static void every_batch(struct rig *r)
{
    for (size_t round = 0; round < 20; round++) {
        for (size_t n = 0; n <= CX_PACKET_BATCH; n++) {
            struct cx_ctr_job job[CX_PACKET_BATCH];
            uint8_t iv[CX_PACKET_BATCH][BLOCK];
            pattern(iv[0], sizeof iv, round * 17 + n);
            for (size_t i = 0; i < n; i++) {
                size_t len = (size_t)(iv[i][0] << 8 | iv[i][1]) % (round % 2 ? 100 : BATCH_LONGEST);
                job[i] = (struct cx_ctr_job){ r->from.bytes + i * 7, r->to.bytes + i * BATCH_LONGEST, len, iv[i] };
            }
            cr_assert(r->ctr->crypt(r->context, job, n));
            for (size_t i = 0; i < n; i++) {
                crypt_portably(r, job[i].from, job[i].len, iv[i]);
                cr_assert(memcmp(job[i].to, r->want, job[i].len) == 0, "%s: job %zu of %zu", r->ctr->kernel.name, i, n);
            }
        }
    }
}

Test(kernel_ctr, jobs_of_a_batch_do_not_meet)
{
    with_every_kernel(every_batch);
}
