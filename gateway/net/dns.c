/* SPDX-License-Identifier: MIT */
/* c-ares inside the worker's loop. Its sockets are watched edge-triggered like all others, while c-ares reads a TCP socket only
 * once a call: a socket is therefore handed to it again as long as a peek finds bytes. All work is done when one timer fires,
 * which readiness sets to now: pass 1 of a round only marks.
 *
 * c-ares cannot cancel one query, so a lookup is an object of its own: cancelling cuts the caller off, and the object goes when
 * c-ares answers or gives up. That is why lookups in flight have a cap.
 *
 * Each family is a lookup of its own, so that a slow answer for one does not hold up the other (RFC 8305). The hosts file is looked
 * at first, for both together: a name that it has for one family must not come from the network for the other.
 *
 * c-ares reads resolv.conf once and keeps its UDP sockets, and with them their source ports, for as long as its channel lives. So
 * the channel is made anew now and then: a change of resolvers needs no restart, and who forges answers has to guess the port. */
#include "gateway/net/dns.h"

#include <ares.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/net/host.h"

enum { SOCKETS_MAX = 64, READS_MAX = 8, TIMEOUT_MS = 2000, TRIES = 3 };

struct dns_socket {
    struct gw_watch watch; /* fd -1: this place is free */
    struct gw_dns *dns;
    bool wants_read, wants_write;
};

struct gw_dns {
    struct gw_loop *loop;
    ares_channel channel; /* asks name servers alone */
    ares_channel files;   /* looks into the hosts file alone, and answers at once */
    char *servers;        /* NULL: the system's */
    uint64_t renewed_ns;
    struct gw_timer timer;
    unsigned in_flight;
    struct dns_socket sockets[SOCKETS_MAX];
};

struct gw_dns_lookup {
    struct gw_dns *dns;
    struct gw_dns_query *query; /* NULL: cancelled */
    int family;                 /* GW_DNS_V6, … */
    uint16_t port;
};

static void on_ready(struct gw_watch *w)
{
    struct gw_dns *d = ((struct dns_socket *)((char *)w - offsetof(struct dns_socket, watch)))->dns;
    gw_timer_set(d->loop, &d->timer, gw_loop_now_ns(d->loop));
}

static struct dns_socket *find_socket(struct gw_dns *d, int fd)
{
    for (size_t i = 0; i < SOCKETS_MAX; i++)
        if (d->sockets[i].watch.fd == fd)
            return &d->sockets[i];
    return NULL;
}

/* c-ares opened a socket, wants something else of it, or (neither) is about to close it. */
static void on_socket_state(void *ctx, ares_socket_t fd, int readable, int writable)
{
    struct gw_dns *d = ctx;
    struct dns_socket *s = find_socket(d, fd);
    if (!s) {
        s = readable || writable ? find_socket(d, -1) : NULL;
        if (!s)
            return; /* more sockets than places: what is asked there runs into its timeout */
        *s = (struct dns_socket){ .watch = { .fd = fd, .on_ready = on_ready }, .dns = d };
        if (!gw_loop_add(d->loop, &s->watch)) {
            s->watch.fd = -1;
            return;
        }
    }
    s->wants_read = readable;
    s->wants_write = writable;
    if (!readable && !writable) {
        gw_loop_remove(d->loop, &s->watch);
        s->watch.fd = -1;
    }
}

static bool has_bytes(int fd)
{
    char byte;
    return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0;
}

static void serve_socket(struct gw_dns *d, struct dns_socket *s)
{
    int fd = s->watch.fd;
    if (s->wants_write && (s->watch.ready & GW_WRITABLE)) {
        ares_process_fd(d->channel, ARES_SOCKET_BAD, fd);
        if (s->watch.fd == fd && s->wants_write)
            s->watch.ready &= (uint8_t)~GW_WRITABLE;
    }
    int reads = 0;
    while (s->watch.fd == fd && s->wants_read && (s->watch.ready & (GW_READABLE | GW_HUNG_UP))) {
        ares_process_fd(d->channel, fd, ARES_SOCKET_BAD);
        if (s->watch.fd == fd && !has_bytes(fd))
            s->watch.ready &= (uint8_t) ~(GW_READABLE | GW_HUNG_UP);
        if (++reads == READS_MAX)
            break;
    }
}

