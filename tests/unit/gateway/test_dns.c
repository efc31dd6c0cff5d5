/* SPDX-License-Identifier: MIT */
/* c-ares against a small UDP responder on loopback. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "gateway/net/dns.h"

enum { TYPE_A = 1, TYPE_AAAA = 28 };

struct responder {
    int fd;
    pthread_t thread;
    char servers[32];
    unsigned asked;
    uint16_t port; /* that the last question came from */
};

static size_t put_answer(uint8_t *p, int type, unsigned i)
{
    static const uint8_t head[] = { 0xc0, 12, 0, 0, 0, 1, 0, 0, 0, 60, 0, 0 };
    memcpy(p, head, sizeof head);
    p[3] = (uint8_t)type;
    p[11] = type == TYPE_A ? 4 : 16;
    memset(p + 12, 0, p[11]);
    p[12] = type == TYPE_A ? 192 : 0xfd;
    p[12 + p[11] - 1] = (uint8_t)(i + 1);
    return 12u + p[11];
}

/* "many…": 20 IPv4 addresses; "one…": one of each family; "none…": no address; "silent…": no answer; others: NXDOMAIN. */
static void *respond(void *ctx)
{
    struct responder *r = ctx;
    uint8_t m[1024];
    struct sockaddr_in from;
    for (;;) {
        socklen_t from_len = sizeof from;
        ssize_t n = recvfrom(r->fd, m, 512, 0, (struct sockaddr *)&from, &from_len);
        if (n < 17)
            return NULL;
        r->asked++;
        r->port = ntohs(from.sin_port);
        size_t end = 12;
        while (m[end] != 0)
            end += m[end] + 1u;
        int type = m[end + 2];
        char first = (char)m[13];
        size_t len = end + 5;
        unsigned answers = 0;
        if (first == 's')
            continue;
        if (first == 'm')
            answers = type == TYPE_A ? 20 : 0;
        else if (first == 'o')
            answers = 1;
        for (unsigned i = 0; i < answers; i++)
            len += put_answer(m + len, type, i);
        m[2] = 0x81;
        m[3] = (uint8_t)(first == 'm' || first == 'o' || first == 'n' ? 0x80 : 0x83);
        m[6] = 0;
        m[7] = (uint8_t)answers;
        memset(m + 8, 0, 4);
        sendto(r->fd, m, len, 0, (struct sockaddr *)&from, from_len);
    }
}

static void responder_start(struct responder *r)
{
    struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof sa;
    r->fd = socket(AF_INET, SOCK_DGRAM, 0);
    cr_assert_eq(bind(r->fd, (struct sockaddr *)&sa, sizeof sa), 0);
    getsockname(r->fd, (struct sockaddr *)&sa, &len);
    snprintf(r->servers, sizeof r->servers, "127.0.0.1:%u", ntohs(sa.sin_port));
    pthread_create(&r->thread, NULL, respond, r);
}

static void responder_stop(struct responder *r)
{
    struct sockaddr_in sa;
    socklen_t len = sizeof sa;
    getsockname(r->fd, (struct sockaddr *)&sa, &len);
    sendto(r->fd, "", 1, 0, (struct sockaddr *)&sa, len);
    pthread_join(r->thread, NULL);
    close(r->fd);
}

static unsigned done_count;
static void on_done(struct gw_dns_query *q)
{
    (void)q;
    done_count++;
}

static struct gw_loop *loop;
static struct gw_dns *dns;
static struct responder responder;

static void start(void)
{
    responder_start(&responder);
    loop = gw_loop_new();
    dns = gw_dns_new(loop, responder.servers);
    cr_assert(loop && dns);
}

static void stop(void)
{
    gw_dns_free(dns);
    gw_loop_free(loop);
    responder_stop(&responder);
}

static void resolve(struct gw_dns_query *q, const char *name)
{
    q->done = on_done;
    unsigned before = done_count;
    gw_dns_resolve(dns, q, name, 80);
    for (int i = 0; i < 3000 && done_count == before; i++) {
        gw_loop_round(loop, false);
        usleep(1000);
    }
    cr_assert_eq(done_count, before + 1, "%s", name);
}

TestSuite(dns, .init = start, .fini = stop);

Test(dns, both_families_come_with_the_port)
{
    struct gw_dns_query q;
    resolve(&q, "one.example.");
    cr_assert_eq(q.count, 2, "%s", q.error ? q.error : "");
    cr_assert_neq(q.addresses[0].family, q.addresses[1].family);
    cr_assert(q.addresses[0].port == 80 && q.addresses[1].port == 80);
}

Test(dns, addresses_are_capped)
{
    struct gw_dns_query q;
    resolve(&q, "many.example");
    cr_assert_eq(q.count, GW_DNS_ADDRESSES_MAX);
}

Test(dns, failures_say_why)
{
    struct gw_dns_query q;
    resolve(&q, "unknown.example");
    cr_assert(q.count == 0 && q.error);
    resolve(&q, "none.example");
    cr_assert(q.count == 0 && q.error);
    unsigned asked = responder.asked;
    static const char *const bad[] = { "", "a b", "a..b", "127.1", "0x7f000001", "10.0.0.1", "a\nb", "." };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        resolve(&q, bad[i]);
        cr_assert(q.count == 0 && q.error, "%s", bad[i]);
    }
    cr_assert_eq(responder.asked, asked);
}

Test(dns, no_search_domain_is_appended)
{
    struct gw_dns_query q;
    resolve(&q, "one");
    cr_assert_eq(q.count, 2);
    cr_assert_eq(responder.asked, 2);
}

Test(dns, what_is_cancelled_or_open_at_the_end_is_freed)
{
    struct gw_dns_query a = { .done = on_done }, b = { .done = on_done };
    unsigned before = done_count;
    gw_dns_resolve(dns, &a, "silent.example", 80);
    gw_dns_resolve(dns, &b, "silent.example", 80);
    gw_loop_round(loop, false);
    gw_dns_cancel(&a);
    gw_dns_cancel(&a);
    cr_assert_eq(done_count, before);
    gw_dns_free(dns);
    cr_assert_eq(done_count, before + 1);
    cr_assert(b.count == 0 && b.error);
    dns = NULL;
}

Test(dns, renewing_takes_other_source_ports)
{
    struct gw_dns_query q;
    uint16_t ports[8];
    unsigned changes = 0;
    for (int i = 0; i < 8; i++) {
        resolve(&q, "one.example");
        cr_assert_eq(q.count, 2);
        ports[i] = responder.port;
        changes += i > 0 && ports[i] != ports[i - 1];
        gw_dns_renew(dns);
    }
    cr_assert_gt(changes, 4); /* the kernel may choose the same once in a while */
}

Test(dns, a_lookup_in_flight_is_not_cut_off_by_a_renewal)
{
    struct gw_dns_query q = { .done = on_done };
    unsigned before = done_count;
    gw_dns_resolve(dns, &q, "silent.example", 80);
    gw_dns_renew(dns);
    cr_assert_eq(done_count, before);
    gw_dns_cancel(&q);
}
