/* SPDX-License-Identifier: MIT */
/* What a kernel must do before it serves: the same as the portable one, byte for byte, for each length from 0 to 511 and some
 * longer, up to where the widest loop of any kernel has gone round more than once, each size of a batch, and counters that carry;
 * and refuse a broken tag. A kernel that was built wrong, or a processor
 * that computes wrong, is found here and not by a peer. The bytes are fixed: two starts of one machine do the same. */
#include <stdlib.h>

#include "crypto/kernels/kernels_priv.h"
#include "crypto/packet/packet_priv.h"

enum {
    SHORT_LENGTHS = 512,
    STRIDE = 197,      /* prime to it: shorter and longer ones stand side by side */
    LONG_LENGTHS = 96, /* whole blocks from there on: where the loops that take many blocks at once begin and end */
    BLOCK_BYTES = 16,
    WIDE_LENGTHS = 16, /* one, two and three turns of the widest loop, which takes 2 KiB of ChaCha20 at once, and a rest */
    WIDE_STEP = 273,
    LENGTHS = SHORT_LENGTHS + LONG_LENGTHS + WIDE_LENGTHS,
    LENGTH_MAX = SHORT_LENGTHS + LONG_LENGTHS * BLOCK_BYTES + WIDE_LENGTHS * WIDE_STEP,
    TAG_ROOM = 64,
    SLOT_BYTES = CX_PACKET_LENGTH_BYTES + LENGTH_MAX + TAG_ROOM + 1, /* odd: every alignment comes by */
};

/* n packets a batch, each in a slot of its own. */
struct scratch {
    uint8_t plain[CX_PACKET_BATCH][SLOT_BYTES];
    uint8_t want[CX_PACKET_BATCH][SLOT_BYTES];
    uint8_t got[CX_PACKET_BATCH][SLOT_BYTES];
    struct cx_packet_job job[CX_PACKET_BATCH + 1];
    size_t n;
    unsigned next; /* lengths taken so far */
};

static void fill(uint8_t *bytes, size_t len, uint8_t seed)
{
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)(seed + i * 31 + (i >> 8));
}

static struct scratch *scratch_new(void)
{
    struct scratch *s = calloc(1, sizeof *s);
    for (size_t i = 0; s && i < CX_PACKET_BATCH; i++)
        fill(s->plain[i], SLOT_BYTES, (uint8_t)(i * 91));
    return s;
}

static void make_key(struct cx_packet_key *k, const struct cx_cipher *cipher, const struct cx_mac *mac, bool sealing)
{
    *k = (struct cx_packet_key){ .cipher = cipher, .mac = mac, .sealing = sealing };
    fill(k->key, sizeof k->key, 1);
    fill(k->mac_key, sizeof k->mac_key, 2);
}

/* Lengths from the first on again; every counter is about to carry, or does at once. */
static void rewind_to_first(struct scratch *s)
{
    s->n = 0;
    s->next = 0;
    s->job[0].seq = UINT32_MAX - 40;
    memset(s->job[0].iv, 0xff, sizeof s->job[0].iv);
    s->job[0].iv[11] = 0xf0;
}

static uint32_t length_at(unsigned i)
{
    if (i < SHORT_LENGTHS)
        return i * STRIDE % SHORT_LENGTHS;
    if (i < SHORT_LENGTHS + LONG_LENGTHS)
        return SHORT_LENGTHS + (i - SHORT_LENGTHS) * BLOCK_BYTES;
    return LENGTH_MAX - (LENGTHS - 1 - i) * WIDE_STEP;
}

/* The next batch, of a size that changes, behind the last one's cursor. False: all lengths were there. */
static bool next_batch(struct scratch *s, void (*advance)(const struct cx_packet_job *job, struct cx_packet_job *next))
{
    size_t most = s->n % CX_PACKET_BATCH + 1;
    s->job[0] = s->job[s->n];
    for (s->n = 0; s->n < most && s->next < LENGTHS; s->n++, s->next++) {
        s->job[s->n].len = length_at(s->next);
        advance(&s->job[s->n], &s->job[s->n + 1]);
    }
    return s->n > 0;
}

static bool same(const struct scratch *s, size_t len_beside)
{
    for (size_t i = 0; i < s->n; i++)
        if (memcmp(s->want[i], s->got[i], s->job[i].len + len_beside) != 0)
            return false;
    return true;
}

/* ---- packets ---- */

struct side {
    const struct cx_packet_ops *ops;
    void *context;
};

static bool seal_to(struct scratch *s, const struct side *side, uint8_t to[][SLOT_BYTES])
{
    for (size_t i = 0; i < s->n; i++) {
        s->job[i].from = s->plain[i];
        s->job[i].start = to[i];
    }
    return side->ops->seal(side->context, s->job, s->n) == CX_OK;
}

