/* SPDX-License-Identifier: MIT */
/* The worker as its connections and their work see it. */
#ifndef LOAD_WORKER_PRIV_H
#define LOAD_WORKER_PRIV_H

#include <pthread.h>

#include "bench/load/conn.h"
#include "bench/load/pace.h"
#include "bench/load/worker.h"
#include "gateway/engine/area.h"

enum {
    LOAD_RECEIVE_AREA_BYTES = MUX_PACKET_MAX + 64 * 1024, /* the longest packet behind what one recv brought */
    LOAD_SEND_AREA_BYTES = MUX_PRODUCE_BYTES,
    LOAD_EVENTS_A_FEED = 64,
};

/* First come, first served. */
struct load_list {
    struct load_conn *first, **end;
};

struct load_worker {
    const struct load_settings *settings;
    struct load_share share;
    const _Atomic unsigned *phase;
    bool working; /* behind LOAD_RAMP, and all channels have been told */

    struct gw_loop *loop;
    struct gw_watch wake, tick; /* an eventfd; a timerfd for the open loop, finer than the loop's own milliseconds */
    struct mux_shared shared;
    struct mux_window_budget budget;
    struct cx_random_pool random_pool;
    struct gw_area receive_area, send_area;
    struct mux_event events[LOAD_EVENTS_A_FEED];
    struct cx_private_key *key;
    const struct cx_sign_alg *sign_alg;
    struct cx_span open_data; /* what each direct-tcpip names */
    uint8_t open_room[512];

    struct load_conn *conns;         /* share.connections of them */
    struct load_channel *channels;   /* settings->channels of each, in the order of the connections */
    struct load_list ready, waiting; /* to be served; to be connected */
    unsigned logins;                 /* connections that are connecting, or not logged in yet */
    struct load_pace connect_pace;
    struct gw_timer connect_timer, cut_timer;
    struct load_pace echo_pace;
    const struct load_work *work;
    uint64_t now_ns; /* when the bytes came that are being looked at */

    struct load_tally tally;
    pthread_t thread;
    bool started;
};

uint64_t load_now_ns(void);
static inline unsigned load_phase_of(const struct load_worker *w)
{
    return atomic_load_explicit(w->phase, memory_order_relaxed);
}
static inline unsigned load_worker_channels(const struct load_worker *w)
{
    return w->share.connections * w->settings->channels;
}
/* To be served once more in this round or the next. */
void load_worker_mark(struct load_worker *w, struct load_conn *c);
/* To be connected when its turn comes. */
void load_worker_enqueue(struct load_worker *w, struct load_conn *c);
void load_worker_fault(struct load_worker *w, enum load_fault_kind kind, const char *text);
void load_worker_latency(struct load_worker *w, const struct load_conn *c, uint64_t ns);

#endif
