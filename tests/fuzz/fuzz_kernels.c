/* SPDX-License-Identifier: MIT */
/* Fuzzes the kernels of ciphers and MACs against the portable ones. An input is keys, counters and a batch of lengths, for one
 * suite; every kernel that this processor has must do the same with it, open what the portable one sealed, and refuse it broken.
 * How many packets were compared is said at the end. */
#include <stdio.h>
#include <string.h>

#include "crypto/packet/packet_priv.h"
#include "fuzz.h"

enum { TAG_MAX = 64, LENGTH_BITS = 12, SLOT = CX_PACKET_LENGTH_BYTES + (1 << LENGTH_BITS) + TAG_MAX + 64 };

static uint8_t plain[CX_PACKET_BATCH][SLOT], want[CX_PACKET_BATCH][SLOT], got[CX_PACKET_BATCH][SLOT];
static unsigned long long compared;
static struct cx_evp evp;

struct input {
    struct cx_packet_key key;
    struct cx_packet_job job[CX_PACKET_BATCH + 1];
    size_t n, shift; /* where in their slots packets begin */
    bool in_place;
    size_t bad; /* the packet that is broken, and its bit */
    uint32_t bad_bit;
};

static void say_compared(void)
{
    (void)fprintf(stderr, "%llu packets compared\n", compared);
}

static void start_once(void)
{
    static bool started;
    if (started)
        return;
    started = true;
    require(cx_evp_fetch(&evp));
    (void)atexit(say_compared);
}

struct bytes {
    const uint8_t *at;
    size_t left;
};

/* What is missing is zero. */
static uint32_t take(struct bytes *b, size_t n)
{
    uint32_t x = 0;
    for (; n > 0; n--) {
        x = x << 8 | (b->left > 0 ? *b->at : 0);
        b->at += b->left > 0;
        b->left -= b->left > 0;
    }
    return x;
}

static void take_all(struct bytes *b, uint8_t *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)take(b, 1);
}

static void read_input(struct bytes *b, struct input *in)
{
    uint32_t flags = take(b, 1);
    in->in_place = flags & 1;
    in->n = 1 + (flags >> 1) % CX_PACKET_BATCH;
    in->shift = take(b, 1) % 64;
    in->bad = take(b, 1) % in->n;
    in->bad_bit = take(b, 2);
    take_all(b, in->key.key, sizeof in->key.key);
    take_all(b, in->key.mac_key, sizeof in->key.mac_key);
    take_all(b, in->job[0].iv, sizeof in->job[0].iv);
    in->job[0].seq = take(b, 4);
    for (size_t i = 0; i < in->n; i++)
        in->job[i].len = take(b, 2) % (1u << (1 + take(b, 1) % LENGTH_BITS));
    uint8_t fill = (uint8_t)take(b, 1);
    for (size_t i = 0; i < sizeof plain; i++)
        (&plain[0][0])[i] = (uint8_t)(fill + i * 7 + (i >> 8));
}

static void place(struct input *in, uint8_t from[][SLOT], uint8_t to[][SLOT])
{
    for (size_t i = 0; i < in->n; i++) {
        in->job[i].from = from[i] + in->shift;
        in->job[i].start = to[i] + in->shift;
    }
}

static bool next_kernel(enum cx_primitive primitive, size_t *i, const struct cx_kernel **kernel)
{
    while ((*kernel = cx_kernel_at(primitive, (*i)++)))
        if (*kernel != cx_kernels_portable.of[primitive] && cx_kernel_runs(*kernel, cx_cpu_detect(), CX_TIER_COUNT - 1))
            return true;
    return false;
}

/* ---- whole packets ---- */

static void seal(struct input *in, const struct cx_packet_ops *ops, uint8_t to[][SLOT])
{
    in->key.sealing = true;
    memcpy(to, plain, sizeof plain);
    void *context = ops->expand(&evp, &cx_kernels_portable, &in->key);
    place(in, in->in_place ? to : plain, to);
    require(context && ops->seal(context, in->job, in->n) == CX_OK);
    ops->release(context);
}

