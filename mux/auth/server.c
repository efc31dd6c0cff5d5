/* SPDX-License-Identifier: MIT */
/* Authentication, server role: RFC 4252. A request becomes an event; nothing more is read until it is answered, so that
 * pipelined requests are judged in order and cost nothing meanwhile. The signature is checked before anyone looks up the
 * key: the work is the same whether the user or the key is known. */
#include <assert.h>
#include <stdlib.h>

#include "mux/session_priv.h"

enum mux_err mux_auth_begin(struct mux_session *s)
{
    s->auth = calloc(1, sizeof *s->auth);
    return s->auth ? MUX_OK : MUX_E_RESOURCE;
}

void mux_auth_free(struct mux_session *s)
{
    if (!s->auth)
        return;
    free(s->auth->blob);
    free(s->auth->to_sign);
    free(s->auth);
    s->auth = NULL;
}

uint8_t *mux_auth_signed_data(const struct mux_session *s, struct cx_view request, size_t *len)
{
    struct cx_view id = mux_session_id(s);
    size_t room = 4 + id.len + 1 + request.len;
    uint8_t *data = malloc(room);
    if (!data)
        return NULL;
    struct cx_writer w = cx_writer((struct cx_span){ data, room });
    cx_writer_string(&w, id);
    cx_writer_u8(&w, MUX_MSG_USERAUTH_REQUEST);
    cx_writer_raw(&w, request);
    *len = w.used;
    return data;
}

static bool keep_blob(struct mux_auth *a, struct cx_view blob)
{
    free(a->blob);
    a->blob = malloc(blob.len + 1);
    if (!a->blob)
        return false;
    memcpy(a->blob, blob.data, blob.len);
    a->blob_len = blob.len;
    return true;
}

/* RFC 4252 section 7. An unknown algorithm or a malformed key is a failed try, not an error: clients offer what they have. */
static enum mux_err take_publickey(struct mux_session *s, struct cx_view payload, struct cx_reader *r, struct mux_event *ev)
{
    struct mux_auth *a = s->auth;
    ev->auth.signed_ = cx_reader_bool(r);
    const struct cx_sign_alg *alg = cx_sign_alg_find(cx_reader_string(r));
    struct cx_view blob = cx_reader_string(r);
    size_t covered = payload.len - r->left.len;
    struct cx_view signature = ev->auth.signed_ ? cx_reader_string(r) : cx_view("", 0);
    if (!cx_reader_done(r))
        return MUX_E_MALFORMED;
    if (!alg || cx_key_blob_suits(blob, alg) != CX_OK)
        return MUX_OK;
    if (!keep_blob(a, blob))
        return MUX_E_RESOURCE;
    a->alg = ev->auth.alg = alg;
    ev->auth.blob = blob;
    if (!ev->auth.signed_)
        return MUX_OK;
    size_t len;
    uint8_t *data = mux_auth_signed_data(s, cx_view(payload.data, covered), &len);
    if (!data)
        return MUX_E_RESOURCE;
    ev->auth.verified = cx_key_verify(blob, alg, signature, cx_view(data, len)) == CX_OK;
    free(data);
    return MUX_OK;
}

enum mux_err mux_on_userauth_request(struct mux_session *s, struct cx_span payload, struct mux_event *ev)
{
    /* requests that were on their way when SUCCESS left are passed over: RFC 4252 section 5.3 */
    if (s->authenticated)
        return MUX_OK;
    struct cx_reader r = cx_reader(cx_span_view(payload));
    struct cx_view user = cx_reader_string(&r), service = cx_reader_string(&r), method = cx_reader_string(&r);
    if (!cx_reader_ok(&r) || user.len > MUX_USER_NAME_MAX)
        return MUX_E_MALFORMED;
    if (!cx_view_is(service, "ssh-connection"))
        return MUX_E_SERVICE;
    s->auth->alg = NULL;
    ev->auth.user = user;
    ev->auth.method = method;
    if (cx_view_is(method, "publickey")) {
        enum mux_err err = take_publickey(s, cx_span_view(payload), &r, ev);
        if (err != MUX_OK)
            return err;
    }
    ev->kind = MUX_EV_AUTH;
    s->waiting_auth = true;
    return MUX_OK;
}

void mux_session_auth_answer(struct mux_session *s, enum mux_auth_answer answer, const char *methods)
{
    if (!s->waiting_auth || s->finished != MUX_OK)
        return;
    assert(answer != MUX_AUTH_PK_OK || s->auth->alg);
    s->auth->answer = answer;
    s->auth->methods = methods;
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

static bool write_answer(struct mux_session *s, struct mux_out *o)
{
    struct mux_auth *a = s->auth;
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
    if (!write_answer(s, o))
        return;
    a->answer_owed = false;
    s->waiting_auth = false;
    if (a->answer == MUX_AUTH_SUCCESS) {
        s->authenticated = true;
        mux_auth_free(s);
    }
}
