/* SPDX-License-Identifier: MIT */
/* The small messages of the transport: DISCONNECT, IGNORE, DEBUG, UNIMPLEMENTED, service requests, EXT_INFO. */
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

/* RFC 8308 section 2.3: extensions that we do not use are passed over. */
enum mux_err mux_on_ext_info(struct mux_session *s, struct cx_span payload, struct mux_event *ev)
{
    (void)s;
    (void)ev;
    struct cx_reader r = cx_reader(cx_span_view(payload));
    uint32_t count = cx_reader_u32(&r);
    while (count-- > 0 && cx_reader_ok(&r)) {
        (void)cx_reader_string(&r);
        (void)cx_reader_string(&r);
    }
    return cx_reader_done(&r) ? MUX_OK : MUX_E_MALFORMED;
}

static void write_ext_info(struct mux_session *s, struct mux_out *o)
{
    char algs[512];
    struct cx_writer list = cx_writer((struct cx_span){ (uint8_t *)algs, sizeof algs });
    const struct cx_sign_alg *alg;
    for (size_t i = 0; (alg = cx_sign_alg_at(i)); i++) {
        if (alg->certificate) /* RFC 8308 section 3.1 asks for signatures' names */
            continue;
        cx_writer_raw(&list, cx_view(",", i > 0));
        cx_writer_raw(&list, cx_view_text(alg->name));
    }
    struct cx_writer w = mux_out_begin(o, MUX_MSG_EXT_INFO, sizeof algs + 64);
    cx_writer_u32(&w, 1);
    cx_writer_text(&w, "server-sig-algs");
    cx_writer_string(&w, cx_writer_view(&list));
    if (mux_out_commit(o, &w))
        s->ext_info_owed = false;
}

bool mux_misc_owes(const struct mux_session *s)
{
    return s->ext_info_owed || s->service_owed;
}

void mux_misc_write(struct mux_session *s, struct mux_out *o)
{
    /* EXT_INFO must be the packet behind NEWKEYS: RFC 8308 section 2.4 */
    if (s->ext_info_owed)
        write_ext_info(s, o);
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
    struct cx_writer w = mux_out_begin(o, MUX_MSG_DISCONNECT, DISCONNECT_TEXT_MAX + 16);
    cx_writer_u32(&w, mux_err_reason(s->finished));
    cx_writer_string(&w, text);
    cx_writer_text(&w, "");
    if (mux_out_commit(o, &w))
        s->disconnect_sent = true;
}