static void open_both_ways(struct input *in, const struct cx_packet_ops *ops)
{
    size_t good;
    in->key.sealing = false;
    memcpy(got, want, sizeof got);
    void *context = ops->expand(&evp, &cx_kernels_portable, &in->key);
    place(in, in->in_place ? got : want, got);
    require(context && ops->open(context, in->job, in->n, &good) == CX_OK && good == in->n);
    for (size_t i = 0; i < in->n; i++) {
        size_t body = in->shift + CX_PACKET_LENGTH_BYTES;
        require(memcmp(got[i] + body, plain[i] + body, in->job[i].len) == 0);
    }
    memcpy(got, want, sizeof got);
    uint32_t bit = in->bad_bit % ((CX_PACKET_LENGTH_BYTES + in->job[in->bad].len + in->key.cipher->tag_len) * 8);
    got[in->bad][in->shift + bit / 8] ^= (uint8_t)(1u << bit % 8);
    place(in, got, got);
    require(ops->open(context, in->job, in->n, &good) == CX_E_TAG && good == in->bad);
    ops->release(context);
}

static void compare_packets(struct input *in, const struct cx_cipher *cipher)
{
    const struct cx_packet_ops *portable = (const struct cx_packet_ops *)cx_kernels_portable.of[cipher->primitive];
    const struct cx_kernel *kernel;
    in->key.cipher = cipher;
    for (size_t i = 0; i < in->n; i++) {
        uint32_t len = in->job[i + 1].len;
        in->job[i + 1] = in->job[i];
        portable->advance(&in->job[i + 1]);
        in->job[i + 1].len = len;
    }
    seal(in, portable, want);
    for (size_t i = 0; next_kernel(cipher->primitive, &i, &kernel);) {
        seal(in, (const struct cx_packet_ops *)kernel, got);
        require(memcmp(got, want, sizeof got) == 0);
        open_both_ways(in, (const struct cx_packet_ops *)kernel);
        compared += 3 * in->n;
    }
}

/* ---- counter mode and MACs ---- */

static void crypt_to(struct input *in, const struct cx_ctr_kernel *ctr, size_t key_len, uint8_t to[][SLOT])
{
    struct cx_ctr_job job[CX_PACKET_BATCH];
    memcpy(to, plain, sizeof plain);
    place(in, in->in_place ? to : plain, to);
    for (size_t i = 0; i < in->n; i++) {
        memcpy(in->job[i].iv, in->job[0].iv, sizeof in->job[i].iv);
        in->job[i].iv[i] ^= (uint8_t)i;
        job[i] = (struct cx_ctr_job){ in->job[i].from, in->job[i].start, in->job[i].len, in->job[i].iv };
    }
    void *context = ctr->expand(&evp, in->key.key, key_len);
    require(context && ctr->crypt(context, job, in->n));
    ctr->release(context);
}

static void compare_ctr(struct input *in, const struct cx_cipher *cipher)
{
    const struct cx_kernel *kernel;
    crypt_to(in, cx_kernels_portable.ctr, cipher->key_len, want);
    for (size_t i = 0; next_kernel(CX_PRIMITIVE_CTR, &i, &kernel); compared += in->n) {
        crypt_to(in, (const struct cx_ctr_kernel *)kernel, cipher->key_len, got);
        require(memcmp(got, want, sizeof got) == 0);
    }
}

static void tags_to(const struct input *in, const struct cx_mac_ops *ops, uint8_t to[][SLOT])
{
    struct cx_mac_job job[CX_PACKET_BATCH];
    memset(to, 0, sizeof want);
    for (size_t i = 0; i < in->n; i++)
        job[i] = (struct cx_mac_job){ in->job[0].seq + (uint32_t)i, plain[i] + in->shift, in->job[i].len, to[i] + in->shift };
    void *context = ops->expand(&evp, &in->key);
    require(context && ops->tags(context, job, in->n));
    ops->release(context);
}

static void compare_mac(struct input *in, const struct cx_mac *mac)
{
    const struct cx_kernel *kernel;
    in->key.mac = mac;
    tags_to(in, (const struct cx_mac_ops *)cx_kernels_portable.of[mac->primitive], want);
    for (size_t i = 0; next_kernel(mac->primitive, &i, &kernel); compared += in->n) {
        tags_to(in, (const struct cx_mac_ops *)kernel, got);
        require(memcmp(got, want, sizeof got) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes b = { data, size };
    struct input in = { 0 };
    size_t ciphers = 0, macs = 0;
    start_once();
    while (cx_cipher_at(ciphers))
        ciphers++;
    while (cx_mac_at(macs))
        macs++;
    size_t suite = take(&b, 1) % (ciphers + macs);
    read_input(&b, &in);
    if (suite >= ciphers)
        compare_mac(&in, cx_mac_at(suite - ciphers));
    else if (cx_cipher_at(suite)->tag_len > 0)
        compare_packets(&in, cx_cipher_at(suite));
    else
        compare_ctr(&in, cx_cipher_at(suite));
    return 0;
}
