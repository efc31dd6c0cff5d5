/* SPDX-License-Identifier: MIT */
/* A connection, as the files of the pipeline share it: conn.c (life, deadlines, end), conn_read.c, conn_write.c, conn_event.c,
 * conn_prove.c, conn_log.c, authn.c. The owning worker alone. */
#ifndef GW_CONN_PRIV_H
#define GW_CONN_PRIV_H

#include <stdarg.h>

#include "gateway/engine/authn.h"
#include "gateway/engine/worker_priv.h"
#include "gateway/forward/forward.h"
#include "gateway/observe/log.h"
#include "gateway/tunnel/tunnel.h"

/* In this order, never back. */
enum gw_conn_phase {
    GW_CONN_OPEN,
    GW_CONN_ENDING,    /* the session is finished; what it owes, and what is parked, is still sent */
    GW_CONN_LINGERING, /* our side is shut; the peer is given a moment to read the reason, instead of a reset that discards it */
    GW_CONN_OVER,      /* to be freed when served */
};

/* Bytes that came and could not be used yet: malloc'd, none while empty. */
struct gw_held {
    uint8_t *bytes;
    size_t len, room;
    size_t need;   /* what the packet at its start needs; 0: unknown */
    bool feedable; /* there may be whole packets in it: the session was blocked, or the turn was over */
};

/* Sealed bytes that the socket did not take: malloc'd, none while empty. */
struct gw_parked {
    uint8_t *bytes;
    size_t len, sent;
};

struct gw_conn {
    struct gw_watch watch; /* first: the loop hands it back */
    struct gw_timer timer;
    enum gw_conn_phase phase;
    bool marked;   /* stands in a list of those to be served */
    bool admitted; /* its login succeeded */
    bool parts_ended;
    bool rejudge;               /* there is a newer snapshot than its tunnels and forwards were judged by, or a drain has begun */
    bool read_end;              /* the peer has shut its side */
    unsigned calls_in_turn;     /* gw_conn_spend */
    struct gw_conn *ready_next; /* in that list */
    struct gw_conn *next, **at; /* all of the worker */

    struct gw_worker *worker;
    struct gw_protocol *protocol; /* that it began under */
    struct mux_session *session;
    struct gw_held held;
    struct gw_parked parked;
    size_t send_room;    /* what the last sends let expect of the socket */
    size_t receive_room; /* what the last turns let expect to be used of a recv */

    uint64_t grace_at_ns; /* LoginGraceTime; UINT64_MAX: none, or past it */
    uint64_t began_ns;
    uint64_t bytes_in, bytes_out; /* on the wire */
    uint64_t heard_at_ns;         /* bytes came */
    uint64_t alive_from_ns;       /* the current keepalive interval began */
    unsigned alive_missed;        /* intervals without a byte */
    uint64_t linger_until_ns;
    size_t linger_discarded;
    int32_t startup;        /* GW_STARTUP_NONE once given back */
    const char *end_reason; /* for audit records of its tunnels; a static string */

    struct gw_sign *sign;     /* a signature that is under way */
    struct gw_proofs *proofs; /* proofs of host keys that are */
    bool signed_once;         /* the monitor knows of the connection */
    struct gw_authn *authn;   /* until authenticated; NULL before the first request */
    struct gw_identity identity;
    struct gw_key_options *options; /* identity.options, owned */
    struct gw_tunnel_list tunnels;
    struct gw_forward_list forwards;
};

/* ---- conn.c ---- */

struct gw_arrival {
    int fd;
    int32_t startup;      /* slot */
    struct gw_addr peer;  /* family 0: the socket's */
    struct gw_addr proxy; /* that handed it on; family 0: none */
    uint64_t since_ns;    /* LoginGraceTime runs from here on */
};

/* Takes the descriptor and the startup slot over. Where it cannot be served, both are given back at once. */
void gw_conn_accept(struct gw_worker *w, const struct gw_arrival *arrival);
/* Pass 2. May free c. */
void gw_conn_serve(struct gw_conn *c);
/* The session is finished: by its own error, or since the socket is useless. Logs why; a DISCONNECT that is owed still leaves. */
void gw_conn_end(struct gw_conn *c, enum mux_err err);
/* The socket is useless: nothing more is sent. Logs nothing. */
void gw_conn_abort(struct gw_conn *c, const char *reason);
/* The login is done: gives the startup slot back. */
void gw_conn_admit(struct gw_conn *c);

/* ---- conn_read.c, conn_write.c, conn_event.c, conn_prove.c ---- */

void gw_conn_read(struct gw_conn *c);
/* Acknowledges what was read, now. */
void gw_conn_acknowledge(const struct gw_conn *c);
/* Drops what is held. */
void gw_conn_forget_held(struct gw_conn *c);
/* Reads and discards while it lingers. */
void gw_conn_discard(struct gw_conn *c);
/* There is more to read or feed without waiting for anything. */
bool gw_conn_can_read(const struct gw_conn *c);
/* True: it was cut off by its budget, and the socket would take more. */
bool gw_conn_write(struct gw_conn *c);
void gw_conn_dispatch(struct gw_conn *c, const struct mux_event *ev, size_t count);
/* Gives a signature up that is under way. */
void gw_conn_cancel_sign(struct gw_conn *c);
/* MUX_EV_PROVE. */
void gw_conn_prove(struct gw_conn *c, const struct mux_event *ev);
/* Gives proofs up that are under way. */
void gw_conn_cancel_proofs(struct gw_conn *c);

/* ---- conn_log.c ---- */

enum { GW_CONN_WHO_TEXT = 600 };

/* "user alice 10.0.0.1 port 4711", "authenticating user …", "invalid user …", or the address alone, as sshd names a peer. */
const char *gw_conn_who(const struct gw_conn *c, char out[GW_CONN_WHO_TEXT]);
/* "10.0.0.1 port 4711" */
const char *gw_conn_peer_text(const struct gw_conn *c, char out[GW_ADDR_TEXT + 16]);
/* A line about this connection: " on conn=ID" follows, then " [preauth]" where sshd says so (preauth). In that form and order the
 * patterns of fail2ban's sshd filter match, which are anchored at the end and admit " on WORD" after a port. */
__attribute__((format(printf, 4, 5))) void gw_conn_log(const struct gw_conn *c, enum gw_log_level level, bool preauth,
                                                       const char *format, ...);
/* Why the session ended, in sshd's words. */
void gw_conn_log_end(const struct gw_conn *c, enum mux_err err);

#endif
