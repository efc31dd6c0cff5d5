/* SPDX-License-Identifier: MIT */
/* Produce: what is owed becomes packets. Each writer lays a message out at the next free byte of the area, with room for
 * header, padding and tag; packets are sealed in place, a batch a call, when sixteen stand there, before the keys change,
 * and at the end. Where a direction is compressed a message is laid out in the staging, and deflated into its place. */
#include "mux/session_priv.h"

#include <assert.h>

_Static_assert(MUX_PARKED_MAX >= CX_PACKET_LANES_MAX * MUX_LANE_BYTES, "an area has room for every lane");

struct cx_span mux_out_room(const struct mux_out *o)
{
    size_t left = o->area.len - o->used;
    size_t room = left > CX_PACKET_OVERHEAD_MAX ? left - CX_PACKET_OVERHEAD_MAX : 0;
    if (!o->s->deflate)
        return (struct cx_span){ o->area.data + o->used + CX_PACKET_HEADER, room };
    room = mux_compress_fit(room);
    return (struct cx_span){ o->s->shared->staging.data, room < MUX_STAGING_OUT ? room : MUX_STAGING_OUT };
}

struct cx_writer mux_out_begin(struct mux_out *o, uint8_t number, size_t room)
{
    struct cx_span none = { NULL, 0 }, at = mux_out_room(o);
    if (o->full || o->err != MUX_OK || room > at.len) {
        o->full = true;
        struct cx_writer w = cx_writer(none);
        w.failed = true;
        return w;
    }
    struct cx_writer w = cx_writer((struct cx_span){ at.data, room });
    cx_writer_u8(&w, number);
    return w;
}

static bool deflate_into(struct mux_out *o, const uint8_t *payload, size_t len, uint8_t *place, size_t *deflated_len)
{
    struct cx_span room = { place, o->area.len - o->used - CX_PACKET_OVERHEAD_MAX };
    o->deflated += len;
    return mux_compress_deflate(o->s->deflate, cx_view(payload, len), room, deflated_len);
}

void mux_out_take(struct mux_out *o, const uint8_t *payload, size_t len)
{
    uint8_t *start = o->area.data + o->used;
    if (o->s->deflate && !deflate_into(o, payload, len, start + CX_PACKET_HEADER, &len)) {
        o->err = MUX_E_RESOURCE;
        return;
    }
    assert(o->s->deflate || payload == start + CX_PACKET_HEADER);
    o->slot[o->slots++] = (struct cx_packet_slot){ start, (uint32_t)len };
    o->used += cx_packet_sealed_len(&o->s->out, len);
    assert(o->used <= o->area.len);
    if (o->slots == CX_PACKET_BATCH)
        mux_out_flush(o);
}

bool mux_out_commit(struct mux_out *o, struct cx_writer *w)
{
    if (o->full)
        return false;
    /* the caller asked for too little room: a fault of ours, never the peer's */
    assert(cx_writer_ok(w));
    mux_out_take(o, mux_out_room(o).data, w->used);
    return o->err == MUX_OK;
}

void mux_out_flush(struct mux_out *o)
{
    if (o->slots == 0)
        return;
    struct mux_session *s = o->s;
    if (cx_packet_seal(s->shared->cache, &s->out, o->slot, o->slots, &s->shared->random) != CX_OK)
        o->err = MUX_E_RESOURCE;
    for (size_t i = 0; i < o->slots; i++)
        s->out_bytes += cx_packet_sealed_len(&s->out, o->slot[i].payload_len);
    s->out_packets += o->slots;
    o->slots = 0;
}

/* Where a server's MAC has lanes, an area holds a packet for each of them. Measured, in seconds of CPU a GiB down through
 * aes128-ctr and hmac-sha2-256-etm, our own and that of OpenSSH's client: 2 packets of 32 KiB   .95 1.6      8 of 16 KiB   .76 1.8
 *   8 packets of 32 KiB   .87 1.5      8 of 8 KiB    .80 2.4, since the client makes system calls for each packet
 * (hmac-sha2-512-etm: 1.57, .90; .82, .77). Without lanes the larger area loses: aes128-gcm .47 in place of .43. A client keeps
 * to large packets: whoever serves it has others to serve. */
size_t mux_out_lanes(const struct mux_session *s)
{
    return s->config->server && !s->deflate ? cx_packet_lanes(s->shared->cache, &s->out) : 1;
}

size_t mux_session_produce_bytes(const struct mux_session *s)
{
    size_t filled = mux_out_lanes(s) * MUX_LANE_BYTES;
    return filled > MUX_PRODUCE_BYTES ? filled : MUX_PRODUCE_BYTES;
}

bool mux_session_owes(const struct mux_session *s)
{
    if (s->finished != MUX_OK)
        return !s->disconnect_sent;
    if (!s->ident_sent || mux_kex_owes(s) || mux_rekey_due(s))
        return true;
    if (!mux_may_send(s))
        return false;
    return mux_misc_owes(s) || mux_auth_owes(s) || mux_requests_owe(s) || s->owed.head != CHANNEL_NONE || mux_data_owes(s);
}

/* Everything but the key exchange waits while one is in flight: RFC 4253 section 7.1. */
static void write_owed(struct mux_session *s, struct mux_out *o, const struct mux_source *source)
{
    mux_kex_write(s, o);
    if (!mux_may_send(s))
        return;
    mux_misc_write(s, o);
    mux_auth_write(s, o);
    mux_requests_write(s, o);
    mux_channels_write(s, o);
    if (source)
        mux_data_write(s, o, source);
    /* what the pulls have brought about: EOF behind the last bytes leaves in the same send */
    mux_channels_write(s, o);
}

size_t mux_session_produce(struct mux_session *s, uint64_t now_ns, struct cx_span area, const struct mux_source *source,
                           enum mux_err *err)
{
    struct mux_out o = { .s = s, .area = area };
    s->now_ns = now_ns;
    mux_channels_settle(s);
    if (!s->ident_sent)
        o.used = mux_ident_write(s, area);
    mux_rekey_check(s);
    enum mux_err overrun = mux_rekey_overrun(s);
    if (overrun != MUX_OK)
        (void)mux_fail(s, overrun, NULL);
    if (s->finished == MUX_OK)
        write_owed(s, &o, source);
    else if (!s->disconnect_sent)
        mux_disconnect_write(s, &o);
    mux_out_flush(&o);
    *err = s->finished;
    if (o.err != MUX_OK) {
        *err = mux_fail(s, o.err, NULL);
        s->disconnect_sent = true; /* sealing failed: nothing can be said any more */
        return 0;
    }
    return o.used;
}
