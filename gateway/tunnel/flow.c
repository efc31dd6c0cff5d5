/* SPDX-License-Identifier: MIT */
/* The bytes of a tunnel, its half-closes and its end.
 *
 *   up    client's DATA -> consumer, at once; what it does not take waits in its inbox, bounded by the window, since only what was
 *         taken is credited. The client's EOF is passed on when the inbox is empty. A consumer that takes no more ends this
 *         direction alone: what it had sent before still goes down.
 *   down  pulled by produce, when there is room for it, and never else.
 *
 * Where the consumer is another tunnel (credits_later), what it takes is credited when that one has passed it on, or has ended.
 *
 * The tunnel ends when both directions have; when the consumer is lost; or when the client has closed the channel and its last
 * bytes were taken, or nobody took one of them for PATIENCE_NS. An outgoing tunnel that was left by whoever asked for it has the
 * same patience with its client: nobody else counts it any more.
 *
 * Nothing here ends a tunnel but gw_tunnel_serve, which runs between feeds: events, pulls and wakes only record and mark. */
#include <assert.h>
#include <stdlib.h>

#include "gateway/tunnel/tunnel_priv.h"

enum {
    FLUSH_PIECES = 64,
    FLUSH_BUDGET = 256 * 1024,
    TURN_BYTES = 1024 * 1024,      /* a connection's: what its tunnels write that had to wait */
    TURN_BYTES_AN_END = 32 * 1024, /* and as much as this for each that begins or ends: sockets, log, audit */
};

static const uint64_t PATIENCE_NS = 30ull * 1000 * 1000 * 1000;

void gw_tunnel_mark(struct gw_tunnel *t)
{
    if (t->is_marked)
        return;
    struct gw_tunnel_list *list = gw_conn_tunnels(t->conn);
    t->next_marked = list->marked;
    list->marked = t;
    t->is_marked = true;
    gw_conn_mark(t->conn);
}

static struct gw_tunnel *first_of(struct gw_tunnel **list)
{
    struct gw_tunnel *t = *list;
    *list = t->next_marked;
    t->is_marked = false;
    return t;
}

static struct gw_tunnel *reverse(struct gw_tunnel *list)
{
    struct gw_tunnel *reversed = NULL, *next;
    for (struct gw_tunnel *t = list; t; t = next) {
        next = t->next_marked;
        t->next_marked = reversed;
        reversed = t;
    }
    return reversed;
}

/* All of them, who was marked first in front: services' answers leave in the order in which they came. */
static struct gw_tunnel *take_marked(struct gw_tunnel_list *list)
{
    struct gw_tunnel *taken = reverse(list->marked);
    list->marked = NULL;
    return taken;
}

/* What was taken and had no turn: before those that were marked meanwhile. */
static void put_back(struct gw_tunnel_list *list, struct gw_tunnel *taken)
{
    struct gw_tunnel **at = &list->marked;
    while (*at)
        at = &(*at)->next_marked;
    *at = reverse(taken);
}

/* Who ends was marked last, if at all; only a reload that refuses many at once has to search. */
static void unmark(struct gw_tunnel *t)
{
    if (!t->is_marked)
        return;
    struct gw_tunnel **at = &gw_conn_tunnels(t->conn)->marked;
    while (*at != t)
        at = &(*at)->next_marked;
    (void)first_of(at);
}

void gw_tunnel_on_wake(struct gw_consumer *c)
{
    gw_tunnel_mark(c->owner);
}

struct gw_queue *gw_tunnel_queue(const struct gw_tunnel *t)
{
    if (t->member)
        return gw_member_queue(t->member);
    return t->ends ? t->ends->queue : NULL;
}

void gw_tunnel_free_ends(struct gw_tunnel *t)
{
    if (!t->ends)
        return;
    gw_timer_cancel(gw_worker_loop(gw_conn_worker(t->conn)), &t->ends->patience);
    gw_destination_drop(t->ends->destination);
    free(t->ends);
    t->ends = NULL;
}

void gw_tunnel_free(struct gw_tunnel *t, bool graceful)
{
    struct gw_worker *w = gw_conn_worker(t->conn);
    if (t->consumer)
        t->consumer->ops->close(t->consumer, graceful);
    if (t->ends && t->ends->request)
        gw_request_release(t->ends->request);
    gw_tunnel_free_ends(t);
    if (t->member)
        gw_member_give(t->member);
    if (t->is_counted)
        gw_registry_user_give(gw_worker_registry(w), gw_conn_tunnels(t->conn)->user);
    unmark(t);
    gw_conn_tunnels(t->conn)->count--;
    free(t);
}

static void end(struct gw_tunnel *t, const char *reason, bool graceful)
{
    gw_tunnel_record_end(t, reason);
    mux_channel_release(gw_conn_session(t->conn), t->channel); /* takes our pointer off the channel */
    gw_tunnel_free(t, graceful);
}

