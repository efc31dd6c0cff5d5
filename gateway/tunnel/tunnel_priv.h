/* SPDX-License-Identifier: MIT */
/* A tunnel, as the rooms of gateway/tunnel share it: open.c (judged, granted, connected), outgoing.c (those
 * whose channel the gateway opens), flow.c (bytes, half-closes, the end),
 * record.c (log lines and audit records). The worker that owns the connection. */
#ifndef GW_TUNNEL_PRIV_H
#define GW_TUNNEL_PRIV_H

#include "gateway/consumers/consumer.h"
#include "gateway/queues/request.h"
#include "gateway/tunnel/tunnel.h"

/* Why a tunnel was refused: one row each in open.c's table. */
enum gw_refusal {
    GW_REFUSAL_DRAINING,
    GW_REFUSAL_SESSION,
    GW_REFUSAL_TYPE,
    GW_REFUSAL_MALFORMED,
    GW_REFUSAL_NO_QUEUE,
    GW_REFUSAL_NOT_ALLOWED,
    GW_REFUSAL_KEY_OPTIONS,
    GW_REFUSAL_USER_LIMIT,
    GW_REFUSAL_CONNECTION_LIMIT,
    GW_REFUSAL_MEMORY,
    GW_REFUSAL_QUEUE_FULL,
    GW_REFUSAL_TIMED_OUT,
    GW_REFUSAL_NO_CONSUMER,
    GW_REFUSAL_CONNECT,
    GW_REFUSAL_ADDRESS,
    GW_REFUSAL_SHORTAGE,
    GW_REFUSAL_COUNT
};

/* What a tunnel has only while it begins or ends, so that an idle one does not carry it. One that the gateway opens keeps it, and
 * so does one whose request outlives the connect. */
struct gw_tunnel_ends {
    struct gw_tunnel *tunnel;
    struct gw_queue *queue;             /* that it asks, or that it was asked by; NULL: none was found */
    struct gw_request *request;         /* NULL: it never came to a queue, or is served and gone */
    struct gw_destination *destination; /* of the member that was granted last, held; NULL: none */
    struct gw_addr resolved;            /* that was tried last; family 0: none */
    enum gw_refusal failure;            /* why the consumer that was tried last could not be connected */
    const char *why;                    /* what that consumer said, for the log */
    struct gw_timer patience;           /* set while a client that has closed waits for its last bytes to be taken, and while one
                                         * has not answered that was asked to open the channel */
};

struct gw_tunnel {
    struct gw_tunnel *next_marked; /* of the connection */
    struct gw_conn *conn;          /* finds it by its channel's pointer, or as marked */
    struct gw_consumer *consumer;  /* NULL: none was made, or it failed */
    struct gw_member *member;      /* a slot of it and of its queue is held; NULL: none, or by ends->request */
    struct gw_tunnel_ends *ends;   /* NULL: it neither begins nor ends */

    uint64_t began_us; /* wall time */
    uint64_t bytes_up, bytes_down;
    uint32_t channel, number, port;

    bool is_marked : 1;
    bool is_counted : 1; /* as one of its user's channels */
    bool is_path : 1;    /* host is the path of a socket */
    bool outgoing : 1;   /* the gateway opens the channel */
    bool accepted : 1;
    bool answered : 1;      /* the queue's answer is to be looked at */
    bool client_ended : 1;  /* its EOF came */
    bool client_closed : 1; /* its CLOSE came */
    bool up_done : 1;       /* the consumer was told of the end, or takes no more */
    bool down_done : 1;     /* the consumer's end went to the client */
    bool expired : 1;       /* patience is over */
    bool out_of_memory : 1;

    uint8_t host_len;
    char host[]; /* as requested, raw, with a NUL behind */
};

_Static_assert(offsetof(struct gw_tunnel, host) + sizeof "0123456789abcdef" <= 96, "an idle tunnel to a usual name is that small");

