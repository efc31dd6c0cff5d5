/* SPDX-License-Identifier: MIT */
/* An end takes what it is given and copies it into the pipe; the bytes are credited to whoever sent them when the other end has
 * passed them on, so that the pipe holds no more than the sender's window. Few bytes behind many wait in the inbox to become more.
 *
 * The object is the two ends, the pipe and the mail of both. Each end is touched by its own worker only, but for two things:
 * whoever rings posts the other end's mail, whose node is free by the rule of the flag; and `why`, which the far end writes before
 * it aborts and the near end reads behind that. Where both tunnels belong to one worker, nothing is posted: the other end is woken
 * directly, which only marks.
 *
 * It travels between workers, so none of them ends before it is gone (gw_registry_enter). */
#include "gateway/consumers/pipe.h"

#include <stdlib.h>

#include "gateway/engine/inbox.h"
#include "mux/exchange/pipe.h"

enum { NEAR, FAR };
enum { INBOX_PIECES = 64 };

struct end {
    struct gw_consumer base;
    struct pipe *pipe;
    unsigned index;
    bool read_ended, closed;
    struct gw_mail told;
};

struct pipe {
    struct mux_pipe records;
    struct end end[2];
    struct gw_inbox *inbox[2];
    struct gw_mail arrive_mail;
    struct gw_pipe_setup setup;
    atomic_bool confirmed;
    const char *why; /* the far end's */
};

static struct end *end_of(const struct gw_consumer *c)
{
    return (struct end *)((uintptr_t)c - offsetof(struct end, base));
}

static void let_go(struct pipe *p)
{
    if (!mux_pipe_drop(&p->records))
        return;
    struct gw_registry *registry = p->setup.registry;
    free(p);
    gw_registry_leave(registry);
}

/* ---- the other end's wake-up ---- */

static void wake(struct end *e)
{
    if (!e->closed && e->base.wake)
        e->base.wake(&e->base);
}

static void on_told(struct gw_mail *m, void *receiver)
{
    struct end *e = (struct end *)((char *)m - offsetof(struct end, told));
    (void)receiver;
    mux_pipe_answer(&e->pipe->records, e->index);
    wake(e);
    let_go(e->pipe);
}

static void tell_other(struct end *e)
{
    struct pipe *p = e->pipe;
    unsigned other = 1 - e->index;
    if (p->inbox[NEAR] == p->inbox[FAR]) {
        wake(&p->end[other]);
    } else if (mux_pipe_ring(&p->records, e->index)) {
        mux_pipe_hold(&p->records);
        gw_inbox_send(p->inbox[other], &p->end[other].told);
    }
}

/* ---- what a tunnel asks of its consumer ---- */

static void find_aborted(struct end *e)
{
    struct gw_consumer *c = &e->base;
    c->why = e->index == NEAR && e->pipe->why ? e->pipe->why : "the other side is gone";
    c->failure = GW_FAILURE_CONNECT;
    c->state = c->state == GW_CONSUMER_CONNECTING ? GW_CONSUMER_FAILED : GW_CONSUMER_BROKEN;
    c->readable = false;
}

static void pipe_progress(struct gw_consumer *c)
{
    struct end *e = end_of(c);
    struct mux_pipe *records = &e->pipe->records;
    if (c->state != GW_CONSUMER_CONNECTING && c->state != GW_CONSUMER_OPEN)
        return;
    if (mux_pipe_is_aborted(records)) {
        find_aborted(e);
        return;
    }
    if (c->state == GW_CONSUMER_CONNECTING) {
        /* acquire: pairs with the confirmation */
        if (!atomic_load_explicit(&e->pipe->confirmed, memory_order_acquire))
            return;
        c->state = GW_CONSUMER_OPEN;
    }
    c->far_closed = mux_pipe_is_left(records, e->index);
    c->drained += (uint32_t)mux_pipe_credited(records, e->index);
    if (c->far_closed)
        c->lost += (uint32_t)mux_pipe_lost(records, e->index);
    c->readable = mux_pipe_next(records, e->index) != MUX_PIPE_NOTHING && !e->read_ended;
}

static bool write_all(struct end *e, const struct iovec *iov, int iov_count)
{
    if (mux_pipe_write(&e->pipe->records, e->index, iov, iov_count))
        return true;
    e->base.state = GW_CONSUMER_BROKEN;
    e->base.why = "out of memory";
    return false;
}

