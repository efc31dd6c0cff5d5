/* SPDX-License-Identifier: MIT */
/* What stands at the far end of a tunnel, behind one table of calls: a TCP connection, a Unix socket, a service built in, or
 * another tunnel. A consumer belongs to one tunnel and one worker; it never sees the SSH side.
 *
 * It starts as CONNECTING or OPEN. wake() tells the owner that progress() would change something; between two calls of progress
 * the state moves to OPEN or FAILED only within progress, and to BROKEN only within progress, write and pull. */
#ifndef GW_CONSUMER_H
#define GW_CONSUMER_H

#include "gateway/consumers/bytes.h"
#include "gateway/consumers/linger.h"
#include "gateway/net/dns.h"
#include "mux/session.h"

struct gw_consumer;

enum gw_consumer_state {
    GW_CONSUMER_CONNECTING,
    GW_CONSUMER_OPEN,
    GW_CONSUMER_FAILED, /* could not be connected: failure, why */
    GW_CONSUMER_BROKEN, /* was open and is lost: neither reads nor writes any more; why */
};

enum gw_consumer_failure { GW_FAILURE_CONNECT, GW_FAILURE_PROHIBITED, GW_FAILURE_RESOURCE };

struct gw_consumer_ops {
    bool keeps_bytes; /* what waits in its inbox goes to another process: worth waiting for when the client has closed */
    /* Goes on with what became possible: the connect, and readable. */
    void (*progress)(struct gw_consumer *c);
    /* Bytes for it: how many were taken. Fewer than all: call again after a wake. -1: it takes no more for ever; it may still be
     * read. What is not taken the owner keeps in the
     * inbox, where pull may find it (echo). */
    ssize_t (*write)(struct gw_consumer *c, const struct iovec *iov, int iov_count);
    /* As mux_source.pull. What it takes out of the inbox is added to `drained`. */
    size_t (*pull)(struct gw_consumer *c, const struct iovec *iov, int iov_count, enum mux_pull *more);
    /* No more bytes will be written; the inbox is empty. */
    void (*shutdown_write)(struct gw_consumer *c);
    /* Ends and frees it. graceful: the inbox still reaches the other end where it can, and no reset overtakes it. */
    void (*close)(struct gw_consumer *c, bool graceful);
    /* Of a tunnel that the gateway opened: the client has confirmed it. NULL: there is nobody to be told. */
    void (*confirmed)(struct gw_consumer *c);
    /* That it is connected to. NULL: none. */
    struct gw_addr (*address)(const struct gw_consumer *c);
    /* What write has taken is credited when it comes back as `drained`, not before. */
    bool credits_later;
};

struct gw_consumer {
    const struct gw_consumer_ops *ops;
    void (*wake)(struct gw_consumer *c); /* the owner's: only marks */
    void *owner;
    struct gw_bytes inbox; /* bytes that it has not taken; its owner appends, and clears when the consumer takes no more */
    const char *why;       /* of FAILED and BROKEN: a static string for logs */
    uint32_t drained;      /* taken out of the inbox by pull, or passed on since (credits_later): the owner reads and zeroes it */
    uint32_t lost;         /* credits_later: taken by write, and passed on by nobody any more; the same. A window bounds both */
    enum gw_consumer_state state : 8;
    enum gw_consumer_failure failure : 8;
    bool readable : 1;    /* pull would bring something: bytes, or the end */
    bool far_closed : 1;  /* nothing that is written will be read; what came before may still stand to be read */
    bool input_ended : 1; /* shutdown_write was called: of those built in */
    bool read_ended : 1;  /* of a stream: its end was read */
    bool has_written : 1; /* of a stream: bytes were sent to it */
    uint8_t next_byte;    /* builtin:source */
};

/* family 0: none. */
static inline struct gw_addr gw_consumer_address(const struct gw_consumer *c)
{
    return c->ops->address ? c->ops->address(c) : (struct gw_addr){ 0 };
}

/* The owner's part, set before a consumer starts. */
struct gw_consumer_owner {
    void (*wake)(struct gw_consumer *c);
    void *owner;
};

/* What a service is told in front of the tunnel's bytes, as soon as it is connected. Returns how much; at most the room. */
typedef size_t gw_preface(void *owner, struct cx_span room);

struct gw_tcp_setup {
    struct gw_dns *dns;
    struct gw_linger *linger; /* in whose loop it lives */
    const char *host;         /* a name or a literal, copied where needed */
    uint16_t port;
    uint64_t timeout_ns; /* name lookup and all addresses together; 0: none */
    /* Judges each address before it is connected, while CONNECTING; NULL: all may be. */
    bool (*permits)(void *owner, const struct gw_addr *address);
    gw_preface *preface; /* NULL: none */
};

struct gw_unix_setup {
    struct gw_linger *linger; /* in whose loop it lives */
    const char *path;
    uint64_t timeout_ns; /* 0: none */
    gw_preface *preface; /* NULL: none */
};

/* NULL: out of memory. Each starts at once. */
struct gw_consumer *gw_tcp_new(struct gw_consumer_owner o, const struct gw_tcp_setup *setup);
/* Whether fd is one of the last that there are, which are left to accept(2), logs and DNS. */
bool gw_stream_is_reserved(int fd);
/* A socket of a stream, that is not reserved. -1: errno. */
int gw_stream_socket(int family);
/* A connection that was accepted, OPEN, whose owner is to be set before the loop goes on: fd passes unless NULL is returned. */
struct gw_consumer *gw_tcp_accepted(struct gw_linger *linger, int fd, const struct gw_addr *peer);
struct gw_consumer *gw_unix_accepted(struct gw_linger *linger, int fd);
struct gw_consumer *gw_unix_new(struct gw_consumer_owner o, const struct gw_unix_setup *setup);
struct gw_consumer *gw_echo_new(struct gw_consumer_owner o);
struct gw_consumer *gw_discard_new(struct gw_consumer_owner o);
struct gw_consumer *gw_source_new(struct gw_consumer_owner o);
/* queue, user: named on its page; cut at 64 bytes each. */
struct gw_consumer *gw_http_new(struct gw_consumer_owner o, const char *queue, const char *user);

#endif
