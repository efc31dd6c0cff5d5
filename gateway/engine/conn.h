/* SPDX-License-Identifier: MIT */
/* A client connection inside its worker: the socket, its session, and who the client has proved to be.
 * This is what tunnels and consumers see of it; the pipeline itself is conn.c's. All calls: the owning worker only. */
#ifndef GW_CONN_H
#define GW_CONN_H

#include "gateway/auth/authorized_keys.h"
#include "gateway/config/config.h"
#include "gateway/engine/loop.h"
#include "gateway/net/addr.h"
#include "mux/session.h"

enum { GW_CONN_ID_TEXT = 33, GW_USER_MAX = 64 };

struct gw_worker;
struct gw_conn;

struct gw_identity {
    char id[GW_CONN_ID_TEXT];   /* 128 random bits in hex, never reused: in every log line and audit record */
    char user[GW_USER_MAX + 1]; /* empty until authenticated */
    bool proves_name;           /* the key proved this name (design section 7: %u, or user=) */
    char fingerprint[CX_FINGERPRINT_TEXT];
    struct gw_addr peer;                  /* the client's address and port: what a trusted proxy said, or the socket's */
    struct gw_addr proxy;                 /* the socket's, where a trusted proxy has handed the connection on; family 0: none has */
    const struct gw_key_options *options; /* of the key's line: permitopen and so on; NULL: none */
};

const struct gw_identity *gw_conn_identity(const struct gw_conn *c);
/* Where the socket was accepted. False: it cannot be told any more. */
bool gw_conn_local(const struct gw_conn *c, struct gw_addr *out);
struct mux_session *gw_conn_session(const struct gw_conn *c);
struct gw_worker *gw_conn_worker(const struct gw_conn *c);
/* Has the connection served in pass 2 of this round (or of the next one, when called outside of a round's pass 1). */
void gw_conn_mark(struct gw_conn *c);
/* System calls were made for what the client has sent, each about as dear as a small write: they bound its turn. */
void gw_conn_spend(struct gw_conn *c, unsigned calls);
/* Owes a DISCONNECT and ends. The line for the log is the caller's. text: a static string. */
void gw_conn_disconnect(struct gw_conn *c, enum mux_err err, const char *text);

/* ---- the worker, as far as tunnels need it ---- */

struct gw_loop *gw_worker_loop(struct gw_worker *w);
/* The newest snapshot that this worker switched to. Borrowed until the next round: hold it (gw_config_hold) to keep it. */
const struct gw_config *gw_worker_config(const struct gw_worker *w);
struct gw_dns *gw_worker_dns(struct gw_worker *w);
struct gw_registry *gw_worker_registry(struct gw_worker *w); /* queues by name: one for the process, see queues/registry.h */
struct gw_linger *gw_worker_linger(struct gw_worker *w);     /* backends that are being finished: see consumers/linger.h */
/* New channels are refused: the gateway is being stopped. */
bool gw_worker_draining(const struct gw_worker *w);
/* Whether audit records are kept at all: where they are not, none need be written. */
bool gw_worker_keeps_audit(const struct gw_worker *w);
/* One JSON audit record without newline, to the monitor. */
void gw_worker_audit(struct gw_worker *w, const char *json);
unsigned gw_worker_index(const struct gw_worker *w);

#endif
