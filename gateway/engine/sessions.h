/* SPDX-License-Identifier: MIT */
/* A worker's connections as operators see them. The owning worker alone: others ask it by mail. */
#ifndef GW_SESSIONS_H
#define GW_SESSIONS_H

#include "gateway/engine/conn.h"

struct gw_session_row {
    char id[GW_CONN_ID_TEXT];
    char user[GW_USER_MAX + 1]; /* empty: not authenticated yet */
    bool proves_name;           /* the key proved that name; if not, it is what the client says */
    struct gw_addr peer;
    uint64_t age_ns;
    uint64_t bytes_in, bytes_out; /* on the wire */
    unsigned channels, worker;
};

/* Up to `room` of them; *all: how many there are. */
size_t gw_sessions_list(const struct gw_worker *w, struct gw_session_row *rows, size_t room, size_t *all);
/* Disconnects those whose id begins with that, saying so to the client. Returns how many. */
unsigned gw_sessions_end(struct gw_worker *w, const char *id);

#endif
