/* SPDX-License-Identifier: MIT */
/* What sshd would say about a connection. Names of peers come here escaped already (authn.c), or are escaped here. */
#include <stdio.h>

#include "gateway/engine/conn_priv.h"

const char *gw_conn_peer_text(const struct gw_conn *c, char out[GW_ADDR_TEXT + 16])
{
    char address[GW_ADDR_TEXT];
    snprintf(out, GW_ADDR_TEXT + 16, "%s port %u", gw_addr_text(&c->identity.peer, address), c->identity.peer.port);
    return out;
}

const char *gw_conn_who(const struct gw_conn *c, char out[GW_CONN_WHO_TEXT])
{
    char peer[GW_ADDR_TEXT + 16];
    bool valid = false;
    const char *name = gw_authn_name(c->authn, &valid);
    gw_conn_peer_text(c, peer);
    if (c->admitted)
        snprintf(out, GW_CONN_WHO_TEXT, "user %s %s", c->identity.user, peer);
    else if (name)
        snprintf(out, GW_CONN_WHO_TEXT, "%s user %s %s", valid ? "authenticating" : "invalid", name, peer);
    else
        snprintf(out, GW_CONN_WHO_TEXT, "%s", peer);
    return out;
}

void gw_conn_log(const struct gw_conn *c, enum gw_log_level level, bool preauth, const char *format, ...)
{
    if (!gw_log_enabled(level))
        return;
    char text[1536]; /* with the id and the head it fits a line */
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    gw_log(level, "%s on conn=%s%s", text, c->identity.id, preauth ? " [preauth]" : "");
}

void gw_conn_log_end(const struct gw_conn *c, enum mux_err err)
{
    char who[GW_CONN_WHO_TEXT];
    bool preauth = !c->admitted;
    gw_conn_who(c, who);
    switch (err) {
    case MUX_E_PEER_LEFT:
        gw_conn_log(c, GW_LOG_INFO, preauth, "Disconnected from %s", who);
        break;
    case MUX_E_NEGOTIATION:
        gw_conn_log(c, GW_LOG_INFO, preauth, "Unable to negotiate with %s: %s found.", who, mux_err_text(err));
        break;
    case MUX_E_VERSION:
        gw_conn_log(c, GW_LOG_INFO, false, "banner exchange: Connection from %s: invalid format", who);
        break;
    case MUX_E_TIMEOUT:
        gw_conn_log(c, GW_LOG_INFO, preauth, "Connection from %s timed out", who);
        break;
    default:
        gw_conn_log(c, GW_LOG_INFO, preauth, "Disconnecting %s: %s", who, mux_err_text(err));
        break;
    }
}
