/* SPDX-License-Identifier: MIT */
/* The modes, but for echo. What comes of them is counted here: a unit of work is a connection, a channel, or bytes. */
#include "bench/load/work_priv.h"

const struct load_mode_words load_mode_words[LOAD_MODE_COUNT] = {
    [LOAD_HANDSHAKE] = { "handshake", "a connection", "connections" },
    [LOAD_CHURN] = { "churn", "a channel", "channels" },
    [LOAD_ECHO] = { "echo", "an echo", "echoes" },
    [LOAD_BULK_UP] = { "bulk-up", "a GiB", "GiB" },
    [LOAD_BULK_DOWN] = { "bulk-down", "a GiB", "GiB" },
    [LOAD_IDLE] = { "idle", "a second", "seconds" },
};

const struct load_work *const load_works[LOAD_MODE_COUNT] = {
    [LOAD_HANDSHAKE] = &load_work_handshake, [LOAD_CHURN] = &load_work_churn,         [LOAD_ECHO] = &load_work_echo,
    [LOAD_BULK_UP] = &load_work_bulk_up,     [LOAD_BULK_DOWN] = &load_work_bulk_down, [LOAD_IDLE] = &load_work_idle,
};

static void begin_nothing(struct load_channel *ch)
{
    (void)ch;
}

static void take_nothing(struct load_channel *ch, struct cx_view data)
{
    (void)ch;
    (void)data;
}

static size_t pull_nothing(struct load_channel *ch, const struct iovec *iov, int iov_count, enum mux_pull *more)
{
    (void)ch;
    (void)iov;
    (void)iov_count;
    *more = MUX_PULL_DRY;
    return 0;
}

/* ---- handshake ---- */

static void leave(struct load_channel *ch)
{
    struct load_conn *c = ch->conn;
    load_worker_latency(c->worker, c, c->worker->now_ns - c->start_ns);
    load_count(&c->worker->tally.live.works, 1);
    load_conn_leave(c);
}

static void leave_without(struct load_channel *ch)
{
    load_conn_leave(ch->conn);
}

const struct load_work load_work_handshake = {
    .begin = load_channel_open, .opened = leave, .data = take_nothing, .pull = pull_nothing, .refused = leave_without
};

/* ---- churn ---- */

static void close_at_once(struct load_channel *ch)
{
    load_worker_latency(ch->conn->worker, ch->conn, ch->conn->worker->now_ns - ch->start_ns);
    load_channel_close(ch);
}

static void open_again(struct load_channel *ch)
{
    load_count(&ch->conn->worker->tally.live.works, 1);
    load_channel_open(ch);
}

const struct load_work load_work_churn = {
    .begin = load_channel_open, .opened = close_at_once, .data = take_nothing, .pull = pull_nothing, .closed = open_again
};

/* ---- bulk ---- */

static void begin_sending(struct load_channel *ch)
{
    mux_channel_ready(ch->conn->session, ch->id);
}

static size_t pull_cycle(struct load_channel *ch, const struct iovec *iov, int iov_count, enum mux_pull *more)
{
    size_t n = 0;
    for (int i = 0; i < iov_count; i++) {
        load_pattern_fill(LOAD_PATTERN_CYCLE, &ch->up_at, iov[i].iov_base, iov[i].iov_len);
        n += iov[i].iov_len;
    }
    load_count(&ch->conn->worker->tally.live.bytes_up, n);
    *more = MUX_PULL_MORE;
    return n;
}

static void check_cycle(struct load_channel *ch, struct cx_view data)
{
    if (!load_pattern_check(LOAD_PATTERN_CYCLE, &ch->down_at, data))
        load_conn_fail(ch->conn, LOAD_FAULT_WRONG_BYTES, "what came is not 0 to 255 over and over");
}

const struct load_work load_work_bulk_up = {
    .opens_first = true, .begin = begin_sending, .data = take_nothing, .pull = pull_cycle
};
/* The source needs nobody to begin. */
const struct load_work load_work_bulk_down = {
    .opens_first = true, .begin = begin_nothing, .data = check_cycle, .pull = pull_nothing
};

/* ---- idle ---- */

const struct load_work load_work_idle = { .opens_first = true, .begin = begin_nothing, .data = take_nothing, .pull = pull_nothing };
