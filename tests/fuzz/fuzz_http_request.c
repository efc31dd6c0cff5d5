/* SPDX-License-Identifier: MIT */
/* Fuzzes gw_http_request_feed. Byte 0 is the length of each piece: every split gives the same answer as the whole. */
#include "fuzz.h"
#include "gateway/consumers/http_request.h"

static unsigned feed(struct gw_http_request *r, const uint8_t *data, size_t size, size_t piece, size_t *total)
{
    unsigned status = 0;
    for (*total = 0; status == 0 && *total < size;) {
        size_t n = piece < size - *total ? piece : size - *total, used;
        status = gw_http_request_feed(r, cx_view(data + *total, n), &used);
        require(used <= n && (status != 0 || used == n));
        *total += used;
    }
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct gw_http_request whole = { 0 }, split = { 0 };
    size_t whole_used, split_used;
    unsigned status = feed(&whole, data + 1, size - 1, size, &whole_used);
    require(feed(&split, data + 1, size - 1, data[0] + 1u, &split_used) == status && split_used == whole_used);
    require(split.head == whole.head && split.keep_alive == whole.keep_alive && split.body_bytes == whole.body_bytes);
    require(status == 0 || status == 200 || !whole.keep_alive);
    require(status != 200 || whole.body_bytes <= GW_HTTP_BODY_MAX);
    return 0;
}
