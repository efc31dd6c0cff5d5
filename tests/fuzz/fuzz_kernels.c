/* SPDX-License-Identifier: MIT */
/* Fuzzes the kernels of ciphers and MACs against the portable ones. An input is keys, counters and rounds of batches, for one
 * suite; every kernel that this processor has must seal as the portable one does, open what that sealed, whole or batch by batch,
 * and refuse it broken. A round goes on where the one before ended, or with other keys.
 *
 * How many packets were compared, each time that a kernel did something with one, is said at the end; where SLUICE_FUZZ_COUNT names
 * a file, the number in it grows by as many. */
#include <stdio.h>
#include <string.h>

#include "crypto/packet/packet_priv.h"
#include "fuzz.h"

enum {
    TAG_MAX = 64,
    SHIFT_MAX = 64,
    GUARD = 64, /* bytes behind a packet that must stay */
    LENGTH_BITS = 12,
    SLOT = SHIFT_MAX + CX_PACKET_LENGTH_BYTES + (1 << LENGTH_BITS) + TAG_MAX + GUARD,
    KERNELS_MAX = 8,
    ROUNDS_MAX = 64,
    ALIKE = 80, /* lengths that differ by less */
    WRITE_EVERY = 10000000,
};

static uint8_t plain[CX_PACKET_BATCH][SLOT], want[CX_PACKET_BATCH][SLOT], got[CX_PACKET_BATCH][SLOT];
static unsigned long long compared, written;
static struct cx_evp evp;

struct input {
    struct cx_packet_key key;
    struct cx_packet_job job[CX_PACKET_BATCH + 1];
    size_t n, shift; /* where in their slots packets begin */
    size_t split;    /* packets of the first of two calls; n: of the only one */
    bool in_place;
    size_t bad; /* the packet that is broken, and its bit */
    uint32_t bad_bit;
    unsigned rounds, rekey, bits; /* keys last so many rounds; the lengths of packets that a round makes up */
    uint64_t random;              /* what rounds are made of */
    uint8_t fill;
};

/* A kernel, as a family of pipelines: itself, or the two that one of counter mode and a MAC is built of. */
struct side {
    const struct cx_packet_ops *ops;
    struct cx_kernels kernels;
    void *sealer, *opener;
};

static void write_compared(void)
{
    const char *path = getenv("SLUICE_FUZZ_COUNT");
    unsigned long long before = 0;
    FILE *f = path ? fopen(path, "r") : NULL;
    if (f) {
        if (fscanf(f, "%llu", &before) != 1)
            before = 0;
        (void)fclose(f);
    }
    f = path ? fopen(path, "w") : NULL;
    if (f) {
        (void)fprintf(f, "%llu\n", before + compared - written);
        (void)fclose(f);
    }
    written = compared;
}

static void count(size_t packets)
{
    compared += packets;
    if (compared - written >= WRITE_EVERY)
        write_compared();
}

