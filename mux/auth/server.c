/* SPDX-License-Identifier: MIT */
/* Authentication, server role: RFC 4252. A request becomes an event; nothing more is read until it is answered, so that
 * pipelined requests are judged in order and cost nothing meanwhile. A request is read to its end before anyone sees any of it:
 * what is malformed is refused alike, whoever the user is (CVE-2018-15473). */
#include <assert.h>
#include <stdlib.h>

#include "mux/auth/auth_priv.h"

enum mux_err mux_auth_begin(struct mux_session *s)
{
    s->auth = calloc(1, sizeof *s->auth);
    return s->auth ? MUX_OK : MUX_E_RESOURCE;
}

void mux_auth_free(struct mux_session *s)
{
    if (!s->auth)
        return;
    free(s->auth->user);
    free(s->auth->blob);
    free(s->auth->to_sign);
    mux_note_free(s->auth->question);
    free(s->auth);
    s->auth = NULL;
}

/* ---- requests ---- */

/* RFC 4252 section 5 lets a server disconnect where the name changes half way, so that no state of one name is ever used for
 * another. */
static enum mux_err keep_user(struct mux_auth *a, struct cx_view user)
{
    if (a->user)
        return cx_view_equal(user, cx_view(a->user, a->user_len)) ? MUX_OK : MUX_E_USER;
    a->user = malloc(user.len + 1);
    if (!a->user)
        return MUX_E_RESOURCE;
    memcpy(a->user, user.data, user.len);
    a->user_len = user.len;
    return MUX_OK;
}

static enum mux_auth_method method_of(struct cx_view name, bool *hostbound)
{
    *hostbound = cx_view_is(name, "publickey-hostbound-v00@openssh.com");
    if (*hostbound || cx_view_is(name, "publickey"))
        return AUTH_PUBLICKEY;
    if (cx_view_is(name, "password"))
        return AUTH_PASSWORD;
    return cx_view_is(name, "keyboard-interactive") ? AUTH_INTERACTIVE : AUTH_OTHER;
}

/* The method's own fields; of a method that we do not speak nobody knows where they end. */
static enum mux_err take_fields(struct mux_session *s, struct cx_view payload, struct cx_reader *r, struct mux_event *ev)
{
    bool hostbound;
    s->auth->method = method_of(ev->auth.method, &hostbound);
    switch (s->auth->method) {
    case AUTH_PUBLICKEY:
        ev->auth.method = cx_view_text("publickey");
        return mux_publickey_take(s, payload, r, hostbound, ev);
    case AUTH_PASSWORD:
        return mux_password_take(r, ev);
    case AUTH_INTERACTIVE:
        return mux_interactive_take(r, ev);
    case AUTH_OTHER:
        break;
    }
    return cx_view_is(ev->auth.method, "none") && !cx_reader_done(r) ? MUX_E_MALFORMED : MUX_OK;
}

enum mux_err mux_on_userauth_request(struct mux_session *s, struct cx_span payload, struct mux_event *ev)
{
    /* requests that were on their way when SUCCESS left are passed over: RFC 4252 section 5.3 */
    if (s->authenticated)
        return MUX_OK;
    struct mux_auth *a = s->auth;
    struct cx_reader r = cx_reader(cx_span_view(payload));
    ev->auth.user = cx_reader_string(&r);
    struct cx_view service = cx_reader_string(&r);
    ev->auth.method = cx_reader_string(&r);
    if (!cx_reader_ok(&r) || ev->auth.user.len > MUX_USER_NAME_MAX)
        return MUX_E_MALFORMED;
    if (!cx_view_is(service, "ssh-connection"))
        return MUX_E_SERVICE;
    a->alg = NULL;
    a->prompted = false; /* a new request is the end of an exchange of prompts: RFC 4256 section 3.1 */
    a->only_failure = false;
    enum mux_err err = take_fields(s, cx_span_view(payload), &r, ev);
    if (err == MUX_OK)
        err = keep_user(a, ev->auth.user);
    if (err != MUX_OK)
        return err;
    ev->kind = MUX_EV_AUTH;
    s->waiting_auth = true;
    return MUX_OK;
}

/* ---- answers ---- */

void mux_session_auth_answer(struct mux_session *s, enum mux_auth_answer answer, const char *methods)
{
    if (!s->waiting_auth || s->finished != MUX_OK)
        return;
    assert(answer != MUX_AUTH_PK_OK || s->auth->alg);
    assert(answer == MUX_AUTH_FAILURE || !s->auth->only_failure);
    s->auth->answer = answer;
    s->auth->methods = methods;
    s->auth->answer_owed = true;
}

void mux_auth_ask(struct mux_session *s, struct mux_note *question, const struct cx_writer *w)
{
    assert(cx_writer_ok(w));
    mux_note_free(s->auth->question);
    question->len = (uint32_t)w->used;
    s->auth->question = question;
    s->auth->answer_owed = true;
}

static void write_banner(struct mux_session *s, struct mux_out *o)
{
    struct cx_view text = s->config->banner;
    struct cx_writer w = mux_out_begin(o, MUX_MSG_USERAUTH_BANNER, 16 + text.len);
    cx_writer_string(&w, text);
    cx_writer_text(&w, "");
    s->auth->banner_sent = mux_out_commit(o, &w);
}

static bool write_verdict(const struct mux_auth *a, struct mux_out *o)
{
    struct cx_writer w;
    switch (a->answer) {
    case MUX_AUTH_SUCCESS:
        w = mux_out_begin(o, MUX_MSG_USERAUTH_SUCCESS, 1);
        break;
    case MUX_AUTH_PK_OK:
        w = mux_out_begin(o, MUX_MSG_USERAUTH_PK_OK, 128 + a->blob_len);
        cx_writer_text(&w, a->alg->name);
        cx_writer_string(&w, cx_view(a->blob, a->blob_len));
        break;
    case MUX_AUTH_FAILURE:
    case MUX_AUTH_PARTIAL:
        w = mux_out_begin(o, MUX_MSG_USERAUTH_FAILURE, 16 + strlen(a->methods));
        cx_writer_text(&w, a->methods);
        cx_writer_bool(&w, a->answer == MUX_AUTH_PARTIAL);
        break;
    }
    return mux_out_commit(o, &w);
}

static bool write_question(struct mux_auth *a, struct mux_out *o)
{
    const struct mux_note *n = a->question;
    struct cx_writer w = mux_out_begin(o, n->payload[0], n->len);
    cx_writer_raw(&w, cx_view(n->payload + 1, n->len - 1));
    if (!mux_out_commit(o, &w))
        return false;
    mux_note_free(a->question);
    a->question = NULL;
    return true;
}

bool mux_auth_owes(const struct mux_session *s)
{
    return s->auth && s->auth->answer_owed;
}

/* What the client role owes goes through notes (client.c). */
void mux_auth_write(struct mux_session *s, struct mux_out *o)
{
    struct mux_auth *a = s->auth;
    if (!mux_auth_owes(s))
        return;
    if (s->config->banner.len > 0 && !a->banner_sent)
        write_banner(s, o);
    bool asked = a->question != NULL;
    if (asked ? !write_question(a, o) : !write_verdict(a, o))
        return;
    a->answer_owed = false;
    s->waiting_auth = false;
    if (!asked && a->answer == MUX_AUTH_SUCCESS) {
        s->authenticated = true;
        mux_host_keys_announce(s);
        mux_auth_free(s);
        if (!mux_compress_begin(s, true) || !mux_compress_begin(s, false))
            o->err = MUX_E_RESOURCE;
    }
}
