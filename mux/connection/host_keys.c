/* SPDX-License-Identifier: MIT */
/* The server's host keys, told to clients that may want to learn new ones: OpenSSH PROTOCOL section 2.5. They are announced once,
 * behind SUCCESS, to OpenSSH alone: others have met the request never or only as a surprise. Whoever asks for proofs gets one a key
 * and connection: a signature is the dearest thing that an authenticated peer can ask for. */
#include "mux/connection/host_keys.h"

#include <stdlib.h>

#include "mux/session_priv.h"

static const char PROVE[] = "hostkeys-prove-00@openssh.com";

struct cx_view mux_host_key_proof(struct cx_span room, struct cx_view session_id, struct cx_view blob)
{
    struct cx_writer w = cx_writer(room);
    cx_writer_text(&w, PROVE);
    cx_writer_string(&w, session_id);
    cx_writer_string(&w, blob);
    return cx_writer_ok(&w) ? cx_writer_view(&w) : cx_view("", 0);
}

static size_t announced(const struct mux_config *config)
{
    return config->host_key_count < MUX_PROVE_KEYS_MAX ? config->host_key_count : MUX_PROVE_KEYS_MAX;
}

void mux_host_keys_announce(struct mux_session *s)
{
    if (!s->config->announce_host_keys || !mux_ident_is_openssh(s))
        return;
    uint8_t room[MUX_PROVE_KEYS_MAX * (4 + CX_KEY_BLOB_MAX)];
    struct cx_writer w = cx_writer((struct cx_span){ room, sizeof room });
    for (size_t i = 0; i < announced(s->config); i++)
        cx_writer_string(&w, s->config->host_keys[i].blob);
    /* where it cannot be sent, the client learns nothing new, and nothing else is lost */
    if (cx_writer_ok(&w))
        (void)mux_session_global_request(s, "hostkeys-00@openssh.com", false, cx_writer_view(&w));
}

/* A client that met an RSA key in the exchange, plain or in a certificate, expects the algorithm that was negotiated there. */
static const struct cx_sign_alg *alg_of(const struct mux_session *s, enum cx_key_type type)
{
    if (s->host_alg->type == type)
        return cx_sign_alg_find(cx_view_text(s->host_alg->signature_name));
    const struct cx_sign_alg *alg;
    for (size_t i = 0; (alg = cx_sign_alg_at(i)); i++)
        if (alg->type == type)
            return alg;
    return NULL;
}

/* Appends the key to what is asked. False: it is none of ours, or was asked for before. */
static bool take_key(struct mux_session *s, struct cx_view blob, struct mux_event *ev)
{
    for (size_t i = 0; i < announced(s->config); i++) {
        const struct cx_sign_alg *alg = alg_of(s, s->config->host_keys[i].type);
        if (!cx_view_equal(blob, s->config->host_keys[i].blob))
            continue;
        if (!alg || (s->proven & 1u << i))
            return false;
        s->proven |= (uint8_t)(1u << i);
        ev->prove.key[ev->prove.count].host_key = i;
        ev->prove.key[ev->prove.count++].alg = alg;
        return true;
    }
    return false;
}

bool mux_is_prove(const struct mux_session *s, struct cx_view name)
{
    return s->config->server && s->config->announce_host_keys && cx_view_is(name, PROVE);
}

enum mux_err mux_on_prove(struct mux_session *s, struct cx_reader *r, bool want_reply, struct mux_event *ev)
{
    if (!want_reply)
        return MUX_OK;
    ev->prove.count = 0;
    bool good = r->left.len > 0 && !mux_reply_waits(s, REPLY_PROVE);
    while (good && r->left.len > 0) {
        struct cx_view blob = cx_reader_string(r);
        good = cx_reader_ok(r) && take_key(s, blob, ev);
    }
    if (!cx_reader_ok(r))
        return MUX_E_MALFORMED;
    if (good)
        ev->kind = MUX_EV_PROVE;
    return mux_reply_push(s, &(struct mux_reply){ .kind = REPLY_PROVE, .ready = !good });
}

void mux_session_proofs(struct mux_session *s, const struct cx_view *signature, size_t count)
{
    struct mux_reply *r = mux_reply_waits(s, REPLY_PROVE);
    if (!r || s->finished != MUX_OK)
        return;
    r->ready = true;
    size_t room = 0;
    bool all = count > 0;
    for (size_t i = 0; i < count; i++) {
        all = all && signature[i].len > 0;
        room += 4 + signature[i].len;
    }
    r->data = all ? malloc(room) : NULL;
    if (!r->data) /* then the answer is FAILURE */
        return;
    struct cx_writer w = cx_writer((struct cx_span){ r->data, room });
    for (size_t i = 0; i < count; i++)
        cx_writer_string(&w, signature[i]);
    r->success = true;
    r->data_len = (uint32_t)w.used;
}
