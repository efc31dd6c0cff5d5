/* SPDX-License-Identifier: MIT */
/* A connection's channels: opened, told to begin, and asked for again after a while where they were refused or closed. */
#include <stdio.h>

#include "bench/load/conn_priv.h"

static const uint64_t REOPEN_NS = 500000000;

static bool is_open(enum load_channel_state state)
{
    return state == LOAD_CHANNEL_OPEN;
}

void load_channel_enter(struct load_channel *ch, enum load_channel_state state)
{
    struct load_conn *c = ch->conn;
    uint32_t before = c->opened;
    c->opened += is_open(state);
    c->opened -= is_open(ch->state);
    load_count(&c->worker->tally.live.opened, (uint64_t)c->opened - before);
    ch->state = state;
}

static void open_later(struct load_conn *c)
{
    if (c->retry_ns == 0)
        c->retry_ns = load_now_ns() + REOPEN_NS;
}

void load_channel_open(struct load_channel *ch)
{
    struct load_conn *c = ch->conn;
    const struct cx_span data = c->worker->open_data;
    ch->start_ns = load_now_ns();
    ch->id = mux_channel_open(c->session, "direct-tcpip", cx_span_view(data), ch);
    if (ch->id != UINT32_MAX) {
        load_channel_enter(ch, LOAD_CHANNEL_OPENING);
        return;
    }
    load_worker_fault(c->worker, LOAD_FAULT_OWN, "no more channels on this connection");
    open_later(c);
}

void load_channel_close(struct load_channel *ch)
{
    mux_channel_close(ch->conn->session, ch->id);
    load_channel_enter(ch, LOAD_CHANNEL_CLOSING);
}

void load_conn_open_all(struct load_conn *c)
{
    const struct load_worker *w = c->worker;
    for (unsigned i = 0; i < w->settings->channels; i++) {
        struct load_channel *ch = &c->channels[i];
        if (ch->state != LOAD_CHANNEL_DOWN)
            continue;
        if (w->work->opens_first)
            load_channel_open(ch);
        else if (w->working)
            w->work->begin(ch);
    }
}

/* Echoes start at places of their own, so that bytes of another channel show; bulk starts where builtin:source does. */
static uint32_t first_place(const struct load_channel *ch)
{
    const struct load_worker *w = ch->conn->worker;
    size_t number = (size_t)w->share.first * w->settings->channels + (size_t)(ch - w->channels);
    return w->settings->mode == LOAD_ECHO ? (uint32_t)(number * 257 & 0xffff) : 0;
}

static void on_opened(struct load_channel *ch)
{
    const struct load_worker *w = ch->conn->worker;
    ch->left = ch->expected = 0;
    ch->up_at = ch->down_at = first_place(ch);
    load_channel_enter(ch, LOAD_CHANNEL_OPEN);
    if (!w->work->opens_first)
        w->work->opened(ch);
    else if (w->working)
        w->work->begin(ch);
}

/* The reason's name as ssh(1) says it, and the server's words. */
static void on_refused(struct load_channel *ch, uint32_t reason, struct cx_view text)
{
    static const char *const reasons[] = { "failed", "administratively prohibited", "connect failed", "unknown channel type",
                                           "resource shortage" };
    char why[LOAD_FAULT_TEXT];
    snprintf(why, sizeof why, "%s: %.*s", reasons[reason < 5 ? reason : 0], (int)(text.len < 64 ? text.len : 64),
             (const char *)text.data);
    load_channel_enter(ch, LOAD_CHANNEL_DOWN);
    load_worker_fault(ch->conn->worker, LOAD_FAULT_REFUSED, why);
    ch->conn->settle_anyway = true;
    if (ch->conn->worker->work->refused)
        ch->conn->worker->work->refused(ch);
    else
        open_later(ch->conn);
}

static void on_closed(struct load_channel *ch)
{
    struct load_worker *w = ch->conn->worker;
    bool was_ours = ch->state == LOAD_CHANNEL_CLOSING;
    mux_channel_release(ch->conn->session, ch->id);
    load_channel_enter(ch, LOAD_CHANNEL_DOWN);
    if (was_ours && w->work->closed) {
        w->work->closed(ch);
        return;
    }
    load_worker_fault(w, LOAD_FAULT_CLOSED, "the server closed a channel in use");
    open_later(ch->conn);
}

void load_conn_on_channel_event(struct load_conn *c, const struct mux_event *e)
{
    struct load_channel *ch = e->user;
    switch (e->kind) {
    case MUX_EV_CHANNEL_OPENED:
        on_opened(ch);
        break;
    case MUX_EV_CHANNEL_REFUSED:
        on_refused(ch, e->refused.reason, e->refused.text);
        break;
    case MUX_EV_CHANNEL_DATA:
        load_count(&c->worker->tally.live.bytes_down, e->data.data.len);
        if (ch->state == LOAD_CHANNEL_OPEN)
            c->worker->work->data(ch, cx_span_view(e->data.data));
        mux_channel_drained(c->session, e->channel, e->data.data.len);
        break;
    case MUX_EV_CHANNEL_EXTENDED:
        mux_channel_drained(c->session, e->channel, e->data.data.len);
        break;
    case MUX_EV_CHANNEL_CLOSE:
        on_closed(ch);
        break;
    case MUX_EV_CHANNEL_REQUEST:
        if (e->request.want_reply)
            mux_channel_request_answer(c->session, e->channel, false);
        break;
    default:
        break; /* EOF: the close follows; what is left tells what the run does not need */
    }
}
