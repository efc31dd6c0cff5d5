/* SPDX-License-Identifier: MIT */
/* gateway/consumers/stream and tcp: what a connection to a service is told by the kernel's options, and how it ends. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/consumers/stream.h"

static struct gw_loop *loop;
static struct gw_linger *linger;
static int listener, service; /* the latter is the service's end */
static struct gw_consumer *consumer;

static void on_wake(struct gw_consumer *c)
{
    (void)c; /* the tests ask by themselves */
}

static size_t greeting(void *owner, struct cx_span room)
{
    (void)owner;
    memcpy(room.data, "hello", 5);
    return 5;
}

static int fd_of(struct gw_consumer *c)
{
    return gw_stream_of(c)->watch.fd;
}

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

static void go_on_until_readable(void)
{
    while (!consumer->readable) {
        gw_loop_round(loop, true);
        consumer->ops->progress(consumer);
    }
}

static void dial(gw_preface *preface)
{
    struct sockaddr_in sa;
    socklen_t len = sizeof sa;
    getsockname(listener, (struct sockaddr *)&sa, &len);
    struct gw_tcp_setup setup = { .linger = linger, .host = "127.0.0.1", .port = ntohs(sa.sin_port), .preface = preface };
    consumer = gw_tcp_new((struct gw_consumer_owner){ on_wake, NULL }, &setup);
    while (consumer->state == GW_CONSUMER_CONNECTING) {
        gw_loop_round(loop, true);
        consumer->ops->progress(consumer);
    }
    cr_assert_eq(consumer->state, GW_CONSUMER_OPEN);
    service = accept(listener, NULL, NULL);
}

static void write_byte(void)
{
    char byte = 0;
    struct iovec iov = { &byte, 1 };
    while (consumer->ops->write(consumer, &iov, 1) == 0) {
        gw_loop_round(loop, true);
        consumer->ops->progress(consumer);
    }
}

static bool sends_at_once(int fd)
{
    int on = 0;
    socklen_t len = sizeof on;
    cr_assert_eq(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &len), 0);
    return on != 0;
}

static void set_up(void)
{
    loop = gw_loop_new();
    linger = gw_linger_new(loop);
    listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    cr_assert(bind(listener, (struct sockaddr *)&sa, sizeof sa) == 0 && listen(listener, 1) == 0);
}

static void tear_down(void)
{
    gw_linger_free(linger);
    gw_loop_free(loop);
    close(listener);
    close(service);
}

TestSuite(stream, .init = set_up, .fini = tear_down);

Test(stream, a_connection_that_was_only_opened_is_closed_at_once)
{
    dial(NULL);
    int fd = fd_of(consumer);
    consumer->ops->close(consumer, true);
    cr_assert(!is_open(fd));
    char byte;
    cr_assert_eq(recv(service, &byte, 1, 0), 0, "its end is an end, not a reset");
}

Test(stream, what_was_written_is_waited_for)
{
    dial(NULL);
    write_byte();
    int fd = fd_of(consumer);
    consumer->ops->close(consumer, true);
    cr_assert(is_open(fd));
    close(service);
    while (is_open(fd))
        gw_loop_round(loop, true);
    service = -1;
}

Test(stream, a_preface_is_waited_for_too)
{
    dial(greeting);
    int fd = fd_of(consumer);
    consumer->ops->close(consumer, true);
    cr_assert(is_open(fd));
}

Test(stream, a_service_that_spoke_is_not_answered_by_a_reset)
{
    dial(NULL);
    cr_assert_eq(send(service, "hello", 5, 0), 5);
    go_on_until_readable();
    consumer->ops->close(consumer, true);
    gw_loop_round(loop, false); /* it reads what stands there */
    char byte;
    cr_assert_eq(recv(service, &byte, 1, 0), 0);
}

Test(stream, a_second_write_waits_for_no_acknowledgement)
{
    dial(NULL);
    cr_assert(!sends_at_once(fd_of(consumer)), "many tunnels never send a byte");
    write_byte();
    cr_assert(sends_at_once(fd_of(consumer)));
    consumer->ops->close(consumer, false);
}

Test(stream, nor_does_what_follows_a_preface)
{
    dial(greeting);
    cr_assert(sends_at_once(fd_of(consumer)));
    consumer->ops->close(consumer, false);
}
