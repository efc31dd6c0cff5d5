/* SPDX-License-Identifier: MIT */
#include "inject.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>

enum { PAYLOAD_MAX = 300 * 1024, REACH_ROUNDS = 60 };

struct pair_side *inject_other(struct pair *p, struct pair_side *side)
{
    return side == &p->client ? &p->server : &p->client;
}

void inject_bytes(struct pair *p, struct pair_side *from, const void *payload, size_t len)
{
    struct pair_side *to = inject_other(p, from);
    static uint8_t deflated[PAYLOAD_MAX + 4096];
    if (from->session->deflate && len > 0) {
        if (!mux_compress_deflate(from->session->deflate, cx_view(payload, len), (struct cx_span){ deflated, sizeof deflated },
                                  &len))
            abort();
        payload = deflated;
    }
    size_t sealed = cx_packet_sealed_len(&from->session->out, len);
    if (to->inbox_room - to->inbox_len < sealed) {
        to->inbox_room = 2 * (to->inbox_len + sealed);
        to->inbox = realloc(to->inbox, to->inbox_room);
    }
    struct cx_packet_slot slot = { to->inbox + to->inbox_len, (uint32_t)len };
    if (len > 0)
        memcpy(slot.start + CX_PACKET_HEADER, payload, len);
    if (cx_packet_seal(from->shared.cache, &from->session->out, &slot, 1, &from->shared.random) != CX_OK)
        abort();
    to->inbox_len += sealed;
}

static size_t build(uint8_t *out, size_t room, const char *format, va_list args)
{
    struct cx_writer w = cx_writer((struct cx_span){ out, room });
    for (; *format; format++) {
        switch (*format) {
        case 'b':
            cx_writer_u8(&w, (uint8_t)va_arg(args, unsigned));
            break;
        case 'u':
            cx_writer_u32(&w, va_arg(args, uint32_t));
            break;
        case 's':
            cx_writer_text(&w, va_arg(args, const char *));
            break;
        case 'z': {
            uint32_t n = va_arg(args, uint32_t);
            cx_writer_u32(&w, n);
            uint8_t *zeros = cx_writer_room(&w, n);
            if (zeros)
                memset(zeros, 0, n);
            break;
        }
        case 'r':
            cx_writer_raw(&w, *va_arg(args, const struct cx_view *));
            break;
        default:
            abort();
        }
    }
    assert(cx_writer_ok(&w));
    return w.used;
}

size_t inject_build(uint8_t *out, size_t room, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    size_t n = build(out, room, format, args);
    va_end(args);
    return n;
}

void inject(struct pair *p, struct pair_side *from, const char *format, ...)
{
    static uint8_t room[PAYLOAD_MAX];
    va_list args;
    va_start(args, format);
    inject_bytes(p, from, room, build(room, sizeof room, format, args));
    va_end(args);
}

enum mux_err inject_run(struct pair *p, struct pair_side *target)
{
    (void)pair_feed(p, target);
    (void)pair_run(p, 200);
    return target->err;
}

struct mux_event inject_take(struct pair *p, struct pair_side *side)
{
    static uint8_t *kept;
    struct mux_event ev[PAIR_EVENTS] = { { .kind = MUX_EV_NONE } };
    size_t used, count = PAIR_EVENTS, len = side->inbox_len;
    free(kept);
    kept = malloc(len + 1);
    memcpy(kept, side->inbox, len);
    side->inbox_len = 0;
    side->err = mux_session_feed(side->session, p->now_ns, (struct cx_span){ kept, len }, &used, ev, &count, NULL);
    if (count > 1)
        abort();
    return ev[0];
}

struct mux_event inject_pass(struct pair *p, struct pair_side *from)
{
    (void)pair_produce(p, from);
    return inject_take(p, inject_other(p, from));
}

/* The smallest area in which something fits: so that packets come one by one. */
static void step(struct pair *p, struct pair_side *from)
{
    size_t area = p->area;
    for (p->area = 64; p->area < 64 * 1024 && mux_session_owes(from->session) && !pair_produce(p, from); p->area += 16)
        ;
    p->area = area;
}

static bool there(const struct pair_side *target, enum mux_phase phase)
{
    return target->session->peer_ident && mux_phase_of(target->session) == phase;
}

bool inject_reach(struct pair *p, struct pair_side *target, enum mux_phase phase)
{
    struct pair_side *peer = inject_other(p, target);
    if (!target->session)
        pair_start(p);
    for (int i = 0; i < REACH_ROUNDS; i++) {
        if (there(target, phase))
            return true;
        if (phase == PH_REKEY && mux_session_authenticated(target->session) && mux_session_authenticated(peer->session) &&
            !peer->session->kex)
            mux_session_rekey(peer->session);
        (void)pair_produce(p, target);
        if (there(target, phase))
            return true;
        (void)pair_feed(p, peer);
        step(p, peer);
        (void)pair_feed(p, target);
    }
    return false;
}

bool inject_disconnects(struct pair *p, struct pair_side *failed)
{
    struct pair_side *peer = inject_other(p, failed);
    (void)pair_produce(p, failed);
    (void)pair_feed(p, peer);
    return !mux_session_owes(failed->session) && peer->disconnect_reason == mux_err_reason(failed->err);
}
