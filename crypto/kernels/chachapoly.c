/* SPDX-License-Identifier: MIT */
/* chacha20-poly1305@openssh.com over batches; crypto/packet/chachapoly.c says what the construction is.
 *
 * What depends on keys and sequence number alone is a row: the pad of the length field, the Poly1305 key, and the first blocks of
 * the body's stream, so that a short packet needs no ChaCha20 of its own. The rows of eight sequence numbers are made by one wide
 * call when one of them is first asked for. A row is live until its packet was encrypted or decrypted, which wipes it; one that
 * is asked for again, or was pushed out, is made again. Directions that open keep three groups of eight, since framing looks at up
 * to CX_PACKET_BATCH + 1 lengths before the first packet is opened.
 *
 * Bodies beyond their row are encrypted in whole stretches of 2 KiB, and what is left of them is queued as lanes, which fill up
 * across packets. Opening checks the tag first: nothing of a packet is decrypted before it is known to be good. */
#include <stdlib.h>

#include "crypto/kernels/chachapoly_priv.h"
#include "crypto/kernels/kernels_priv.h"
#include "crypto/kernels/stack_priv.h"
#include "crypto/secret.h"
#include "crypto/wire.h"

enum {
    KEY_BYTES = 32,
    EARLY_BYTES = CX_CHACHAPOLY_EARLY * CX_CHACHA20_BLOCK,
    STRETCH_BYTES = CX_CHACHA20_LANES * CX_CHACHA20_BLOCK,
    GROUPS_TO_OPEN = 3,
    GROUPS_TO_SEAL = 1,
    WIDE_STACK_BYTES = 4608, /* below a function that calls wide kernels, or the narrow Poly1305, they use no more */
    NARROW_STACK_BYTES = 512,
    NEAR_BYTES = 16 << 10, /* packets of so many bytes are taken through both algorithms together: half of a small L1 */
};

struct group {
    uint32_t number; /* of its sequence numbers, their eighth */
    uint32_t live;   /* a bit a row */
    struct cx_chachapoly_row row[CX_CHACHAPOLY_AHEAD];
};

struct context {
    const struct cx_chacha20_kernel *chacha;
    const struct cx_poly1305_kernel *poly;
    struct cx_chacha20_key body, length;
    uint32_t groups, oldest;
    uint32_t stack_used; /* by kernels that ran since the stack was wiped */
    struct group group[];
};

/* What one call has under way. */
struct work {
    struct context *c;
    uint8_t mac_key[CX_PACKET_BATCH][CX_POLY1305_KEY];
    uint8_t tag[CX_PACKET_BATCH][CX_POLY1305_TAG];
    struct cx_chacha20_lanes lanes;
};

/* ---- context ---- */

static size_t context_bytes(uint32_t groups)
{
    return sizeof(struct context) + groups * sizeof(struct group);
}

static void release(void *context)
{
    struct context *c = context;
    cx_secret_wipe(c, context_bytes(c->groups));
    free(c);
}

static void *expand_with(const struct cx_packet_key *k, const struct cx_chacha20_kernel *chacha,
                         const struct cx_poly1305_kernel *poly)
{
    uint32_t groups = k->sealing ? GROUPS_TO_SEAL : GROUPS_TO_OPEN;
    struct context *c = calloc(1, context_bytes(groups));
    if (!c)
        return NULL;
    c->chacha = chacha;
    c->poly = poly;
    c->groups = groups;
    memcpy(&c->body, k->key, KEY_BYTES);
    memcpy(&c->length, k->key + KEY_BYTES, KEY_BYTES);
    return c;
}

/* ---- the stack, where kernels leave keys, streams, powers of r ---- */

static void use_stack(struct context *c, uint32_t bytes)
{
    if (c->stack_used < bytes)
        c->stack_used = bytes;
}

static __attribute__((noinline, no_stack_protector)) void wipe_below_wide(void)
{
    uint8_t frame[WIDE_STACK_BYTES] __attribute__((aligned(16)));
    cx_stack_zero(frame, sizeof frame);
}

static __attribute__((noinline, no_stack_protector)) void wipe_below_narrow(void)
{
    uint8_t frame[NARROW_STACK_BYTES] __attribute__((aligned(16)));
    cx_stack_zero(frame, sizeof frame);
}

static inline void wipe_stack(struct context *c)
{
    if (c->stack_used == WIDE_STACK_BYTES)
        wipe_below_wide();
    else if (c->stack_used == NARROW_STACK_BYTES)
        wipe_below_narrow();
    c->stack_used = 0;
}

/* ---- rows ---- */

