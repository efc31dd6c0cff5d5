/* SPDX-License-Identifier: MIT */
/* A connection's events up to the login. */
#include <stdio.h>

#include "bench/load/conn_priv.h"
#include "gateway/observe/log.h"

/* Of the peer the first connection of a thread is noted: all others are taken to be alike. */

static bool is_trusted(struct load_conn *c, struct cx_view blob)
{
    struct load_peer *p = &c->worker->tally.peer;
    char fingerprint[CX_FINGERPRINT_TEXT];
    const char *wanted = c->worker->settings->host_key;
    if (!wanted && p->host_key[0])
        return true;
    cx_key_fingerprint(blob, fingerprint);
    if (!p->host_key[0])
        memcpy(p->host_key, fingerprint, sizeof fingerprint);
    return !wanted || strcmp(fingerprint, wanted) == 0;
}

static void note_peer(struct load_conn *c, const struct mux_event *e)
{
    struct load_peer *p = &c->worker->tally.peer;
    if (p->kex)
        return;
    gw_log_escape(p->ident, sizeof p->ident, mux_session_peer_ident(c->session), false);
    p->kex = e->keyed.kex;
    p->host_key_alg = e->keyed.host_key_alg;
    p->cipher_up = e->keyed.cipher_out;
    p->cipher_down = e->keyed.cipher_in;
    p->mac_up = e->keyed.mac_out;
    p->mac_down = e->keyed.mac_in;
}

static void log_in(struct load_conn *c)
{
    const struct load_worker *w = c->worker;
    uint8_t signature[CX_SIGNATURE_MAX];
    size_t len = sizeof signature;
    struct cx_view text = mux_client_auth_publickey(c->session, w->settings->user, w->sign_alg, cx_private_key_blob(w->key), false);
    if (text.len == 0 || cx_private_key_sign(w->key, w->sign_alg, text, signature, &len) != CX_OK)
        load_conn_fail(c, LOAD_FAULT_OWN, "no signature could be made");
    else
        mux_client_auth_signature(c->session, cx_view(signature, len));
}

static void on_disconnect(struct load_conn *c, struct cx_view text)
{
    char why[LOAD_FAULT_TEXT];
    bool early = c->phase == LOAD_CONN_LOGIN;
    snprintf(why, sizeof why, "the server said: %.*s", (int)(text.len < sizeof why ? text.len : sizeof why),
             (const char *)text.data);
    load_conn_fail(c, early ? LOAD_FAULT_TURNED_AWAY : LOAD_FAULT_LOST, why);
}

static void on_refused_login(struct load_conn *c, struct cx_view methods)
{
    char why[LOAD_FAULT_TEXT];
    snprintf(why, sizeof why, "the key was refused (%.*s)", (int)(methods.len < 64 ? methods.len : 64), (const char *)methods.data);
    load_conn_fail(c, LOAD_FAULT_LOGIN, why);
}

void load_conn_on_event(struct load_conn *c, const struct mux_event *e)
{
    bool trusted;
    switch (e->kind) {
    case MUX_EV_HOST_KEY:
        trusted = is_trusted(c, e->host_key.blob);
        mux_session_host_key_verdict(c->session, trusted);
        if (!trusted)
            load_conn_fail(c, LOAD_FAULT_LOGIN, "the server has another host key");
        break;
    case MUX_EV_KEYED:
        note_peer(c, e);
        if (!e->keyed.first)
            load_count(&c->worker->tally.live.rekeys, 1);
        break;
    case MUX_EV_AUTH_READY:
        log_in(c);
        break;
    case MUX_EV_AUTH_FAILURE:
        on_refused_login(c, e->auth_failure.methods);
        break;
    case MUX_EV_AUTH_SUCCESS:
        load_conn_up(c);
        break;
    case MUX_EV_GLOBAL_REQUEST:
        if (e->request.want_reply)
            mux_session_request_answer(c->session, false, 0);
        break;
    case MUX_EV_DISCONNECT:
        on_disconnect(c, e->disconnect.text);
        break;
    default:
        load_conn_on_channel_event(c, e);
        break;
    }
}
