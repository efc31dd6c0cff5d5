/* SPDX-License-Identifier: MIT */
/* The reader looks at all bytes from the start each time, so that it has no state and every split reads the same. */
#include "gateway/net/proxy_header.h"

#include <arpa/inet.h>
#include <string.h>

#include "crypto/wire.h"
#include "gateway/net/crc32c.h"

/* ---- version 1: one line of text, section 2.1 ---- */

enum { LINE_MAX_BYTES = 107, FIELDS = 6 };

static const char line_start[] = "PROXY ";

/* "0" to "65535", no sign, no leading zero. */
static bool read_port(const char *text, uint16_t *out)
{
    size_t len = strlen(text);
    if (len == 0 || len > 5 || strspn(text, "0123456789") != len || (text[0] == '0' && len > 1))
        return false;
    unsigned port = 0;
    for (; *text; text++)
        port = port * 10 + (unsigned)(*text - '0');
    *out = (uint16_t)port;
    return port <= UINT16_MAX;
}

/* family: what the line announced. */
static bool read_text_address(int family, const char *address, const char *port, struct gw_addr *out)
{
    uint8_t bytes[16];
    return inet_pton(family, address, bytes) == 1 && gw_addr_parse(out, address) && read_port(port, &out->port);
}

/* line: NUL-terminated, without its CR LF. */
static bool read_line(char *line, struct gw_proxy_header *out)
{
    if (strcmp(line, "PROXY UNKNOWN") == 0 || strncmp(line, "PROXY UNKNOWN ", 14) == 0)
        return true;
    char *field[FIELDS], *at = line;
    for (int i = 0; i < FIELDS; i++)
        if (!(field[i] = strsep(&at, " ")))
            return false;
    int family = strcmp(field[1], "TCP4") == 0 ? AF_INET : strcmp(field[1], "TCP6") == 0 ? AF_INET6 : AF_UNSPEC;
    return !at && family != AF_UNSPEC && read_text_address(family, field[2], field[4], &out->source) &&
           read_text_address(family, field[3], field[5], &out->destination);
}

static enum gw_proxy_result read_version_1(struct cx_view in, struct gw_proxy_header *out)
{
    size_t known = sizeof line_start - 1, seen = in.len < LINE_MAX_BYTES ? in.len : LINE_MAX_BYTES;
    if (memcmp(in.data, line_start, seen < known ? seen : known) != 0)
        return GW_PROXY_MALFORMED;
    const uint8_t *end = memchr(in.data, '\n', seen);
    if (!end)
        return seen == LINE_MAX_BYTES ? GW_PROXY_MALFORMED : GW_PROXY_MORE;
    size_t len = (size_t)(end - in.data);
    char line[LINE_MAX_BYTES + 1];
    memcpy(line, in.data, len);
    if (line[len - 1] != '\r' || memchr(line, '\0', len))
        return GW_PROXY_MALFORMED;
    line[len - 1] = '\0';
    out->bytes = len + 1;
    return read_line(line, out) ? GW_PROXY_DONE : GW_PROXY_MALFORMED;
}

/* ---- version 2: binary, section 2.2 ---- */

enum {
    SIGNATURE_BYTES = 12,
    FIXED_BYTES = 16,
    V4_BYTES = 2 * (4 + 2),
    V6_BYTES = 2 * (16 + 2),
    UNIX_BYTES = 2 * 108,
    COMMAND_LOCAL = 0x20, /* with the version in the upper half */
    COMMAND_PROXY = 0x21,
    TLV_CRC32C = 0x03,
    SUM_BYTES = 4,
};

/* Address family in the upper half, transport in the lower. */
enum { OVER_UNSPECIFIED = 0x00, OVER_TCP4 = 0x11, OVER_TCP6 = 0x21, OVER_UNIX_STREAM = 0x31 };

static const uint8_t signature[SIGNATURE_BYTES] = "\r\n\r\n\0\r\nQUIT\n";

static unsigned u16_at(const uint8_t *at)
{
    return (unsigned)at[0] << 8 | at[1];
}

static void take_address(uint8_t family, const uint8_t *address, const uint8_t *port, struct gw_addr *out)
{
    struct gw_addr a = { .family = family, .port = (uint16_t)u16_at(port) };
    memcpy(a.bytes, address, family == AF_INET ? 4 : 16);
    struct sockaddr_storage sa;
    gw_addr_to_sockaddr(&a, &sa);
    gw_addr_from_sockaddr(out, (struct sockaddr *)&sa); /* v4-mapped ones become IPv4 */
}

/* The addresses at the start of the body; *len: how long they are. False: not of a stream, or too short. */
static bool read_addresses(uint8_t over, const uint8_t *body, size_t body_len, size_t *len, struct gw_proxy_header *out)
{
    switch (over) {
    case OVER_UNSPECIFIED:
        *len = 0;
        return true;
    case OVER_TCP4:
        *len = V4_BYTES;
        break;
    case OVER_TCP6:
        *len = V6_BYTES;
        break;
    case OVER_UNIX_STREAM:
        *len = UNIX_BYTES;
        return body_len >= *len; /* a path is no address that a rule here could mean */
    default:
        return false;
    }
    if (body_len < *len)
        return false;
    uint8_t family = over == OVER_TCP4 ? AF_INET : AF_INET6;
    size_t width = over == OVER_TCP4 ? 4 : 16;
    take_address(family, body, body + 2 * width, &out->source);
    take_address(family, body + width, body + 2 * width + 2, &out->destination);
    return true;
}

