/* SPDX-License-Identifier: MIT */
/* The method publickey, both roles: RFC 4252 section 7, RFC 8332, and publickey-hostbound-v00@openssh.com of OpenSSH's
 * PROTOCOL section 3.1, whose signature covers the host key too.
 *
 * The server checks a signature before anyone looks up the key: the work is the same whether the user or the key is known. */
#include <stdlib.h>

#include "mux/auth/auth_priv.h"

#define HOSTBOUND "publickey-hostbound-v00@openssh.com"

/* What a signature covers. malloc'd; NULL: out of memory. */
static uint8_t *signed_data(const struct mux_session *s, struct cx_view request, size_t *len)
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

/* ---- server ---- */

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

static enum mux_err verify(struct mux_session *s, struct cx_view covered, struct cx_view signature, struct mux_event *ev)
{
    size_t len;
    uint8_t *data = signed_data(s, covered, &len);
    if (!data)
        return MUX_E_RESOURCE;
    ev->auth.verified =
        cx_key_verify_details(ev->auth.blob, ev->auth.alg, signature, cx_view(data, len), &ev->auth.stated) == CX_OK;
    free(data);
    return MUX_OK;
}

/* An unknown algorithm or a malformed key is a failed try, not an error: clients offer what they have. Another host's key is no
 * honest client's: the request was made for a connection to somebody else. */
enum mux_err mux_publickey_take(struct mux_session *s, struct cx_view payload, struct cx_reader *r, bool hostbound,
                                struct mux_event *ev)
{
    ev->auth.signed_ = cx_reader_bool(r);
    const struct cx_sign_alg *alg = cx_sign_alg_find(cx_reader_string(r));
    struct cx_view blob = cx_reader_string(r);
    struct cx_view host_key = hostbound ? cx_reader_string(r) : mux_session_host_key(s);
    struct cx_view covered = cx_view(payload.data, payload.len - r->left.len);
    struct cx_view signature = ev->auth.signed_ ? cx_reader_string(r) : cx_view("", 0);
    if (!cx_reader_done(r))
        return MUX_E_MALFORMED;
    if (!cx_view_equal(host_key, mux_session_host_key(s)))
        return MUX_E_HOST_KEY;
    if (!alg || cx_key_blob_suits(blob, alg, CX_CERTIFICATE_USER) != CX_OK)
        return MUX_OK;
    if (!keep_blob(s->auth, blob))
        return MUX_E_RESOURCE;
    s->auth->alg = ev->auth.alg = alg;
    ev->auth.blob = blob;
    return ev->auth.signed_ ? verify(s, covered, signature, ev) : MUX_OK;
}

/* ---- client ---- */

static void write_fields(struct cx_writer *w, const struct cx_sign_alg *alg, struct cx_view blob, bool query)
{
    cx_writer_bool(w, !query);
    cx_writer_text(w, alg->name);
    cx_writer_string(w, blob);
}

static void query_key(struct mux_session *s, const char *user, const struct cx_sign_alg *alg, struct cx_view blob)
{
    struct cx_writer w;
    struct mux_note *n = mux_auth_request_begin(s, user, "publickey", 16 + strlen(alg->name) + blob.len, &w);
    if (!n)
        return;
    write_fields(&w, alg, blob, true);
    s->auth->alg = alg;
    mux_auth_request_send(s, n, &w, AUTH_PUBLICKEY, AUTH_QUERY);
}

struct cx_view mux_client_auth_publickey(struct mux_session *s, const char *user, const struct cx_sign_alg *alg,
                                         struct cx_view blob, bool query)
{
    struct cx_view nothing = cx_view("", 0);
    struct mux_auth *a = s->auth;
    if (!a)
        return nothing;
    free(a->to_sign);
    a->to_sign = NULL;
    if (query) {
        query_key(s, user, alg, blob);
        return nothing;
    }
    struct cx_view host_key = mux_session_host_key(s);
    size_t room = 256 + strlen(user) + blob.len + host_key.len;
    uint8_t *request = malloc(room);
    struct cx_writer w = cx_writer((struct cx_span){ request, request ? room : 0 });
    cx_writer_text(&w, user);
    cx_writer_text(&w, "ssh-connection");
    cx_writer_text(&w, s->peer_takes_hostbound ? HOSTBOUND : "publickey");
    write_fields(&w, alg, blob, false);
    if (s->peer_takes_hostbound)
        cx_writer_string(&w, host_key);
    if (cx_writer_ok(&w))
        a->to_sign = signed_data(s, cx_writer_view(&w), &a->to_sign_len);
    free(request);
    if (!a->to_sign) {
        (void)mux_fail(s, MUX_E_RESOURCE, NULL);
        return nothing;
    }
    return cx_view(a->to_sign, a->to_sign_len);
}

/* The request is what was signed, without the session id in front and with the signature behind. */
void mux_client_auth_signature(struct mux_session *s, struct cx_view signature)
{
    struct mux_auth *a = s->auth;
    if (!a || !a->to_sign || s->finished != MUX_OK)
        return;
    size_t head = 4 + s->session_id_len;
    struct cx_view request = cx_view(a->to_sign + head, a->to_sign_len - head);
    struct cx_writer w;
    struct mux_note *n = mux_note_new(request.len + 4 + signature.len, &w);
    if (!n) {
        (void)mux_fail(s, MUX_E_RESOURCE, NULL);
        return;
    }
    cx_writer_raw(&w, request);
    cx_writer_string(&w, signature);
    mux_auth_request_send(s, n, &w, AUTH_PUBLICKEY, AUTH_REQUEST);
    free(a->to_sign);
    a->to_sign = NULL;
}

enum mux_err mux_on_pk_ok(struct mux_session *s, struct cx_span payload, struct mux_event *ev)
{
    struct cx_reader r = cx_reader(cx_span_view(payload));
    struct cx_view alg = cx_reader_string(&r);
    (void)cx_reader_string(&r);
    if (!cx_reader_done(&r))
        return MUX_E_MALFORMED;
    if (!mux_auth_answered(s, s->auth->in_flight == AUTH_QUERY && cx_view_is(alg, s->auth->alg->name)))
        return MUX_E_ILLEGAL;
    ev->kind = MUX_EV_AUTH_PK_OK;
    return MUX_OK;
}
