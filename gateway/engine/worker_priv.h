/* SPDX-License-Identifier: MIT */
/* The worker as its connections see it. */
#ifndef GW_WORKER_PRIV_H
#define GW_WORKER_PRIV_H

#include <pthread.h>

#include "gateway/engine/area.h"
#include "gateway/engine/conn.h"
#include "gateway/engine/link.h"
#include "gateway/engine/worker.h"
#include "gateway/forward/forward.h"

enum {
    /* As many of the largest packets of data as a MAC has lanes, and next to nothing of one more, which would be copied aside and
     * back, and would leave lanes empty. */
    GW_RECEIVE_AREA_BYTES = CX_PACKET_LANES_MAX * (MUX_CHANNEL_PACKET_MAX + 128),
    /* No more than this is ever left over when a socket takes nothing; a connection uses mux_session_produce_bytes of it. */
    GW_SEND_AREA_BYTES = MUX_PARKED_MAX,
    GW_EVENTS_A_FEED = 64,
};

/* Connections that are to be served, first come, first served. */
struct gw_ready_list {
    struct gw_conn *first, **end;
};

struct gw_worker {
    struct gw_intake intake; /* first: it needs the alignment of cache lines */
    struct gw_inbox inbox;
    struct gw_orders orders;
    struct gw_watch wake; /* inbox.wake_fd */
    struct gw_loop *loop;
    struct gw_link *link;
    struct gw_dns *dns;
    struct gw_linger *linger;
    struct gw_health *health;
    struct gw_registry *registry;
    struct gw_door *door;
    struct gw_forward_table forwards;
    struct gw_protocol *protocol; /* the newest */

    struct cx_random_pool random_pool;
    struct mux_shared shared;
    struct gw_area receive_area, send_area;
    struct gw_area staging_area; /* shared.staging; costs no memory before a connection is compressed */
    struct mux_event events[GW_EVENTS_A_FEED];

    /* Unauthenticated connections stand in a list of their own, of which a round serves a few: that is what bounds public-key
     * operations, each of which holds up everybody else for as long as hundreds of packets would. */
    struct gw_ready_list ready, ready_logins;
    struct gw_conn *conns;
    unsigned conn_count;
    struct gw_proxied *proxied, *proxied_marked; /* whose header is still to come */

    const uint8_t *delay_key;
    bool draining, stopping_hard; /* the latter once HardStopAfter has passed */
    bool intake_left, link_left;  /* a round took its share, and more waits */
    struct gw_timer hard_stop;
    unsigned index;
    int done_fd;
    pthread_t thread;
};

#endif
