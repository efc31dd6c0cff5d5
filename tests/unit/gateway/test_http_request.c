/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "gateway/consumers/http_request.h"

static const struct {
    const char *text; /* the head and nothing behind it, but for 4xx and 5xx, which may be known earlier */
    unsigned status;
    bool keep_alive, head;
    uint64_t body_bytes;
} cases[] = {
    { "GET / HTTP/1.1\r\nHost: web\r\n\r\n", 200, true, false, 0 },
    { "\r\n\r\nGET /x?y=z HTTP/1.1\r\nHost: web\r\nAccept: */*\r\n\r\n", 200, true, false, 0 },
    { "GET / HTTP/1.1\nHost: web\n\n", 200, true, false, 0 },
    { "HEAD / HTTP/1.1\r\nhost:web\r\n\r\n", 200, true, true, 0 },
    { "GET / HTTP/1.0\r\n\r\n", 200, false, false, 0 },
    { "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 200, false, false, 0 },
    { "GET / HTTP/1.1\r\nHost: web\r\nConnection: foo, Close\r\n\r\n", 200, false, false, 0 },
    { "GET / HTTP/1.1\r\nHost: web\r\nConnection: closed\r\n\r\n", 200, true, false, 0 },
    { "GET / HTTP/1.1\r\nHost: web\r\nContent-Length: 12\r\n\r\n", 200, true, false, 12 },
    { "GET / HTTP/1.1\r\nHost: web\r\nContent-Length: 12\r\nContent-Length: 12\r\n\r\n", 200, true, false, 12 },
    { "GET / HTTP/1.1\r\nHost: web\r\nContent-Length: 12\r\nContent-Length: 13\r\n\r\n", 400, false, false, 12 },
    { "GET / HTTP/1.1\r\nHost: web\r\nContent-Length: -1\r\n\r\n", 400, false, false, 0 },
    { "GET / HTTP/1.1\r\nHost: web\r\nContent-Length: 99999999999999999999999\r\n\r\n", 400, false, false, 0 },
    { "GET / HTTP/1.1\r\nHost: web\r\nContent-Length: 1048577\r\n\r\n", 413, false, false, 1048577 },
    { "GET / HTTP/1.1\r\nHost: web\r\nTransfer-Encoding: chunked\r\n\r\n", 501, false, false, 0 },
    { "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, false, false, 0 },
    { "GET / HTTP/1.1\r\n\r\n", 400, false, false, 0 },
    { "GET / HTTP/1.1\r\nHost: web\r\n folded\r\n\r\n", 400, false, false, 0 },
    { "GET / HTTP/1.1\r\nHost : web\r\n\r\n", 400, false, false, 0 },
    { "GET / HTTP/1.1\r\nHost: w\reb\r\n\r\n", 400, false, false, 0 },
    { "GET / HTTP/2.0\r\n", 505, false, false, 0 },
    { "POST / HTTP/1.1\r\n", 405, false, false, 0 },
    { "get / HTTP/1.1\r\n", 405, false, false, 0 },
    { "GET  / HTTP/1.1\r\n", 400, false, false, 0 },
    { "GET /\r\n", 400, false, false, 0 },
    { "SSH-2.0-OpenSSH_9.2\r\n", 400, false, false, 0 },
    { " GET / HTTP/1.1\r\n", 400, false, false, 0 },
};

Test(http_request, every_split_gives_the_same_answer)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t len = strlen(cases[i].text);
        for (size_t chunk = 1; chunk <= len; chunk++) {
            struct gw_http_request r = { 0 };
            unsigned status = 0;
            size_t at = 0;
            while (at < len && status == 0) {
                size_t used, n = len - at < chunk ? len - at : chunk;
                status = gw_http_request_feed(&r, cx_view(cases[i].text + at, n), &used);
                at += used;
            }
            cr_assert_eq(status, cases[i].status, "case %zu chunk %zu: %u", i, chunk, status);
            cr_assert_eq(r.keep_alive, cases[i].keep_alive, "case %zu", i);
            cr_assert_eq(r.head, cases[i].head, "case %zu", i);
            cr_assert_eq(r.body_bytes, cases[i].body_bytes, "case %zu", i);
            if (status == 200)
                cr_assert_eq(at, len, "case %zu", i);
        }
    }
}

Test(http_request, bytes_behind_the_head_are_left)
{
    static const char text[] = "GET / HTTP/1.1\r\nHost: w\r\n\r\nGET";
    struct gw_http_request r = { 0 };
    size_t used;
    cr_assert_eq(gw_http_request_feed(&r, cx_view(text, sizeof text - 1), &used), 200);
    cr_assert_eq(used, sizeof text - 4);
}

Test(http_request, a_head_without_end_is_cut_off)
{
    struct gw_http_request r = { 0 };
    size_t used, total = 0;
    unsigned status = 0;
    while (status == 0 && total < 100000) {
        status = gw_http_request_feed(&r, cx_view("x", 1), &used);
        total++;
    }
    cr_assert_eq(status, 431);
    cr_assert_leq(total, GW_HTTP_HEAD_MAX);
    struct gw_http_request nul = { 0 };
    cr_assert_eq(gw_http_request_feed(&nul, cx_view("GET / HTTP/1.1\0\n", 16), &used), 400);
}
