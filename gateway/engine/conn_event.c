/* SPDX-License-Identifier: MIT */
/* Events to those who deal with them: signatures to the monitor, logins to authn.c, channels to tunnels. Bytes of one channel that
 * one feed brought leave together. What a stock client may ask and this gateway does not do is answered "no" here. */
#include <assert.h>
#include <stdlib.h>
#include <sys/uio.h>

#include "gateway/engine/conn_priv.h"
#include "gateway/engine/engine.h"

/* What an event may cost beside its bytes: an open a connect, which the kernel takes 15 us for; a request for a forward a line of
 * the log, and sockets; a close an audit record and the end of a service's socket. */
enum { CALLS_AN_OPEN = 4, CALLS_A_REQUEST = 4, CALLS_AN_EOF = 1, CALLS_A_CLOSE = 4 };

/* A signature under way: what the session wants signed lives in the session until the answer. */
struct gw_sign {
    struct gw_link_request request; /* first */
    struct gw_conn *conn;
    bool first;
    uint32_t host_key;
    const struct cx_sign_alg *alg;
    struct mux_kex_inputs inputs;
};

static void build_sign(const struct gw_link_request *q, struct gw_ipc_record *r)
{
    const struct gw_sign *s = (const struct gw_sign *)q;
    r->type = GW_IPC_SIGN;
    memcpy(r->sign.connection, s->conn->identity.id, sizeof r->sign.connection);
    r->sign.first = s->first;
    r->sign.host_key = s->host_key;
    r->sign.alg = cx_view_text(s->alg->name);
    r->sign.kex = cx_view_text(s->inputs.kex->name);
    r->sign.inputs = s->inputs;
}

/* The session takes an empty signature as the end of the key exchange; the next produce says so to the peer. */
static void take_signature(struct gw_conn *c, struct cx_view signature)
{
    mux_session_signature(c->session, signature);
    if (signature.len == 0)
        gw_conn_end(c, MUX_E_KEX);
    gw_conn_mark(c);
}

static void answer_sign(struct gw_link_request *q, const struct gw_ipc_record *r, int fd)
{
    struct gw_sign *s = (struct gw_sign *)q;
    struct gw_conn *c = s->conn;
    if (fd >= 0 || r->type != GW_IPC_SIGNED)
        gw_engine_die("the monitor answered a signature's request with type %d", (int)r->type);
    c->sign = NULL;
    free(s);
    if (c->phase == GW_CONN_OPEN)
        take_signature(c, r->bytes);
}

void gw_conn_cancel_sign(struct gw_conn *c)
{
    if (!c->sign)
        return;
    gw_link_cancel(c->worker->link, &c->sign->request);
    free(c->sign);
    c->sign = NULL;
}

static void on_sign(struct gw_conn *c, const struct mux_event *ev)
{
    assert(!c->sign);
    struct gw_sign *s = calloc(1, sizeof *s);
    if (s) {
        *s = (struct gw_sign){ .request = { .build = build_sign, .answer = answer_sign },
                               .conn = c,
                               .first = mux_session_id(c->session).len == 0,
                               .host_key = (uint32_t)ev->sign.host_key,
                               .alg = ev->sign.alg,
                               .inputs = ev->sign.inputs };
        if (gw_link_ask(c->worker->link, &s->request)) {
            c->sign = s;
            c->signed_once = true;
            return;
        }
        free(s);
    }
    take_signature(c, cx_view("", 0));
}

static void on_disconnect(struct gw_conn *c, const struct mux_event *ev)
{
    char peer[GW_ADDR_TEXT + 16], text[400];
    gw_log_escape(text, sizeof text, ev->disconnect.text, false);
    gw_conn_log(c, GW_LOG_INFO, !c->admitted, "Received disconnect from %s:%u: %s", gw_conn_peer_text(c, peer),
                ev->disconnect.reason, text);
}

