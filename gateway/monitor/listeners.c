/* SPDX-License-Identifier: MIT */
/* See listeners.h. */
#include "gateway/monitor/listeners.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/observe/log.h"

enum { BACKLOG = 4096 }; /* the kernel cuts it to net.core.somaxconn; connections wait here while the engine is restarted */

static int open_one(const struct gw_addr *address)
{
    int fd = socket(address->family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    struct sockaddr_storage sa;
    socklen_t len = gw_addr_to_sockaddr(address, &sa);
    int on = 1;
    /* v6 sockets take v6 only: what the file lists is what is open, and an IPv4 wildcard may stand beside */
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        (address->family != AF_INET6 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) == 0) &&
        bind(fd, (struct sockaddr *)&sa, len) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}

/* What is accepted inherits it, and costs no calls of its own. Failures leave the defaults, with which everything works, only
 * later. */
static void set_options_of_accepted(int fd)
{
    int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
}

static void learn_port(int fd, struct gw_addr *address)
{
    struct sockaddr_storage sa;
    socklen_t len = sizeof sa;
    if (getsockname(fd, (struct sockaddr *)&sa, &len) == 0)
        gw_addr_from_sockaddr(address, (struct sockaddr *)&sa);
}

bool gw_listeners_open(struct gw_listeners *l, const struct gw_listen *listen, size_t count, char *error, size_t room)
{
    *l = (struct gw_listeners){ .fds = calloc(count, sizeof *l->fds), .address = calloc(count, sizeof *l->address) };
    if (!l->fds || !l->address) {
        snprintf(error, room, "out of memory");
        gw_listeners_close(l);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        int fd = open_one(&listen[i].address);
        if (fd < 0) {
            char text[GW_ADDR_TEXT];
            snprintf(error, room, "Bind to port %u on %s failed: %s.", listen[i].address.port,
                     gw_addr_text(&listen[i].address, text), strerror(errno));
            gw_listeners_close(l);
            return false;
        }
        set_options_of_accepted(fd);
        l->address[i] = listen[i].address;
        learn_port(fd, &l->address[i]);
        l->fds[l->count++] = fd;
    }
    return true;
}

void gw_listeners_close(struct gw_listeners *l)
{
    for (size_t i = 0; i < l->count; i++)
        close(l->fds[i]);
    free(l->fds);
    free(l->address);
    *l = (struct gw_listeners){ 0 };
}

void gw_listeners_announce(const struct gw_listeners *l)
{
    char text[GW_ADDR_TEXT];
    for (size_t i = 0; i < l->count; i++)
        gw_log(GW_LOG_INFO, "Server listening on %s port %u.", gw_addr_text(&l->address[i], text), l->address[i].port);
}