struct gw_refusal_row {
    enum mux_open_reason reason;
    const char *text;     /* what the client is told */
    const char *detailed; /* the same with QueueErrors detailed */
    const char *truth;    /* for log and audit */
};
const struct gw_refusal_row *gw_tunnel_refusal(enum gw_refusal r);

/* ---- open.c ---- */

/* Goes on with the request. True: the consumer is connected, and the channel accepted. False: it waits, or t is gone. */
bool gw_tunnel_connect(struct gw_tunnel *t);

/* Of c, with nothing but what is given here and its ends. channel UINT32_MAX: not known yet. NULL: out of memory. */
struct gw_tunnel *gw_tunnel_new(struct gw_conn *c, uint32_t channel, struct cx_view host, uint32_t port);

/* Counts it as one of its user's channels, which are at most limit. */
bool gw_tunnel_count(struct gw_tunnel *t, unsigned limit);

/* ---- outgoing.c ---- */

struct gw_outgoing_setup {
    const char *type;
    struct cx_view data; /* of CHANNEL_OPEN */
    struct gw_consumer *consumer;
    bool is_path; /* for logs, as host and port */
    struct cx_view host;
    uint32_t port;
    struct gw_queue *queue;             /* NULL: none */
    struct gw_destination *destination; /* the member; NULL: none */
    bool counts;                        /* as one of its user's channels */
    uint64_t timeout_ns;                /* for the client to answer */
};

/* Asks c's client for a channel to the consumer. False: it cannot be asked; the consumer, with its why, stays the caller's. */
bool gw_outgoing_open(struct gw_conn *c, const struct gw_outgoing_setup *setup);
/* The client has not confirmed yet. May free t. */
void gw_outgoing_wait(struct gw_tunnel *t);
/* It never will: t is gone. */
void gw_outgoing_give_up(struct gw_tunnel *t, const char *reason);

/* ---- gateway/forward ---- */

/* A consumer that is a member's tunnel: t was granted a member of that kind. NULL: out of memory. */
struct gw_consumer *gw_forward_dial(struct gw_tunnel *t, struct gw_consumer_owner owner);

/* ---- flow.c ---- */

/* t->expired is set then; at once where there is no memory to wait. */
void gw_tunnel_set_patience(struct gw_tunnel *t, uint64_t at_ns);

/* NULL: it has none. */
struct gw_queue *gw_tunnel_queue(const struct gw_tunnel *t);
/* What it does not need any more, once it is connected. */
void gw_tunnel_free_ends(struct gw_tunnel *t);
/* Puts t among those that gw_tunnel_serve_marked serves next. */
void gw_tunnel_mark(struct gw_tunnel *t);
/* A PROXY header for the service: whose tunnel it is (gw_preface). */
size_t gw_tunnel_preface(void *tunnel, struct cx_span room);
void gw_tunnel_on_wake(struct gw_consumer *c);
/* Serves t; may free it. */
void gw_tunnel_serve(struct gw_tunnel *t);
/* Ends the consumer, unlinks, gives back and frees. The channel is the caller's to release. */
void gw_tunnel_free(struct gw_tunnel *t, bool graceful);

/* ---- record.c ---- */

uint64_t gw_tunnel_wall_us(void);
void gw_tunnel_log_open(const struct gw_tunnel *t);
void gw_tunnel_log_failed(const struct gw_tunnel *t); /* one member could not be connected */
/* A tunnel that was accepted has ended. */
void gw_tunnel_record_end(const struct gw_tunnel *t, const char *reason);
void gw_tunnel_record_refusal(const struct gw_tunnel *t, const char *reason);
/* Text of an audit record; out of its inputs alone. Returns its length; it always fits. */
enum { GW_TUNNEL_RECORD_MAX = 6144 };
size_t gw_tunnel_record_text(const struct gw_tunnel *t, const struct gw_identity *who, const char *event, const char *reason,
                             uint64_t ended_us, char out[GW_TUNNEL_RECORD_MAX]);

#endif
