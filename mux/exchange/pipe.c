/* SPDX-License-Identifier: MIT */
/* Blocks are made as large as what is written, up to a size that the allocator serves from the thread's own cache: that is the pool
 * of the design. A write of more makes several, all of which are there before the first is posted. */
#include "mux/exchange/pipe.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    BLOCK_BYTES = 16 * 1024 - sizeof(struct mux_pipe_block),
    FEW_BYTES = 1024,            /* a block of fewer is mostly header, and what the allocator adds */
    UNDER_WAY_BYTES = 16 * 1024, /* at which few bytes wait: as blocks of one byte each they cost half a megabyte */
};

static struct mux_pipe_mark mark(enum mux_pipe_record record)
{
    return (struct mux_pipe_mark){ .record = record };
}

void mux_pipe_init(struct mux_pipe *p)
{
    for (unsigned e = 0; e < 2; e++) {
        struct mux_pipe_lane *l = &p->lane[e];
        mux_mailbox_init(&l->posted);
        l->eof = mark(MUX_PIPE_EOF);
        l->close = mark(MUX_PIPE_CLOSE);
        l->last = &l->first;
    }
    atomic_init(&p->holds, 2);
}

void mux_pipe_hold(struct mux_pipe *p)
{
    /* relaxed: whoever holds already keeps it alive */
    atomic_fetch_add_explicit(&p->holds, 1, memory_order_relaxed);
}

static enum mux_pipe_record record_of(const struct mux_mail *m)
{
    return ((const struct mux_pipe_mark *)m)->record;
}

/* Behind what was taken before. */
static void take_posted(struct mux_pipe_lane *l)
{
    *l->last = mux_mailbox_take(&l->posted);
    while (*l->last)
        l->last = &(*l->last)->next;
}

static void drop_first(struct mux_pipe_lane *l)
{
    struct mux_mail *m = l->first;
    l->first = m->next;
    if (!l->first)
        l->last = &l->first;
    if (record_of(m) == MUX_PIPE_BYTES)
        free(m);
}

bool mux_pipe_drop(struct mux_pipe *p)
{
    /* acq_rel: the last one frees behind everybody's use */
    if (atomic_fetch_sub_explicit(&p->holds, 1, memory_order_acq_rel) != 1)
        return false;
    for (unsigned e = 0; e < 2; e++) {
        take_posted(&p->lane[e]);
        while (p->lane[e].first)
            drop_first(&p->lane[e]);
    }
    return true;
}

/* ---- the source ---- */

static void free_chain(struct mux_mail *m)
{
    while (m) {
        struct mux_mail *next = m->next;
        free(m);
        m = next;
    }
}

/* Blocks with room for n bytes; NULL: out of memory. */
static struct mux_mail *new_chain(size_t n)
{
    struct mux_mail *first = NULL, **link = &first;
    while (n > 0) {
        size_t room = n < BLOCK_BYTES ? n : BLOCK_BYTES;
        struct mux_pipe_block *b = malloc(sizeof *b + room);
        if (!b) {
            free_chain(first);
            return NULL;
        }
        *b = (struct mux_pipe_block){ .mark.record = MUX_PIPE_BYTES, .end = (uint32_t)room };
        *link = &b->mark.mail;
        link = &b->mark.mail.next;
        n -= room;
    }
    return first;
}

/* Fills the blocks, each of which ends where its room does. */
static void fill_chain(struct mux_mail *m, const struct iovec *iov, int iov_count)
{
    size_t filled = 0;
    for (int i = 0; i < iov_count; i++) {
        const uint8_t *from = iov[i].iov_base;
        for (size_t left = iov[i].iov_len; left > 0;) {
            struct mux_pipe_block *b = (struct mux_pipe_block *)m;
            size_t n = b->end - filled < left ? b->end - filled : left;
            memcpy(b->bytes + filled, from, n);
            from += n;
            left -= n;
            filled += n;
            if (filled == b->end) {
                m = m->next;
                filled = 0;
            }
        }
    }
    assert(!m && filled == 0);
}

