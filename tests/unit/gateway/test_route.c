/* SPDX-License-Identifier: MIT */
/* Where requests go, whom queues admit, and what dial may reach. */
#include <criterion/criterion.h>
#include <string.h>

#include "gateway/config/config.h"

static struct gw_config *parse(const char *text)
{
    char error[GW_CONFIG_ERROR_MAX];
    struct gw_config *c = gw_config_parse(text, "test.conf", error);
    cr_assert(c, "%s", error);
    return c;
}

static const char *routed(const struct gw_config *c, const char *host, uint32_t port)
{
    const struct gw_queue_config *q = gw_config_route(c, cx_view_text(host), port);
    return q ? q->name : "none";
}

static const char routes[] = "Queue web\nTarget h:80\nRoute www.example:443\n"
                             "Queue any\nTarget dial\nRoute *.internal:22 10.0.0.0/8:* *.internal:1000-2000\n"
                             "Queue six\nTarget dial\nRoute [fd00::/8]:80 10.1.0.0/16:80\n"
                             "Queue all\nTarget dial\nRoute db-?:*\n";

Test(route, requests_find_their_queue)
{
    static const struct {
        const char *host;
        uint32_t port;
        const char *queue;
    } rows[] = {
        { "web", 80, "web" },
        { "WEB", 1, "web" },
        { "web.", 70000, "web" },
        { "six", 0, "six" },
        { "www.example", 443, "web" },
        { "www.example.", 443, "web" },
        { "www.example", 80, "none" },
        { "a.internal", 22, "any" },
        { "A.B.Internal.", 22, "any" },
        { "a.internal", 1000, "any" },
        { "a.internal", 2000, "any" },
        { "a.internal", 2001, "none" },
        { "internal", 22, "none" },
        { "a.internal..", 22, "none" },
        { "10.9.9.9", 1, "any" },
        { "10.9.9.9", 65535, "any" },
        { "10.9.9.9", 65536, "none" },
        { "10.1.1.1", 80, "any" },
        { "::ffff:10.1.1.1", 80, "any" },
        { "64:ff9b::10.1.1.1", 80, "any" },
        { "[fd00::1]", 80, "six" },
        { "FD00:0::1", 80, "six" },
        { "fd00::1", 81, "none" },
        { "11.0.0.1", 80, "none" },
        { "db-1", 5432, "all" },
        { "db-12", 5432, "none" },
        { "", 80, "none" },
        { "*", 80, "none" },
        { "*.internal", 22, "none" },
    };
    struct gw_config *c = parse(routes);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        cr_assert_str_eq(routed(c, rows[i].host, rows[i].port), rows[i].queue, "%s:%u", rows[i].host, rows[i].port);
    gw_config_drop(c);
}

Test(route, paths_find_their_queue_and_no_other)
{
    static const struct {
        const char *path, *queue;
    } rows[] = {
        { "web", "web" },
        { "/web", "web" },
        { "/WEB", "web" },
        { "//web", "none" },
        { "/dialled", "none" },
        { "/run/a.sock", "socks" },
        { "/run/deep/a.sock", "socks" },
        { "/run/A.SOCK", "late" },
        { "/var/run/a.sock", "none" },
        { "/run/b", "late" },
        { "", "none" },
        { "/", "none" },
        { "a.name", "none" },
    };
    struct gw_config *c = parse("Queue web\nTarget h:80\nQueue socks\nTarget h:1\nRoute unix:/run/*.sock\n"
                                "Queue late\nTarget h:2\nRoute unix:/run/*\nQueue dialled\nTarget dial\nRoute *:*\n");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct gw_queue_config *q = gw_config_route_path(c, cx_view_text(rows[i].path));
        cr_assert_str_eq(q ? q->name : "none", rows[i].queue, "%s", rows[i].path);
    }
    cr_assert_null(gw_config_route_path(c, cx_view("/run/b\0", 7)));
    cr_assert_str_eq(routed(c, "/run/b", 0), "none");
    cr_assert_str_eq(routed(c, "run.b", 0), "dialled");
    gw_config_drop(c);
}

Test(route, a_star_for_names_takes_no_address_and_nothing_like_one)
{
    struct gw_config *c = parse("Queue q\nTarget dial\nRoute *:*\n");
    static const char *const never[] = { "10.0.0.1", "::1",          "127.1",      "0x7f.1", "2130706433", "0",    "127.0.0.1.",
                                         "a\tb",     "a b",          "a\x01",      "a%25b",  "a/b",        "a@b",  "",
                                         "a..b",     "\xc3\xa4.com", "fe80::1%lo", "[::1",   "x.0x",       "a:80", "." };
    for (size_t i = 0; i < sizeof never / sizeof never[0]; i++)
        cr_assert_str_eq(routed(c, never[i], 80), "none", "%s", never[i]);
    cr_assert_null(gw_config_route(c, cx_view("web\0x", 5), 80));
    cr_assert_null(gw_config_route(c, cx_view("10.0.0.1\0", 9), 80));
    cr_assert_str_eq(routed(c, "any.name", 80), "q");
    gw_config_drop(c);
}