static void on_keyed(struct gw_conn *c, const struct mux_event *ev)
{
    gw_conn_log(c, GW_LOG_DEBUG, false, "%s: %s, %s, in %s %s, out %s %s%s", ev->keyed.first ? "key exchange" : "rekey",
                ev->keyed.kex, ev->keyed.host_key_alg, ev->keyed.cipher_in, ev->keyed.mac_in ? ev->keyed.mac_in : "(AEAD)",
                ev->keyed.cipher_out, ev->keyed.mac_out ? ev->keyed.mac_out : "(AEAD)", ev->keyed.strict ? ", strict" : "");
}

static void on_open(struct gw_conn *c, const struct mux_event *ev)
{
    gw_conn_spend(c, CALLS_AN_OPEN);
    enum mux_err err = gw_tunnel_open(c, ev->channel, ev->open.type, ev->open.data);
    if (err == MUX_OK)
        return;
    mux_session_disconnect(c->session, err, NULL);
    gw_conn_end(c, err);
}

static void on_global_request(struct gw_conn *c, const struct mux_event *ev)
{
    /* keepalives of the client land here too: sshd answers them with "no" just so, and "no" is what they want to hear */
    uint32_t port;
    gw_conn_spend(c, CALLS_A_REQUEST);
    bool done = gw_forward_request(c, ev->request.name, ev->request.data, &port);
    if (ev->request.want_reply)
        mux_session_request_answer(c->session, done, port);
}

static void on_other(struct gw_conn *c, const struct mux_event *ev)
{
    switch (ev->kind) {
    case MUX_EV_SIGN:
        on_sign(c, ev);
        break;
    case MUX_EV_PROVE:
        gw_conn_prove(c, ev);
        break;
    case MUX_EV_KEYED:
        on_keyed(c, ev);
        break;
    case MUX_EV_AUTH:
        gw_authn_request(c, ev);
        break;
    case MUX_EV_GLOBAL_REQUEST:
        on_global_request(c, ev);
        break;
    case MUX_EV_CHANNEL_OPEN:
        on_open(c, ev);
        break;
    case MUX_EV_CHANNEL_EXTENDED:
        /* no tunnel has a use for it, but it was sent under the window */
        mux_channel_drained(c->session, ev->channel, ev->data.data.len);
        break;
    case MUX_EV_CHANNEL_OPENED:
        gw_tunnel_opened(ev->user);
        break;
    case MUX_EV_CHANNEL_REFUSED:
        gw_tunnel_refused(ev->user);
        break;
    case MUX_EV_CHANNEL_EOF:
        gw_conn_spend(c, CALLS_AN_EOF);
        gw_tunnel_eof(ev->user);
        break;
    case MUX_EV_CHANNEL_CLOSE:
        gw_conn_spend(c, CALLS_A_CLOSE);
        gw_tunnel_closed(ev->user);
        break;
    case MUX_EV_CHANNEL_REQUEST:
        if (ev->request.want_reply)
            mux_channel_request_answer(c->session, ev->channel, false);
        break;
    case MUX_EV_DISCONNECT:
        on_disconnect(c, ev);
        break;
    default: /* a server that asks nothing gets no other */
        break;
    }
}

/* The run of DATA events at ev[0] that belong to one channel. Returns how many. */
static size_t on_data(const struct mux_event *ev, size_t count)
{
    struct iovec iov[GW_EVENTS_A_FEED];
    size_t n = 0;
    while (n < count && ev[n].kind == MUX_EV_CHANNEL_DATA && ev[n].channel == ev[0].channel) {
        iov[n] = (struct iovec){ ev[n].data.data.data, ev[n].data.data.len };
        n++;
    }
    gw_tunnel_data(ev[0].user, iov, (int)n);
    return n;
}

void gw_conn_dispatch(struct gw_conn *c, const struct mux_event *ev, size_t count)
{
    size_t i = 0;
    /* What stood in front of an error was said by the peer, and is dealt with; what we ended ourselves is over. */
    while (i < count && c->phase == GW_CONN_OPEN) {
        if (ev[i].kind == MUX_EV_CHANNEL_DATA)
            i += on_data(ev + i, count - i);
        else
            on_other(c, &ev[i++]);
    }
    /* But this event is all that is left of its channel. */
    for (; i < count; i++)
        if (ev[i].kind == MUX_EV_CHANNEL_REFUSED)
            gw_tunnel_refused(ev[i].user);
}
