/* SPDX-License-Identifier: MIT */
#include "mux/err.h"

#include <assert.h>

#include "mux/msg.h"

static const struct {
    uint32_t reason;
    const char *text;
} errors[MUX_E_COUNT] = {
    [MUX_OK] = { 0, "no error" },
    [MUX_E_MALFORMED] = { MUX_DISC_PROTOCOL_ERROR, "malformed message" },
    [MUX_E_ILLEGAL] = { MUX_DISC_PROTOCOL_ERROR, "message not allowed here" },
    [MUX_E_VERSION] = { MUX_DISC_PROTOCOL_VERSION_NOT_SUPPORTED, "protocol version not supported" },
    [MUX_E_PACKET_LENGTH] = { MUX_DISC_PROTOCOL_ERROR, "bad packet length" },
    [MUX_E_MAC] = { MUX_DISC_MAC_ERROR, "corrupted MAC on input" },
    [MUX_E_NEGOTIATION] = { MUX_DISC_KEY_EXCHANGE_FAILED, "no matching algorithm" },
    [MUX_E_KEX] = { MUX_DISC_KEY_EXCHANGE_FAILED, "key exchange failed" },
    [MUX_E_HOST_KEY] = { MUX_DISC_HOST_KEY_NOT_VERIFIABLE, "host key not trusted" },
    [MUX_E_STRICT_KEX] = { MUX_DISC_PROTOCOL_ERROR, "strict KEX violation" },
    [MUX_E_SEQUENCE] = { MUX_DISC_PROTOCOL_ERROR, "sequence number would wrap" },
    [MUX_E_WINDOW] = { MUX_DISC_PROTOCOL_ERROR, "data beyond the channel's window" },
    [MUX_E_CHANNEL] = { MUX_DISC_PROTOCOL_ERROR, "message for a channel that is not in that state" },
    [MUX_E_LIMIT] = { MUX_DISC_PROTOCOL_ERROR, "limit exceeded" },
    [MUX_E_TIMEOUT] = { MUX_DISC_BY_APPLICATION, "timeout" },
    [MUX_E_AUTH] = { MUX_DISC_NO_MORE_AUTH_METHODS, "too many authentication failures" },
    [MUX_E_SERVICE] = { MUX_DISC_SERVICE_NOT_AVAILABLE, "service not available" },
    [MUX_E_USER] = { MUX_DISC_PROTOCOL_ERROR, "change of username or service not allowed" },
    [MUX_E_PEER_LEFT] = { MUX_DISC_BY_APPLICATION, "disconnected by peer" },
    [MUX_E_BY_APPLICATION] = { MUX_DISC_BY_APPLICATION, "closed" },
    [MUX_E_RESOURCE] = { MUX_DISC_BY_APPLICATION, "out of resources" },
};

uint32_t mux_err_reason(enum mux_err err)
{
    assert(err > MUX_OK && err < MUX_E_COUNT);
    return errors[err].reason;
}

const char *mux_err_text(enum mux_err err)
{
    assert(err < MUX_E_COUNT);
    return errors[err].text;
}
