/* SPDX-License-Identifier: MIT */
/* gateway/monitor/listeners: what is accepted has its options from the start. */
#include <criterion/criterion.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/monitor/listeners.h"

static int option(int fd, int level, int name)
{
    int value = -1;
    socklen_t len = sizeof value;
    getsockopt(fd, level, name, &value, &len);
    return value;
}

Test(listeners, what_is_accepted_waits_for_no_acknowledgement_and_is_kept_alive)
{
    struct gw_listen listen = { 0 };
    struct gw_listeners l;
    char error[256];
    cr_assert(gw_addr_parse(&listen.address, "127.0.0.1"));
    cr_assert(gw_listeners_open(&l, &listen, 1, error, sizeof error), "%s", error);
    struct sockaddr_storage sa;
    socklen_t len = gw_addr_to_sockaddr(&l.address[0], &sa);
    int client = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(connect(client, (struct sockaddr *)&sa, len), 0);
    int fd = accept(l.fds[0], NULL, NULL);
    cr_assert_gt(option(fd, IPPROTO_TCP, TCP_NODELAY), 0);
    cr_assert_gt(option(fd, SOL_SOCKET, SO_KEEPALIVE), 0);
    close(fd);
    close(client);
    gw_listeners_close(&l);
}
