/* SPDX-License-Identifier: MIT */
/* The small messages of the transport: DISCONNECT, IGNORE, DEBUG, UNIMPLEMENTED, service requests. */
#include "mux/session_priv.h"

enum { DISCONNECT_TEXT_MAX = 256 };

enum mux_err mux_on_disconnect(struct mux_session *s, struct cx_span payload, struct mux_event *ev)
{
    struct cx_reader r = cx_reader(cx_span_view(payload));
    uint32_t reason = cx_reader_u32(&r);
    struct cx_view text = cx_reader_string(&r);
    if (!cx_reader_ok(&r))
        return MUX_E_MALFORMED;
    (void)s;
    ev->kind = MUX_EV_DISCONNECT;
    ev->disconnect.reason = reason;
    ev->disconnect.text = text;
    return MUX_E_PEER_LEFT;
}

/* IGNORE, DEBUG and UNIMPLEMENTED ask for nothing. Under strict KEX they must not stand inside the first exchange. */
enum mux_err mux_on_ignore(struct mux_session *s, struct cx_span payload, struct mux_event *ev)
{
    (void)payload;
    (void)ev;
    return s->strict && mux_phase_of(s) == PH_KEX_FIRST ? MUX_E_STRICT_KEX : MUX_OK;
}

enum mux_err mux_on_service_request(struct mux_session *s, struct cx_span payload, struct mux_event *ev)
{
    (void)ev;
    struct cx_reader r = cx_reader(cx_span_view(payload));
    struct cx_view name = cx_reader_string(&r);
    if (!cx_reader_done(&r))
        return MUX_E_MALFORMED;
    if (!cx_view_is(name, "ssh-userauth"))
        return MUX_E_SERVICE;
    s->service_owed = true;
    /* paramiko asks again in front of each method that it tries */
    if (s->service_accepted)
        return MUX_OK;
    s->service_accepted = true;
    return mux_auth_begin(s);
}

enum mux_err mux_on_service_accept(struct mux_session *s, struct cx_span payload, struct mux_event *ev)
{
    struct cx_reader r = cx_reader(cx_span_view(payload));
    struct cx_view name = cx_reader_string(&r);
    if (!cx_reader_done(&r) || !cx_view_is(name, "ssh-userauth"))
        return MUX_E_MALFORMED;
    s->service_accepted = true;
    ev->kind = MUX_EV_AUTH_READY;
    return mux_auth_begin(s);
}

bool mux_misc_owes(const struct mux_session *s)
{
    return mux_ext_info_owes(s) || s->service_owed;
}

void mux_misc_write(struct mux_session *s, struct mux_out *o)
{
    /* EXT_INFO must be the packet behind NEWKEYS: RFC 8308 section 2.4 */
    mux_ext_info_write(s, o);
    if (!s->service_owed)
        return;
    uint8_t number = s->config->server ? MUX_MSG_SERVICE_ACCEPT : MUX_MSG_SERVICE_REQUEST;
    struct cx_writer w = mux_out_begin(o, number, 32);
    cx_writer_text(&w, "ssh-userauth");
    if (mux_out_commit(o, &w))
        s->service_owed = false;
}

void mux_disconnect_write(struct mux_session *s, struct mux_out *o)
{
    struct cx_view text = cx_view_text(s->finish_text);
    if (text.len > DISCONNECT_TEXT_MAX)
        text.len = DISCONNECT_TEXT_MAX;
    /* a client that spoke first learns what we have, too: people are told of it by theirs */
    if (s->finished == MUX_E_NEGOTIATION)
        mux_kexinit_write(s, o);
    struct cx_writer w = mux_out_begin(o, MUX_MSG_DISCONNECT, DISCONNECT_TEXT_MAX + 16);
    cx_writer_u32(&w, mux_err_reason(s->finished));
    cx_writer_string(&w, text);
    cx_writer_text(&w, "");
    if (mux_out_commit(o, &w))
        s->disconnect_sent = true;
}
