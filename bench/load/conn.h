/* SPDX-License-Identifier: MIT */
/* One connection of the load generator, and its channels. It belongs to its worker's thread for life; what fails is counted and
 * comes back after a while. */
#ifndef LOAD_CONN_H
#define LOAD_CONN_H

#include "bench/load/fault.h"
#include "gateway/engine/loop.h"
#include "mux/session.h"

struct load_worker;
struct load_conn;

enum load_channel_state {
    LOAD_CHANNEL_DOWN, /* not asked for, refused, or closed */
    LOAD_CHANNEL_OPENING,
    LOAD_CHANNEL_OPEN,
    LOAD_CHANNEL_CLOSING, /* our CLOSE is owed or sent */
};

/* Of what work it has to do each kind of work knows its own part: bench/load/work.h. */
struct load_channel {
    struct load_conn *conn;
    uint64_t start_ns;       /* what a latency counts from */
    uint64_t turn;           /* open loop: the next of its turns */
    uint32_t id;             /* unless DOWN */
    uint32_t due;            /* open loop: turns that are due and not begun */
    uint32_t left, expected; /* bytes of the message at hand: not sent yet, not back yet */
    uint32_t up_at, down_at; /* places in the pattern */
    enum load_channel_state state;
};

enum load_conn_phase {
    LOAD_CONN_AWAY, /* no socket: in the line for connecting, or waiting for another try */
    LOAD_CONN_CONNECTING,
    LOAD_CONN_LOGIN,
    LOAD_CONN_UP,
    LOAD_CONN_LEAVING, /* says goodbye; then the next one takes its place */
    LOAD_CONN_FAILED,  /* until the end of its turn */
};

/* Bytes that are kept between rounds: part of a packet, or what the socket did not take. */
struct load_kept {
    uint8_t *bytes;
    size_t start, len, room;
};

struct load_conn {
    struct gw_watch watch;
    struct gw_timer timer; /* the nearest of what it waits for */
    struct load_worker *worker;
    struct mux_session *session;
    struct load_channel *channels; /* settings->channels of them */
    struct load_conn *next;        /* in one of the worker's lists */
    struct load_kept in, out;
    uint64_t start_ns;                         /* of connecting */
    uint64_t retry_ns, give_up_ns, read_at_ns; /* 0: not set */
    uint32_t send_room;
    uint32_t opened; /* channels */
    uint32_t index;  /* of all connections of the run */
    enum load_conn_phase phase;
    bool listed, slow, settled;
    bool settle_anyway; /* a channel was refused: nobody waits for it */
    bool was_cut;       /* by us: it comes back at once */
    bool held;          /* what is kept of input could be fed at once */
};

void load_conn_init(struct load_conn *c, struct load_worker *w, struct load_channel *channels, uint32_t index);
/* It is its turn to connect. */
void load_conn_connect(struct load_conn *c);
/* Pass 2 of a round. */
void load_conn_serve(struct load_conn *c);
/* Counts a fault; at the end of its turn the connection is closed, and comes back later. */
void load_conn_fail(struct load_conn *c, enum load_fault_kind kind, const char *text);
/* The connection ends as if its cable had been cut, if it is up. */
void load_conn_cut(struct load_conn *c);
/* Says goodbye. */
void load_conn_leave(struct load_conn *c);
/* The end of the run: a goodbye, if the socket takes it, and the end. */
void load_conn_stop(struct load_conn *c);

/* ---- conn_channel.c ---- */

/* Asks for a channel that is down. */
void load_channel_open(struct load_channel *ch);
void load_channel_close(struct load_channel *ch);
/* All that are down. */
void load_conn_open_all(struct load_conn *c);
void load_conn_on_channel_event(struct load_conn *c, const struct mux_event *e);

/* ---- conn_event.c ---- */

void load_conn_on_event(struct load_conn *c, const struct mux_event *e);

#endif
