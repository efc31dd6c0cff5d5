/* SPDX-License-Identifier: MIT */
/* What mux/ returns: 0 is success. Everything else ends the connection it happened on, with the disconnect reason that
 * mux_err_reason names (RFC 4253 section 11.1). Any thread. */
#ifndef MUX_ERR_H
#define MUX_ERR_H

#include <stdint.h>

#define MUX_MUST_CHECK __attribute__((warn_unused_result))

enum mux_err {
    MUX_OK = 0,
    MUX_E_MALFORMED,      /* a message that does not parse */
    MUX_E_ILLEGAL,        /* a message that is not legal now, or from this side */
    MUX_E_VERSION,        /* not SSH 2.0, or no identification line within its bound */
    MUX_E_PACKET_LENGTH,  /* a packet longer or shorter than allowed */
    MUX_E_MAC,            /* a tag that does not match */
    MUX_E_NEGOTIATION,    /* no algorithm in common */
    MUX_E_KEX,            /* the key exchange failed: a weak or wrong public value, or signature */
    MUX_E_HOST_KEY,       /* client role: the host key was refused; server: a login was signed for another host's key */
    MUX_E_STRICT_KEX,     /* strict KEX was broken */
    MUX_E_SEQUENCE,       /* a sequence number would wrap */
    MUX_E_WINDOW,         /* more data than the window allowed */
    MUX_E_CHANNEL,        /* a message for a channel that does not exist, or not in that state */
    MUX_E_LIMIT,          /* a cap of mux/limits.h was passed */
    MUX_E_TIMEOUT,        /* a deadline passed: login, key exchange, keepalive */
    MUX_E_AUTH,           /* too many authentication failures, or no method left */
    MUX_E_SERVICE,        /* a service that does not exist */
    MUX_E_USER,           /* the user's name changed half way through authentication */
    MUX_E_PEER_LEFT,      /* the peer sent DISCONNECT */
    MUX_E_BY_APPLICATION, /* the embedding program asked for it */
    MUX_E_RESOURCE,       /* memory or the crypto library failed us */
    MUX_E_COUNT
};

/* RFC 4253 section 11.1. Never 0 for an error. */
uint32_t mux_err_reason(enum mux_err err);
/* For logs and the DISCONNECT description; a static string. */
const char *mux_err_text(enum mux_err err);

#endif
