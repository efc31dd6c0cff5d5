/* SPDX-License-Identifier: MIT */
#include "bench/compare/bed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

enum { PORTS_FROM = 10000, PORTS_COUNT = 20000, PORT_TRIES = 1000, BACKLOG = 4096, CLIENT_THREADS_MAX = 4 };

const char *const compare_service_names[COMPARE_SERVICES] = { "echo", "sink", "source" };

/* ---- ports ---- */

struct gw_addr compare_loopback(unsigned port)
{
    return (struct gw_addr){ .family = AF_INET, .port = (uint16_t)port, .bytes = { 127, 0, 0, 1 } };
}

int compare_listen(unsigned port)
{
    const struct gw_addr where = compare_loopback(port);
    struct sockaddr_storage address;
    socklen_t len = gw_addr_to_sockaddr(&where, &address);
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        bind(fd, (struct sockaddr *)&address, len) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int saved_errno = errno;
    if (fd >= 0)
        close(fd);
    errno = saved_errno;
    return -1;
}

static bool all_free(unsigned first, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        int fd = compare_listen(first + i);
        if (fd < 0)
            return false;
        close(fd);
    }
    return true;
}

unsigned compare_free_ports(unsigned count)
{
    for (int i = 0; i < PORT_TRIES; i++) {
        uint32_t random;
        if (getrandom(&random, sizeof random, 0) != sizeof random)
            return 0;
        unsigned first = PORTS_FROM + random % (PORTS_COUNT - count);
        if (all_free(first, count))
            return first;
    }
    return 0;
}

bool compare_answers(unsigned port)
{
    const struct gw_addr where = compare_loopback(port);
    struct sockaddr_storage address;
    socklen_t len = gw_addr_to_sockaddr(&where, &address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool good = fd >= 0 && connect(fd, (struct sockaddr *)&address, len) == 0;
    if (fd >= 0)
        close(fd);
    return good;
}

/* ---- cores ---- */

/* Servers get the last core, clients what is left of them. */
static bool choose_cores(struct compare_bed *b)
{
    if (sched_getaffinity(0, sizeof b->client_cores, &b->client_cores) != 0)
        return false;
    int count = CPU_COUNT(&b->client_cores), last = CPU_SETSIZE - 1;
    while (!CPU_ISSET(last, &b->client_cores))
        last--;
    CPU_ZERO(&b->server_cores);
    CPU_SET(last, &b->server_cores);
    b->server_core = -1;
    b->client_threads = 1;
    if (count == 1)
        return true;
    b->server_core = last;
    b->client_threads = (unsigned)(count - 1 < CLIENT_THREADS_MAX ? count - 1 : CLIENT_THREADS_MAX);
    CPU_CLR(last, &b->client_cores);
    return sched_setaffinity(0, sizeof b->client_cores, &b->client_cores) == 0;
}

/* ---- services ---- */

static const char *start_services(struct compare_bed *b)
{
    char port[16], byte;
    int fds[2];
    const char *argv[] = { "/proc/self/exe", "load", "--serve-target", port, NULL };
    b->services_port = compare_free_ports(COMPARE_SERVICES);
    snprintf(port, sizeof port, "%u", b->services_port);
    if (b->services_port == 0 || pipe2(fds, O_CLOEXEC) != 0)
        return "ports and a pipe for the services behind the servers";
    const struct compare_program program = { .argv = argv, .cores = &b->client_cores, .out_fd = fds[1], .log_fd = STDERR_FILENO };
    b->services_pid = compare_child_start(&program);
    close(fds[1]);
    bool good = b->services_pid > 0 && read(fds[0], &byte, 1) == 1; /* it tells its ports once they listen */
    close(fds[0]);
    return good ? NULL : "the services behind the servers";
}

/* ---- all of it ---- */

const char *compare_bed_make(struct compare_bed *b)
{
    *b = (struct compare_bed){ .server_core = -1 };
    if (!choose_cores(b))
        return "cores";
    if (!compare_place_make(&b->place))
        return "a temporary directory";
    return start_services(b);
}

void compare_bed_end(struct compare_bed *b)
{
    compare_child_end(&b->services_pid);
    compare_place_remove(&b->place);
}
