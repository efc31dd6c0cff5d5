/* SPDX-License-Identifier: MIT */
/* Channel data, both ways. Outwards, the sources read straight into the payload slots of packets to be sealed in place.
 *
 * Ready channels take turns: first those whose last pull was small (keystrokes, echoes, requests), then the bulk ones, each
 * with a bounded quantum (deficit round robin, where a turn never leaves a deficit, since a pull is cut to the quantum). */
#include <assert.h>

#include "mux/session_priv.h"

enum {
    DATA_HEAD = 9,    /* number, channel, length */
    STDERR_HEAD = 13, /* and the type, in front of the length */
    DATA_TYPE_STDERR = 1,
    QUANTUM = 64 * 1024, /* bytes a turn, where others wait for theirs */
    SMALL = 4096,        /* a pull up to this keeps a channel interactive */
    SLOT_MIN = 512,      /* room below this is not worth a pull: the area leaves first */
};

/* Data at the end of a payload. What crossed our CLOSE has nowhere to go, and still counts against the window. */
static enum mux_err take(struct mux_session *s, struct mux_channel *ch, struct cx_span payload, size_t len,
                         enum mux_event_kind kind, struct mux_event *ev)
{
    if (!ch || ch->state != CH_OPEN || (ch->flags & (CH_EOF_IN | CH_CLOSE_IN)))
        return MUX_E_CHANNEL;
    enum mux_err err = mux_window_receive(s, ch, len);
    if (err != MUX_OK || len == 0 || (ch->flags & (CH_RELEASED | CH_CLOSE_SENT | CH_OWES_CLOSE)))
        return err;
    *ev = (struct mux_event){ .kind = kind, .channel = ch->id, .user = ch->user };
    ev->data.data = (struct cx_span){ payload.data + (payload.len - len), len };
    return MUX_OK;
}

enum mux_err mux_on_channel_data(struct mux_session *s, struct cx_span payload, struct mux_event *ev)
{
    struct cx_reader r = cx_reader(cx_span_view(payload));
    struct mux_channel *ch = mux_channel_at(s, cx_reader_u32(&r));
    size_t len = cx_reader_string(&r).len;
    return cx_reader_done(&r) ? take(s, ch, payload, len, MUX_EV_CHANNEL_DATA, ev) : MUX_E_MALFORMED;
}

enum mux_err mux_on_channel_extended(struct mux_session *s, struct cx_span payload, struct mux_event *ev)
{
    struct cx_reader r = cx_reader(cx_span_view(payload));
    struct mux_channel *ch = mux_channel_at(s, cx_reader_u32(&r));
    uint32_t type = cx_reader_u32(&r);
    size_t len = cx_reader_string(&r).len;
    if (!cx_reader_done(&r))
        return MUX_E_MALFORMED;
    enum mux_err err = take(s, ch, payload, len, MUX_EV_CHANNEL_EXTENDED, ev);
    if (ev->kind == MUX_EV_CHANNEL_EXTENDED)
        ev->data.data_type = type;
    return err;
}

bool mux_data_owes(const struct mux_session *s)
{
    return s->interactive.head != CHANNEL_NONE || s->bulk.head != CHANNEL_NONE;
}

/* The slots of one pull: where each payload's data goes, a full packet apart; what is compressed goes one by one. */
struct slots {
    uint32_t head; /* bytes in front of the data */
    int count;
    struct iovec iov[CX_PACKET_BATCH];
};

/* The most data a packet. */
static uint32_t packet_bytes(const struct mux_session *s, const struct mux_channel *ch, uint32_t head)
{
    uint32_t most = ch->peer_packet_max < MUX_CHANNEL_PACKET_MAX ? ch->peer_packet_max : MUX_CHANNEL_PACKET_MAX;
    uint32_t lane = MUX_LANE_BYTES - CX_PACKET_OVERHEAD_MAX - head;
    return most > lane && mux_out_lanes(s) > 1 ? lane : most;
}

/* Nobody waits: no other channel, nor this one's other source. */
static bool has_all_turns(const struct mux_session *s, const struct mux_channel *ch)
{
    bool both = (ch->flags & CH_READY) && (ch->flags & CH_STDERR_READY);
    return !both && ch->ready.next == CHANNEL_NONE && (s->interactive.head == CHANNEL_NONE || s->bulk.head == CHANNEL_NONE);
}