/* The nearest of c-ares's own timeouts, or soon, where a socket still has bytes. */
static void set_timer(struct gw_dns *d)
{
    uint64_t now_ns = gw_loop_now_ns(d->loop);
    for (size_t i = 0; i < SOCKETS_MAX; i++) {
        const struct dns_socket *s = &d->sockets[i];
        if (s->watch.fd >= 0 && ((s->wants_read && (s->watch.ready & (GW_READABLE | GW_HUNG_UP))) ||
                                 (s->wants_write && (s->watch.ready & GW_WRITABLE)))) {
            gw_timer_set(d->loop, &d->timer, now_ns + 1000 * 1000);
            return;
        }
    }
    struct timeval tv;
    if (ares_timeout(d->channel, NULL, &tv)) /* in whole milliseconds, rounded down */
        gw_timer_set(d->loop, &d->timer, now_ns + (uint64_t)tv.tv_sec * 1000000000u + ((uint64_t)tv.tv_usec + 1000) * 1000u);
    else
        gw_timer_cancel(d->loop, &d->timer);
}

static void on_timer(struct gw_timer *t, uint64_t now_ns)
{
    (void)now_ns;
    struct gw_dns *d = (struct gw_dns *)((char *)t - offsetof(struct gw_dns, timer));
    for (size_t i = 0; i < SOCKETS_MAX; i++)
        if (d->sockets[i].watch.fd >= 0)
            serve_socket(d, &d->sockets[i]);
    ares_process_fd(d->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD); /* timeouts */
    set_timer(d);
}

/* Into *channel. False: out of memory, or no resolver could be made. */
static bool open_channel(struct gw_dns *d, ares_channel *channel)
{
    struct ares_options o = { .flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES,
                              .timeout = TIMEOUT_MS,
                              .tries = TRIES,
                              .lookups = (char[]){ "b" },
                              .sock_state_cb = on_socket_state,
                              .sock_state_cb_data = d };
    int mask = ARES_OPT_FLAGS | ARES_OPT_LOOKUPS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;
    if (ares_init_options(channel, &o, mask) != ARES_SUCCESS)
        return false;
    if (d->servers && ares_set_servers_ports_csv(*channel, d->servers) != ARES_SUCCESS) {
        ares_destroy(*channel);
        return false;
    }
    d->renewed_ns = gw_loop_now_ns(d->loop);
    return true;
}

static bool open_files(struct gw_dns *d)
{
    struct ares_options o = { .lookups = (char[]){ "f" } };
    return ares_init_options(&d->files, &o, ARES_OPT_LOOKUPS) == ARES_SUCCESS;
}

struct gw_dns *gw_dns_new(struct gw_loop *loop, const char *servers)
{
    struct gw_dns *d = calloc(1, sizeof *d);
    if (!d)
        return NULL;
    d->loop = loop;
    d->timer.fire = on_timer;
    for (size_t i = 0; i < SOCKETS_MAX; i++)
        d->sockets[i].watch.fd = -1;
    d->servers = servers ? strdup(servers) : NULL;
    if ((!servers || d->servers) && open_files(d)) {
        if (open_channel(d, &d->channel))
            return d;
        ares_destroy(d->files);
    }
    free(d->servers);
    free(d);
    return NULL;
}

void gw_dns_renew(struct gw_dns *d)
{
    ares_channel fresh;
    if (d->in_flight > 0 || !open_channel(d, &fresh))
        return; /* the old one still serves */
    ares_destroy(d->channel);
    d->channel = fresh;
}

void gw_dns_free(struct gw_dns *d)
{
    if (!d)
        return;
    ares_destroy(d->channel);
    ares_destroy(d->files);
    gw_timer_cancel(d->loop, &d->timer);
    free(d->servers);
    free(d);
}

/* Those of the family. */
static void copy_addresses(struct gw_dns_answer *to, int family, const struct ares_addrinfo *found, uint16_t port)
{
    for (const struct ares_addrinfo_node *n = found->nodes; n && to->count < GW_DNS_ADDRESSES_MAX; n = n->ai_next) {
        struct gw_addr a;
        if (!gw_addr_from_sockaddr(&a, n->ai_addr) || (n->ai_family == AF_INET6) != (family == GW_DNS_V6))
            continue;
        a.port = port;
        bool known = false;
        for (size_t i = 0; i < to->count; i++)
            known |= gw_addr_equal(&to->addresses[i], &a);
        if (!known)
            to->addresses[to->count++] = a;
    }
    if (to->count == 0)
        to->error = "the name has no address";
    to->is_there = true;
}