/* The live group of that row, made now if there is none. */
static struct group *find_group(struct context *c, uint32_t seq)
{
    uint32_t number = seq / CX_CHACHAPOLY_AHEAD, bit = 1u << seq % CX_CHACHAPOLY_AHEAD;
    struct group *g;
    for (uint32_t i = 0; i < c->groups; i++) {
        g = &c->group[i];
        if (g->number == number && g->live & bit)
            return g;
    }
    g = &c->group[c->oldest];
    c->oldest = c->oldest + 1 < c->groups ? c->oldest + 1 : 0;
    use_stack(c, WIDE_STACK_BYTES);
    c->chacha->ahead(&c->body, &c->length, number * CX_CHACHAPOLY_AHEAD, g->row);
    g->number = number;
    g->live = (1u << CX_CHACHAPOLY_AHEAD) - 1;
    return g;
}

static struct cx_chachapoly_row *find_row(struct context *c, uint32_t seq)
{
    return &find_group(c, seq)->row[seq % CX_CHACHAPOLY_AHEAD];
}

static void end_row(struct group *g, struct cx_chachapoly_row *row)
{
    g->live &= ~(1u << (row - g->row));
    cx_secret_wipe(row, sizeof *row);
}

static enum cx_err peek(void *context, const struct cx_packet_job *job, uint32_t *len)
{
    struct context *c = context;
    *len = cx_load_u32(job->from) ^ cx_load_u32(find_row(c, job->seq)->length_pad);
    /* now: the packet may be a long time in coming, and the frames of what opens it do not lie where these lay */
    wipe_stack(c);
    return CX_OK;
}

/* ---- encrypting and decrypting, which are the same ---- */

static void flush(struct work *w)
{
    if (w->lanes.n == 0)
        return;
    use_stack(w->c, WIDE_STACK_BYTES);
    w->c->chacha->lanes(&w->c->body, &w->lanes);
    w->lanes.n = 0;
}

static void queue(struct work *w, uint32_t seq, uint32_t counter, uint8_t *to, const uint8_t *from, size_t len)
{
    struct cx_chacha20_lanes *l = &w->lanes;
    while (len > 0) {
        size_t piece = len < CX_CHACHA20_BLOCK ? len : CX_CHACHA20_BLOCK;
        l->counter[l->n] = counter++;
        l->seq[l->n] = seq;
        l->from[l->n] = from;
        l->to[l->n] = to;
        l->len[l->n] = (uint8_t)piece;
        if (++l->n == CX_CHACHA20_LANES)
            flush(w);
        from += piece;
        to += piece;
        len -= piece;
    }
}

static inline void mix_word(uint8_t *to, const uint8_t *from, const uint8_t *stream)
{
    uint64_t a, b;
    memcpy(&a, from, sizeof a);
    memcpy(&b, stream, sizeof b);
    a ^= b;
    memcpy(to, &a, sizeof a);
}

static void mix(uint8_t *to, const uint8_t *from, const uint8_t *stream, size_t len)
{
    size_t i = 0;
    for (; i + sizeof(uint64_t) <= len; i += sizeof(uint64_t))
        mix_word(to + i, from + i, stream + i);
    for (; i < len; i++)
        to[i] = from[i] ^ stream[i];
}

/* Length and body; of the body, the last bytes may stand in w->lanes until they are flushed. */
static void crypt(struct work *w, const struct cx_packet_job *job)
{
    struct group *g = find_group(w->c, job->seq);
    struct cx_chachapoly_row *row = &g->row[job->seq % CX_CHACHAPOLY_AHEAD];
    const uint8_t *from = job->from + CX_PACKET_LENGTH_BYTES;
    uint8_t *to = job->start + CX_PACKET_LENGTH_BYTES;
    size_t len = job->len, early = len < EARLY_BYTES ? len : EARLY_BYTES;
    mix(job->start, job->from, row->length_pad, CX_PACKET_LENGTH_BYTES);
    mix(to, from, row->stream, early);
    end_row(g, row);

    uint32_t counter = 1 + CX_CHACHAPOLY_EARLY;
    size_t times = (len - early) / STRETCH_BYTES, wide = times * STRETCH_BYTES;
    if (times > 0) {
        use_stack(w->c, WIDE_STACK_BYTES);
        w->c->chacha->stretch(&w->c->body, job->seq, counter, to + early, from + early, times);
    }
    counter += (uint32_t)times * CX_CHACHA20_LANES;
    queue(w, job->seq, counter, to + early + wide, from + early + wide, len - early - wide);
}

/* ---- tags ---- */

static void take_mac_key(struct work *w, const struct cx_packet_job job[], size_t i)
{
    memcpy(w->mac_key[i], find_row(w->c, job[i].seq)->mac_key, CX_POLY1305_KEY);
}

/* A function of its own: its frame is below the batch's, and wiped with those of kernels. */
static __attribute__((noinline)) void make_narrow_tag(const uint8_t *key, const uint8_t *bytes, size_t len, uint8_t *tag)
{
    struct cx_poly1305 p = cx_poly1305_start(key);
    cx_poly1305_finish(&p, bytes, 0, len, key, tag);
}