/* Opens where they stand the packets in got; wants that many good ones. */
static bool open_in_place(struct scratch *s, const struct side *side, size_t good)
{
    size_t opened;
    for (size_t i = 0; i < s->n; i++)
        s->job[i].from = s->job[i].start = s->got[i];
    enum cx_err err = side->ops->open(side->context, s->job, s->n, &opened);
    if (opened != good || err != (good == s->n ? CX_OK : CX_E_TAG))
        return false;
    for (size_t i = 0; i < good; i++)
        if (memcmp(s->got[i] + CX_PACKET_LENGTH_BYTES, s->plain[i] + CX_PACKET_LENGTH_BYTES, s->job[i].len) != 0)
            return false;
    return true;
}

/* The kernel seals as the portable one does, opens that, and refuses it with a bit of the last tag turned. */
static bool check_packets(struct scratch *s, const struct side *portable, const struct side *seal, const struct side *open,
                          size_t tag_len)
{
    if (!seal_to(s, portable, s->want) || !seal_to(s, seal, s->got) || !same(s, CX_PACKET_LENGTH_BYTES + tag_len) ||
        !open_in_place(s, open, s->n))
        return false;
    const struct cx_packet_job *last = &s->job[s->n - 1];
    memcpy(s->got, s->want, sizeof s->got);
    s->got[s->n - 1][CX_PACKET_LENGTH_BYTES + last->len + s->next % tag_len] ^= (uint8_t)(1u << s->next % 8);
    return open_in_place(s, open, s->n - 1);
}

static bool start_side(struct side *side, const struct cx_evp *evp, const struct cx_packet_ops *ops, const struct cx_cipher *cipher,
                       bool sealing)
{
    struct cx_packet_key k;
    make_key(&k, cipher, NULL, sealing);
    side->ops = ops;
    side->context = ops->expand(evp, &cx_kernels_portable, &k);
    return side->context != NULL;
}

static void end_side(struct side *side)
{
    if (side->context)
        side->ops->release(side->context);
}

static bool check_cipher(const struct cx_evp *evp, const struct cx_cipher *cipher, const struct cx_packet_ops *trusted,
                         const struct cx_packet_ops *ops)
{
    struct scratch *s = scratch_new();
    struct side portable = { 0 }, seal = { 0 }, open = { 0 };
    bool good = s && start_side(&portable, evp, trusted, cipher, true) && start_side(&seal, evp, ops, cipher, true) &&
                start_side(&open, evp, ops, cipher, false);
    if (good)
        rewind_to_first(s);
    while (good && next_batch(s, trusted->advance))
        good = check_packets(s, &portable, &seal, &open, cipher->tag_len);
    end_side(&open);
    end_side(&seal);
    end_side(&portable);
    free(s);
    return good;
}

bool cx_selftest_packets(const struct cx_evp *evp, enum cx_primitive primitive, const struct cx_kernel *kernel)
{
    const struct cx_packet_ops *ops = (const struct cx_packet_ops *)kernel;
    const struct cx_packet_ops *trusted = (const struct cx_packet_ops *)cx_kernels_portable.of[primitive];
    const struct cx_cipher *cipher;
    for (size_t i = 0; (cipher = cx_cipher_at(i)); i++)
        if (cipher->primitive == primitive && !check_cipher(evp, cipher, trusted, ops))
            return false;
    return true;
}

/* ---- counter mode ---- */

static bool crypt_to(const struct scratch *s, const struct cx_ctr_kernel *ctr, void *context, const uint8_t from[][SLOT_BYTES],
                     uint8_t to[][SLOT_BYTES])
{
    struct cx_ctr_job job[CX_PACKET_BATCH];
    for (size_t i = 0; i < s->n; i++)
        job[i] = (struct cx_ctr_job){ from[i], to[i], s->job[i].len, s->job[i].iv };
    return ctr->crypt(context, job, s->n);
}

static bool check_ctr(const struct cx_evp *evp, const struct cx_ctr_kernel *ctr, size_t key_len)
{
    uint8_t key[32];
    struct scratch *s = scratch_new();
    fill(key, sizeof key, 3);
    void *portable = cx_ctr_evp.expand(evp, key, key_len), *context = ctr->expand(evp, key, key_len);
    bool good = s && portable && context;
    if (good)
        rewind_to_first(s);
    while (good && next_batch(s, cx_packet_advance_gcm)) {
        good = crypt_to(s, &cx_ctr_evp, portable, s->plain, s->want) && crypt_to(s, ctr, context, s->plain, s->got) && same(s, 0);
        memcpy(s->want, s->plain, sizeof s->want);
        good = good && crypt_to(s, ctr, context, s->got, s->got) && same(s, 0);
    }
    cx_ctr_evp.release(portable);
    ctr->release(context);
    free(s);
    return good;
}

bool cx_selftest_ctr(const struct cx_evp *evp, enum cx_primitive primitive, const struct cx_kernel *kernel)
{
    const struct cx_ctr_kernel *ctr = (const struct cx_ctr_kernel *)kernel;
    (void)primitive;
    return check_ctr(evp, ctr, 16) && check_ctr(evp, ctr, 24) && check_ctr(evp, ctr, 32);
}

