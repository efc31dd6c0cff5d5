/* SPDX-License-Identifier: MIT */
/* Tunnels without a process around them: a client session and a server session in memory, a connection and a worker that are
 * nothing but what gateway/engine/conn.h promises, and a real loop with real backends behind it. */
#ifndef TUNNEL_WORLD_H
#define TUNNEL_WORLD_H

#include "gateway/consumers/linger.h"
#include "gateway/net/dns.h"
#include "gateway/queues/stats.h"
#include "gateway/tunnel/tunnel.h"
#include "pair.h"

enum { WORLD_CHANNELS = 64, WORLD_AUDITS = 64, WORLD_AUDIT_MAX = 8192 };

/* A channel as the client sees it. */
struct world_channel {
    uint32_t id;
    bool opened, refused, eof, closed, released;
    uint32_t reason;
    char text[128]; /* why it was refused; or the type of what the gateway opened, and the data of its CHANNEL_OPEN */
    uint8_t asked[512];
    size_t asked_len;
    const uint8_t *send;
    size_t send_len, sent;
    bool eof_after, close_after;
    uint8_t *received;
    size_t received_len, received_room;
    bool hold; /* the client takes nothing: its window is not credited */
    size_t held;
};

struct world {
    struct pair *pair;
    struct gw_conn *conn;
    struct gw_worker *worker;
    struct world_channel channel[WORLD_CHANNELS];
    size_t channels;
    enum mux_err open_error; /* what gw_tunnel_open returned last */
    char audit[WORLD_AUDITS][WORLD_AUDIT_MAX];
    size_t audits;
    bool draining, keeps_no_audit;
    bool refuses; /* the client refuses what the gateway opens; else it accepts, and a channel more is in the list */
    unsigned refused;
};

/* queues: "Queue …" blocks, or what else belongs into the configuration. The client is alice. */
struct world *world_new(const char *queues);
void world_free(struct world *w);
/* A reload. */
void world_reconfigure(struct world *w, const char *queues);
struct gw_identity *world_identity(struct world *w);
struct gw_loop *world_loop(struct world *w);
struct gw_registry *world_registry(struct world *w);
struct world_channel *world_open(struct world *w, const char *host, uint32_t port);
struct world_channel *world_open_raw(struct world *w, const char *type, struct cx_view data);
/* bytes must live on. */
void world_send(struct world *w, struct world_channel *ch, const void *bytes, size_t len, bool eof_after);
/* One round. True: bytes moved between the two sides. */
bool world_step(struct world *w);
/* Runs until *flag, at most 10 seconds. */
bool world_until(struct world *w, const bool *flag);
bool world_until_received(struct world *w, const struct world_channel *ch, size_t len);
/* Runs for a while. */
void world_run(struct world *w, unsigned milliseconds);
/* Bytes that wait for the consumers of all tunnels. */
size_t world_parked(struct world *w);
/* The record of that number is there, and holds part. */
bool world_audit_has(const struct world *w, size_t i, const char *part);

#endif
