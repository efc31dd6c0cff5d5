/* SPDX-License-Identifier: MIT */
/* Receive windows: RFC 4254 section 5.2.
 *
 * Credit is granted only for bytes that the far side has taken; what is received and not yet taken is therefore never more
 * than the window, and that is all that a far side which stops reading can cost.
 *
 * A window begins small and doubles while it is what limits the peer. A round is a window's worth of bytes received, all of
 * them taken; how long it lasted tells what limits: where the window does, a round lasts as long as a round trip, however large
 * the window is; where the peer, the path's bandwidth or the service does, twice the window makes a round twice as long. So a
 * window grows while a round is less than half as long again as the one before the last doubling, which ends between two
 * and four times what the path holds, and never where a round takes longer than any usable round trip. Up to WINDOW_FREE it grows
 * without that proof, which short rounds could not give.
 *
 * More is worse: on loopback OpenSSH's client sends 840 MB/s into 512 KiB, 630 into 2 MiB and 170 into 16 MiB, since it moves
 * all that it has buffered for the window with every packet. So it has a cap of its own.
 *
 * A grant cannot be taken back, so growth also stops at the channel's cap and where the process's budget ends: each doubling takes
 * at most a quarter of what is left, so that the first long transfers leave something to those that come after them. */
#include "mux/session_priv.h"

#include <stdatomic.h>

enum { WINDOW_FREE = 512 * 1024, ROUND_US_MAX = 2000000, BUDGET_SHARE = 4 };

static uint32_t initial(const struct mux_session *s)
{
    return s->config->window_initial != 0 ? s->config->window_initial : MUX_WINDOW_INITIAL;
}

void mux_window_open(struct mux_session *s, struct mux_channel *ch)
{
    ch->window = ch->window_target = initial(s);
    ch->round_ns = s->now_ns;
    ch->round_last_us = ROUND_US_MAX;
}

void mux_window_release(struct mux_session *s, struct mux_channel *ch)
{
    if (ch->window_target > initial(s) && s->shared->budget)
        atomic_fetch_add_explicit(&s->shared->budget->left_bytes, ch->window_target - initial(s), memory_order_relaxed);
    ch->window_target = 0;
}

/* relaxed: the counter orders nothing, it only must not be lost */
static bool take_budget(struct mux_session *s, uint32_t bytes)
{
    struct mux_window_budget *b = s->shared->budget;
    if (!b || atomic_fetch_sub_explicit(&b->left_bytes, bytes, memory_order_relaxed) >= BUDGET_SHARE * (int64_t)bytes)
        return true;
    atomic_fetch_add_explicit(&b->left_bytes, bytes, memory_order_relaxed);
    return false;
}

/* Half as long again is noise, twice as long is the window's doubling. */
static bool limits_the_peer(const struct mux_channel *ch, uint64_t round_us)
{
    if (round_us > ROUND_US_MAX)
        return false;
    return ch->window_target < WINDOW_FREE || round_us <= ch->round_last_us + ch->round_last_us / 2;
}

static uint32_t most(const struct mux_session *s)
{
    if (s->config->window_max != 0)
        return s->config->window_max;
    return mux_ident_is_openssh(s) ? MUX_WINDOW_OPENSSH_MAX : MUX_WINDOW_MAX;
}

static void grow_if_it_limits(struct mux_session *s, struct mux_channel *ch)
{
    if (ch->round_bytes < ch->window_target || ch->undrained != 0)
        return;
    uint32_t max = most(s);
    uint64_t round_us = (s->now_ns - ch->round_ns) / 1000;
    if (ch->window_target <= max / 2 && limits_the_peer(ch, round_us) && take_budget(s, ch->window_target)) {
        /* before the proof it is the shortest, since a path's first rounds are long */
        if (ch->window_target >= WINDOW_FREE || round_us < ch->round_last_us)
            ch->round_last_us = (uint32_t)round_us;
        ch->window_target *= 2;
    }
    ch->round_ns = s->now_ns;
    ch->round_bytes = 0;
}

enum mux_err mux_window_receive(struct mux_session *s, struct mux_channel *ch, size_t n)
{
    (void)s;
    if (n > ch->window || n > MUX_CHANNEL_PACKET_MAX)
        return MUX_E_WINDOW;
    ch->window -= (uint32_t)n;
    ch->undrained += (uint32_t)n;
    ch->round_bytes = n > UINT32_MAX - ch->round_bytes ? UINT32_MAX : ch->round_bytes + (uint32_t)n;
    return MUX_OK;
}

static uint32_t grantable(const struct mux_channel *ch)
{
    uint64_t held = (uint64_t)ch->window + ch->undrained;
    return held >= ch->window_target ? 0 : ch->window_target - (uint32_t)held;
}

void mux_channel_drained(struct mux_session *s, uint32_t channel, size_t n)
{
    struct mux_channel *ch = mux_channel_own(s, channel);
    ch->undrained -= n < ch->undrained ? (uint32_t)n : ch->undrained;
    grow_if_it_limits(s, ch);
    /* a quarter at a time: an adjust costs the peer a packet, and three quarters still cover a round trip */
    if (grantable(ch) >= ch->window_target / 4 && !(ch->flags & (CH_EOF_IN | CH_CLOSE_SENT | CH_OWES_CLOSE)))
        mux_channel_owe(s, ch, CH_OWES_ADJUST);
}

bool mux_window_write(struct mux_out *o, struct mux_channel *ch)
{
    uint32_t grant = grantable(ch);
    struct cx_writer w = mux_out_begin(o, MUX_MSG_CHANNEL_WINDOW_ADJUST, 16);
    cx_writer_u32(&w, ch->peer_id);
    cx_writer_u32(&w, grant);
    if (!mux_out_commit(o, &w))
        return false;
    ch->window += grant;
    ch->flags &= (uint16_t)~CH_OWES_ADJUST;
    return true;
}

enum mux_err mux_on_window_adjust(struct mux_session *s, struct cx_span payload, struct mux_event *ev)
{
    (void)ev;
    struct cx_reader r = cx_reader(cx_span_view(payload));
    struct mux_channel *ch = mux_channel_at(s, cx_reader_u32(&r));
    uint32_t n = cx_reader_u32(&r);
    if (!cx_reader_done(&r))
        return MUX_E_MALFORMED;
    /* credit may cross a close: paramiko sends it without the lock that its close holds, and sshd passes it over too */
    if (!ch || (ch->flags & CH_CLOSE_IN))
        return MUX_OK;
    if (ch->state != CH_OPEN)
        return MUX_E_CHANNEL;
    if (n > UINT32_MAX - ch->peer_window)
        return MUX_E_WINDOW;
    ch->peer_window += n;
    mux_channel_queue_ready(s, ch);
    return MUX_OK;
}
