/* SPDX-License-Identifier: MIT */
#include "mux/connection/forward.h"

#include <criterion/criterion.h>

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