/* ---- MACs ---- */

static bool tags_to(struct scratch *s, const struct cx_mac_ops *mac, void *context, uint8_t to[][SLOT_BYTES])
{
    struct cx_mac_job job[CX_PACKET_BATCH];
    for (size_t i = 0; i < s->n; i++)
        job[i] = (struct cx_mac_job){ s->job[i].seq, s->plain[i], s->job[i].len, to[i] };
    return mac->tags(context, job, s->n);
}

static bool same_tags(const struct scratch *s, size_t tag_len)
{
    for (size_t i = 0; i < s->n; i++)
        if (memcmp(s->want[i], s->got[i], tag_len) != 0)
            return false;
    return true;
}

/* ---- MACs and counter mode at once ---- */

/* The cipher goes from plain to got, and the tags, of what it reads or of what it writes, behind its bytes. */
static bool tag_and_crypt(struct scratch *s, const struct cx_mac_ops *mac, void *context, void *ctr_context, bool of_crypted)
{
    struct cx_mac_job tag[CX_PACKET_BATCH];
    struct cx_ctr_job crypt[CX_PACKET_BATCH];
    const struct cx_mac_crypt both = { tag, crypt, s->n, mac->beside, ctr_context, of_crypted };
    for (size_t i = 0; i < s->n; i++) {
        uint32_t len = s->job[i].len;
        crypt[i] = (struct cx_ctr_job){ s->plain[i], s->got[i], len, s->job[i].iv };
        tag[i] = (struct cx_mac_job){ s->job[i].seq, of_crypted ? s->got[i] : s->plain[i], len, s->got[i] + len };
    }
    return mac->tags_and_crypt(context, &both);
}

/* The same, the one after the other. */
static bool tag_and_crypt_portably(struct scratch *s, const struct cx_mac_ops *mac, void *context, void *ctr_context,
                                   bool of_crypted)
{
    struct cx_mac_job tag[CX_PACKET_BATCH];
    for (size_t i = 0; i < s->n; i++) {
        uint32_t len = s->job[i].len;
        tag[i] = (struct cx_mac_job){ s->job[i].seq, of_crypted ? s->want[i] : s->plain[i], len, s->want[i] + len };
    }
    return crypt_to(s, &cx_ctr_evp, ctr_context, s->plain, s->want) && mac->tags(context, tag, s->n);
}

/* Lengths from the first on that are worth it. Both MACs' contexts are of one key. */
static bool check_beside(const struct cx_evp *evp, struct scratch *s, const struct cx_mac_ops *trusted, void *portable,
                         const struct cx_mac_ops *ops, void *context, size_t key_len, size_t tag_len)
{
    uint8_t key[32];
    fill(key, sizeof key, 4);
    void *ctr_portable = cx_ctr_evp.expand(evp, key, key_len), *ctr = ops->beside->expand(evp, key, key_len);
    bool good = ctr_portable && ctr;
    rewind_to_first(s);
    s->next = SHORT_LENGTHS;
    while (good && next_batch(s, cx_packet_advance_gcm)) {
        bool of_crypted = s->n % 2;
        good = tag_and_crypt_portably(s, trusted, portable, ctr_portable, of_crypted) &&
               tag_and_crypt(s, ops, context, ctr, of_crypted) && same(s, tag_len);
    }
    cx_ctr_evp.release(ctr_portable);
    ops->beside->release(ctr);
    return good;
}

bool cx_selftest_mac(const struct cx_evp *evp, enum cx_primitive primitive, const struct cx_kernel *kernel)
{
    const struct cx_mac_ops *ops = (const struct cx_mac_ops *)kernel;
    const struct cx_mac_ops *trusted = (const struct cx_mac_ops *)cx_kernels_portable.of[primitive];
    const struct cx_mac *mac = NULL;
    struct cx_packet_key k;
    for (size_t i = 0; (mac = cx_mac_at(i)) && mac->primitive != primitive; i++)
        ;
    make_key(&k, NULL, mac, true);
    struct scratch *s = scratch_new();
    void *portable = trusted->expand(evp, &k), *context = ops->expand(evp, &k);
    bool good = s && portable && context;
    if (good)
        rewind_to_first(s);
    while (good && next_batch(s, cx_packet_advance_seq))
        good = tags_to(s, trusted, portable, s->want) && tags_to(s, ops, context, s->got) && same_tags(s, mac->tag_len);
    bool both = ops->beside && cx_kernel_runs(&ops->beside->kernel, cx_cpu_detect(), CX_TIER_COUNT - 1);
    for (size_t key_len = 16; good && both && key_len <= 32; key_len += 8)
        good = check_beside(evp, s, trusted, portable, ops, context, key_len, mac->tag_len);
    trusted->release(portable);
    ops->release(context);
    free(s);
    return good;
}
