/* SPDX-License-Identifier: MIT */
/* A forward as a listening socket, or one of each family of addresses, in the loop of its connection's worker. Who connects becomes
 * the consumer of a tunnel that is opened to the client.
 *
 * Where it listens is socket_path.c's to say of a path; else it is sshd's GatewayPorts: on loopback alone, on every address, or
 * where the client says. Port 0 is the kernel's choice, and the second family takes the same number where it is free there too.
 *
 * Readiness is edge-triggered, so that what a round leaves is marked again; where descriptors are short, a timer does so. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/consumers/consumer.h"
#include "gateway/forward/forward_priv.h"
#include "gateway/forward/socket_path.h"
#include "gateway/net/host.h"
#include "gateway/tunnel/tunnel_priv.h"
#include "mux/connection/forward.h"

enum { FAMILIES = 2, BACKLOG = 128, ACCEPTS_A_ROUND = 16 };

static const uint64_t SHORTAGE_NS = 100ull * 1000000, CONFIRM_NS = 10ull * 1000000000;

struct bound {
    struct gw_watch watch;
    struct gw_listener *listener;
};

struct gw_listener {
    struct gw_forward *forward; /* set before the loop goes on */
    struct gw_loop *loop;
    struct gw_timer again;
    struct gw_socket_path path; /* none: it listens on addresses */
    unsigned count;
    struct bound bound[FAMILIES];
};

/* ---- where ---- */

bool gw_listener_takes(struct cx_view host)
{
    return host.len == 0 || cx_view_is(host, "*") || cx_view_is(host, "localhost") || gw_host_read(host).kind == GW_HOST_LITERAL;
}

static unsigned choose_addresses(enum gw_gateway_ports ports, struct cx_view host, struct gw_addr out[FAMILIES])
{
    static const struct gw_addr everywhere[FAMILIES] = { { .family = AF_INET }, { .family = AF_INET6 } };
    static const struct gw_addr loopback[FAMILIES] = { { .family = AF_INET, .bytes = { 127, 0, 0, 1 } },
                                                       { .family = AF_INET6, .bytes = { [15] = 1 } } };
    struct gw_host asked = gw_host_read(host);
    bool is_literal = asked.kind == GW_HOST_LITERAL;
    bool is_loopback = is_literal && (gw_addr_equal(&asked.address, &loopback[0]) || gw_addr_equal(&asked.address, &loopback[1]));
    if (is_literal && (ports == GW_GATEWAY_PORTS_CLIENT || (is_loopback && ports == GW_GATEWAY_PORTS_NO))) {
        out[0] = asked.address;
        return 1;
    }
    bool all = ports == GW_GATEWAY_PORTS_YES || (ports == GW_GATEWAY_PORTS_CLIENT && !cx_view_is(host, "localhost"));
    for (unsigned i = 0; i < FAMILIES; i++)
        out[i] = all ? everywhere[i] : loopback[i];
    return FAMILIES;
}

/* A socket that listens there; *port is filled in where it is 0. -1: none can be had. */
static int listen_on(const struct gw_addr *address, uint16_t *port)
{
    struct gw_addr at = *address;
    at.port = *port;
    struct sockaddr_storage sa;
    socklen_t len = gw_addr_to_sockaddr(&at, &sa);
    int fd = gw_stream_socket(sa.ss_family), on = 1;
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (sa.ss_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&sa, len) == 0 && listen(fd, BACKLOG) == 0 &&
        getsockname(fd, (struct sockaddr *)&sa, &len) == 0 && gw_addr_from_sockaddr(&at, (struct sockaddr *)&sa)) {
        *port = at.port;
        return fd;
    }
    close(fd);
    return -1;
}

/* ---- life ---- */

static void mark(struct gw_listener *l)
{
    gw_conn_forwards(l->forward->conn)->listeners_ready = true;
    gw_conn_mark(l->forward->conn);
}

static void on_ready(struct gw_watch *w)
{
    mark(((struct bound *)w)->listener);
}

static void on_again(struct gw_timer *t, uint64_t now_ns)
{
    (void)now_ns;
    mark((struct gw_listener *)((char *)t - offsetof(struct gw_listener, again)));
}

static struct gw_listener *new_listener(struct gw_loop *loop)
{
    struct gw_listener *l = calloc(1, sizeof *l);
    if (!l)
        return NULL;
    l->loop = loop;
    l->again.fire = on_again;
    return l;
}

static void give_up(struct gw_listener *l, int fd)
{
    gw_socket_path_remove(&l->path);
    close(fd);
}

/* fd passes. */
static void add(struct gw_listener *l, int fd)
{
    struct bound *b = &l->bound[l->count];
    *b = (struct bound){ .watch = { .fd = fd, .on_ready = on_ready }, .listener = l };
    if (gw_loop_add(l->loop, &b->watch))
        l->count++;
    else
        give_up(l, fd);
}