Test(route, blocks_take_no_name)
{
    struct gw_config *c = parse("Queue q\nTarget dial\nRoute 0.0.0.0/0:* [::/0]:*\n");
    cr_assert_str_eq(routed(c, "a.internal", 80), "none");
    cr_assert_str_eq(routed(c, "2130706433", 80), "none");
    cr_assert_str_eq(routed(c, "8.8.8.8", 80), "q");
    cr_assert_str_eq(routed(c, "2001:db8::1", 80), "q");
    gw_config_drop(c);
}

Test(allow, only_what_a_rule_names_is_admitted)
{
    struct gw_config *c = parse("Group dev alice bob\nGroup ops dave\n"
                                "Queue closed\nTarget h:1\n"
                                "Queue open\nTarget h:1\nAllow *\n"
                                "Queue mixed\nTarget h:1\nAllow carol @dev\n");
    static const struct {
        size_t queue;
        const char *user;
        bool proves_name, admitted;
    } rows[] = {
        { 0, "alice", true, false },  { 1, "alice", true, true },  { 1, "nobody", false, true }, { 2, "alice", true, true },
        { 2, "bob", true, true },     { 2, "carol", true, true },  { 2, "dave", true, false },   { 2, "alice", false, false },
        { 2, "carol", false, false }, { 2, "Carol", true, false }, { 2, "dev", true, false },    { 2, "@dev", true, false },
        { 2, "", true, false },
    };
    struct gw_addr source = { 0 };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        cr_assert_eq(gw_config_allows(c, &c->queues[rows[i].queue], rows[i].user, rows[i].proves_name, &source), rows[i].admitted,
                     "row %zu", i);
    gw_config_drop(c);
}

Test(allow, rules_may_name_sources_and_deny_comes_first)
{
    struct gw_config *c = parse("Group dev alice bob\n"
                                "Queue from\nTarget h:1\nAllow alice@10.0.0.0/8 @dev@2001:db8::/32 192.0.2.1\n"
                                "Queue without\nTarget h:1\nAllow *\nDeny bob 10.9.0.0/16 alice@192.0.2.0/24\n"
                                "Queue far\nTarget h:1\nAllow *\nDeny 10.0.0.0/8\n");
    static const struct {
        size_t queue;
        const char *user, *source;
        bool proves_name, admitted;
    } rows[] = {
        { 0, "alice", "10.1.2.3", true, true },        { 0, "alice", "11.1.2.3", true, false },
        { 0, "alice", "10.1.2.3", false, false },      { 0, "bob", "10.1.2.3", true, false },
        { 0, "bob", "2001:db8::9", true, true },       { 0, "carol", "2001:db8::9", true, false },
        { 0, "carol", "192.0.2.1", false, true },      { 0, "carol", "192.0.2.2", true, false },
        { 0, "alice", "::ffff:10.1.2.3", true, true },

        { 1, "carol", "10.1.2.3", true, true },        { 1, "bob", "10.1.2.3", true, false },
        { 1, "carol", "10.9.2.3", true, false },       { 1, "alice", "10.1.2.3", true, true },
        { 1, "alice", "192.0.2.9", true, false },      { 1, "carol", "10.1.2.3", false, false }, /* it may be bob */

        { 2, "carol", "192.0.2.1", false, true },      { 2, "carol", "10.1.2.3", false, false },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct gw_addr source;
        cr_assert(gw_addr_parse(&source, rows[i].source));
        cr_assert_eq(gw_config_allows(c, &c->queues[rows[i].queue], rows[i].user, rows[i].proves_name, &source), rows[i].admitted,
                     "row %zu", i);
    }
    gw_config_drop(c);
}

struct dial_row {
    const char *host, *address;
    uint16_t port;
    bool permitted;
};

static void assert_dials(const char *text, const struct dial_row *rows, size_t count)
{
    struct gw_config *c = parse(text);
    for (size_t i = 0; i < count; i++) {
        struct gw_addr a;
        cr_assert(gw_addr_parse(&a, rows[i].address));
        a.port = rows[i].port;
        cr_assert_eq(gw_config_dial_permits(c, &c->queues[0], cx_view_text(rows[i].host), &a), rows[i].permitted, "%s as %s:%u",
                     rows[i].host, rows[i].address, rows[i].port);
    }
    gw_config_drop(c);
}

#define ASSERT_DIALS(text, rows) assert_dials(text, rows, sizeof rows / sizeof rows[0])