bool mux_pipe_takes(const struct mux_pipe *p, unsigned e, size_t n)
{
    const struct mux_pipe_lane *l = &p->lane[e];
    return n >= FEW_BYTES || l->written - atomic_load_explicit(&l->credited, memory_order_relaxed) < UNDER_WAY_BYTES;
}

bool mux_pipe_write(struct mux_pipe *p, unsigned e, const struct iovec *iov, int iov_count)
{
    size_t n = 0;
    for (int i = 0; i < iov_count; i++)
        n += iov[i].iov_len;
    struct mux_mail *chain = new_chain(n);
    if (!chain)
        return n == 0;
    fill_chain(chain, iov, iov_count);
    p->lane[e].written += n;
    while (chain) {
        struct mux_mail *m = chain;
        chain = m->next; /* read before the post, which makes it the mailbox's */
        (void)mux_mailbox_post(&p->lane[e].posted, m);
    }
    return true;
}

void mux_pipe_eof(struct mux_pipe *p, unsigned e)
{
    (void)mux_mailbox_post(&p->lane[e].posted, &p->lane[e].eof.mail);
}

void mux_pipe_close(struct mux_pipe *p, unsigned e)
{
    /* release: pairs with mux_pipe_is_left */
    atomic_store_explicit(&p->left[e], true, memory_order_release);
    (void)mux_mailbox_post(&p->lane[e].posted, &p->lane[e].close.mail);
}

void mux_pipe_abort(struct mux_pipe *p)
{
    /* release: pairs with mux_pipe_is_aborted */
    atomic_store_explicit(&p->aborted, true, memory_order_release);
}

size_t mux_pipe_credited(struct mux_pipe *p, unsigned e)
{
    struct mux_pipe_lane *l = &p->lane[e];
    /* relaxed: a number by itself; that it is seen in time is the ring's part */
    uint64_t now = atomic_load_explicit(&l->credited, memory_order_relaxed);
    if (now <= l->credit_seen) /* below it: the rest was lost */
        return 0;
    size_t n = (size_t)(now - l->credit_seen);
    l->credit_seen = now;
    return n;
}

size_t mux_pipe_lost(struct mux_pipe *p, unsigned e)
{
    struct mux_pipe_lane *l = &p->lane[e];
    assert(mux_pipe_is_left(p, e));
    size_t n = (size_t)(l->written - l->credit_seen);
    l->credit_seen = l->written;
    return n;
}

/* ---- the destination ---- */

enum mux_pipe_record mux_pipe_next(struct mux_pipe *p, unsigned e)
{
    struct mux_pipe_lane *l = &p->lane[1 - e];
    if (!l->first)
        take_posted(l);
    return l->first ? record_of(l->first) : MUX_PIPE_NOTHING;
}

size_t mux_pipe_read(struct mux_pipe *p, unsigned e, const struct iovec *iov, int iov_count)
{
    struct mux_pipe_lane *l = &p->lane[1 - e];
    size_t all = 0;
    for (int i = 0; i < iov_count; i++) {
        uint8_t *to = iov[i].iov_base;
        for (size_t room = iov[i].iov_len; room > 0 && mux_pipe_next(p, e) == MUX_PIPE_BYTES;) {
            struct mux_pipe_block *b = (struct mux_pipe_block *)l->first;
            size_t n = b->end - b->begin < room ? b->end - b->begin : room;
            memcpy(to, b->bytes + b->begin, n);
            b->begin += (uint32_t)n;
            to += n;
            room -= n;
            all += n;
            if (b->begin == b->end)
                drop_first(l);
        }
    }
    if (all > 0)
        atomic_fetch_add_explicit(&l->credited, all, memory_order_relaxed);
    return all;
}

void mux_pipe_take_eof(struct mux_pipe *p, unsigned e)
{
    assert(mux_pipe_next(p, e) == MUX_PIPE_EOF);
    drop_first(&p->lane[1 - e]);
}
