/* SPDX-License-Identifier: MIT */
/* Opening channels, both ways: RFC 4254 section 5.1. */
#include <assert.h>
#include <stdlib.h>

#include "mux/session_priv.h"

enum mux_err mux_on_channel_open(struct mux_session *s, struct cx_span payload, struct mux_event *ev)
{
    struct cx_reader r = cx_reader(cx_span_view(payload));
    struct cx_view type = cx_reader_string(&r);
    uint32_t peer_id = cx_reader_u32(&r), window = cx_reader_u32(&r), packet_max = cx_reader_u32(&r);
    if (!cx_reader_ok(&r))
        return MUX_E_MALFORMED;
    bool session = cx_view_is(type, "session");
    if (session && s->no_more_sessions)
        return mux_fail(s, MUX_E_ILLEGAL, "session opened behind no-more-sessions");
    bool usable = packet_max >= MUX_CHANNEL_PACKET_MIN;
    struct mux_channel *ch = usable ? mux_channel_new(s) : NULL;
    if (!ch)
        return mux_reply_push(s, &(struct mux_reply){ .kind = REPLY_OPEN_FAILURE,
                                                      .ready = true,
                                                      .reason = MUX_OPEN_RESOURCE_SHORTAGE,
                                                      .channel = peer_id,
                                                      .text = usable ? "too many channels" : "packet size too small" });
    ch->state = CH_ASKED;
    ch->flags = session ? CH_SESSION : 0;
    ch->peer_id = peer_id;
    ch->peer_window = window;
    ch->peer_packet_max = packet_max;
    ev->kind = MUX_EV_CHANNEL_OPEN;
    ev->channel = ch->id;
    ev->open.type = type;
    ev->open.data = r.left;
    return MUX_OK;
}

void mux_channel_accept(struct mux_session *s, uint32_t channel, void *user)
{
    struct mux_channel *ch = mux_channel_own(s, channel);
    assert(ch->state == CH_ASKED);
    ch->state = CH_OPEN;
    ch->user = user;
    mux_window_open(s, ch);
    mux_channel_owe(s, ch, CH_OWES_ANSWER);
    mux_channel_queue_ready(s, ch);
}

/* The row stays until the refusal is written: any number of them may come at once, and none may be lost. */
void mux_channel_refuse(struct mux_session *s, uint32_t channel, enum mux_open_reason reason, const char *text)
{
    struct mux_channel *ch = mux_channel_own(s, channel);
    assert(ch->state == CH_ASKED);
    ch->state = CH_REFUSED;
    ch->refusal = text;
    ch->refusal_reason = (uint8_t)reason;
    mux_channel_owe(s, ch, CH_OWES_ANSWER | CH_RELEASED);
}

bool mux_refusal_write(struct mux_out *o, uint32_t peer_id, uint8_t reason, const char *text)
{
    struct cx_view t = cx_view_text(text);
    struct cx_writer w = mux_out_begin(o, MUX_MSG_CHANNEL_OPEN_FAILURE, 32 + t.len);
    cx_writer_u32(&w, peer_id);
    cx_writer_u32(&w, reason);
    cx_writer_string(&w, t);
    cx_writer_text(&w, "");
    return mux_out_commit(o, &w);
}

static bool write_confirmation(struct mux_out *o, const struct mux_channel *ch)
{
    struct cx_writer w = mux_out_begin(o, MUX_MSG_CHANNEL_OPEN_CONFIRMATION, 32);
    cx_writer_u32(&w, ch->peer_id);
    cx_writer_u32(&w, ch->id);
    cx_writer_u32(&w, ch->window);
    cx_writer_u32(&w, MUX_CHANNEL_PACKET_MAX);
    return mux_out_commit(o, &w);
}

bool mux_open_write(struct mux_out *o, struct mux_channel *ch)
{
    bool done =
        ch->state == CH_REFUSED ? mux_refusal_write(o, ch->peer_id, ch->refusal_reason, ch->refusal) : write_confirmation(o, ch);
    if (done)
        ch->flags &= (uint16_t)~CH_OWES_ANSWER;
    return done;
}

uint32_t mux_channel_open(struct mux_session *s, const char *type, struct cx_view data, void *user)
{
    struct cx_writer w;
    struct mux_note *n = mux_note_new(32 + strlen(type) + data.len, &w);
    struct mux_channel *ch = n ? mux_channel_new(s) : NULL;
    if (!ch) {
        mux_note_free(n);
        return UINT32_MAX;
    }
    ch->state = CH_OPENING;
    ch->flags = strcmp(type, "session") == 0 ? CH_SESSION : 0;
    ch->user = user;
    mux_window_open(s, ch);
    cx_writer_u8(&w, MUX_MSG_CHANNEL_OPEN);
    cx_writer_text(&w, type);
    cx_writer_u32(&w, ch->id);
    cx_writer_u32(&w, ch->window);
    cx_writer_u32(&w, MUX_CHANNEL_PACKET_MAX);
    cx_writer_raw(&w, data);
    mux_note_push(s, n, &w);
    return ch->id;
}

enum mux_err mux_on_open_confirmation(struct mux_session *s, struct cx_span payload, struct mux_event *ev)
{
    struct cx_reader r = cx_reader(cx_span_view(payload));
    struct mux_channel *ch = mux_channel_at(s, cx_reader_u32(&r));
    uint32_t peer_id = cx_reader_u32(&r), window = cx_reader_u32(&r), packet_max = cx_reader_u32(&r);
    if (!cx_reader_ok(&r))
        return MUX_E_MALFORMED;
    if (!ch || ch->state != CH_OPENING || packet_max < MUX_CHANNEL_PACKET_MIN)
        return MUX_E_CHANNEL;
    ch->state = CH_OPEN;
    ch->peer_id = peer_id;
    ch->peer_window = window;
    ch->peer_packet_max = packet_max;
    if (ch->flags & CH_OWES)
        mux_channel_owe(s, ch, 0);
    mux_channel_queue_ready(s, ch);
    if (ch->flags & CH_RELEASED)
        return MUX_OK;
    *ev = (struct mux_event){ .kind = MUX_EV_CHANNEL_OPENED, .channel = ch->id, .user = ch->user };
    return MUX_OK;
}

enum mux_err mux_on_open_failure(struct mux_session *s, struct cx_span payload, struct mux_event *ev)
{
    struct cx_reader r = cx_reader(cx_span_view(payload));
    struct mux_channel *ch = mux_channel_at(s, cx_reader_u32(&r));
    uint32_t reason = cx_reader_u32(&r);
    struct cx_view text = cx_reader_string(&r);
    (void)cx_reader_string(&r);
    if (!cx_reader_done(&r))
        return MUX_E_MALFORMED;
    if (!ch || ch->state != CH_OPENING)
        return MUX_E_CHANNEL;
    if (!(ch->flags & CH_RELEASED)) {
        *ev = (struct mux_event){ .kind = MUX_EV_CHANNEL_REFUSED, .channel = ch->id, .user = ch->user };
        ev->refused.reason = reason;
        ev->refused.text = text;
    }
    mux_channel_free(s, ch);
    return MUX_OK;
}
