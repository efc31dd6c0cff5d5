/* SPDX-License-Identifier: MIT */
/* Headers of PROXY protocol 1 and 2, from the specification's own rules. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "gateway/net/crc32c.h"
#include "gateway/net/proxy_header.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define BYTES(text) cx_view(text, sizeof text - 1)

static void expect(struct cx_view in, enum gw_proxy_result result, size_t bytes, const char *source, const char *destination)
{
    struct gw_proxy_header h;
    char text[GW_ADDR_TEXT];
    enum gw_proxy_result got = gw_proxy_header_read(in, &h);
    cr_assert_eq(got, result, "%d for a header of %zu bytes: %.*s", (int)got, in.len, (int)in.len, (const char *)in.data);
    if (result != GW_PROXY_DONE)
        return;
    cr_assert_eq(h.bytes, bytes, "%zu, not %zu", h.bytes, bytes);
    cr_assert_eq(h.source.family != 0, source != NULL);
    if (source)
        cr_assert_str_eq(gw_addr_port_text(&h.source, text), source);
    if (destination)
        cr_assert_str_eq(gw_addr_port_text(&h.destination, text), destination);
}

static void expect_line(const char *line, const char *source, const char *destination)
{
    char with_more[256];
    size_t len = (size_t)snprintf(with_more, sizeof with_more, "%sSSH-2.0-x\r\n", line);
    size_t end = strlen(line);
    for (size_t n = 0; n < end; n++)
        expect(cx_view(with_more, n), GW_PROXY_MORE, 0, NULL, NULL);
    for (size_t n = end; n <= len; n++)
        expect(cx_view(with_more, n), GW_PROXY_DONE, end, source, destination);
}

Test(proxy_header, a_line_of_version_1_reads_at_any_split)
{
    expect_line("PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n", "192.168.0.1:56324", "192.168.0.11:443");
    expect_line("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255:65535", "255.255.255.255:65535");
    expect_line("PROXY TCP6 2001:db8::1 ::1 1 0\r\n", "[2001:db8::1]:1", "[::1]:0");
    expect_line("PROXY TCP6 ::ffff:10.0.0.1 ::1 1 2\r\n", "10.0.0.1:1", "[::1]:2");
    expect_line("PROXY UNKNOWN\r\n", NULL, NULL);
    /* the longest line that the specification allows: 107 bytes */
    expect_line("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
                NULL, NULL);
}

