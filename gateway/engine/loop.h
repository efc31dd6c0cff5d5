/* SPDX-License-Identifier: MIT */
/* A worker's event loop: descriptors, readiness, timers, and the marks of who is to be served this round.
 * Each descriptor is registered once, edge-triggered, for reading and writing (or as a reader, see below); readiness is a bit in
 * its watch, set here and cleared by whoever met EAGAIN (or a short read). One thread. */
#ifndef GW_LOOP_H
#define GW_LOOP_H

#include <stdbool.h>
#include <stdint.h>

enum {
    GW_READABLE = 1,
    GW_WRITABLE = 2,
    GW_HUNG_UP = 4, /* the peer closed its side, or an error stands: read until the end */
};

struct gw_watch {
    int fd;
    uint8_t ready;       /* GW_READABLE | … */
    bool waits_to_write; /* the loop's own */
    /* Pass 1 of a round: bits were added to ready. Only marks what is to be served; reads and writes nothing. */
    void (*on_ready)(struct gw_watch *w);
};

struct gw_loop; /* opaque */

struct gw_loop *gw_loop_new(void); /* NULL: errno */
void gw_loop_free(struct gw_loop *loop);
/* Monotonic time as of the start of this round. */
uint64_t gw_loop_now_ns(const struct gw_loop *loop);
/* w->fd and w->on_ready are set, w->ready is cleared here. False: errno. */
bool gw_loop_add(struct gw_loop *loop, struct gw_watch *w);
/* For descriptors that are hardly ever full, and whose other end wakes us as a writer each time it reads: Unix sockets between our
 * own processes, eventfds. GW_WRITABLE is set from the start. */
bool gw_loop_add_reader(struct gw_loop *loop, struct gw_watch *w);
/* Of a reader that met EAGAIN in writing: clears GW_WRITABLE, and on_ready comes once it may be written again. */
void gw_loop_await_writing(struct gw_loop *loop, struct gw_watch *w);
/* Before w->fd is closed. No callback for w comes after this, not even of events already fetched. */
void gw_loop_remove(struct gw_loop *loop, struct gw_watch *w);
/* remove, and closes the descriptor, of which no other process or number exists: one call of the kernel fewer. */
void gw_loop_close(struct gw_loop *loop, struct gw_watch *w);
/* to, whose on_ready is set, takes the descriptor over, with the readiness that is known of it; what comes is reported there. from
 * is in no loop any more. */
void gw_loop_move(struct gw_loop *loop, struct gw_watch *from, struct gw_watch *to);
/* idle is called once nothing has happened for a second, before a wait that goes on; once until something happens again. */
void gw_loop_on_idle(struct gw_loop *loop, void (*idle)(void));
/* Waits until something is ready or a timer is due (not at all if !may_wait), calls on_ready for each, then fires timers. */
void gw_loop_round(struct gw_loop *loop, bool may_wait);

/* ---- timers: timer.c; intrusive, so that nothing is allocated and setting cannot fail; resolution 1 ms, never early ---- */

struct gw_timer {
    void (*fire)(struct gw_timer *t, uint64_t now_ns);
    uint64_t at_ns;                       /* 0: not set */
    struct gw_timer *child, *next, *back; /* the loop's own */
};

/* Sets or moves. t->fire must be set. A time that is past fires in the next round. */
void gw_timer_set(struct gw_loop *loop, struct gw_timer *t, uint64_t at_ns);
/* Also right when it is not set. Legal inside fire, which finds its own timer not set. */
void gw_timer_cancel(struct gw_loop *loop, struct gw_timer *t);

#endif
