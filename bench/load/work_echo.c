/* SPDX-License-Identifier: MIT */
/* Echo: a payload goes out, and is compared as it comes back. In the closed loop the next one leaves at once; in the open loop each
 * channel has its turns (bench/load/pace.h), one that is late begins as soon as the one before it is back, and its latency counts
 * from when it was due. */
#include "bench/load/work_priv.h"

static bool is_bulk(const struct load_channel *ch)
{
    return ch->conn->worker->settings->bulk_payload_bytes > 0 && ch == ch->conn->channels;
}

static uint32_t payload_of(const struct load_channel *ch)
{
    const struct load_settings *s = ch->conn->worker->settings;
    return (uint32_t)(is_bulk(ch) ? s->bulk_payload_bytes : s->payload_bytes);
}

static void send_payload(struct load_channel *ch)
{
    ch->left = ch->expected = payload_of(ch);
    mux_channel_ready(ch->conn->session, ch->id);
}

/* Bulk waits for nothing. */
static bool is_open_loop(const struct load_channel *ch)
{
    return ch->conn->worker->settings->echoes_per_second > 0 && !is_bulk(ch);
}

static void begin_turn(struct load_channel *ch)
{
    struct load_worker *w = ch->conn->worker;
    ch->start_ns = load_pace_due_ns(&w->echo_pace, ch->turn);
    ch->turn += load_worker_channels(w);
    ch->due--;
    send_payload(ch);
}

static void begin(struct load_channel *ch)
{
    if (!is_open_loop(ch)) {
        ch->start_ns = 0; /* the first byte's time is taken as it leaves */
        send_payload(ch);
    } else if (ch->due > 0) {
        begin_turn(ch);
    }
}

static void turn(struct load_channel *ch)
{
    if (is_bulk(ch))
        return;
    ch->due++;
    if (ch->state != LOAD_CHANNEL_OPEN || ch->expected > 0)
        return;
    begin_turn(ch);
    load_worker_mark(ch->conn->worker, ch->conn);
}

static size_t pull(struct load_channel *ch, const struct iovec *iov, int iov_count, enum mux_pull *more)
{
    struct load_worker *w = ch->conn->worker;
    size_t n = 0;
    if (ch->start_ns == 0)
        ch->start_ns = w->now_ns;
    for (int i = 0; i < iov_count && ch->left > 0; i++) {
        size_t piece = iov[i].iov_len < ch->left ? iov[i].iov_len : ch->left;
        load_pattern_fill(LOAD_PATTERN_NOISE, &ch->up_at, iov[i].iov_base, piece);
        ch->left -= (uint32_t)piece;
        n += piece;
    }
    load_count(&w->tally.live.bytes_up, n);
    *more = ch->left > 0 ? MUX_PULL_MORE : MUX_PULL_DRY;
    return n;
}

static void data(struct load_channel *ch, struct cx_view bytes)
{
    struct load_worker *w = ch->conn->worker;
    uint32_t sent = payload_of(ch) - ch->left, back = payload_of(ch) - ch->expected;
    if (ch->expected == 0 || bytes.len > sent - back) {
        load_conn_fail(ch->conn, LOAD_FAULT_WRONG_BYTES, "more came back than was sent");
        return;
    }
    if (!load_pattern_check(LOAD_PATTERN_NOISE, &ch->down_at, bytes)) {
        load_conn_fail(ch->conn, LOAD_FAULT_WRONG_BYTES, "what came back is not what was sent");
        return;
    }
    ch->expected -= (uint32_t)bytes.len;
    if (ch->expected > 0)
        return;
    if (!is_bulk(ch)) {
        load_worker_latency(w, ch->conn, w->now_ns - ch->start_ns);
        load_count(&w->tally.live.works, 1);
    }
    begin(ch);
}

const struct load_work load_work_echo = { .opens_first = true, .begin = begin, .data = data, .pull = pull, .turn = turn };
