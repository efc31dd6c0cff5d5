/* SPDX-License-Identifier: MIT */
/* What a client asks the gateway to forward to it (ssh -R): it joins queues as a member, or has the gateway listen. conn.c and
 * conn_event.c call these; all in the worker that owns the connection. */
#ifndef GW_FORWARD_H
#define GW_FORWARD_H

#include "gateway/engine/conn.h"

struct gw_forward;

/* A connection's own; zero is empty. */
struct gw_forward_list {
    struct gw_forward *all;
    unsigned count;
    uint16_t ports_given; /* how many ports were made up */
    bool listeners_ready; /* gw_forward_serve has something to accept */
};
struct gw_forward_list *gw_conn_forwards(struct gw_conn *c);

enum { GW_FORWARD_BUCKETS = 256 };

/* A worker's: its connections' forwards by handle. Zero is empty. */
struct gw_forward_table {
    struct gw_forward *bucket[GW_FORWARD_BUCKETS];
    uint64_t last_handle;
};
struct gw_forward_table *gw_worker_forwards(struct gw_worker *w);

/* MUX_EV_GLOBAL_REQUEST of any name. True: it is done, and *port goes into the answer where it is not 0. */
bool gw_forward_request(struct gw_conn *c, struct cx_view name, struct cx_view data, uint32_t *port);
/* Pass 2: accepts what has come to the connection's listeners. */
void gw_forward_serve(struct gw_conn *c);
/* The worker has switched to another snapshot, or begun to drain: what is not permitted any more is taken back. */
void gw_forward_rejudge(struct gw_conn *c);
/* The connection ends: all that it forwards is taken back. */
void gw_forward_end_all(struct gw_conn *c);

#endif
