/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "gateway/consumers/bytes.h"

static uint8_t at(size_t i)
{
    return (uint8_t)(i * 31 + (i >> 8));
}

/* Appends bytes [from, from + n) of the pattern, split over two pieces, behind `skip` others. */
static void append(struct gw_bytes *b, size_t from, size_t n, size_t skip)
{
    uint8_t *bytes = malloc(n + skip + 1);
    for (size_t i = 0; i < n; i++)
        bytes[skip + i] = at(from + i);
    size_t cut = (n + skip) / 3;
    struct iovec iov[2] = { { bytes, cut }, { bytes + cut, n + skip - cut } };
    cr_assert(gw_bytes_append(b, iov, 2, skip));
    free(bytes);
}

Test(bytes, come_out_in_order_whatever_the_portions)
{
    static const size_t portions[] = { 1, 7, 999, 1000, 1024, 5000, 16384, 70000 };
    for (size_t p = 0; p < 8; p++) {
        struct gw_bytes b = { 0 };
        size_t in = 0, out = 0;
        while (out < 200000) {
            append(&b, in, portions[p], p);
            in += portions[p];
            uint8_t room[5000];
            struct iovec iov[3] = { { room, 1 }, { room + 1, 1500 }, { room + 1501, 3499 } };
            size_t n = gw_bytes_read(&b, iov, 3);
            for (size_t i = 0; i < n; i++)
                cr_assert_eq(room[i], at(out + i), "portion %zu byte %zu", portions[p], out + i);
            out += n;
            cr_assert_eq(b.len, in - out);
            if (in > 300000)
                break;
        }
        gw_bytes_clear(&b);
    }
}

Test(bytes, peek_and_take_see_the_same_bytes)
{
    struct gw_bytes b = { 0 };
    append(&b, 0, 50000, 0);
    for (size_t out = 0; out < 50000;) {
        struct iovec iov[2];
        int n = gw_bytes_peek(&b, iov, 2);
        cr_assert_gt(n, 0);
        const uint8_t *first = iov[0].iov_base;
        cr_assert_eq(*first, at(out));
        size_t k = gw_iov_len(iov, n);
        k = k > 777 ? 777 : k;
        gw_bytes_take(&b, k);
        out += k;
    }
    cr_assert_eq(b.len, 0);
}

Test(bytes, nothing_is_owned_while_empty)
{
    struct gw_bytes b = { 0 };
    append(&b, 0, 100, 0);
    gw_bytes_take(&b, 100);
    cr_assert(!b.last);
    append(&b, 0, 0, 5);
    cr_assert(!b.last && b.len == 0);
}