Test(proxy_header, a_line_that_breaks_a_rule_is_malformed)
{
    static const char *const lines[] = {
        "SSH-2.0-OpenSSH_9.2\r\n",
        "PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\n",
        "PROXY  TCP4 192.168.0.1 192.168.0.11 56324 443\r\n",
        "PROXY TCP4 192.168.0.1 192.168.0.11  56324 443\r\n",
        "PROXY TCP4 192.168.0.1 192.168.0.11 56324 443 \r\n",
        "PROXY TCP4 192.168.0.1 192.168.0.11 56324\r\n",
        "PROXY TCP4 192.168.0.1 192.168.0.11 56324 443 1\r\n",
        "PROXY TCP4 192.168.0.1 192.168.0.11 65536 443\r\n",
        "PROXY TCP4 192.168.0.1 192.168.0.11 0443 443\r\n",
        "PROXY TCP4 192.168.0.1 192.168.0.11 -1 443\r\n",
        "PROXY TCP4 192.168.0.1 192.168.0.11 +1 443\r\n",
        "PROXY TCP4 192.168.0.1 192.168.0.11  443\r\n",
        "PROXY TCP4 192.168.000.1 192.168.0.11 1 443\r\n",
        "PROXY TCP4 192.168.1 192.168.0.11 1 443\r\n",
        "PROXY TCP4 ::1 ::1 1 443\r\n",
        "PROXY TCP6 10.0.0.1 10.0.0.2 1 443\r\n",
        "PROXY TCP6 [::1] [::1] 1 443\r\n",
        "PROXY tcp4 192.168.0.1 192.168.0.11 1 443\r\n",
        "PROXY UDP4 192.168.0.1 192.168.0.11 1 443\r\n",
        "PROXY UNKNOWNS\r\n",
        "PROXY \r\n",
        "proxy UNKNOWN\r\n",
        "PROXY UNKNOWN fffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        expect(cx_view_text(lines[i]), GW_PROXY_MALFORMED, 0, NULL, NULL);
    expect(BYTES("PROXY TCP4 1.1.1.1\0 1.1.1.1 1 1\r\n"), GW_PROXY_MALFORMED, 0, NULL, NULL);
}

static void expect_all_splits(struct cx_view whole, const char *source, const char *destination)
{
    uint8_t with_more[512];
    memcpy(with_more, whole.data, whole.len);
    memcpy(with_more + whole.len, "SSH-2.0-", 8);
    for (size_t n = 0; n < whole.len; n++)
        expect(cx_view(with_more, n), GW_PROXY_MORE, 0, NULL, NULL);
    expect(cx_view(with_more, whole.len + 8), GW_PROXY_DONE, whole.len, source, destination);
}

Test(proxy_header, version_2_reads_at_any_split)
{
    expect_all_splits(BYTES(SIGNATURE "\x21\x11\x00\x0c\x0a\x00\x00\x01\xc0\xa8\x00\x0b\x12\x34\x00\x16"), "10.0.0.1:4660",
                      "192.168.0.11:22");
    expect_all_splits(BYTES(SIGNATURE "\x21\x21\x00\x24"
                                      "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
                                      "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02"
                                      "\x00\x01\xff\xff"),
                      "[2001:db8::1]:1", "[2001:db8::2]:65535");
    expect_all_splits(BYTES(SIGNATURE "\x21\x21\x00\x24"
                                      "\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\x00\x00\x01"
                                      "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01"
                                      "\x00\x01\x00\x02"),
                      "10.0.0.1:1", "[::1]:2");
}

Test(proxy_header, what_the_proxy_says_of_itself_or_does_not_know_leaves_the_socket_address)
{
    expect_all_splits(BYTES(SIGNATURE "\x20\x00\x00\x00"), NULL, NULL);
    expect_all_splits(BYTES(SIGNATURE "\x20\x11\x00\x0c\x0a\x00\x00\x01\xc0\xa8\x00\x0b\x12\x34\x00\x16"), NULL, NULL);
    expect_all_splits(BYTES(SIGNATURE "\x20\xff\x00\x01x"), NULL, NULL); /* LOCAL: the rest is discarded, whatever it is */
    expect_all_splits(BYTES(SIGNATURE "\x21\x00\x00\x00"), NULL, NULL);
    expect_all_splits(BYTES(SIGNATURE "\x21\x00\x00\x03xyz"), NULL, NULL);
    uint8_t unix_stream[16 + 216] = SIGNATURE "\x21\x31\x00\xd8/run/a";
    expect_all_splits(cx_view(unix_stream, sizeof unix_stream), NULL, NULL);
}

#define V4 "\x0a\x00\x00\x01\xc0\xa8\x00\x0b\x12\x34\x00\x16"

Test(proxy_header, tlvs_are_passed_over)
{
    expect_all_splits(BYTES(SIGNATURE "\x21\x11\x00\x0f" V4 "\x04\x00\x00"), "10.0.0.1:4660", NULL);
    expect_all_splits(BYTES(SIGNATURE "\x21\x11\x00\x17" V4 "\x02\x00\x05gw.ex\x04\x00\x00"), "10.0.0.1:4660", NULL);
}

Test(proxy_header, a_malformed_header_of_version_2_is_told)
{
    static const struct {
        const char *bytes;
        size_t len;
    } headers[] = {
#define ROW(text) { text, sizeof text - 1 }
        ROW(SIGNATURE "\x11\x11\x00\x0c" V4),                        /* version 1 in binary */
        ROW(SIGNATURE "\x22\x11\x00\x0c" V4),                        /* an unknown command */
        ROW(SIGNATURE "\x21\x12\x00\x0c" V4),                        /* a datagram */
        ROW(SIGNATURE "\x21\x10\x00\x0c" V4),                        /* a family without a transport */
        ROW(SIGNATURE "\x21\x41\x00\x0c" V4),                        /* an unknown family */
        ROW(SIGNATURE "\x21\x11\x00\x0b" V4),                        /* too short for its addresses */
        ROW(SIGNATURE "\x21\x21\x00\x0c" V4),                        /* the same */
        ROW(SIGNATURE "\x21\x11\x00\x0d" V4 "\x04"),                 /* a TLV cut off */
        ROW(SIGNATURE "\x21\x11\x00\x0f" V4 "\x04\x00\x01"),         /* its value beyond the end */
        ROW(SIGNATURE "\x21\x11\x0f\xf1" V4),                        /* longer than anybody needs */
        ROW("\r\n\r\n\0\r\nQUIX"),                                   /* another signature */
        ROW(SIGNATURE "\x21\x11\x00\x13" V4 "\x03\x00\x04\0\0\0\0"), /* a sum that is wrong */
        ROW(SIGNATURE "\x21\x11\x00\x12" V4 "\x03\x00\x03\0\0\0"),   /* a sum of another length */
#undef ROW
    };
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++)
        expect(cx_view(headers[i].bytes, headers[i].len), GW_PROXY_MALFORMED, 0, NULL, NULL);
}

