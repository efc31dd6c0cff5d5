/* SPDX-License-Identifier: MIT */
/* c-ares against a small UDP responder on loopback. */
#include <criterion/criterion.h>
#include <unistd.h>

#include "dns_responder.h"
#include "gateway/net/dns.h"

static const struct dns_zone zones[] = {
    { .label = "one", .v4 = "192.0.2.1", .v6 = "fd00::1" },
    { .label = "many",
      .v4 = "10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4 10.0.0.5 10.0.0.6 10.0.0.7 10.0.0.8 10.0.0.9 10.0.0.10 10.0.0.11 "
            "10.0.0.12 10.0.0.13 10.0.0.14 10.0.0.15 10.0.0.16 10.0.0.17 10.0.0.18",
      .v6 = "" },
    { .label = "none", .v4 = "", .v6 = "" },
    { .label = "mute", .v4 = "192.0.2.1", .v6 = NULL },
    { .label = "silent" },
    { .label = NULL },
};

static unsigned answered_count;

static void on_answered(struct gw_dns_query *q)
{
    (void)q;
    answered_count++;
}

static struct gw_loop *loop;
static struct gw_dns *dns;
static struct dns_responder responder;

static void start(void)
{
    dns_responder_start(&responder, zones);
    loop = gw_loop_new();
    dns = gw_dns_new(loop, responder.servers);
    cr_assert(loop && dns);
}

static void stop(void)
{
    gw_dns_free(dns);
    gw_loop_free(loop);
    dns_responder_stop(&responder);
}

static bool is_answered(const struct gw_dns_query *q)
{
    return q->answer[GW_DNS_V6].is_there && q->answer[GW_DNS_V4].is_there;
}

/* Returns the answer of IPv4. */
static const struct gw_dns_answer *resolve(struct gw_dns_query *q, const char *name)
{
    q->answered = on_answered;
    gw_dns_resolve(dns, q, name, 80);
    for (int i = 0; i < 3000 && !is_answered(q); i++) {
        gw_loop_round(loop, false);
        usleep(1000);
    }
    cr_assert(is_answered(q), "%s", name);
    return &q->answer[GW_DNS_V4];
}

TestSuite(dns, .init = start, .fini = stop);

Test(dns, each_family_comes_by_itself_with_the_port)
{
    struct gw_dns_query q;
    resolve(&q, "one.example.");
    cr_assert_eq(answered_count, 2);
    for (size_t i = 0; i < GW_DNS_FAMILIES; i++) {
        const struct gw_dns_answer *a = &q.answer[i];
        cr_assert_eq(a->count, 1, "%s", a->error ? a->error : "");
        cr_assert(a->addresses[0].family == (i == GW_DNS_V6 ? AF_INET6 : AF_INET) && a->addresses[0].port == 80);
    }
}

Test(dns, a_slow_family_does_not_hold_up_the_other)
{
    struct gw_dns_query q = { .answered = on_answered };
    gw_dns_resolve(dns, &q, "mute.example", 80);
    for (int i = 0; i < 3000 && answered_count == 0; i++) {
        gw_loop_round(loop, false);
        usleep(1000);
    }
    cr_assert(q.answer[GW_DNS_V4].count == 1 && !q.answer[GW_DNS_V6].is_there);
    gw_dns_cancel(&q);
}

Test(dns, what_the_hosts_file_has_is_not_asked_for)
{
    struct gw_dns_query q;
    cr_assert_geq(resolve(&q, "localhost")->count, 1);
    for (size_t i = 0; i < GW_DNS_FAMILIES; i++)
        for (size_t n = 0; n < q.answer[i].count; n++)
            cr_assert(gw_addr_is_special(&q.answer[i].addresses[n]) && q.answer[i].addresses[n].port == 80);
    cr_assert(responder.asked == 0 && answered_count == 1);
}

Test(dns, addresses_are_capped)
{
    struct gw_dns_query q;
    cr_assert_eq(resolve(&q, "many.example")->count, GW_DNS_ADDRESSES_MAX);
}

static void check_failure(const char *name)
{
    struct gw_dns_query q;
    resolve(&q, name);
    for (size_t i = 0; i < GW_DNS_FAMILIES; i++)
        cr_assert(q.answer[i].count == 0 && q.answer[i].error, "%s", name);
}

Test(dns, failures_say_why)
{
    check_failure("unknown.example");
    check_failure("none.example");
    unsigned asked = responder.asked;
    static const char *const bad[] = { "", "a b", "a..b", "127.1", "0x7f000001", "10.0.0.1", "a\nb", "." };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        check_failure(bad[i]);
    cr_assert_eq(responder.asked, asked);
}

Test(dns, no_search_domain_is_appended)
{
    struct gw_dns_query q;
    cr_assert_eq(resolve(&q, "one")->count, 1);
    cr_assert_eq(responder.asked, 2);
}

Test(dns, what_is_cancelled_or_open_at_the_end_is_freed)
{
    struct gw_dns_query a = { .answered = on_answered }, b = { .answered = on_answered };
    gw_dns_resolve(dns, &a, "silent.example", 80);
    gw_dns_resolve(dns, &b, "silent.example", 80);
    gw_loop_round(loop, false);
    gw_dns_cancel(&a);
    gw_dns_cancel(&a);
    cr_assert_eq(answered_count, 0);
    gw_dns_free(dns);
    cr_assert_eq(answered_count, 2);
    cr_assert(is_answered(&b) && b.answer[GW_DNS_V4].error && b.answer[GW_DNS_V6].error);
    dns = NULL;
}

Test(dns, renewing_takes_other_source_ports)
{
    struct gw_dns_query q;
    uint16_t ports[8];
    unsigned changes = 0;
    for (int i = 0; i < 8; i++) {
        cr_assert_eq(resolve(&q, "one.example")->count, 1);
        ports[i] = responder.port;
        changes += i > 0 && ports[i] != ports[i - 1];
        gw_dns_renew(dns);
    }
    cr_assert_gt(changes, 4); /* the kernel may choose the same once in a while */
}

Test(dns, a_lookup_in_flight_is_not_cut_off_by_a_renewal)
{
    struct gw_dns_query q = { .answered = on_answered };
    gw_dns_resolve(dns, &q, "silent.example", 80);
    gw_dns_renew(dns);
    cr_assert_eq(answered_count, 0);
    gw_dns_cancel(&q);
}
