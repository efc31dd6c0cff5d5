/* SPDX-License-Identifier: MIT */
/* Authentication, client role: RFC 4252. Requests leave as notes; one is in flight at a time, and an answer without one is
 * illegal: what the application holds of a request (the bytes that an agent signs) lives until it is answered. */
#include "mux/auth/auth_priv.h"

struct mux_note *mux_auth_request_begin(struct mux_session *s, const char *user, const char *method, size_t room,
                                        struct cx_writer *w)
{
    if (!s->auth)
        return NULL;
    struct mux_note *n = mux_note_new(32 + strlen(user) + strlen(method) + room, w);
    if (!n) {
        (void)mux_fail(s, MUX_E_RESOURCE, NULL);
        return NULL;
    }
    cx_writer_u8(w, MUX_MSG_USERAUTH_REQUEST);
    cx_writer_text(w, user);
    cx_writer_text(w, "ssh-connection");
    cx_writer_text(w, method);
    return n;
}

void mux_auth_request_send(struct mux_session *s, struct mux_note *n, const struct cx_writer *w, enum mux_auth_method method,
                           enum mux_auth_flight kind)
{
    struct mux_auth *a = s->auth;
    mux_note_push(s, n, w);
    a->method = method;
    a->in_flight = kind;
    a->prompted = false; /* a new request is the end of an exchange of prompts: RFC 4256 section 3.1 */
    a->rounds = 0;
}

bool mux_auth_answered(struct mux_session *s, bool possible)
{
    if (s->auth->in_flight == AUTH_NOTHING || !possible)
        return false;
    s->auth->in_flight = AUTH_NOTHING;
    return true;
}

void mux_client_auth_none(struct mux_session *s, const char *user)
{
    struct cx_writer w;
    struct mux_note *n = mux_auth_request_begin(s, user, "none", 0, &w);
    if (n)
        mux_auth_request_send(s, n, &w, AUTH_OTHER, AUTH_REQUEST);
}

enum mux_err mux_on_userauth_failure(struct mux_session *s, struct cx_span payload, struct mux_event *ev)
{
    struct cx_reader r = cx_reader(cx_span_view(payload));
    ev->auth_failure.methods = cx_reader_string(&r);
    ev->auth_failure.partial = cx_reader_bool(&r);
    if (!cx_reader_done(&r))
        return MUX_E_MALFORMED;
    if (!mux_auth_answered(s, true))
        return MUX_E_ILLEGAL;
    ev->kind = MUX_EV_AUTH_FAILURE;
    return MUX_OK;
}

enum mux_err mux_on_userauth_success(struct mux_session *s, struct cx_span payload, struct mux_event *ev)
{
    if (payload.len != 0)
        return MUX_E_MALFORMED;
    if (!mux_auth_answered(s, s->auth->in_flight == AUTH_REQUEST))
        return MUX_E_ILLEGAL;
    s->authenticated = true;
    mux_auth_free(s);
    ev->kind = MUX_EV_AUTH_SUCCESS;
    return mux_compress_begin(s, true) && mux_compress_begin(s, false) ? MUX_OK : MUX_E_RESOURCE;
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

enum mux_err mux_on_userauth_60(struct mux_session *s, struct cx_span payload, struct mux_event *ev)
{
    static mux_handler *const handler[] = {
        [AUTH_OTHER] = NULL,
        [AUTH_PUBLICKEY] = mux_on_pk_ok,
        [AUTH_PASSWORD] = mux_on_passwd_changereq,
        [AUTH_INTERACTIVE] = mux_on_info_request,
    };
    mux_handler *reads = handler[s->auth->method];
    return reads && s->auth->in_flight != AUTH_NOTHING ? reads(s, payload, ev) : MUX_E_ILLEGAL;
}