Test(proxy_header, the_sum_is_over_the_whole_header_with_its_own_bytes_zero)
{
    uint8_t header[] = SIGNATURE "\x21\x11\x00\x16" V4 "\x03\x00\x04\0\0\0\0\x04\x00\x00";
    size_t len = sizeof header - 1, sum_at = 16 + 12 + 3;
    uint32_t sum = gw_crc32c(cx_view(header, len));
    for (int i = 0; i < 4; i++)
        header[sum_at + (size_t)i] = (uint8_t)(sum >> (24 - 8 * i));
    expect(cx_view(header, len), GW_PROXY_DONE, len, "10.0.0.1:4660", NULL);
    for (size_t i = 16; i < len; i++) {
        if (i == sum_at - 3) /* with another type it is no sum */
            continue;
        header[i] ^= 1;
        struct gw_proxy_header h;
        cr_assert_neq(gw_proxy_header_read(cx_view(header, len), &h), GW_PROXY_DONE, "byte %zu", i);
        header[i] ^= 1;
    }
}

/* RFC 3720 appendix B.4. */
Test(crc32c, gives_the_values_of_the_rfc)
{
    uint8_t bytes[32] = { 0 };
    cr_assert_eq(gw_crc32c(cx_view(bytes, sizeof bytes)), 0x8a9136aau);
    memset(bytes, 0xff, sizeof bytes);
    cr_assert_eq(gw_crc32c(cx_view(bytes, sizeof bytes)), 0x62a8ab43u);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)i;
    cr_assert_eq(gw_crc32c(cx_view(bytes, sizeof bytes)), 0x46dd794eu);
    cr_assert_eq(gw_crc32c(cx_view_text("123456789")), 0xe3069283u);
}

/* ---- writing ---- */

static struct gw_addr address(const char *literal, uint16_t port)
{
    struct gw_addr a;
    cr_assert(gw_addr_parse(&a, literal));
    a.port = port;
    return a;
}

static void expect_written(const char *source, const char *destination, size_t bytes, uint8_t over)
{
    struct gw_addr from = address(source, 4711), to = address(destination, 22);
    struct gw_proxy_tlv tlvs[] = { { GW_PROXY_TLV_SSH_USER, cx_view_text("alice") }, { GW_PROXY_TLV_QUEUE, cx_view_text("") } };
    uint8_t out[256];
    char text[GW_ADDR_TEXT], other[GW_ADDR_TEXT];
    for (size_t room = 0; room < bytes; room++)
        cr_assert_eq(gw_proxy_header_write((struct cx_span){ out, room }, &from, &to, tlvs, 2), 0);
    size_t len = gw_proxy_header_write((struct cx_span){ out, sizeof out }, &from, &to, tlvs, 2);
    cr_assert_eq(len, bytes, "%zu", len);
    cr_assert(out[12] == 0x21 && out[13] == over);
    expect(cx_view(out, len), GW_PROXY_DONE, len, gw_addr_port_text(&from, text), gw_addr_port_text(&to, other));
    cr_assert_arr_eq(out + len - 18, "\xe0\0\5alice\xe2\0\0\3\0\4", 14);
    out[len - 18 + 3] ^= 1; /* the sum is over all of it */
    expect(cx_view(out, len), GW_PROXY_MALFORMED, 0, NULL, NULL);
}

Test(proxy_header, what_is_written_reads_back)
{
    expect_written("192.0.2.7", "198.51.100.1", 16 + 12 + 8 + 3 + 7, 0x11);
    expect_written("2001:db8::7", "2001:db8::1", 16 + 36 + 8 + 3 + 7, 0x21);
    /* one family for both */
    expect_written("192.0.2.7", "2001:db8::1", 16 + 36 + 8 + 3 + 7, 0x21);
    expect_written("2001:db8::7", "198.51.100.1", 16 + 36 + 8 + 3 + 7, 0x21);
}

Test(proxy_header, a_proxy_that_speaks_for_itself_says_no_more)
{
    uint8_t out[16];
    cr_assert_eq(gw_proxy_header_write((struct cx_span){ out, 15 }, NULL, NULL, NULL, 0), 0);
    cr_assert_eq(gw_proxy_header_write((struct cx_span){ out, 16 }, NULL, NULL, NULL, 0), 16);
    cr_assert_arr_eq(out, SIGNATURE "\x20\0\0\0", 16);
    expect(cx_view(out, 16), GW_PROXY_DONE, 16, NULL, NULL);
}