Test(dial, literals_need_a_block_and_names_a_pattern)
{
    static const struct dial_row rows[] = {
        { "10.0.0.1", "10.0.0.1", 22, true },
        { "10.0.0.1", "10.0.0.1", 23, false },
        { "::ffff:10.0.0.1", "10.0.0.1", 22, true },
        { "11.0.0.1", "11.0.0.1", 22, false },
        { "a.internal", "11.0.0.1", 80, true },
        { "A.Internal.", "2001:db8::1", 80, true },
        { "a.internal", "11.0.0.1", 81, false },
        { "a.external", "11.0.0.1", 80, false },
        { "q", "11.0.0.1", 80, false },          /* the queue's own name is no route */
        { "a.internal", "10.0.0.1", 22, false }, /* the block is for literals */
        { "127.1", "10.0.0.1", 22, false },
        { "", "10.0.0.1", 22, false },
        { "64:ff9b::10.0.0.1", "64:ff9b::10.0.0.1", 22, true },
    };
    ASSERT_DIALS("Queue q\nTarget dial\nRoute 10.0.0.0/8:22 *.internal:80\n", rows);
}

Test(dial, special_addresses_need_a_block_inside_their_range)
{
    static const struct dial_row wide[] = {
        { "127.0.0.1", "127.0.0.1", 80, false }, { "::1", "::1", 80, false },
        { "a.b", "127.0.0.1", 80, false },       { "a.b", "::1", 80, false },
        { "a.b", "0.0.0.0", 80, false },         { "a.b", "::", 80, false },
        { "a.b", "169.254.169.254", 80, false }, { "a.b", "fe80::1", 80, false },
        { "a.b", "64:ff9b::7f00:1", 80, false }, { "a.b", "2002:7f00:1::", 80, false },
        { "224.0.0.1", "224.0.0.1", 80, false }, { "a.b", "8.8.8.8", 80, true },
        { "8.8.8.8", "8.8.8.8", 80, true },
    };
    ASSERT_DIALS("Queue q\nTarget dial\nRoute *:* 0.0.0.0/0:* [::/0]:* [::/8]:*\n", wide);
    static const struct dial_row given[] = {
        { "127.0.0.1", "127.0.0.1", 8080, true },
        { "127.0.0.1", "127.0.0.1", 9090, false },
        { "127.1.0.1", "127.1.0.1", 9090, true },
        { "localhost", "127.0.0.1", 8080, true },
        { "localhost", "127.0.0.1", 9090, false },
        { "localhost", "::1", 8080, false },
        { "other", "127.0.0.1", 8080, false }, /* the block is there, but nobody routes that name */
        { "64:ff9b::7f00:1", "64:ff9b::7f00:1", 8080, true },
    };
    ASSERT_DIALS("Queue q\nTarget dial\nRoute localhost:* 127.0.0.0/8:8080 127.1.0.0/16:9090\n", given);
}

Test(dial, the_gateways_own_listeners_need_a_route_of_one_address)
{
    static const struct dial_row block[] = {
        { "127.0.0.1", "127.0.0.1", 2222, false },
        { "127.0.0.1", "127.0.0.1", 2223, true },
        { "127.0.0.2", "127.0.0.2", 2222, true }, /* not ours: another address listens */
    };
    ASSERT_DIALS("ListenAddress 127.0.0.1:2222\nQueue q\nTarget dial\nRoute 127.0.0.0/8:*\n", block);
    static const struct dial_row single[] = { { "127.0.0.1", "127.0.0.1", 2222, true } };
    ASSERT_DIALS("ListenAddress 127.0.0.1:2222\nQueue q\nTarget dial\nRoute 127.0.0.1:2222\n", single);
    static const struct dial_row ordinary[] = {
        { "a.b", "10.0.0.1", 22, false },
        { "a.b", "10.0.0.1", 23, true },
        { "a.b", "10.0.0.2", 22, true },
        { "10.0.0.1", "10.0.0.1", 22, false },
    };
    ASSERT_DIALS("ListenAddress 10.0.0.1:22\nQueue q\nTarget dial\nRoute *:* 10.0.0.0/8:*\n", ordinary);
}

Test(dial, a_listener_on_all_addresses_covers_this_machines_own)
{
    static const struct dial_row rows[] = {
        { "127.0.0.1", "127.0.0.1", 2222, false },
        { "127.9.9.9", "127.9.9.9", 2222, false },
        { "127.0.0.1", "127.0.0.1", 80, true },
        { "192.0.2.1", "192.0.2.1", 2222, true }, /* RFC 5737: nobody's, so not ours */
    };
    ASSERT_DIALS("Queue q\nTarget dial\nRoute 127.0.0.0/8:* 192.0.2.0/24:*\n", rows);
}