static void say_compared(void)
{
    write_compared();
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

static uint32_t random_below(struct input *in, uint32_t n)
{
    in->random ^= in->random << 13;
    in->random ^= in->random >> 7;
    in->random ^= in->random << 17;
    return (uint32_t)((in->random >> 32) % n);
}

static void fill_plain(struct input *in)
{
    for (size_t i = 0; i < in->n; i++)
        for (size_t j = 0; j < in->shift + CX_PACKET_LENGTH_BYTES + in->job[i].len + TAG_MAX + GUARD; j++)
            plain[i][j] = (uint8_t)(in->fill + j * 7 + i * 31 + (j >> 8));
}

static void read_input(struct bytes *b, struct input *in)
{
    in->rounds = 1 + take(b, 1) % ROUNDS_MAX;
    in->rekey = 1 + take(b, 1) % ROUNDS_MAX;
    in->bits = 1 + take(b, 1) % LENGTH_BITS;
    in->random = (uint64_t)take(b, 4) << 32 | 1;
    uint32_t flags = take(b, 1);
    in->in_place = flags & 1;
    in->n = 1 + (flags >> 1) % CX_PACKET_BATCH;
    in->split = in->n;
    in->shift = take(b, 1) % SHIFT_MAX;
    in->bad = take(b, 1) % in->n;
    in->bad_bit = take(b, 2);
    take_all(b, in->key.key, sizeof in->key.key);
    take_all(b, in->key.mac_key, sizeof in->key.mac_key);
    take_all(b, in->job[0].iv, sizeof in->job[0].iv);
    in->job[0].seq = take(b, 4);
    for (size_t i = 0; i < in->n; i++)
        in->job[i].len = take(b, 2) % (1u << (1 + take(b, 1) % LENGTH_BITS));
    in->fill = (uint8_t)take(b, 1);
}

/* The counters near where they wrap, in one of two new keys. */
static void make_keys(struct input *in)
{
    for (size_t i = 0; i < sizeof in->key.key; i++)
        in->key.key[i] = (uint8_t)random_below(in, 256);
    for (size_t i = 0; i < sizeof in->key.mac_key; i++)
        in->key.mac_key[i] = (uint8_t)random_below(in, 256);
    bool near = random_below(in, 2);
    for (size_t i = 0; i < sizeof in->job[0].iv; i++)
        in->job[0].iv[i] = (uint8_t)(near ? 255 : random_below(in, 256));
    in->job[0].iv[random_below(in, sizeof in->job[0].iv)] -= (uint8_t)random_below(in, 256);
    in->job[0].seq = near ? -random_below(in, 2 * CX_PACKET_BATCH) : random_below(in, UINT32_MAX);
}

/* From where the last packet ended. */
static void make_round(struct input *in)
{
    in->job[0] = in->job[in->n];
    in->in_place = random_below(in, 2);
    in->n = 1 + random_below(in, CX_PACKET_BATCH);
    in->split = 1 + random_below(in, (uint32_t)in->n);
    in->shift = random_below(in, SHIFT_MAX);
    in->bad = random_below(in, (uint32_t)in->n);
    in->bad_bit = random_below(in, 1 << 16);
    /* every second time of about one length, which is what fills lanes to the end */
    uint32_t each = random_below(in, 1 << LENGTH_BITS), alike = random_below(in, 2);
    for (size_t i = 0; i < in->n; i++)
        in->job[i].len = alike ? each - random_below(in, each < ALIKE ? each + 1 : ALIKE)
                               : random_below(in, 1u << (1 + random_below(in, in->bits)));
    in->fill = (uint8_t)random_below(in, 256);
}

static void place(struct input *in, uint8_t from[][SLOT], uint8_t to[][SLOT])
{
    for (size_t i = 0; i < in->n; i++) {
        in->job[i].from = from[i] + in->shift;
        in->job[i].start = to[i] + in->shift;
    }
}

/* Packets with all that stands before them and GUARD bytes behind. */
static void copy(const struct input *in, uint8_t to[][SLOT], uint8_t from[][SLOT])
{
    for (size_t i = 0; i < in->n; i++)
        memcpy(to[i], from[i], in->shift + CX_PACKET_LENGTH_BYTES + in->job[i].len + TAG_MAX + GUARD);
}

static void require_same(const struct input *in)
{
    for (size_t i = 0; i < in->n; i++)
        require(memcmp(got[i], want[i], in->shift + CX_PACKET_LENGTH_BYTES + in->job[i].len + TAG_MAX + GUARD) == 0);
}

static bool next_kernel(enum cx_primitive primitive, size_t *i, const struct cx_kernel **kernel)
{
    while ((*kernel = cx_kernel_at(primitive, (*i)++)))
        if (*kernel != cx_kernels_portable.of[primitive] && cx_kernel_runs(*kernel, cx_cpu_detect(), CX_TIER_COUNT - 1))
            return true;
    return false;
}

/* ---- whole packets ---- */

/* The portable one, and then the others. Of counter mode and a MAC, which may differ in their numbers, the last stay. */
static size_t list_sides(const struct cx_cipher *cipher, const struct cx_mac *mac, struct side side[])
{
    const struct cx_packet_ops *pair = !mac ? NULL : mac->etm ? &cx_packet_ctr_etm : &cx_packet_ctr_plain;
    const struct cx_kernel *kernel;
    size_t sides = 1, both = 1;
    for (size_t i = 0; i < KERNELS_MAX; i++) {
        side[i] = (struct side){ .kernels = cx_kernels_portable };
        side[i].ops = pair ? pair : (const struct cx_packet_ops *)cx_kernels_portable.of[cipher->primitive];
    }
    for (size_t i = 0; sides < KERNELS_MAX && next_kernel(cipher->primitive, &i, &kernel); sides++) {
        if (!pair)
            side[sides].ops = (const struct cx_packet_ops *)kernel;
        for (size_t j = sides; j < KERNELS_MAX; j++)
            side[j].kernels.of[cipher->primitive] = kernel;
    }
    for (size_t i = 0; pair && both < KERNELS_MAX && next_kernel(mac->primitive, &i, &kernel); both++)
        for (size_t j = both; j < KERNELS_MAX; j++)
            side[j].kernels.of[mac->primitive] = kernel;
    return sides > both ? sides : both;
}

static void expand(struct input *in, struct side *s)
{
    in->key.sealing = true;
    s->sealer = s->ops->expand(&evp, &s->kernels, &in->key);
    in->key.sealing = false;
    s->opener = s->ops->expand(&evp, &s->kernels, &in->key);
    require(s->sealer && s->opener);
}

static void release(const struct side *s)
{
    s->ops->release(s->sealer);
    s->ops->release(s->opener);
}

/* What the pipelines of counter mode are given fills blocks. */
static void round_lengths(struct input *in)
{
    size_t outside = in->key.mac && !in->key.mac->etm ? CX_PACKET_LENGTH_BYTES : 0;
    for (size_t i = 0; in->key.mac && i < in->n; i++)
        in->job[i].len = (uint32_t)((in->job[i].len & ~15u) + 16 - outside);
}

static void seal(struct input *in, const struct side *s, uint8_t to[][SLOT])
{
    copy(in, to, plain);
    place(in, in->in_place ? to : plain, to);
    require(s->ops->seal(s->sealer, in->job, in->split) == CX_OK);
    require(in->split == in->n || s->ops->seal(s->sealer, in->job + in->split, in->n - in->split) == CX_OK);
}

static void require_opened(const struct input *in, size_t packets, size_t tag_len)
{
    for (size_t i = 0; i < packets; i++) {
        size_t body = in->shift + CX_PACKET_LENGTH_BYTES, behind = body + in->job[i].len;
        require(memcmp(got[i], want[i], in->shift) == 0);
        require(memcmp(got[i] + body, plain[i] + body, in->job[i].len) == 0);
        require(memcmp(got[i] + behind, want[i] + behind, tag_len + GUARD) == 0);
    }
}

static void open_both_ways(struct input *in, const struct side *s, size_t tag_len)
{
    size_t good;
    copy(in, got, want);
    place(in, in->in_place ? got : want, got);
    require(s->ops->open(s->opener, in->job, in->split, &good) == CX_OK && good == in->split);
    if (in->split < in->n)
        require(s->ops->open(s->opener, in->job + in->split, in->n - in->split, &good) == CX_OK && good == in->n - in->split);
    require_opened(in, in->n, tag_len);

    uint32_t bit = in->bad_bit % (uint32_t)((CX_PACKET_LENGTH_BYTES + in->job[in->bad].len + tag_len) * 8);
    uint8_t *broken = &want[in->bad][in->shift + bit / 8];
    *broken ^= (uint8_t)(1u << bit % 8);
    copy(in, got, want);
    require(s->ops->open(s->opener, in->job, in->n, &good) == CX_E_TAG && good == in->bad);
    require_opened(in, good, tag_len);
    *broken ^= (uint8_t)(1u << bit % 8);
}

static void compare_packets(struct input *in, const struct side side[], size_t sides)
{
    size_t tag_len = in->key.mac ? in->key.mac->tag_len : in->key.cipher->tag_len;
    round_lengths(in);
    for (size_t i = 0; i < in->n; i++) {
        side->ops->advance(&in->job[i], &in->job[i + 1]);
    }
    fill_plain(in);
    seal(in, side, want);
    for (size_t i = 1; i < sides; i++) {
        seal(in, &side[i], got);
        require_same(in);
        open_both_ways(in, &side[i], tag_len);
        count(3 * in->n);
    }
}

static void fuzz_packets(struct input *in, const struct cx_cipher *cipher, const struct cx_mac *mac)
{
    struct side side[KERNELS_MAX];
    size_t sides = list_sides(cipher, mac, side);
    in->key.cipher = cipher;
    in->key.mac = mac;
    for (unsigned round = 0; round < in->rounds; round++) {
        if (round > 0)
            make_round(in);
        if (round > 0 && round % in->rekey == 0)
            make_keys(in);
        for (size_t i = 0; round % in->rekey == 0 && i < sides; i++)
            expand(in, &side[i]);
        compare_packets(in, side, sides);
        for (size_t i = 0; (round + 1 == in->rounds || (round + 1) % in->rekey == 0) && i < sides; i++)
            release(&side[i]);
    }
}

/* ---- counter mode and MACs: of any length, one round ---- */

static void crypt_to(struct input *in, const struct cx_ctr_kernel *ctr, size_t key_len, uint8_t to[][SLOT])
{
    struct cx_ctr_job job[CX_PACKET_BATCH];
    copy(in, to, plain);
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
    fill_plain(in);
    crypt_to(in, cx_kernels_portable.ctr, cipher->key_len, want);
    for (size_t i = 0; next_kernel(CX_PRIMITIVE_CTR, &i, &kernel); count(in->n)) {
        crypt_to(in, (const struct cx_ctr_kernel *)kernel, cipher->key_len, got);
        require_same(in);
    }
}

static void tags_to(const struct input *in, const struct cx_mac_ops *ops, uint8_t to[][SLOT])
{
    struct cx_mac_job job[CX_PACKET_BATCH];
    for (size_t i = 0; i < in->n; i++)
        memset(to[i], 0, SLOT);
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
    fill_plain(in);
    tags_to(in, (const struct cx_mac_ops *)cx_kernels_portable.of[mac->primitive], want);
    for (size_t i = 0; next_kernel(mac->primitive, &i, &kernel); count(in->n)) {
        tags_to(in, (const struct cx_mac_ops *)kernel, got);
        require_same(in);
    }
}

/* Suites: the ciphers, the MACs, and then each pair of them, of which one of an AEAD is that alone. */
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
    size_t suite = take(&b, 1) % (ciphers + macs + ciphers * macs), pair = suite - ciphers - macs;
    const struct cx_cipher *cipher = cx_cipher_at(suite < ciphers ? suite : pair / macs);
    const struct cx_mac *mac = cx_mac_at(suite < ciphers + macs ? suite - ciphers : pair % macs);
    read_input(&b, &in);
    if (suite >= ciphers && suite < ciphers + macs)
        compare_mac(&in, mac);
    else if (cipher->tag_len > 0)
        fuzz_packets(&in, cipher, NULL);
    else if (suite < ciphers)
        compare_ctr(&in, cipher);
    else
        fuzz_packets(&in, cipher, mac);
    return 0;
}
