/* SPDX-License-Identifier: MIT */
/* Private to gateway/auth/: the options in front of a key in authorized_keys, checked in full before any of them counts. Any
 * thread. */
#ifndef GW_AUTH_OPTIONS_PRIV_H
#define GW_AUTH_OPTIONS_PRIV_H

#include "gateway/auth/authorized_keys.h"

enum { GW_COMPLAINT_MAX = 160 };

/* Views into the line; every value was checked. */
struct gw_line_options {
    bool has_user, has_from, has_expiry;
    struct cx_view user; /* "alice,bob" */
    struct cx_view from; /* "10.0.0.0/8,!10.1.2.3" */
    bool no_forwarding, permit_limited;
    bool no_touch_required, verify_required;
    uint64_t expiry_unix; /* UINT64_MAX: never */
    size_t permit_count;
    struct cx_view permits[GW_PERMIT_OPEN_MAX]; /* "host:port" */
    bool listen_limited;
    size_t listen_count;
    struct cx_view listens[GW_PERMIT_OPEN_MAX]; /* "host:port" or "port" */
};

/* Takes the options and the blank behind them off the front of *line. False: complaint says what is wrong. */
bool gw_line_options_take(struct cx_view *line, struct gw_line_options *out, char complaint[GW_COMPLAINT_MAX]);

/* NULL: the line admits this query's user from this address now; else why it does not, static. */
const char *gw_line_options_refuse(const struct gw_line_options *o, const struct gw_key_query *q);

/* What the connection is to keep of them; NULL: out of memory. */
struct gw_key_options *gw_line_options_grant(const struct gw_line_options *o);

#endif
