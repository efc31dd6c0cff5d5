/* SPDX-License-Identifier: MIT */
/* Authentication, client role: RFC 4252. Requests leave as notes; one is in flight at a time, and an answer without one is
 * illegal: what the application holds of a request (the bytes that an agent signs) lives until it is answered. */
#include <stdlib.h>

#include "mux/session_priv.h"

/* Owes a USERAUTH_REQUEST: what every method begins with, then the method's own fields. */
static bool push_request(struct mux_session *s, struct cx_view fields, enum mux_auth_flight kind)
{
    struct cx_writer w;
    struct mux_note *n = mux_note_new(1 + fields.len, &w);
    if (!n)
        return false;
    cx_writer_u8(&w, MUX_MSG_USERAUTH_REQUEST);
    cx_writer_raw(&w, fields);
    mux_note_push(s, n, &w);
    s->auth->in_flight = kind;
    return true;
}

/* Takes the answer to what is in flight. */
static bool answered(struct mux_session *s, bool possible)
{
    if (s->auth->in_flight == AUTH_NOTHING || !possible)
        return false;
    s->auth->in_flight = AUTH_NOTHING;
    return true;
}

static void write_head(struct cx_writer *w, const char *user, const char *method)
{
    cx_writer_text(w, user);
    cx_writer_text(w, "ssh-connection");
    cx_writer_text(w, method);
}

void mux_client_auth_none(struct mux_session *s, const char *user)
{
    uint8_t room[MUX_USER_NAME_MAX + 64];
    struct cx_writer w = cx_writer((struct cx_span){ room, sizeof room });
    write_head(&w, user, "none");
    if (s->auth && (!cx_writer_ok(&w) || !push_request(s, cx_writer_view(&w), AUTH_REQUEST)))
        (void)mux_fail(s, MUX_E_RESOURCE, NULL);
}

struct cx_view mux_client_auth_publickey(struct mux_session *s, const char *user, const struct cx_sign_alg *alg,
                                         struct cx_view blob, bool query)
{
    struct cx_view nothing = cx_view("", 0);
    if (!s->auth)
        return nothing;
    uint8_t room[MUX_USER_NAME_MAX + CX_KEY_BLOB_MAX + 128];
    struct cx_writer w = cx_writer((struct cx_span){ room, sizeof room });
    write_head(&w, user, "publickey");
    cx_writer_bool(&w, !query);
    cx_writer_text(&w, alg->name);
    cx_writer_string(&w, blob);
    bool sent = !query || (cx_writer_ok(&w) && push_request(s, cx_writer_view(&w), AUTH_QUERY));
    free(s->auth->to_sign);
    s->auth->to_sign = NULL;
    s->auth->alg = alg;
    if (!query && cx_writer_ok(&w))
        s->auth->to_sign = mux_auth_signed_data(s, cx_writer_view(&w), &s->auth->to_sign_len);
    if (!sent || !cx_writer_ok(&w) || (!query && !s->auth->to_sign)) {
        (void)mux_fail(s, MUX_E_RESOURCE, NULL);
        return nothing;
    }
    return query ? nothing : cx_view(s->auth->to_sign, s->auth->to_sign_len);
}

/* The request is what was signed, without the session id in front and with the signature behind. */
void mux_client_auth_signature(struct mux_session *s, struct cx_view signature)
{
    struct mux_auth *a = s->auth;
    if (!a || !a->to_sign || s->finished != MUX_OK)
        return;
    size_t head = 4 + s->session_id_len + 1;
    struct cx_view request = cx_view(a->to_sign + head, a->to_sign_len - head);
    struct cx_writer w;
    struct mux_note *n = mux_note_new(1 + request.len + 4 + signature.len, &w);
    if (!n) {
        (void)mux_fail(s, MUX_E_RESOURCE, NULL);
        return;
    }
    cx_writer_u8(&w, MUX_MSG_USERAUTH_REQUEST);
    cx_writer_raw(&w, request);
    cx_writer_string(&w, signature);
    mux_note_push(s, n, &w);
    a->in_flight = AUTH_REQUEST;
    free(a->to_sign);
    a->to_sign = NULL;
}

enum mux_err mux_on_userauth_failure(struct mux_session *s, struct cx_span payload, struct mux_event *ev)
{
    struct cx_reader r = cx_reader(cx_span_view(payload));
    ev->auth_failure.methods = cx_reader_string(&r);
    ev->auth_failure.partial = cx_reader_bool(&r);
    if (!cx_reader_done(&r))
        return MUX_E_MALFORMED;
    if (!answered(s, true))
        return MUX_E_ILLEGAL;
    ev->kind = MUX_EV_AUTH_FAILURE;
    return MUX_OK;
}

enum mux_err mux_on_userauth_success(struct mux_session *s, struct cx_span payload, struct mux_event *ev)
{
    if (payload.len != 0)
        return MUX_E_MALFORMED;
    if (!answered(s, s->auth->in_flight == AUTH_REQUEST))
        return MUX_E_ILLEGAL;
    s->authenticated = true;
    mux_auth_free(s);
    ev->kind = MUX_EV_AUTH_SUCCESS;
    return MUX_OK;
}

enum mux_err mux_on_userauth_banner(struct mux_session *s, struct cx_span payload, struct mux_event *ev)
{
    (void)s;
    struct cx_reader r = cx_reader(cx_span_view(payload));
    ev->text = cx_reader_string(&r);
    (void)cx_reader_string(&r);
    if (!cx_reader_done(&r))
        return MUX_E_MALFORMED;
    ev->kind = MUX_EV_BANNER;
    return MUX_OK;
}

enum mux_err mux_on_userauth_pk_ok(struct mux_session *s, struct cx_span payload, struct mux_event *ev)
{
    struct cx_reader r = cx_reader(cx_span_view(payload));
    struct cx_view alg = cx_reader_string(&r);
    (void)cx_reader_string(&r);
    if (!cx_reader_done(&r))
        return MUX_E_MALFORMED;
    if (!answered(s, s->auth->in_flight == AUTH_QUERY && cx_view_is(alg, s->auth->alg->name)))
        return MUX_E_ILLEGAL;
    ev->kind = MUX_EV_AUTH_PK_OK;
    return MUX_OK;
}
