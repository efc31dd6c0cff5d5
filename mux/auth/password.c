/* SPDX-License-Identifier: MIT */
/* The method password and its change request, both roles: RFC 4252 section 8. Passwords stand in the bytes that were fed, and in
 * notes, which are wiped when they have left: nothing else keeps one. */
#include "mux/auth/auth_priv.h"

#include <assert.h>

/* ---- server ---- */

enum mux_err mux_password_take(struct cx_reader *r, struct mux_event *ev)
{
    ev->auth.changes = cx_reader_bool(r);
    ev->auth.password = cx_reader_string(r);
    ev->auth.new_password = ev->auth.changes ? cx_reader_string(r) : cx_view("", 0);
    if (!cx_reader_done(r))
        return MUX_E_MALFORMED;
    return ev->auth.password.len <= MUX_AUTH_SECRET_MAX && ev->auth.new_password.len <= MUX_AUTH_SECRET_MAX ? MUX_OK : MUX_E_LIMIT;
}

bool mux_session_auth_ask_change(struct mux_session *s, const char *prompt)
{
    if (!s->waiting_auth || s->finished != MUX_OK)
        return true;
    assert(s->auth->method == AUTH_PASSWORD);
    struct cx_writer w;
    struct mux_note *n = mux_note_new(16 + strlen(prompt), &w);
    if (!n)
        return false;
    cx_writer_u8(&w, MUX_MSG_USERAUTH_PASSWD_CHANGEREQ);
    cx_writer_text(&w, prompt);
    cx_writer_text(&w, "");
    mux_auth_ask(s, n, &w);
    return true;
}

/* ---- client ---- */

static void request(struct mux_session *s, const char *user, struct cx_view password, const struct cx_view *changed)
{
    struct cx_writer w;
    size_t room = 16 + password.len + (changed ? changed->len : 0);
    struct mux_note *n = mux_auth_request_begin(s, user, "password", room, &w);
    if (!n)
        return;
    cx_writer_bool(&w, changed != NULL);
    cx_writer_string(&w, password);
    if (changed)
        cx_writer_string(&w, *changed);
    mux_auth_request_send(s, n, &w, AUTH_PASSWORD, AUTH_REQUEST);
}

void mux_client_auth_password(struct mux_session *s, const char *user, struct cx_view password)
{
    request(s, user, password, NULL);
}

void mux_client_auth_change_password(struct mux_session *s, const char *user, struct cx_view old, struct cx_view changed)
{
    request(s, user, old, &changed);
}

enum mux_err mux_on_passwd_changereq(struct mux_session *s, struct cx_span payload, struct mux_event *ev)
{
    struct cx_reader r = cx_reader(cx_span_view(payload));
    ev->text = cx_reader_string(&r);
    (void)cx_reader_string(&r);
    if (!cx_reader_done(&r))
        return MUX_E_MALFORMED;
    if (!mux_auth_answered(s, true))
        return MUX_E_ILLEGAL;
    ev->kind = MUX_EV_AUTH_CHANGE;
    return MUX_OK;
}
