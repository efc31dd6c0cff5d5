/* SPDX-License-Identifier: MIT */
/* Addresses, blocks, special ranges, host names and patterns. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <string.h>

#include "gateway/net/addr.h"
#include "gateway/net/host.h"

static struct gw_addr parse(const char *text)
{
    struct gw_addr a;
    cr_assert(gw_addr_parse(&a, text), "%s", text);
    return a;
}

static struct gw_cidr block(const char *text)
{
    struct gw_cidr c;
    cr_assert(gw_cidr_parse(&c, text), "%s", text);
    return c;
}

static void assert_text(const char *written, const char *want)
{
    char text[GW_ADDR_TEXT];
    struct gw_addr a = parse(written);
    cr_assert_str_eq(gw_addr_text(&a, text), want, "%s: %s", written, text);
}

Test(addr, literals_come_back_in_their_shortest_form)
{
    assert_text("10.0.0.1", "10.0.0.1");
    assert_text("::1", "::1");
    assert_text("[::1]", "::1");
    assert_text("2001:DB8:0:0:0:0:0:1", "2001:db8::1");
}

Test(addr, v4_mapped_becomes_v4)
{
    assert_text("::ffff:10.0.0.1", "10.0.0.1");
    assert_text("::ffff:a00:1", "10.0.0.1");
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(22), .sin6_scope_id = 3 };
    cr_assert_eq(inet_pton(AF_INET6, "::ffff:1.2.3.4", &in6.sin6_addr), 1);
    struct gw_addr a;
    char text[GW_ADDR_TEXT];
    cr_assert(gw_addr_from_sockaddr(&a, (struct sockaddr *)&in6));
    cr_assert_str_eq(gw_addr_port_text(&a, text), "1.2.3.4:22");
    cr_assert_eq(a.scope, 0);
}

Test(addr, what_only_some_resolvers_take_for_an_address_is_none)
{
    static const char *const none[] = {
        "",          "127.1",     "0x7f.1",   "2130706433",
        "010.0.0.1", "1.2.3.4.",  "1.2.3.4 ", " 1.2.3.4",
        "1.2.3.256", "[1.2.3.4]", "::1%lo",   "fe80::1%eth0",
        "[::1",      "::1]",      "[]",       "localhost",
        "1.2.3.4:5", ":::",       "[[::1]]",  "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0001"
    };
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        struct gw_addr a;
        cr_assert_not(gw_addr_parse(&a, none[i]), "%s", none[i]);
    }
}

Test(addr, sockets_and_addresses_convert_both_ways)
{
    static const char *const texts[] = { "10.1.2.3", "fe80::1" };
    for (size_t i = 0; i < 2; i++) {
        struct gw_addr a = parse(texts[i]), back;
        a.port = 2222;
        a.scope = a.family == AF_INET6 ? 7 : 0;
        struct sockaddr_storage storage;
        socklen_t len = gw_addr_to_sockaddr(&a, &storage);
        cr_assert_eq(len, a.family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
        cr_assert(gw_addr_from_sockaddr(&back, (struct sockaddr *)&storage));
        cr_assert(gw_addr_equal(&a, &back));
        cr_assert_eq(back.port, 2222);
    }
    struct sockaddr local = { .sa_family = AF_UNIX };
    struct gw_addr a;
    cr_assert_not(gw_addr_from_sockaddr(&a, &local));
}

Test(addr, the_longest_text_fits)
{
    struct gw_addr a = parse("fe80:1111:2222:3333:4444:5555:6666:7777");
    a.port = 65535;
    a.scope = UINT32_MAX;
    char text[GW_ADDR_TEXT];
    cr_assert_str_eq(gw_addr_port_text(&a, text), "[fe80:1111:2222:3333:4444:5555:6666:7777%4294967295]:65535");
    struct gw_addr none = { 0 };
    cr_assert_str_eq(gw_addr_text(&none, text), "UNKNOWN");
}

Test(cidr, blocks_hold_what_shares_their_prefix)
{
    static const struct {
        const char *block, *address;
        bool held;
    } rows[] = {
        { "10.0.0.0/8", "10.255.255.255", true },
        { "10.0.0.0/8", "11.0.0.0", false },
        { "0.0.0.0/0", "255.1.2.3", true },
        { "0.0.0.0/0", "::1", false },
        { "192.168.0.0/23", "192.168.1.9", true },
        { "192.168.0.0/23", "192.168.2.0", false },
        { "10.0.0.5", "10.0.0.5", true },
        { "10.0.0.5", "10.0.0.4", false },
        { "fd00::/8", "fdff::1", true },
        { "fd00::/8", "fe00::1", false },
        { "2001:db8::/33", "2001:db8:7fff::", true },
        { "2001:db8::/33", "2001:db8:8000::", false },
        { "::/0", "2001:db8::1", true },
        { "::/0", "1.2.3.4", false },
        { "::ffff:10.0.0.0/104", "10.9.9.9", true },
        { "10.0.0.0/8", "::ffff:10.1.1.1", true },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct gw_cidr c = block(rows[i].block);
        struct gw_addr a = parse(rows[i].address);
        cr_assert_eq(gw_cidr_contains(&c, &a), rows[i].held, "%s %s", rows[i].block, rows[i].address);
    }
}

Test(cidr, malformed_blocks_are_refused)
{
    static const char *const wrong[] = { "10.0.0.1/8",  "10.0.0.0/33", "10.0.0.0/",     "10.0.0.0/08",       "10.0.0.0/-1",
                                         "10.0.0.0/8 ", "/8",          "fd00::/129",    "fd00::1/8",         "10.0.0.0//8",
                                         "10/8",        "example/8",   "::ffff:0:0/90", "::ffff:1.2.3.4/200" };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct gw_cidr c;
        cr_assert_not(gw_cidr_parse(&c, wrong[i]), "%s", wrong[i]);
    }
}

Test(cidr, texts_read_back_to_the_same)
{
    static const char *const texts[] = { "10.0.0.0/8", "10.0.0.5", "0.0.0.0/0", "fd00::/8", "::1", "::/0" };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct gw_cidr c = block(texts[i]);
        char text[GW_ADDR_TEXT];
        cr_assert_str_eq(gw_cidr_text(&c, text), texts[i]);
    }
}

Test(cidr, one_block_lies_within_another)
{
    struct gw_cidr wide = block("127.0.0.0/8"), narrow = block("127.1.0.0/16"), other = block("10.0.0.0/16"),
                   all = block("0.0.0.0/0");
    cr_assert(gw_cidr_within(&narrow, &wide));
    cr_assert(gw_cidr_within(&wide, &wide));
    cr_assert_not(gw_cidr_within(&wide, &narrow));
    cr_assert_not(gw_cidr_within(&other, &wide));
    cr_assert_not(gw_cidr_within(&all, &wide));
}

Test(addr, masks_keep_the_first_bits)
{
    static const struct {
        const char *address;
        unsigned bits;
        const char *want;
    } rows[] = { { "10.1.2.255", 24, "10.1.2.0" },     { "10.1.2.255", 31, "10.1.2.254" },
                 { "10.1.2.255", 0, "0.0.0.0" },       { "10.1.2.255", 32, "10.1.2.255" },
                 { "10.1.2.255", 99, "10.1.2.255" },   { "2001:db8:ffff:ffff:ffff::1", 56, "2001:db8:ffff:ff00::" },
                 { "2001:db8::1", 128, "2001:db8::1" } };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct gw_addr a = parse(rows[i].address);
        char text[GW_ADDR_TEXT];
        gw_addr_mask(&a, rows[i].bits);
        cr_assert_str_eq(gw_addr_text(&a, text), rows[i].want);
    }
}

Test(addr, special_ranges_are_known_in_every_spelling)
{
    static const char *const special[] = {
        "0.0.0.0",
        "0.1.2.3",
        "127.0.0.1",
        "127.255.255.255",
        "169.254.169.254",
        "224.0.0.1",
        "239.1.1.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "febf::1",
        "ff02::1",
        "::7f00:1",
        "::ffff:127.0.0.1",
        "64:ff9b::127.0.0.1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1",
        "2002:7f00:1::",
        "2001:0:1::1",
        "::ffff:0:127.0.0.1",
    };
    static const char *const ordinary[] = { "10.0.0.1",        "192.168.1.1", "172.16.0.1", "100.64.0.1", "8.8.8.8",
                                            "223.255.255.255", "2001:db8::1", "fd00::1",    "fec0::1",    "64:ff9b::10.0.0.1",
                                            "2001:1::1",       "1.0.0.0",     "128.0.0.1",  "169.253.1.1" };
    for (size_t i = 0; i < sizeof special / sizeof special[0]; i++) {
        struct gw_addr a = parse(special[i]);
        cr_assert(gw_addr_is_special(&a), "%s", special[i]);
    }
    for (size_t i = 0; i < sizeof ordinary / sizeof ordinary[0]; i++) {
        struct gw_addr a = parse(ordinary[i]);
        cr_assert_not(gw_addr_is_special(&a), "%s", ordinary[i]);
    }
}

Test(addr, unwrapping_finds_the_v4_address_inside)
{
    struct gw_addr nat64 = parse("64:ff9b::10.0.0.1"), plain = parse("10.0.0.1"), v6 = parse("2001:db8::1");
    nat64.port = 80;
    struct gw_addr inner = gw_addr_unwrap(&nat64), same = gw_addr_unwrap(&v6);
    cr_assert(gw_addr_equal(&inner, &plain));
    cr_assert_eq(inner.port, 80);
    cr_assert(gw_addr_equal(&same, &v6));
}

Test(host, names_are_lower_case_without_their_last_dot)
{
    struct gw_host h = gw_host_read(cx_view_text("Web.Example_1.INTERNAL."));
    cr_assert_eq(h.kind, GW_HOST_NAME);
    cr_assert_str_eq(h.name, "web.example_1.internal");
}

Test(host, literals_are_unwrapped)
{
    static const char *const texts[] = { "10.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "[::ffff:10.0.0.1]" };
    struct gw_addr want = parse("10.0.0.1");
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct gw_host h = gw_host_read(cx_view_text(texts[i]));
        cr_assert_eq(h.kind, GW_HOST_LITERAL);
        cr_assert(gw_addr_equal(&h.address, &want), "%s", texts[i]);
    }
}

Test(host, what_is_neither_name_nor_literal_is_nothing)
{
    static const char *const texts[] = { "",     ".",    "..",  "a..b",       ".a",       "a.b..",   "127.1",       "0x7f.1",
                                         "0x",   "0X7F", "1",   "2130706433", "1.2.3.4.", "db.0x1f", "host.123",    "a b",
                                         "a\tb", "a\nb", "a/b", "a:b",        "*",        "a%b",     "\xc3\xa4.de", "017.0.0.1" };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        cr_assert_eq(gw_host_read(cx_view_text(texts[i])).kind, GW_HOST_NONE, "%s", texts[i]);
    cr_assert_eq(gw_host_read(cx_view("web\0", 4)).kind, GW_HOST_NONE);
    cr_assert_eq(gw_host_read(cx_view("10.0.0.1\0x", 10)).kind, GW_HOST_NONE);
    cr_assert_eq(gw_host_read(cx_view(NULL, 0)).kind, GW_HOST_NONE);
}

Test(host, names_end_at_their_greatest_length)
{
    char name[300];
    for (size_t i = 0; i < sizeof name; i++)
        name[i] = i % 10 == 9 ? '.' : 'a';
    cr_assert_eq(gw_host_read(cx_view(name, 255)).kind, GW_HOST_NAME);
    cr_assert_eq(gw_host_read(cx_view(name, 256)).kind, GW_HOST_NONE);
}

Test(pattern, stars_match_any_run_and_question_marks_one_byte)
{
    static const struct {
        const char *pattern, *text;
        bool match;
    } rows[] = {
        { "*", "", true },
        { "*", "abc", true },
        { "?", "", false },
        { "?", "a", true },
        { "a*c", "abbbc", true },
        { "a*c", "abbbd", false },
        { "*.internal", "a.b.internal", true },
        { "*.internal", "internal", false },
        { "a*b*c", "axbxbxc", true },
        { "**", "x", true },
        { "", "", true },
        { "", "a", false },
        { "abc", "abc", true },
        { "abc", "abcd", false },
        { "a?c", "abc", true },
        { "*a", "bab", false },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        cr_assert_eq(gw_pattern_match(rows[i].pattern, rows[i].text), rows[i].match, "%s %s", rows[i].pattern, rows[i].text);
}
