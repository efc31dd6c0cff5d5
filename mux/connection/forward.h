/* SPDX-License-Identifier: MIT */
/* The payloads of forwarding messages: RFC 4254 section 7. Views point into the parsed bytes. Any thread. */
#ifndef MUX_FORWARD_H
#define MUX_FORWARD_H

#include "crypto/span.h"

/* What follows the maximum packet size in a CHANNEL_OPEN of direct-tcpip (RFC 4254 section 7.2). */
struct mux_direct_tcpip {
    struct cx_view host; /* raw: 1 to 255 bytes, no NUL */
    uint32_t port;       /* 0 to 65535 */
    struct cx_view originator;
    uint32_t originator_port;
};

/* False: malformed, or out of these bounds. */
bool mux_direct_tcpip_parse(struct cx_view data, struct mux_direct_tcpip *out);
/* Into out; the length, 0 when it does not fit. */
size_t mux_direct_tcpip_write(struct cx_span out, const struct mux_direct_tcpip *m);

#endif