/* NULL, and l is freed, where it has nothing to listen on. */
static struct gw_listener *unless_empty(struct gw_listener *l)
{
    if (l->count > 0)
        return l;
    gw_listener_free(l);
    return NULL;
}

struct gw_listener *gw_listener_new(struct gw_loop *loop, enum gw_gateway_ports ports, struct cx_view host, uint16_t *port)
{
    struct gw_addr addresses[FAMILIES];
    unsigned count = choose_addresses(ports, host, addresses);
    struct gw_listener *l = new_listener(loop);
    if (!l)
        return NULL;
    for (unsigned i = 0; i < count; i++) {
        int fd = listen_on(&addresses[i], port);
        if (fd >= 0) /* one family will do: the other may not be there */
            add(l, fd);
    }
    return unless_empty(l);
}

struct gw_listener *gw_listener_new_path(struct gw_loop *loop, struct cx_view path, const struct gw_config *config)
{
    char text[GW_UNIX_PATH_MAX + 1];
    assert(path.len < sizeof text);
    memcpy(text, path.data, path.len);
    text[path.len] = '\0';
    struct gw_listener *l = new_listener(loop);
    if (!l)
        return NULL;
    int fd = gw_stream_socket(AF_UNIX);
    mode_t mode = 0777 & ~config->stream_local_mask;
    if (fd >= 0 && gw_socket_path_bind(&l->path, fd, text, mode, config->stream_local_unlink) && listen(fd, BACKLOG) == 0)
        add(l, fd);
    else if (fd >= 0)
        give_up(l, fd);
    return unless_empty(l);
}

void gw_listener_free(struct gw_listener *l)
{
    gw_timer_cancel(l->loop, &l->again);
    gw_socket_path_remove(&l->path);
    for (unsigned i = 0; i < l->count; i++) {
        gw_loop_remove(l->loop, &l->bound[i].watch);
        close(l->bound[i].watch.fd);
    }
    free(l);
}

void gw_listener_serves(struct gw_listener *l, struct gw_forward *f)
{
    l->forward = f;
    f->listener = l;
}

/* ---- who connects ---- */

static size_t write_open(const struct gw_forward *f, const struct gw_consumer *consumer, struct cx_span room)
{
    struct cx_view host = cx_view(f->host, f->host_len);
    if (f->is_path)
        return mux_forwarded_streamlocal_write(room, host);
    struct gw_addr from = gw_consumer_address(consumer);
    char originator[GW_ADDR_TEXT];
    struct mux_direct_tcpip m = {
        .host = host, .port = f->port, .originator = cx_view_text(gw_addr_text(&from, originator)), .originator_port = from.port
    };
    return mux_direct_tcpip_write(room, &m);
}

static bool open_channel(struct gw_forward *f, struct gw_consumer *consumer)
{
    uint8_t room[2 * 255 + 64];
    struct gw_outgoing_setup setup = { .type = f->is_path ? "forwarded-streamlocal@openssh.com" : "forwarded-tcpip",
                                       .data = cx_view(room, write_open(f, consumer, (struct cx_span){ room, sizeof room })),
                                       .consumer = consumer,
                                       .is_path = f->is_path,
                                       .host = cx_view(f->host, f->host_len),
                                       .port = f->port,
                                       .counts = true,
                                       .timeout_ns = CONFIRM_NS };
    return gw_outgoing_open(f->conn, &setup);
}

static struct gw_consumer *new_consumer(const struct gw_forward *f, int fd, const struct sockaddr *from)
{
    struct gw_worker *w = gw_conn_worker(f->conn);
    struct gw_addr address;
    if (f->is_path)
        return gw_unix_accepted(gw_worker_linger(w), fd);
    if (gw_addr_from_sockaddr(&address, from))
        return gw_tcp_accepted(gw_worker_linger(w), fd, &address);
    return NULL;
}

/* Nobody is told why: whoever connects sees the connection closed. */
static void take(struct gw_forward *f, int fd, const struct sockaddr *from)
{
    struct gw_consumer *c = new_consumer(f, fd, from);
    if (!c)
        close(fd);
    else if (!open_channel(f, c))
        c->ops->close(c, false);
}

static void serve_bound(struct gw_listener *l, struct bound *b)
{
    for (unsigned i = 0; b->watch.ready & GW_READABLE; i++) {
        if (i == ACCEPTS_A_ROUND) {
            mark(l);
            return;
        }
        struct sockaddr_storage sa;
        socklen_t len = sizeof sa;
        int fd = accept4(b->watch.fd, (struct sockaddr *)&sa, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            take(l->forward, fd, (struct sockaddr *)&sa);
        } else if (errno == EAGAIN) {
            b->watch.ready &= (uint8_t)~GW_READABLE;
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            gw_timer_set(l->loop, &l->again, gw_loop_now_ns(l->loop) + SHORTAGE_NS);
            return;
        }
    }
}

void gw_listener_serve(struct gw_listener *l)
{
    for (unsigned i = 0; i < l->count; i++)
        serve_bound(l, &l->bound[i]);
}
