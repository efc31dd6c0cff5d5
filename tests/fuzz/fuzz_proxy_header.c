/* SPDX-License-Identifier: MIT */
/* Fuzzes gw_proxy_header_read: a header that is done stays what it is whatever follows, and every shorter beginning of it asks for
 * more. */
#include "fuzz.h"
#include "gateway/net/proxy_header.h"

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
    return 0;
}
