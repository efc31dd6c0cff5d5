/* SPDX-License-Identifier: MIT */
#include "mux/connection/forward.h"

#include <criterion/criterion.h>

#include "mux/limits.h"

static struct mux_direct_tcpip sample(void)
{
    return (struct mux_direct_tcpip){ cx_view_text("web"), 80, cx_view_text("192.0.2.7"), 50000 };
}

static bool round_trip(const struct mux_direct_tcpip *in, struct mux_direct_tcpip *out)
{
    static uint8_t room[1024];
    size_t n = mux_direct_tcpip_write((struct cx_span){ room, sizeof room }, in);
    return mux_direct_tcpip_parse(cx_view(room, n), out);
}

Test(forward, what_is_written_is_read_back)
{
    struct mux_direct_tcpip in = sample(), out;
    cr_assert(round_trip(&in, &out));
    cr_assert(cx_view_is(out.host, "web") && cx_view_is(out.originator, "192.0.2.7"));
    cr_assert(out.port == 80 && out.originator_port == 50000);
}

Test(forward, hosts_of_1_to_255_bytes_without_nul_are_taken)
{
    static char host[256];
    memset(host, 'h', sizeof host);
    static const struct {
        size_t len;
        bool good;
    } rows[] = { { 0, false }, { 1, true }, { 255, true }, { 256, false } };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct mux_direct_tcpip in = sample(), out;
        in.host = cx_view(host, rows[i].len);
        cr_assert_eq(round_trip(&in, &out), rows[i].good, "%zu bytes", rows[i].len);
    }
    struct mux_direct_tcpip in = sample(), out;
    in.host = cx_view("we\0b", 4);
    cr_assert_not(round_trip(&in, &out));
}

Test(forward, ports_beyond_16_bits_are_refused)
{
    struct mux_direct_tcpip in = sample(), out;
    in.port = 65535;
    cr_assert(round_trip(&in, &out));
    in.port = 65536;
    cr_assert_not(round_trip(&in, &out));
    in = sample();
    in.originator_port = UINT32_MAX;
    cr_assert_not(round_trip(&in, &out));
}

Test(forward, every_prefix_and_a_longer_one_are_refused)
{
    uint8_t room[128] = { 0 };
    struct mux_direct_tcpip m = sample();
    size_t n = mux_direct_tcpip_write((struct cx_span){ room, sizeof room }, &m);
    for (size_t cut = 0; cut < n; cut++)
        cr_assert_not(mux_direct_tcpip_parse(cx_view(room, cut), &m), "cut at %zu", cut);
    cr_assert_not(mux_direct_tcpip_parse(cx_view(room, n + 1), &m));
    cr_assert_eq(mux_direct_tcpip_write((struct cx_span){ room, n - 1 }, &m), 0);
}

Test(forward, forwarded_tcpip_may_name_every_address)
{
    struct mux_direct_tcpip in = sample(), out;
    uint8_t room[128];
    in.host = cx_view("", 0);
    size_t n = mux_direct_tcpip_write((struct cx_span){ room, sizeof room }, &in);
    cr_assert_not(mux_direct_tcpip_parse(cx_view(room, n), &out));
    cr_assert(mux_forwarded_tcpip_parse(cx_view(room, n), &out));
    cr_assert(out.host.len == 0 && out.port == in.port && cx_view_is(out.originator, "192.0.2.7"));
}

Test(forward, listen_requests_are_read_back_within_their_bounds)
{
    static const uint32_t ports[] = { 0, 1, 65535, 65536 };
    uint8_t room[512];
    static char host[256];
    memset(host, 'h', sizeof host);
    for (size_t i = 0; i < 4; i++) {
        for (size_t len = 0; len <= 256; len += 1 + 127 * (len > 0)) {
            struct mux_tcpip_forward in = { cx_view(host, len), ports[i] }, out;
            size_t n = mux_tcpip_forward_write((struct cx_span){ room, sizeof room }, &in);
            bool good = len <= 255 && ports[i] <= 65535;
            cr_assert_eq(mux_tcpip_forward_parse(cx_view(room, n), &out), good, "%zu %u", len, ports[i]);
            cr_assert(!good || (cx_view_equal(out.host, in.host) && out.port == in.port));
        }
    }
}

Test(forward, the_port_of_an_answer_is_one)
{
    static const struct {
        const char *bytes;
        size_t len;
        bool good;
    } rows[] = { { "\0\0\0\1", 4, true },  { "\0\0\377\377", 4, true }, { "\0\1\0\0", 4, false },
                 { "\0\0\0\0", 4, false }, { "\0\0\1", 3, false },      { "\0\0\0\1\0", 5, false } };
    uint32_t port;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        cr_assert_eq(mux_tcpip_forward_port_parse(cx_view(rows[i].bytes, rows[i].len), &port), rows[i].good, "row %zu", i);
}

typedef bool path_parse(struct cx_view data, struct cx_view *path);
typedef size_t path_write(struct cx_span out, struct cx_view path);

static void check_path_form(path_parse *parse, path_write *write)
{
    static uint8_t room[2048];
    static char path[MUX_SOCKET_PATH_MAX + 1];
    struct cx_view out, in = cx_view_text("/run/app.sock");
    size_t n = write((struct cx_span){ room, sizeof room }, in);
    cr_assert(parse(cx_view(room, n), &out) && cx_view_equal(in, out));
    for (size_t cut = 0; cut < n; cut++)
        cr_assert_not(parse(cx_view(room, cut), &out), "cut at %zu", cut);
    room[n] = 0;
    cr_assert_not(parse(cx_view(room, n + 1), &out));
    cr_assert_eq(write((struct cx_span){ room, n - 1 }, in), 0);
    memset(path, 'p', sizeof path);
    for (size_t over = 0; over < 2; over++) {
        n = write((struct cx_span){ room, sizeof room }, cx_view(path, MUX_SOCKET_PATH_MAX + over));
        cr_assert_eq(parse(cx_view(room, n), &out), over == 0);
    }
    n = write((struct cx_span){ room, sizeof room }, cx_view("", 0));
    cr_assert_not(parse(cx_view(room, n), &out));
    n = write((struct cx_span){ room, sizeof room }, cx_view("/a\0b", 4));
    cr_assert_not(parse(cx_view(room, n), &out));
}

Test(forward, paths_of_sockets_are_read_back_within_their_bounds)
{
    check_path_form(mux_direct_streamlocal_parse, mux_direct_streamlocal_write);
    check_path_form(mux_forwarded_streamlocal_parse, mux_forwarded_streamlocal_write);
    check_path_form(mux_streamlocal_forward_parse, mux_streamlocal_forward_write);
}
