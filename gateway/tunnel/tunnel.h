/* SPDX-License-Identifier: MIT */
/* A tunnel: one channel of a client joined to one consumer, from the request to the last byte, both half-closes, the window
 * and the audit record. conn.c calls these as the session's events come; all in the worker that owns the connection.
 *
 * Only gw_tunnel_serve_marked, gw_tunnel_rejudge and gw_tunnel_end_all free a tunnel, so that the user pointers of events that one
 * feed returned stay good until the last of them was handed in: they are called between feeds, never between their events.
 * The gateway opens channels too, to clients that have joined a queue: those tunnels differ only until the client has answered.
 * A tunnel that has ended takes its pointer off the channel; NULL is accepted everywhere and does nothing. */
#ifndef GW_TUNNEL_H
#define GW_TUNNEL_H

#include "gateway/engine/conn.h"

struct gw_tunnel;

/* MUX_EV_CHANNEL_OPEN of any type: routes it, and accepts or refuses the channel now or later. The tunnel is the channel's
 * user pointer. MUX_E_MALFORMED: the channel was refused, and the connection is to be ended for it. */
enum mux_err gw_tunnel_open(struct gw_conn *c, uint32_t channel, struct cx_view type, struct cx_view data);
/* The bytes of consecutive MUX_EV_CHANNEL_DATA events of one channel: written at once, what is not taken is copied aside.
 * They are borrowed for this call only. */
void gw_tunnel_data(struct gw_tunnel *t, const struct iovec *iov, int iov_count);
void gw_tunnel_eof(struct gw_tunnel *t);    /* MUX_EV_CHANNEL_EOF: shut the consumer's writing side once all is written */
void gw_tunnel_closed(struct gw_tunnel *t); /* MUX_EV_CHANNEL_CLOSE: flush what the client sent, then end */
void gw_tunnel_opened(struct gw_tunnel *t); /* MUX_EV_CHANNEL_OPENED, of a channel that the gateway opened */
/* MUX_EV_CHANNEL_REFUSED: the channel is gone. Also where the connection has ended meanwhile: nothing else leads to the tunnel. */
void gw_tunnel_refused(struct gw_tunnel *t);
/* For mux_source.pull: reads from the consumer. */
size_t gw_tunnel_pull(struct gw_tunnel *t, const struct iovec *iov, int iov_count, enum mux_pull *more);
/* Pass 2, before produce: writes parked bytes where the consumer became writable, finishes connects and ends. For each tunnel
 * of the connection that was marked (the tunnel keeps its own list, hung on the connection by gw_conn_tunnels), but for those that
 * are too much for a turn: they are served first in the next one. */
void gw_tunnel_serve_marked(struct gw_conn *c);
/* Pass 2, once the worker has switched to another snapshot: requests that are not served yet and which that does not permit are
 * refused. */
void gw_tunnel_rejudge(struct gw_conn *c);
/* The connection ends, for `reason`: every tunnel of it is ended and audited; no callback comes after. */
void gw_tunnel_end_all(struct gw_conn *c, const char *reason);

/* Owned by tunnel.c, embedded in the connection; zero is empty. */
struct gw_tunnel_list {
    struct gw_tunnel *marked;
    size_t turn_bytes;             /* what this turn of the connection has cost */
    struct gw_user_channels *user; /* whose channels they are; good while one of them is counted */
    uint32_t next_number;          /* channel numbers for logs: never reused within the connection */
    uint32_t count;
};
struct gw_tunnel_list *gw_conn_tunnels(struct gw_conn *c);

/* What a user's channels are counted under: the name that the key proves; a key that proves none could take a fresh name each time,
 * so it is counted itself. */
const char *gw_tunnel_counted_name(const struct gw_identity *who);

#endif
