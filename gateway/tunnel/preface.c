/* SPDX-License-Identifier: MIT */
/* Whose tunnel it is, for a service that asks to be told (send-proxy-v2). */
#include <stdio.h>

#include "gateway/net/proxy_header.h"
#include "gateway/tunnel/tunnel_priv.h"

size_t gw_tunnel_preface(void *tunnel, struct cx_span room)
{
    const struct gw_tunnel *t = tunnel;
    const struct gw_identity *who = gw_conn_identity(t->conn);
    char unique[GW_CONN_ID_TEXT + 16];
    snprintf(unique, sizeof unique, "%s/%u", who->id, t->number);
    /* A name that the key does not prove is whatever the client says: a service must not take it for somebody's. */
    const struct gw_proxy_tlv tlvs[] = {
        { GW_PROXY_TLV_UNIQUE_ID, cx_view_text(unique) },
        { GW_PROXY_TLV_SSH_KEY, cx_view_text(who->fingerprint) },
        { GW_PROXY_TLV_QUEUE, cx_view_text(gw_queue_name(gw_tunnel_queue(t))) },
        { GW_PROXY_TLV_SSH_USER, cx_view_text(who->user) },
    };
    size_t all = sizeof tlvs / sizeof tlvs[0];
    struct gw_addr local;
    if (!gw_conn_local(t->conn, &local))
        local = who->peer; /* the client has gone: nobody will see it */
    return gw_proxy_header_write(room, &who->peer, &local, tlvs, who->proves_name ? all : all - 1);
}
