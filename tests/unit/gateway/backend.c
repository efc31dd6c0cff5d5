/* SPDX-License-Identifier: MIT */
#include "backend.h"

#include <criterion/criterion.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKEND_GREETING = 300000 };

static void write_all(int fd, const uint8_t *p, size_t n)
{
    while (n > 0) {
        ssize_t k = send(fd, p, n, MSG_NOSIGNAL);
        if (k <= 0)
            return;
        p += k;
        n -= (size_t)k;
    }
}

static void read_on(struct backend *b, int fd, bool echo)
{
    uint8_t part[8192];
    ssize_t n;
    while ((n = recv(fd, part, sizeof part, 0)) > 0) {
        if (b->room < b->len + (size_t)n) {
            b->room = 2 * (b->len + (size_t)n);
            b->bytes = realloc(b->bytes, b->room);
        }
        memcpy(b->bytes + b->len, part, (size_t)n);
        b->len += (size_t)n;
        if (echo)
            write_all(fd, part, (size_t)n);
    }
    b->clean_end = n == 0;
}

static void *serve(void *ctx)
{
    struct backend *b = ctx;
    int fd = accept(b->listener, NULL, NULL);
    uint8_t greeting[1000];
    switch (b->kind) {
    case BACKEND_ECHO:
        read_on(b, fd, true);
        break;
    case BACKEND_SINK:
    case BACKEND_TALK:
        while (!b->go)
            usleep(1000);
        for (int i = 0; b->kind == BACKEND_TALK && i < 10; i++) {
            memset(greeting, 't', sizeof greeting);
            write_all(fd, greeting, sizeof greeting);
            usleep(1000);
        }
        read_on(b, fd, false);
        break;
    case BACKEND_GREET:
        memset(greeting, 'g', sizeof greeting);
        for (size_t sent = 0; sent < BACKEND_GREETING; sent += sizeof greeting)
            write_all(fd, greeting, sizeof greeting);
        break;
    case BACKEND_HALF:
        read_on(b, fd, false);
        write_all(fd, b->bytes, b->len);
        break;
    case BACKEND_RESET: {
        struct linger hard = { 1, 0 };
        (void)!recv(fd, greeting, 1, 0);
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        break;
    }
    }
    close(fd);
    return NULL;
}

void backend_start(struct backend *b, enum backend_kind kind)
{
    struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof sa;
    *b = (struct backend){ .kind = kind, .listener = socket(AF_INET, SOCK_STREAM, 0) };
    cr_assert_eq(bind(b->listener, (struct sockaddr *)&sa, sizeof sa), 0);
    cr_assert_eq(listen(b->listener, 4), 0);
    getsockname(b->listener, (struct sockaddr *)&sa, &len);
    b->port = ntohs(sa.sin_port);
    pthread_create(&b->thread, NULL, serve, b);
}

void backend_join(struct backend *b)
{
    pthread_join(b->thread, NULL);
    close(b->listener);
    free(b->bytes);
}

const char *backend_queue(const struct backend *b)
{
    static char text[512];
    snprintf(text, sizeof text, "Queue web\n  Target 127.0.0.1:%u\n  Allow alice\n", b->port);
    return text;
}
