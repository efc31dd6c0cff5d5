/* SPDX-License-Identifier: MIT */
/* Connections to backends whose tunnel is over: writes what the client had sent, shuts the writing side, and reads until the
 * backend has ended too, so that no reset overtakes the last bytes. One a worker, used by its thread alone.
 * Bounded in number, time and bytes: what is over the bounds is closed at once. What a round moves is bounded too. */
#ifndef GW_LINGER_H
#define GW_LINGER_H

#include "gateway/consumers/bytes.h"
#include "gateway/engine/loop.h"

enum {
    GW_LINGER_MAX = 1024,                    /* backends at a time */
    GW_LINGER_BYTES_MAX = 64 * 1024 * 1024,  /* unwritten bytes of all of them */
    GW_LINGER_DISCARD_MAX = 4 * 1024 * 1024, /* what one backend may still send */
    GW_LINGER_ROUND_BYTES = 1024 * 1024, /* moved in a round of the loop, or a backend's portion more: others have theirs next */
};

struct gw_linger;

/* loop: borrowed. NULL: out of memory. */
struct gw_linger *gw_linger_new(struct gw_loop *loop);
/* Closes what is left. NULL is fine. Before gw_loop_free. */
void gw_linger_free(struct gw_linger *l);
/* That it was made with. */
struct gw_loop *gw_linger_loop(const struct gw_linger *l);
/* Bytes that some backend has yet to take. */
size_t gw_linger_unwritten(const struct gw_linger *l);
/* Takes over w's descriptor, which is in the loop, and the bytes that are to be written to it. */
void gw_linger_take(struct gw_linger *l, struct gw_watch *w, struct gw_bytes *unwritten);

#endif
