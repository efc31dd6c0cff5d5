/* SPDX-License-Identifier: MIT */
/* What a queue and its members look like now, for operators. Any thread. Each number is read by itself. */
#ifndef GW_STATS_H
#define GW_STATS_H

#include "gateway/queues/request.h"

/* The worker that owns what moves in the queue. */
unsigned gw_queue_home(const struct gw_queue *q);

struct gw_queue_stats {
    bool is_named;          /* by the configuration that is in force; if not, only requests that it had may be left */
    unsigned active, limit; /* UINT_MAX: none */
    unsigned waiting;
    uint64_t served, failed; /* failed: refused after members could not be connected */
    uint64_t refused[GW_ANSWER_COUNT];
    uint64_t queue_time_p50_us, queue_time_p99_us; /* of all that were granted, within an eighth; 0: at once */
};
void gw_queue_stats(const struct gw_queue *q, struct gw_queue_stats *out);

enum gw_member_state { GW_MEMBER_UP, GW_MEMBER_DOWN, GW_MEMBER_DRAINING, GW_MEMBER_LEAVING /* gone, with tunnels left */ };

struct gw_member_stats {
    char text[320]; /* cut */
    enum gw_target_kind kind;
    enum gw_member_state state;
    bool backup;
    bool marked;             /* several connects in a row have failed: the last choice for a while */
    const char *down_reason; /* of GW_MEMBER_DOWN, a static string; NULL: none */
    unsigned active, limit;
    unsigned weight, whole_weight; /* in parts of GW_WEIGHT_ONE; less than the whole: it came back and starts slowly */
    uint64_t served, failed;
};
/* Up to `room` members, from the index *at on, which moves behind the last; 0: no more. now_ns: monotonic. */
size_t gw_queue_members(struct gw_queue *q, uint64_t now_ns, size_t *at, struct gw_member_stats *out, size_t room);

#endif