static ssize_t pipe_write(struct gw_consumer *c, const struct iovec *iov, int iov_count)
{
    struct end *e = end_of(c);
    if (c->far_closed) {
        c->why = "the other side has closed";
        return -1;
    }
    size_t n = gw_iov_len(iov, iov_count);
    if (!mux_pipe_takes(&e->pipe->records, e->index, n) || !write_all(e, iov, iov_count))
        return 0;
    tell_other(e);
    return (ssize_t)n;
}

static size_t pipe_pull(struct gw_consumer *c, const struct iovec *iov, int iov_count, enum mux_pull *more)
{
    struct end *e = end_of(c);
    struct mux_pipe *records = &e->pipe->records;
    size_t n = mux_pipe_read(records, e->index, iov, iov_count);
    if (n > 0)
        tell_other(e);
    enum mux_pipe_record next = mux_pipe_next(records, e->index);
    if (next == MUX_PIPE_EOF)
        mux_pipe_take_eof(records, e->index);
    e->read_ended |= next == MUX_PIPE_EOF || next == MUX_PIPE_CLOSE;
    c->readable = next == MUX_PIPE_BYTES;
    *more = e->read_ended ? MUX_PULL_EOF : c->readable ? MUX_PULL_MORE : MUX_PULL_DRY;
    return n;
}

static void pipe_shutdown_write(struct gw_consumer *c)
{
    struct end *e = end_of(c);
    mux_pipe_eof(&e->pipe->records, e->index);
    tell_other(e);
}

/* What waited to become more. False: it is lost. */
static bool write_inbox(struct end *e)
{
    struct gw_bytes *inbox = &e->base.inbox;
    while (inbox->len > 0) {
        struct iovec iov[INBOX_PIECES];
        int count = gw_bytes_peek(inbox, iov, INBOX_PIECES);
        if (!write_all(e, iov, count))
            return false;
        gw_bytes_take(inbox, gw_iov_len(iov, count));
    }
    return true;
}

static void pipe_close(struct gw_consumer *c, bool graceful)
{
    struct end *e = end_of(c);
    struct pipe *p = e->pipe;
    if (graceful && c->state == GW_CONSUMER_OPEN && write_inbox(e)) {
        mux_pipe_close(&p->records, e->index);
    } else {
        if (e->index == FAR)
            p->why = c->why;
        mux_pipe_abort(&p->records);
    }
    e->closed = true;
    gw_bytes_clear(&c->inbox);
    tell_other(e);
    let_go(p);
}

static void pipe_confirmed(struct gw_consumer *c)
{
    struct end *e = end_of(c);
    atomic_store_explicit(&e->pipe->confirmed, true, memory_order_release);
    tell_other(e);
}

/* Whoever asked for it. */
static struct gw_addr pipe_address(const struct gw_consumer *c)
{
    const struct end *e = end_of(c);
    return e->index == FAR ? e->pipe->setup.originator : (struct gw_addr){ 0 };
}

static const struct gw_consumer_ops pipe_ops = {
    .progress = pipe_progress,
    .write = pipe_write,
    .pull = pipe_pull,
    .shutdown_write = pipe_shutdown_write,
    .close = pipe_close,
    .confirmed = pipe_confirmed,
    .address = pipe_address,
    .credits_later = true,
};

/* ---- beginnings ---- */

static void on_arrive(struct gw_mail *m, void *receiver)
{
    struct pipe *p = (struct pipe *)((char *)m - offsetof(struct pipe, arrive_mail));
    p->setup.arrive(&p->end[FAR].base, receiver);
}

static void init_end(struct pipe *p, unsigned index, enum gw_consumer_state state)
{
    p->inbox[index] = gw_registry_inbox(p->setup.registry, index == NEAR ? p->setup.here : p->setup.there);
    p->end[index] =
        (struct end){ .base = { .ops = &pipe_ops, .state = state }, .pipe = p, .index = index, .told.deliver = on_told };
}

struct gw_consumer *gw_pipe_new(struct gw_consumer_owner o, const struct gw_pipe_setup *setup)
{
    struct pipe *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->setup = *setup;
    mux_pipe_init(&p->records);
    init_end(p, NEAR, GW_CONSUMER_CONNECTING);
    init_end(p, FAR, GW_CONSUMER_OPEN);
    p->end[NEAR].base.wake = o.wake;
    p->end[NEAR].base.owner = o.owner;
    p->arrive_mail.deliver = on_arrive;
    gw_registry_enter(setup->registry);
    gw_inbox_send(p->inbox[FAR], &p->arrive_mail);
    return &p->end[NEAR].base;
}

const struct gw_pipe_setup *gw_pipe_setup_of(const struct gw_consumer *c)
{
    return &end_of(c)->pipe->setup;
}
