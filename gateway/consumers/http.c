/* SPDX-License-Identifier: MIT */
/* builtin:http: a small HTTP/1.1 responder for demonstrations and probes. GET and HEAD of anything answer with a page that
 * names the queue and the user. One answer at a time is held; pipelined requests wait in the client's window. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "gateway/consumers/consumer.h"
#include "gateway/consumers/http_request.h"

enum { ANSWER_MAX = 1024, NAME_SHOWN_MAX = 64 };

struct http {
    struct gw_consumer base;
    struct gw_http_request request;
    uint64_t skip; /* of the request's body */
    bool closing;  /* after this answer nothing more is read or said */
    size_t answer_len, answer_sent;
    char answer[ANSWER_MAX];
    char queue[NAME_SHOWN_MAX + 1], user[NAME_SHOWN_MAX + 1];
};

static struct http *http_of(struct gw_consumer *c)
{
    return (struct http *)((char *)c - offsetof(struct http, base));
}

static bool has_answer(const struct http *h)
{
    return h->answer_sent < h->answer_len;
}

static bool at_end(const struct http *h)
{
    return !has_answer(h) && (h->closing || h->base.input_ended);
}

static const char *reason_of(unsigned status)
{
    switch (status) {
    case 200:
        return "OK";
    case 405:
        return "Method Not Allowed";
    case 413:
        return "Content Too Large";
    case 431:
        return "Request Header Fields Too Large";
    case 501:
        return "Not Implemented";
    case 505:
        return "HTTP Version Not Supported";
    default:
        return "Bad Request";
    }
}

static void write_answer(struct http *h, unsigned status)
{
    char page[3 * NAME_SHOWN_MAX];
    int page_len;
    if (status == 200)
        page_len = snprintf(page, sizeof page, "sluice\nqueue: %s\nuser: %s\n", h->queue, h->user);
    else
        page_len = snprintf(page, sizeof page, "%u %s\n", status, reason_of(status));
    char date[64];
    time_t now = time(NULL);
    struct tm tm;
    gmtime_r(&now, &tm);
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    int n = snprintf(h->answer, sizeof h->answer,
                     "HTTP/1.1 %u %s\r\nDate: %s\r\nServer: sluice\r\n%sContent-Type: text/plain; charset=utf-8\r\n"
                     "Content-Length: %d\r\nConnection: %s\r\n\r\n%s",
                     status, reason_of(status), date, status == 405 ? "Allow: GET, HEAD\r\n" : "", page_len,
                     h->request.keep_alive ? "keep-alive" : "close", h->request.head ? "" : page);
    assert(n > 0 && (size_t)n < sizeof h->answer);
    h->answer_len = (size_t)n;
    h->answer_sent = 0;
    h->closing = !h->request.keep_alive;
    h->skip = h->request.body_bytes;
    h->request = (struct gw_http_request){ 0 };
    h->base.readable = true;
}

static size_t take(struct http *h, const uint8_t *bytes, size_t len)
{
    size_t taken = 0;
    while (taken < len) {
        if (h->closing)
            return len;
        if (has_answer(h))
            return taken;
        if (h->skip > 0) {
            size_t k = len - taken < h->skip ? len - taken : (size_t)h->skip;
            h->skip -= k;
            taken += k;
            continue;
        }
        size_t used = 0;
        unsigned status = gw_http_request_feed(&h->request, cx_view(bytes + taken, len - taken), &used);
        taken += used;
        if (status != 0)
            write_answer(h, status);
    }
    return taken;
}

static void progress(struct gw_consumer *c)
{
    c->readable = has_answer(http_of(c)) || at_end(http_of(c));
}

static ssize_t http_write(struct gw_consumer *c, const struct iovec *iov, int iov_count)
{
    size_t total = 0;
    for (int i = 0; i < iov_count; i++) {
        size_t n = take(http_of(c), iov[i].iov_base, iov[i].iov_len);
        total += n;
        if (n < iov[i].iov_len)
            break;
    }
    return (ssize_t)total;
}

static size_t http_pull(struct gw_consumer *c, const struct iovec *iov, int iov_count, enum mux_pull *more)
{
    struct http *h = http_of(c);
    size_t total = 0;
    for (int i = 0; i < iov_count && has_answer(h); i++) {
        size_t left = h->answer_len - h->answer_sent;
        size_t k = left < iov[i].iov_len ? left : iov[i].iov_len;
        memcpy(iov[i].iov_base, h->answer + h->answer_sent, k);
        h->answer_sent += k;
        total += k;
    }
    progress(c);
    if (at_end(h))
        *more = MUX_PULL_EOF;
    else
        *more = has_answer(h) ? MUX_PULL_MORE : MUX_PULL_DRY;
    if (c->inbox.len > 0)
        c->wake(c); /* the next request may be waiting there */
    return total;
}

static void http_shutdown_write(struct gw_consumer *c)
{
    c->input_ended = true;
    progress(c);
}

static void http_close(struct gw_consumer *c, bool graceful)
{
    (void)graceful;
    gw_bytes_clear(&c->inbox);
    free(http_of(c));
}

static const struct gw_consumer_ops http_ops = { false, progress, http_write, http_pull, http_shutdown_write, http_close };

struct gw_consumer *gw_http_new(struct gw_consumer_owner o, const char *queue, const char *user)
{
    struct http *h = calloc(1, sizeof *h);
    if (!h)
        return NULL;
    h->base = (struct gw_consumer){ .ops = &http_ops, .wake = o.wake, .owner = o.owner, .state = GW_CONSUMER_OPEN };
    snprintf(h->queue, sizeof h->queue, "%s", queue);
    snprintf(h->user, sizeof h->user, "%s", user);
    return &h->base;
}