/* Of the packets first to end - 1, whose wire bytes are at start (sealing) or from (opening), into w->tag. */
static void make_tags(struct work *w, const struct cx_packet_job job[], size_t first, size_t end, bool sealing)
{
    struct cx_poly1305_job wide[CX_POLY1305_LANES];
    size_t n = 0;
    for (size_t i = first; i < end; i++) {
        struct cx_poly1305_job one = { w->mac_key[i], sealing ? job[i].start : job[i].from,
                                       CX_PACKET_LENGTH_BYTES + (size_t)job[i].len, w->tag[i] };
        if (one.len >= w->c->poly->least) {
            wide[n++] = one;
        } else {
            use_stack(w->c, NARROW_STACK_BYTES);
            make_narrow_tag(one.key, one.bytes, one.len, one.tag);
        }
        if (n == CX_POLY1305_LANES || (n > 0 && i + 1 == end)) {
            use_stack(w->c, WIDE_STACK_BYTES);
            w->c->poly->tags(wide, n);
            n = 0;
        }
    }
}

/* ---- batches ---- */

/* The packets from first on that stay together: the index behind them. */
static size_t near_end(const struct cx_packet_job job[], size_t first, size_t n)
{
    size_t bytes = job[first].len, end = first + 1;
    while (end < n && bytes + job[end].len <= NEAR_BYTES)
        bytes += job[end++].len;
    return end;
}

/* The lanes past lanes.n are computed too, of whatever stands there. */
static void start_work(struct work *w, struct context *c)
{
    w->c = c;
    w->lanes.n = 0;
}

static void end_work(struct work *w)
{
    cx_secret_wipe(w->mac_key, sizeof w->mac_key);
    wipe_stack(w->c);
}

static enum cx_err seal(void *context, const struct cx_packet_job job[], size_t n)
{
    struct work w;
    start_work(&w, context);
    for (size_t first = 0, end; first < n; first = end) {
        end = near_end(job, first, n);
        for (size_t i = first; i < end; i++) {
            take_mac_key(&w, job, i);
            crypt(&w, &job[i]);
        }
        flush(&w);
        make_tags(&w, job, first, end, true);
        for (size_t i = first; i < end; i++)
            memcpy(job[i].start + CX_PACKET_LENGTH_BYTES + job[i].len, w.tag[i], CX_POLY1305_TAG);
    }
    end_work(&w);
    return CX_OK;
}

static enum cx_err open(void *context, const struct cx_packet_job job[], size_t n, size_t *good)
{
    struct work w;
    size_t end = 0;
    start_work(&w, context);
    for (*good = 0; *good < n && *good == end;) {
        end = near_end(job, *good, n);
        for (size_t i = *good; i < end; i++)
            take_mac_key(&w, job, i);
        make_tags(&w, job, *good, end, false);
        for (; *good < end; ++*good) {
            const struct cx_packet_job *j = &job[*good];
            if (!cx_secret_equal(w.tag[*good], j->from + CX_PACKET_LENGTH_BYTES + j->len, CX_POLY1305_TAG))
                break;
            crypt(&w, j);
        }
    }
    flush(&w);
    end_work(&w);
    if (*good == n)
        return CX_OK;
    cx_secret_wipe(w.tag, sizeof w.tag); /* what a forger would have needed */
    return CX_E_TAG;
}

/* ---- kernels ---- */

#define EXPAND(name, chacha, poly)                                                                                                 \
    static void *name(const struct cx_evp *evp, const struct cx_kernels *kernels, const struct cx_packet_key *k)                   \
    {                                                                                                                              \
        (void)evp;                                                                                                                 \
        (void)kernels;                                                                                                             \
        return expand_with(k, &chacha, &poly);                                                                                     \
    }

#define COMMON .release = release, .peek = peek, .advance = cx_packet_advance_seq, .seal = seal, .open = open

EXPAND(expand_ifma, cx_chacha20_avx512, cx_poly1305_ifma)
EXPAND(expand_avx512, cx_chacha20_avx512, cx_poly1305_avx2)
EXPAND(expand_avx2, cx_chacha20_avx2, cx_poly1305_avx2)

enum { NEEDS_AVX2 = CX_CPU_AVX2 | CX_CPU_BMI2 };

const struct cx_packet_ops cx_chachapoly_ifma = {
    .kernel = { "avx512-ifma", CX_TIER_AVX512, NEEDS_AVX2 | CX_CPU_AVX512 | CX_CPU_AVX512IFMA },
    .expand = expand_ifma,
    COMMON,
};

/* Where there is no 52-bit multiplication, Poly1305 stays in AVX2. */
const struct cx_packet_ops cx_chachapoly_avx512 = {
    .kernel = { "avx512", CX_TIER_AVX512, NEEDS_AVX2 | CX_CPU_AVX512 },
    .expand = expand_avx512,
    COMMON,
};

const struct cx_packet_ops cx_chachapoly_avx2 = {
    .kernel = { "avx2", CX_TIER_AVX2, NEEDS_AVX2 },
    .expand = expand_avx2,
    COMMON,
};
