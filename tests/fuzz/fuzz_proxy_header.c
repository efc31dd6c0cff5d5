/* SPDX-License-Identifier: MIT */
/* Fuzzes gw_proxy_header_read: a header that is done stays what it is whatever follows, every shorter beginning of it asks for
 * more, and what it says can be written and read back. */
#include "fuzz.h"
#include "gateway/net/proxy_header.h"

static bool is_same(const struct gw_addr *a, const struct gw_addr *b)
{
    return gw_addr_equal(a, b) && a->port == b->port;
}

/* With the input as a value, too, as far as there is room. */
static void write_and_read_back(const struct gw_proxy_header *said, const uint8_t *data, size_t size)
{
    uint8_t out[GW_PROXY_HEADER_MAX];
    struct gw_proxy_header again;
    struct gw_proxy_tlv tlv = { GW_PROXY_TLV_QUEUE, cx_view(data, size < 2048 ? size : 2048) };
    size_t len = gw_proxy_header_write((struct cx_span){ out, sizeof out }, &said->source, &said->destination, &tlv, 1);
    require(len > 0 && gw_proxy_header_read(cx_view(out, len), &again) == GW_PROXY_DONE && again.bytes == len);
    require(is_same(&again.source, &said->source) && is_same(&again.destination, &said->destination));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gw_proxy_header whole, part;
    enum gw_proxy_result result = gw_proxy_header_read(cx_view(data, size), &whole);
    require(result != GW_PROXY_MORE || size < GW_PROXY_HEADER_MAX);
    if (result != GW_PROXY_DONE)
        return 0;
    require(whole.bytes > 0 && whole.bytes <= size && whole.bytes <= GW_PROXY_HEADER_MAX);
    require((whole.source.family == 0) == (whole.destination.family == 0));
    require(gw_proxy_header_read(cx_view(data, whole.bytes), &part) == GW_PROXY_DONE && part.bytes == whole.bytes);
    require(gw_addr_equal(&part.source, &whole.source));
    for (size_t n = 0; n < whole.bytes; n++)
        require(gw_proxy_header_read(cx_view(data, n), &part) == GW_PROXY_MORE);
    if (whole.source.family != 0)
        write_and_read_back(&whole, data, size);
    return 0;
}
