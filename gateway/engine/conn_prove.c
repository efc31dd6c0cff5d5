/* SPDX-License-Identifier: MIT */
/* Proofs of our host keys: the monitor is asked for one signature a key, and they go to the session together, since the peer is
 * answered by one message. */
#include <assert.h>
#include <stdlib.h>

#include "gateway/engine/conn_priv.h"
#include "gateway/engine/engine.h"

/* One key's. */
struct proof {
    struct gw_link_request request; /* first */
    struct gw_proofs *all;
    uint32_t host_key;
    const struct cx_sign_alg *alg;
    size_t len; /* 0: not made (yet) */
    uint8_t signature[CX_SIGNATURE_MAX];
};

struct gw_proofs {
    struct gw_conn *conn;
    size_t count, awaited;
    struct proof proof[];
};

static void build_prove(const struct gw_link_request *q, struct gw_ipc_record *r)
{
    const struct proof *p = (const struct proof *)q;
    r->type = GW_IPC_PROVE;
    memcpy(r->prove.connection, p->all->conn->identity.id, sizeof r->prove.connection);
    r->prove.host_key = p->host_key;
    r->prove.alg = cx_view_text(p->alg->name);
}

static void hand_in_if_complete(struct gw_proofs *all)
{
    struct gw_conn *c = all->conn;
    struct cx_view signature[MUX_PROVE_KEYS_MAX];
    if (all->awaited > 0)
        return;
    for (size_t i = 0; i < all->count; i++)
        signature[i] = cx_view(all->proof[i].signature, all->proof[i].len);
    if (c->phase == GW_CONN_OPEN)
        mux_session_proofs(c->session, signature, all->count);
    c->proofs = NULL;
    free(all);
    gw_conn_mark(c);
}

static void answer_prove(struct gw_link_request *q, const struct gw_ipc_record *r, int fd)
{
    struct proof *p = (struct proof *)q;
    if (fd >= 0 || r->type != GW_IPC_SIGNED || r->bytes.len > sizeof p->signature)
        gw_engine_die("the monitor answered a proof's request with type %d", (int)r->type);
    memcpy(p->signature, r->bytes.data, r->bytes.len);
    p->len = r->bytes.len;
    p->all->awaited--;
    hand_in_if_complete(p->all);
}

void gw_conn_prove(struct gw_conn *c, const struct mux_event *ev)
{
    assert(!c->proofs); /* the session asks for no others before these are handed in */
    struct gw_proofs *all = calloc(1, sizeof *all + ev->prove.count * sizeof *all->proof);
    if (!all) {
        mux_session_proofs(c->session, NULL, 0);
        return;
    }
    c->proofs = all;
    all->conn = c;
    all->count = ev->prove.count;
    for (size_t i = 0; i < all->count; i++) {
        struct proof *p = &all->proof[i];
        p->request = (struct gw_link_request){ .build = build_prove, .answer = answer_prove };
        p->all = all;
        p->host_key = (uint32_t)ev->prove.key[i].host_key;
        p->alg = ev->prove.key[i].alg;
        all->awaited += gw_link_ask(c->worker->link, &p->request);
    }
    hand_in_if_complete(all);
}

void gw_conn_cancel_proofs(struct gw_conn *c)
{
    for (size_t i = 0; c->proofs && i < c->proofs->count; i++)
        gw_link_cancel(c->worker->link, &c->proofs->proof[i].request);
    free(c->proofs);
    c->proofs = NULL;
}
