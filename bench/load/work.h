/* SPDX-License-Identifier: MIT */
/* What a channel does, a table for each mode. All calls are the worker's. */
#ifndef LOAD_WORK_H
#define LOAD_WORK_H

#include "bench/load/conn.h"
#include "bench/load/settings.h"

struct load_work {
    /* Channels come up before the work begins. False: opening them is the work. */
    bool opens_first;
    /* The channel is there and work has begun, or may begin now: called once for each time that it was opened. Of a mode that does
     * not open first: the channel is down, and its connection up. */
    void (*begin)(struct load_channel *ch);
    /* Not opens_first: it was opened. */
    void (*opened)(struct load_channel *ch);
    /* Bytes came; they are credited behind this. */
    void (*data)(struct load_channel *ch, struct cx_view data);
    /* As mux_source.pull. */
    size_t (*pull)(struct load_channel *ch, const struct iovec *iov, int iov_count, enum mux_pull *more);
    /* An open loop's turn is due. NULL: there are none. */
    void (*turn)(struct load_channel *ch);
    /* Its own close was answered. NULL: it never closes. */
    void (*closed)(struct load_channel *ch);
    /* It was not opened. NULL: it is asked for again after a while. */
    void (*refused)(struct load_channel *ch);
};

extern const struct load_work *const load_works[LOAD_MODE_COUNT];

#endif