static void lay_out(const struct mux_out *o, const struct mux_channel *ch, struct slots *slots)
{
    uint32_t packet = packet_bytes(o->s, ch, slots->head);
    uint32_t left = ch->peer_window < QUANTUM || has_all_turns(o->s, ch) ? ch->peer_window : QUANTUM;
    size_t most = o->s->deflate ? 1 : CX_PACKET_BATCH - o->slots;
    struct cx_span room = mux_out_room(o);
    slots->count = 0;
    while (left > 0 && (size_t)slots->count < most && room.len >= slots->head + SLOT_MIN) {
        size_t n = left < packet ? left : packet;
        if (n > room.len - slots->head)
            n = room.len - slots->head;
        slots->iov[slots->count++] = (struct iovec){ room.data + slots->head, n };
        size_t step = cx_packet_sealed_len(&o->s->out, slots->head + n);
        room.data += step;
        room.len -= step < room.len ? step : room.len;
        left -= (uint32_t)n;
    }
}

/* Writes the heads of the packets that n bytes came to. */
static void take_pulled(struct mux_out *o, const struct mux_channel *ch, const struct slots *slots, size_t n)
{
    for (int i = 0; n > 0; i++) {
        assert(i < slots->count);
        size_t len = n < slots->iov[i].iov_len ? n : slots->iov[i].iov_len;
        uint8_t *head = (uint8_t *)slots->iov[i].iov_base - slots->head;
        head[0] = slots->head == DATA_HEAD ? MUX_MSG_CHANNEL_DATA : MUX_MSG_CHANNEL_EXTENDED_DATA;
        cx_store_u32(head + 1, ch->peer_id);
        if (slots->head == STDERR_HEAD)
            cx_store_u32(head + 5, DATA_TYPE_STDERR);
        cx_store_u32(head + slots->head - 4, (uint32_t)len);
        mux_out_take(o, head, slots->head + len);
        n -= len;
    }
}

/* Which of a channel's two sources has this turn; the other one has the next, if it is ready then. */
static bool takes_stderr(struct mux_channel *ch)
{
    uint16_t both = CH_READY | CH_STDERR_READY;
    bool is_stderr = (ch->flags & both) == both ? ch->flags & CH_STDERR_TURN : ch->flags & CH_STDERR_READY;
    ch->flags = (uint16_t)(is_stderr ? ch->flags & ~CH_STDERR_TURN : ch->flags | CH_STDERR_TURN);
    return is_stderr;
}

/* What the pull of n bytes, now in their packets, and its word on more mean for the row. */
static void settle(struct mux_session *s, struct mux_channel *ch, bool is_stderr, size_t n, enum mux_pull more)
{
    ch->peer_window -= (uint32_t)n;
    /* more than its slots held is bulk too, however small the peer wants its packets */
    bool bulk = n > SMALL || more == MUX_PULL_MORE;
    ch->flags = (uint16_t)(bulk ? ch->flags | CH_BULK : ch->flags & ~CH_BULK);
    if (more != MUX_PULL_MORE)
        ch->flags &= (uint16_t) ~(is_stderr ? CH_STDERR_READY : CH_READY);
    if (more == MUX_PULL_EOF && !is_stderr && !(ch->flags & (CH_EOF_SENT | CH_OWES_EOF | CH_CLOSE_SENT | CH_OWES_CLOSE)))
        mux_channel_owe(s, ch, CH_OWES_EOF);
    mux_channel_queue_ready(s, ch);
}

/* One turn. False: the area is full, or the source says that there may be more and gives none: it is asked again next time. */
static bool turn(struct mux_session *s, struct mux_out *o, const struct mux_source *source, struct mux_channel *ch)
{
    bool is_stderr = takes_stderr(ch);
    struct slots slots = { .head = is_stderr ? STDERR_HEAD : DATA_HEAD };
    lay_out(o, ch, &slots);
    if (slots.count == 0)
        return false;
    enum mux_pull more = MUX_PULL_DRY;
    assert(!is_stderr || source->pull_stderr);
    size_t n = (is_stderr ? source->pull_stderr : source->pull)(source->ctx, ch->id, ch->user, slots.iov, slots.count, &more);
    /* behind the pull, which may have called itself ready: which list the row stands in follows from CH_BULK */
    mux_channel_unready(s, ch);
    take_pulled(o, ch, &slots, n);
    settle(s, ch, is_stderr, n, more);
    return n > 0 || more != MUX_PULL_MORE;
}

void mux_data_write(struct mux_session *s, struct mux_out *o, const struct mux_source *source)
{
    while (!o->full && o->err == MUX_OK && o->deflated < MUX_DEFLATE_A_PRODUCE) {
        uint32_t id = s->interactive.head != CHANNEL_NONE ? s->interactive.head : s->bulk.head;
        if (id == CHANNEL_NONE || !turn(s, o, source, mux_channel_at(s, id)))
            return;
    }
}
