/* SPDX-License-Identifier: MIT */
/* The payloads of forwarding messages: RFC 4254 section 7, and OpenSSH PROTOCOL section 2.4 for sockets with a path. Parsing takes
 * what follows the maximum packet size in a CHANNEL_OPEN, or want_reply in a GLOBAL_REQUEST; false: malformed, or out of the bounds
 * given here. Views point into the parsed bytes. Writing returns the length, 0 when it does not fit. Any thread. */
#ifndef MUX_FORWARD_H
#define MUX_FORWARD_H

#include "crypto/span.h"

/* CHANNEL_OPEN of direct-tcpip (RFC 4254 section 7.2). */
struct mux_direct_tcpip {
    struct cx_view host; /* raw: 1 to MUX_HOST_MAX bytes, no NUL; of forwarded-tcpip also empty */
    uint32_t port;       /* 0 to 65535 */
    struct cx_view originator;
    uint32_t originator_port;
};
bool mux_direct_tcpip_parse(struct cx_view data, struct mux_direct_tcpip *out);
/* forwarded-tcpip has the same form: host and port are those that were listened on, as the request for it named them. */
bool mux_forwarded_tcpip_parse(struct cx_view data, struct mux_direct_tcpip *out);
/* Of both. */
size_t mux_direct_tcpip_write(struct cx_span out, const struct mux_direct_tcpip *m);

/* tcpip-forward and cancel-tcpip-forward (RFC 4254 section 7.1). */
struct mux_tcpip_forward {
    struct cx_view host; /* up to MUX_HOST_MAX bytes, no NUL; empty: every address */
    uint32_t port;       /* 0: the answer names one */
};
bool mux_tcpip_forward_parse(struct cx_view data, struct mux_tcpip_forward *out);
size_t mux_tcpip_forward_write(struct cx_span out, const struct mux_tcpip_forward *m);
/* The data of the answer to a tcpip-forward with port 0. */
bool mux_tcpip_forward_port_parse(struct cx_view data, uint32_t *port);

/* A path is 1 to MUX_SOCKET_PATH_MAX bytes, no NUL. */

/* CHANNEL_OPEN of direct-streamlocal@openssh.com. */
bool mux_direct_streamlocal_parse(struct cx_view data, struct cx_view *path);
size_t mux_direct_streamlocal_write(struct cx_span out, struct cx_view path);
/* CHANNEL_OPEN of forwarded-streamlocal@openssh.com. */
bool mux_forwarded_streamlocal_parse(struct cx_view data, struct cx_view *path);
size_t mux_forwarded_streamlocal_write(struct cx_span out, struct cx_view path);
/* streamlocal-forward@openssh.com and cancel-streamlocal-forward@openssh.com. */
bool mux_streamlocal_forward_parse(struct cx_view data, struct cx_view *path);
size_t mux_streamlocal_forward_write(struct cx_span out, struct cx_view path);

#endif
