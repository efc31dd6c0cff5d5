/* SPDX-License-Identifier: MIT */
/* See sessions.h. */
#include "gateway/engine/sessions.h"

#include "gateway/engine/conn_priv.h"

static void fill(const struct gw_conn *c, struct gw_session_row *row)
{
    *row = (struct gw_session_row){
        .peer = c->identity.peer,
        .age_ns = gw_loop_now_ns(c->worker->loop) - c->began_ns,
        .bytes_in = c->bytes_in,
        .bytes_out = c->bytes_out,
        .channels = c->tunnels.count,
        .worker = c->worker->index,
    };
    memcpy(row->id, c->identity.id, sizeof row->id);
    if (c->admitted) { /* before, it is whatever the client says */
        memcpy(row->user, c->identity.user, sizeof row->user);
        row->proves_name = c->identity.proves_name;
    }
}

size_t gw_sessions_list(const struct gw_worker *w, struct gw_session_row *rows, size_t room, size_t *all)
{
    size_t filled = 0;
    *all = 0;
    for (const struct gw_conn *c = w->conns; c; c = c->next) {
        if (c->phase != GW_CONN_OPEN)
            continue;
        ++*all;
        if (filled < room)
            fill(c, &rows[filled++]);
    }
    return filled;
}

unsigned gw_sessions_end(struct gw_worker *w, const char *id)
{
    unsigned ended = 0;
    for (struct gw_conn *c = w->conns; c; c = c->next) {
        if (c->phase != GW_CONN_OPEN || strncmp(c->identity.id, id, strlen(id)) != 0)
            continue;
        gw_conn_log(c, GW_LOG_INFO, !c->admitted, "Disconnected by an operator");
        gw_conn_disconnect(c, MUX_E_BY_APPLICATION, "disconnected by an operator");
        gw_conn_mark(c);
        ended++;
    }
    return ended;
}
