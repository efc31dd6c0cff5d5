/* SPDX-License-Identifier: MIT */
/* The session id of each connection that an engine serves: the hash of its first key exchange, as the monitor computed it. What is
 * signed in a session's name is made of these, never of what the engine says of a session. One thread. */
#ifndef GW_SESSION_IDS_H
#define GW_SESSION_IDS_H

#include "crypto/hash.h"
#include "gateway/monitor/ipc.h"

enum { GW_SESSION_IDS_MAX = 64 * 1024 }; /* about 10 MiB, if there are so many connections */

struct gw_session_id {
    char connection[GW_IPC_CONNECTION_BYTES];
    uint8_t len;
    uint8_t bytes[CX_HASH_MAX_BYTES];
    uint8_t proven; /* a bit for each host key that was proven to it */
    struct gw_session_id *older, *newer;
};

/* Zero at first. */
struct gw_session_ids {
    void *tree; /* by connection */
    struct gw_session_id *oldest, *newest;
    size_t count;
};

/* NULL: unknown, or forgotten. */
struct gw_session_id *gw_session_ids_find(const struct gw_session_ids *ids, const char connection[GW_IPC_CONNECTION_BYTES]);
/* Of a connection that is unknown. Where GW_SESSION_IDS_MAX are known the oldest is forgotten for it: proofs are asked for right
 * behind a login. Without memory it is not remembered, and gets no proofs. hash: at most CX_HASH_MAX_BYTES. */
void gw_session_ids_add(struct gw_session_ids *ids, const char connection[GW_IPC_CONNECTION_BYTES], struct cx_view hash);
/* An unknown one is fine. */
void gw_session_ids_forget(struct gw_session_ids *ids, const char connection[GW_IPC_CONNECTION_BYTES]);
void gw_session_ids_clear(struct gw_session_ids *ids);

#endif
