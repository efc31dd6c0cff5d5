/* SPDX-License-Identifier: MIT */
/* bench/load/names: what words of the command line stand for. */
#include <criterion/criterion.h>

#include "bench/load/names.h"

Test(names, places_have_a_host_and_a_port)
{
    static const struct {
        const char *text, *host;
        uint32_t port;
    } good[] = {
        { "gateway", "gateway", 22 },
        { "gateway:2222", "gateway", 2222 },
        { "127.0.0.1:1", "127.0.0.1", 1 },
        { "[::1]:2222", "::1", 2222 },
        { "[::1]", "::1", 22 },
        { "::1", "::1", 22 },
        { "fe80::1:2222", "fe80::1:2222", 22 },
    };
    static const char *const wrong[] = { "", ":22", "a:", "a:0", "a:65536", "a:22x", "a:-1", "[::1", "[]:22", "[::1]22" };
    struct load_place place;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        cr_assert(load_place_parse(&place, good[i].text, 22), "%s", good[i].text);
        cr_expect_str_eq(place.host, good[i].host);
        cr_expect_eq(place.port, good[i].port, "%s", good[i].text);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        cr_expect_not(load_place_parse(&place, wrong[i], 22), "%s", wrong[i]);
}

Test(names, algorithms_go_by_their_short_names_too)
{
    char out[256], error[512];
    cr_assert(load_names_ciphers("aes256-gcm,chacha20-poly1305@openssh.com,aes128-ctr", out, sizeof out, error, sizeof error));
    cr_expect_str_eq(out, "aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,aes128-ctr");
    cr_assert(load_names_macs("hmac-sha2-256", out, sizeof out, error, sizeof error));
    cr_expect_str_eq(out, "hmac-sha2-256", "and not the first that begins so");
}

Test(names, an_unknown_algorithm_is_answered_with_those_there_are)
{
    char out[256], error[512];
    cr_expect_not(load_names_ciphers("aes128-gcm,rot13", out, sizeof out, error, sizeof error));
    cr_expect_not_null(strstr(error, "'rot13'"), "%s", error);
    cr_expect_not_null(strstr(error, "aes128-gcm@openssh.com"), "%s", error);
    cr_expect_not(load_names_kex("aes128-gcm", out, sizeof out, error, sizeof error));
    cr_expect_not(load_names_kex("", out, sizeof out, error, sizeof error));
    cr_expect_not(load_names_macs("hmac-sha2-256", out, 8, error, sizeof error), "no room");
}

Test(names, the_usual_lists_are_known_and_fit)
{
    char out[512], error[512];
    cr_expect(load_names_ciphers(NULL, out, sizeof out, error, sizeof error), "%s", error);
    cr_expect(load_names_macs(NULL, out, sizeof out, error, sizeof error), "%s", error);
    cr_expect(load_names_kex(NULL, out, sizeof out, error, sizeof error), "%s", error);
}

Test(names, many_connections_to_the_loopback_come_from_many_addresses)
{
    struct gw_addr out[LOAD_SOURCES_MAX], server;
    cr_assert(gw_addr_parse(&server, "127.0.0.1"));
    cr_expect_eq(load_sources_for(&server, 10000, out), 0);
    cr_expect_eq(load_sources_for(&server, 100000, out), 6);
    cr_expect_eq(out[5].bytes[3], 6);
    cr_expect_eq(load_sources_for(&server, 1000000000, out), LOAD_SOURCES_MAX);
    cr_assert(gw_addr_parse(&server, "10.0.0.1"));
    cr_expect_eq(load_sources_for(&server, 100000, out), 0);
}
