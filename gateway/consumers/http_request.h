/* SPDX-License-Identifier: MIT */
/* An HTTP/1 request's head, read from any split of the bytes (RFC 9112). Only what a responder without resources needs. */
#ifndef GW_HTTP_REQUEST_H
#define GW_HTTP_REQUEST_H

#include "crypto/span.h"

enum { GW_HTTP_HEAD_MAX = 8192, GW_HTTP_BODY_MAX = 1024 * 1024 };

struct gw_http_request {
    /* The answer, once feed returned something other than 0. */
    bool head; /* HEAD: the same answer without its content */
    bool keep_alive;
    uint64_t body_bytes; /* that follow and are to be skipped */

    /* This file's own; zero is a fresh request. */
    size_t head_bytes; /* seen so far */
    size_t line_len;
    bool have_request_line, have_host, have_length, http_1_0;
    char line[GW_HTTP_HEAD_MAX];
};

/* 0: more bytes are needed, all were used. Else the status to answer with, and *used bytes belonged to the head:
 * 200; 400 malformed; 405 another method; 413 a body over GW_HTTP_BODY_MAX; 431 too long; 501 a coded body; 505 another version.
 * After anything but 200 the connection is to be closed (keep_alive is false). */
unsigned gw_http_request_feed(struct gw_http_request *r, struct cx_view in, size_t *used);

#endif
