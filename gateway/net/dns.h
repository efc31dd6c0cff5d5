/* SPDX-License-Identifier: MIT */
/* Names to addresses, asynchronously (c-ares): one a worker, its sockets and timer in the worker's loop. One thread.
 * No search domains: a name means the same wherever the gateway stands. */
#ifndef GW_DNS_H
#define GW_DNS_H

#include "gateway/engine/loop.h"
#include "gateway/net/addr.h"

enum {
    GW_DNS_ADDRESSES_MAX = 16, /* of one name and family; more are left out */
    GW_DNS_RENEW_SECONDS = 30,
    GW_DNS_LOOKUPS_MAX = 2048, /* in flight, those that were cancelled included */
};

struct gw_dns;
struct gw_dns_lookup;

enum { GW_DNS_V6, GW_DNS_V4, GW_DNS_FAMILIES };

struct gw_dns_answer {
    bool is_there;
    struct gw_addr addresses[GW_DNS_ADDRESSES_MAX]; /* with the port, in the order to try (RFC 6724) */
    size_t count;                                   /* 0: error says why */
    const char *error;                              /* a static string for logs */
    bool out_of_room;                               /* it failed for want of descriptors or memory, or for too many lookups */
};

/* The caller's, kept in place from resolve to the last answer or cancel. */
struct gw_dns_query {
    /* Set by the caller. Called for each answer that has come, maybe within gw_dns_resolve, unless cancelled before. */
    void (*answered)(struct gw_dns_query *q);
    struct gw_dns_answer answer[GW_DNS_FAMILIES];
    struct gw_dns_lookup *lookup[GW_DNS_FAMILIES]; /* dns.c's own; NULL: not in flight */
};

/* servers: "127.0.0.1:5353,…" or NULL for the system's. NULL: out of memory, or no resolver could be made. */
struct gw_dns *gw_dns_new(struct gw_loop *loop, const char *servers);
/* Reads the system's resolver configuration anew and takes other source ports. Does nothing while a lookup is in flight. It happens
 * by itself before a lookup when the last time is GW_DNS_RENEW_SECONDS ago. */
void gw_dns_renew(struct gw_dns *d);
/* Every query in flight is answered with an error first. NULL is fine. Before gw_loop_free. */
void gw_dns_free(struct gw_dns *d);
/* Asks for both families at once, unless the hosts file has the name: then what it says is all there is. name: at most 253 bytes of
 * letters, digits, '-', '_' and '.', one trailing dot allowed; others fail. It is copied. */
void gw_dns_resolve(struct gw_dns *d, struct gw_dns_query *q, const char *name, uint16_t port);
/* answered is not called any more. Nothing happens where none is in flight. */
void gw_dns_cancel(struct gw_dns_query *q);

#endif
