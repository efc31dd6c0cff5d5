/* SPDX-License-Identifier: MIT */
#include "dns_responder.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TYPE_A = 1, TYPE_AAAA = 28, NO_ERROR = 0, NO_SUCH_NAME = 3, MESSAGE_MAX = 1024 };

struct message {
    uint8_t bytes[MESSAGE_MAX];
    size_t len;
    struct sockaddr_in from;
    int type;
};

static void put_address(struct message *m, const char *literal)
{
    static const uint8_t head[] = { 0xc0, 12, 0, 0, 0, 1, 0, 0, 0, 60, 0, 0 };
    uint8_t *p = m->bytes + m->len;
    cr_assert_leq(m->len + sizeof head + 16, MESSAGE_MAX);
    memcpy(p, head, sizeof head);
    p[3] = (uint8_t)m->type;
    p[11] = m->type == TYPE_A ? 4 : 16;
    cr_assert_eq(inet_pton(m->type == TYPE_A ? AF_INET : AF_INET6, literal, p + sizeof head), 1, "%s", literal);
    m->len += sizeof head + p[11];
    m->bytes[7]++;
}

static void answer(const struct dns_responder *r, struct message *m, const char *addresses, int code)
{
    char text[512], *rest = NULL;
    m->bytes[2] = 0x81;
    m->bytes[3] = (uint8_t)(0x80 | code);
    memset(m->bytes + 6, 0, 6);
    snprintf(text, sizeof text, "%s", addresses);
    for (char *word = strtok_r(text, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        put_address(m, word);
    sendto(r->fd, m->bytes, m->len, 0, (struct sockaddr *)&m->from, sizeof m->from);
}

/* The question's zone; the message is left with its question alone. NULL: there is none. */
static const struct dns_zone *zone_of(const struct dns_responder *r, struct message *m)
{
    size_t end = 12;
    while (m->bytes[end] != 0)
        end += m->bytes[end] + 1u;
    m->type = m->bytes[end + 2];
    m->len = end + 5;
    size_t label_len = m->bytes[12];
    for (const struct dns_zone *z = r->zones; z->label; z++)
        if (strlen(z->label) == label_len && memcmp(z->label, m->bytes + 13, label_len) == 0)
            return z;
    return NULL;
}

static void *respond(void *ctx)
{
    struct dns_responder *r = ctx;
    struct message m, late = { .len = 0 };
    for (;;) {
        socklen_t from_len = sizeof m.from;
        ssize_t n = recvfrom(r->fd, m.bytes, 512, 0, (struct sockaddr *)&m.from, &from_len);
        if (n < 17)
            return NULL;
        r->asked++;
        r->port = ntohs(m.from.sin_port);
        const struct dns_zone *z = zone_of(r, &m);
        const char *addresses = !z ? "" : m.type == TYPE_A ? z->v4 : z->v6;
        bool is_late = z && z->v6_late_ms > 0 && m.type == TYPE_AAAA;
        if (is_late)
            late = m;
        else if (addresses)
            answer(r, &m, addresses, z ? NO_ERROR : NO_SUCH_NAME);
        r->handled++;
        if (late.len > 0 && !is_late) {
            usleep(1000 * z->v6_late_ms);
            answer(r, &late, z->v6, NO_ERROR);
            late.len = 0;
        }
    }
}

void dns_responder_start(struct dns_responder *r, const struct dns_zone *zones)
{
    struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof sa;
    *r = (struct dns_responder){ .zones = zones, .fd = socket(AF_INET, SOCK_DGRAM, 0) };
    cr_assert_eq(bind(r->fd, (struct sockaddr *)&sa, sizeof sa), 0);
    getsockname(r->fd, (struct sockaddr *)&sa, &len);
    snprintf(r->servers, sizeof r->servers, "127.0.0.1:%u", ntohs(sa.sin_port));
    pthread_create(&r->thread, NULL, respond, r);
}

void dns_responder_stop(struct dns_responder *r)
{
    struct sockaddr_in sa;
    socklen_t len = sizeof sa;
    getsockname(r->fd, (struct sockaddr *)&sa, &len);
    sendto(r->fd, "", 1, 0, (struct sockaddr *)&sa, len);
    pthread_join(r->thread, NULL);
    close(r->fd);
}