/* ---- up ---- */

static void credit(struct gw_tunnel *t, size_t n)
{
    if (n > 0 && !t->client_closed)
        mux_channel_drained(gw_conn_session(t->conn), t->channel, n);
}

/* The consumer takes no more: what waits for it is dropped, and the client goes on as if it had been taken. */
static void give_up_writing(struct gw_tunnel *t)
{
    struct gw_bytes *inbox = &t->consumer->inbox;
    t->up_done = true;
    credit(t, inbox->len);
    gw_bytes_clear(inbox);
    gw_tunnel_mark(t);
}

/* Patience is for progress: each byte that was taken renews it. */
static void on_patience(struct gw_timer *timer, uint64_t now_ns)
{
    (void)now_ns;
    struct gw_tunnel *t = ((struct gw_tunnel_ends *)((char *)timer - offsetof(struct gw_tunnel_ends, patience)))->tunnel;
    t->expired = true;
    gw_tunnel_mark(t);
}

void gw_tunnel_set_patience(struct gw_tunnel *t, uint64_t at_ns)
{
    if (!t->ends)
        t->ends = calloc(1, sizeof *t->ends);
    if (!t->ends) {
        t->expired = true;
        gw_tunnel_mark(t);
        return;
    }
    t->ends->tunnel = t;
    t->ends->patience.fire = on_patience;
    gw_timer_set(gw_worker_loop(gw_conn_worker(t->conn)), &t->ends->patience, at_ns);
}

static bool has_patience(const struct gw_tunnel *t)
{
    return t->ends && t->ends->patience.at_ns != 0;
}

static void renew_patience(struct gw_tunnel *t)
{
    gw_tunnel_set_patience(t, gw_loop_now_ns(gw_worker_loop(gw_conn_worker(t->conn))) + PATIENCE_NS);
}

/* The consumer has taken n bytes. */
static void taken_up(struct gw_tunnel *t, size_t n)
{
    if (t->consumer->ops->credits_later)
        return;
    t->bytes_up += n;
    credit(t, n);
}

static void flush(struct gw_tunnel *t)
{
    struct gw_consumer *c = t->consumer;
    size_t moved = 0;
    ssize_t n = 1;
    while (n > 0 && c->inbox.len > 0 && moved < FLUSH_BUDGET) {
        struct iovec iov[FLUSH_PIECES];
        n = c->ops->write(c, iov, gw_bytes_peek(&c->inbox, iov, FLUSH_PIECES));
        if (n > 0) {
            gw_bytes_take(&c->inbox, (size_t)n);
            moved += (size_t)n;
        }
    }
    taken_up(t, moved);
    gw_conn_tunnels(t->conn)->turn_bytes += moved;
    if (n < 0)
        give_up_writing(t);
    if (moved > 0 && t->client_closed)
        renew_patience(t);
    if (moved >= FLUSH_BUDGET && c->inbox.len > 0)
        gw_tunnel_mark(t);
}

void gw_tunnel_data(struct gw_tunnel *t, const struct iovec *iov, int iov_count)
{
    if (!t || !t->accepted || t->client_closed)
        return;
    struct gw_consumer *c = t->consumer;
    size_t all = gw_iov_len(iov, iov_count);
    bool drops = t->up_done || c->state != GW_CONSUMER_OPEN;
    bool waits = drops || c->inbox.len > 0;
    ssize_t n = waits ? 0 : c->ops->write(c, iov, iov_count);
    if (!waits && c->ops->keeps_bytes)
        gw_conn_spend(t->conn, 1);
    if (n < 0)
        give_up_writing(t);
    if (drops || n < 0)
        credit(t, all);
    else
        taken_up(t, (size_t)n);
    if (!drops && n >= 0 && (size_t)n < all) {
        t->out_of_memory |= !gw_bytes_append(&c->inbox, iov, iov_count, (size_t)n);
        gw_tunnel_mark(t);
    }
    if (c->readable && !t->down_done)
        mux_channel_ready(gw_conn_session(t->conn), t->channel);
}

void gw_tunnel_eof(struct gw_tunnel *t)
{
    if (!t)
        return;
    t->client_ended = true;
    gw_tunnel_mark(t);
}

void gw_tunnel_closed(struct gw_tunnel *t)
{
    if (!t)
        return;
    t->client_closed = true;
    gw_tunnel_mark(t);
}

/* ---- down ---- */

/* By whoever asked for it. */
static bool is_left(const struct gw_tunnel *t)
{
    return t->outgoing && t->consumer->far_closed;
}