static void fail(struct gw_dns_answer *to, const char *error, bool out_of_room)
{
    *to = (struct gw_dns_answer){ .is_there = true, .error = error, .out_of_room = out_of_room };
}

/* ---- the hosts file ---- */

struct file_lookup {
    struct gw_dns_query *query;
    uint16_t port;
};

static void on_file(void *ctx, int status, int timeouts, struct ares_addrinfo *found)
{
    (void)timeouts;
    struct file_lookup *l = ctx;
    for (int i = 0; status == ARES_SUCCESS && i < GW_DNS_FAMILIES; i++)
        copy_addresses(&l->query->answer[i], i, found, l->port);
    ares_freeaddrinfo(found);
}

static const int families[GW_DNS_FAMILIES] = { [GW_DNS_V6] = AF_INET6, [GW_DNS_V4] = AF_INET };

/* False: it does not have the name. */
static bool look_into_file(struct gw_dns *d, struct gw_dns_query *q, const char *name, uint16_t port)
{
    struct file_lookup l = { q, port };
    struct ares_addrinfo_hints hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
    ares_getaddrinfo(d->files, name, NULL, &hints, on_file, &l);
    return q->answer[GW_DNS_V4].is_there;
}

/* ---- name servers ---- */

static void on_answer(void *ctx, int status, int timeouts, struct ares_addrinfo *found)
{
    (void)timeouts;
    struct gw_dns_lookup *l = ctx;
    struct gw_dns_query *q = l->query;
    struct gw_dns_answer *to = q ? &q->answer[l->family] : NULL;
    l->dns->in_flight--;
    if (to && status == ARES_SUCCESS)
        copy_addresses(to, l->family, found, l->port);
    else if (to)
        fail(to, ares_strerror(status), status == ARES_ENOMEM);
    if (q)
        q->lookup[l->family] = NULL;
    ares_freeaddrinfo(found);
    free(l);
    if (q)
        q->answered(q);
}

static void ask(struct gw_dns *d, struct gw_dns_query *q, int family, const char *name, uint16_t port)
{
    struct gw_dns_lookup *l = d->in_flight < GW_DNS_LOOKUPS_MAX ? calloc(1, sizeof *l) : NULL;
    if (!l) {
        fail(&q->answer[family], "too many name lookups", true);
        q->answered(q);
        return;
    }
    *l = (struct gw_dns_lookup){ d, q, family, port };
    q->lookup[family] = l;
    d->in_flight++;
    struct ares_addrinfo_hints hints = { .ai_family = families[family], .ai_socktype = SOCK_STREAM };
    ares_getaddrinfo(d->channel, name, NULL, &hints, on_answer, l);
}

void gw_dns_resolve(struct gw_dns *d, struct gw_dns_query *q, const char *name, uint16_t port)
{
    memset(q->answer, 0, sizeof q->answer);
    memset(q->lookup, 0, sizeof q->lookup);
    struct gw_host host = gw_host_read(cx_view_text(name));
    if (host.kind != GW_HOST_NAME) {
        for (int i = 0; i < GW_DNS_FAMILIES; i++)
            fail(&q->answer[i], "not a host name", false);
        q->answered(q);
        return;
    }
    if (look_into_file(d, q, host.name, port)) {
        q->answered(q);
        return;
    }
    if (gw_loop_now_ns(d->loop) - d->renewed_ns > GW_DNS_RENEW_SECONDS * 1000000000ull)
        gw_dns_renew(d);
    for (int i = 0; i < GW_DNS_FAMILIES; i++)
        ask(d, q, i, host.name, port);
    set_timer(d);
}

void gw_dns_cancel(struct gw_dns_query *q)
{
    for (int i = 0; i < GW_DNS_FAMILIES; i++) {
        if (q->lookup[i])
            q->lookup[i]->query = NULL;
        q->lookup[i] = NULL;
    }
}