/* The sum is made with its own four bytes zero: section 2.2.6. */
static bool sum_is_right(struct cx_view header, size_t sum_at)
{
    uint8_t copy[GW_PROXY_HEADER_MAX];
    memcpy(copy, header.data, header.len);
    const uint8_t *sum = header.data + sum_at;
    memset(copy + sum_at, 0, 4);
    return gw_crc32c(cx_view(copy, header.len)) == ((uint32_t)u16_at(sum) << 16 | u16_at(sum + 2));
}

/* Type, length, value, from `at` on to the end of the header. */
static bool read_tlvs(struct cx_view header, size_t at)
{
    while (at < header.len) {
        if (header.len - at < 3)
            return false;
        uint8_t type = header.data[at];
        size_t len = u16_at(header.data + at + 1);
        at += 3;
        if (len > header.len - at)
            return false;
        if (type == TLV_CRC32C && (len != 4 || !sum_is_right(header, at)))
            return false;
        at += len;
    }
    return true;
}

static enum gw_proxy_result read_version_2(struct cx_view in, struct gw_proxy_header *out)
{
    if (memcmp(in.data, signature, in.len < SIGNATURE_BYTES ? in.len : SIGNATURE_BYTES) != 0)
        return GW_PROXY_MALFORMED;
    if (in.len < FIXED_BYTES)
        return GW_PROXY_MORE;
    uint8_t command = in.data[SIGNATURE_BYTES], over = in.data[SIGNATURE_BYTES + 1];
    size_t body_len = u16_at(in.data + SIGNATURE_BYTES + 2), address_len = 0;
    if ((command != COMMAND_LOCAL && command != COMMAND_PROXY) || body_len > GW_PROXY_HEADER_MAX - FIXED_BYTES)
        return GW_PROXY_MALFORMED;
    if (in.len - FIXED_BYTES < body_len)
        return GW_PROXY_MORE;
    out->bytes = FIXED_BYTES + body_len;
    if (command == COMMAND_LOCAL) /* whatever follows is to be discarded */
        return GW_PROXY_DONE;
    if (!read_addresses(over, in.data + FIXED_BYTES, body_len, &address_len, out))
        return GW_PROXY_MALFORMED;
    /* Where nothing is said of addresses, their block has no known length, so that no TLV can be told from it. */
    if (over != OVER_UNSPECIFIED && !read_tlvs(cx_view(in.data, out->bytes), FIXED_BYTES + address_len))
        return GW_PROXY_MALFORMED;
    return GW_PROXY_DONE;
}

enum gw_proxy_result gw_proxy_header_read(struct cx_view in, struct gw_proxy_header *out)
{
    *out = (struct gw_proxy_header){ 0 };
    if (in.len == 0)
        return GW_PROXY_MORE;
    return in.data[0] == line_start[0] ? read_version_1(in, out) : read_version_2(in, out);
}

/* ---- writing ---- */

/* In the width of the header's family. */
static void put_address(struct cx_writer *w, const struct gw_addr *a, bool as_v6)
{
    static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
    if (as_v6 && a->family == AF_INET)
        cx_writer_raw(w, cx_view(mapped, sizeof mapped));
    cx_writer_raw(w, cx_view(a->bytes, a->family == AF_INET ? 4 : 16));
}

static void put_u16(struct cx_writer *w, unsigned value)
{
    cx_writer_u8(w, (uint8_t)(value >> 8));
    cx_writer_u8(w, (uint8_t)value);
}

static void put_addresses(struct cx_writer *w, const struct gw_addr *source, const struct gw_addr *destination, bool as_v6)
{
    put_address(w, source, as_v6);
    put_address(w, destination, as_v6);
    put_u16(w, source->port);
    put_u16(w, destination->port);
}

static void put_tlv(struct cx_writer *w, unsigned type, struct cx_view value)
{
    cx_writer_u8(w, (uint8_t)type);
    put_u16(w, (unsigned)value.len);
    cx_writer_raw(w, value);
}

/* Both were written as zeros. Their places are known: the length's from the start, the sum's from the end. */
static void fill_in_length_and_sum(uint8_t *header, size_t len)
{
    size_t body_len = len - FIXED_BYTES;
    header[FIXED_BYTES - 2] = (uint8_t)(body_len >> 8);
    header[FIXED_BYTES - 1] = (uint8_t)body_len;
    uint32_t sum = gw_crc32c(cx_view(header, len));
    for (int i = 0; i < SUM_BYTES; i++)
        header[len - SUM_BYTES + (size_t)i] = (uint8_t)(sum >> (24 - 8 * i));
}

size_t gw_proxy_header_write(struct cx_span out, const struct gw_addr *source, const struct gw_addr *destination,
                             const struct gw_proxy_tlv *tlvs, size_t count)
{
    static const uint8_t no_sum[SUM_BYTES];
    struct cx_writer w = cx_writer(out);
    cx_writer_raw(&w, cx_view(signature, SIGNATURE_BYTES));
    cx_writer_u8(&w, source ? COMMAND_PROXY : COMMAND_LOCAL);
    bool as_v6 = source && (source->family == AF_INET6 || destination->family == AF_INET6);
    cx_writer_u8(&w, !source ? OVER_UNSPECIFIED : as_v6 ? OVER_TCP6 : OVER_TCP4);
    put_u16(&w, 0);
    if (source) {
        put_addresses(&w, source, destination, as_v6);
        for (size_t i = 0; i < count; i++)
            put_tlv(&w, tlvs[i].type, tlvs[i].value);
        put_tlv(&w, TLV_CRC32C, cx_view(no_sum, SUM_BYTES));
    }
    size_t len = cx_writer_view(&w).len;
    if (!cx_writer_ok(&w) || len > GW_PROXY_HEADER_MAX)
        return 0;
    if (source)
        fill_in_length_and_sum(out.data, len);
    return len;
}