size_t gw_tunnel_pull(struct gw_tunnel *t, const struct iovec *iov, int iov_count, enum mux_pull *more)
{
    *more = MUX_PULL_DRY;
    if (!t || !t->accepted || t->down_done || t->consumer->state != GW_CONSUMER_OPEN)
        return 0;
    struct gw_consumer *c = t->consumer;
    size_t n = c->ops->pull(c, iov, iov_count, more);
    t->bytes_down += n;
    t->down_done = *more == MUX_PULL_EOF;
    if (n > 0 && is_left(t))
        renew_patience(t);
    /* credit for what an echo gave back, the end of a tunnel and its loss are served between feeds */
    if (c->drained > 0 || t->down_done || c->state != GW_CONSUMER_OPEN)
        gw_tunnel_mark(t);
    return n;
}

/* ---- between feeds ---- */

static void take_drained(struct gw_tunnel *t)
{
    struct gw_consumer *c = t->consumer;
    t->bytes_up += c->drained;
    credit(t, (size_t)c->drained + c->lost);
    c->drained = c->lost = 0;
}

/* The client has closed the channel: what it sent before is still written, where that reaches another process. True: ended. */
static bool finish_closed(struct gw_tunnel *t)
{
    bool waits = t->consumer->ops->keeps_bytes && t->consumer->inbox.len > 0 && !t->expired;
    if (waits && !has_patience(t))
        renew_patience(t);
    if (waits)
        return false;
    /* what nobody took in all that time is not worth another wait */
    end(t, t->expired ? "the backend took no more bytes" : "closed by the client", !t->expired);
    return true;
}

void gw_tunnel_serve(struct gw_tunnel *t)
{
    if (!t->accepted && t->outgoing) {
        gw_outgoing_wait(t);
        return;
    }
    if (!t->accepted && !gw_tunnel_connect(t))
        return;
    struct gw_consumer *c = t->consumer;
    c->ops->progress(c);
    take_drained(t);
    flush(t);
    if (c->far_closed && !t->up_done)
        give_up_writing(t);
    if (c->state == GW_CONSUMER_BROKEN || t->out_of_memory) {
        end(t, t->out_of_memory ? "out of memory" : c->why, false);
        return;
    }
    if (t->client_closed && finish_closed(t))
        return;
    if (is_left(t) && t->expired) {
        end(t, "the client took no more bytes", false);
        return;
    }
    if (is_left(t) && !has_patience(t))
        renew_patience(t);
    if ((t->client_ended || t->client_closed) && !t->up_done && c->inbox.len == 0) {
        t->up_done = true;
        c->ops->shutdown_write(c);
    }
    if (t->up_done && t->down_done)
        end(t, "both sides have ended", true);
    else if (c->readable && !t->down_done && !t->client_closed)
        mux_channel_ready(gw_conn_session(t->conn), t->channel);
}

/* Serves one of them, which may free it, and counts what that costs. */
static void serve_in_turn(struct gw_tunnel_list *list, struct gw_tunnel *t)
{
    bool begins = !t->accepted;
    uint32_t count = list->count;
    gw_tunnel_serve(t);
    if (begins || list->count < count)
        list->turn_bytes += TURN_BYTES_AN_END;
}

void gw_tunnel_serve_marked(struct gw_conn *c)
{
    /* Who is marked while this runs has its turn in the next round. Nothing but its own turn frees who has one. */
    struct gw_tunnel_list *list = gw_conn_tunnels(c);
    struct gw_tunnel *turn = take_marked(list);
    list->turn_bytes = 0;
    while (turn && list->turn_bytes < TURN_BYTES)
        serve_in_turn(list, first_of(&turn));
    if (!turn)
        return;
    put_back(list, turn);
    gw_conn_mark(c);
}

static void end_with_connection(struct gw_tunnel *t, const char *reason)
{
    if (t->accepted) {
        end(t, reason, true); /* a produce that still has a DISCONNECT to write finds no pointer to pull through */
    } else if (t->outgoing) {
        gw_outgoing_give_up(t, reason);
    } else {
        mux_channel_set_user(gw_conn_session(t->conn), t->channel, NULL);
        gw_tunnel_record_refusal(t, reason);
        gw_tunnel_free(t, false);
    }
}

/* One that the client has refused has no channel any more, but is marked. */
static void end_marked(struct gw_conn *c, const char *reason)
{
    struct gw_tunnel_list *list = gw_conn_tunnels(c);
    while (list->marked)
        end_with_connection(first_of(&list->marked), reason);
}

void gw_tunnel_end_all(struct gw_conn *c, const char *reason)
{
    end_marked(c, reason);
    struct gw_tunnel *t;
    for (uint32_t channel = 0; (t = mux_session_next_user(gw_conn_session(c), &channel)); channel++) {
        end_with_connection(t, reason);
        end_marked(c, reason); /* the other end of its pipe, which would have to be searched among many later */
    }
}
