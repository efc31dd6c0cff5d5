/* SPDX-License-Identifier: MIT */
/* What a proxy writes in front of a connection to say whose it is: HAProxy's PROXY protocol, versions 1 and 2
 * (https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt). Any thread. */
#ifndef GW_PROXY_HEADER_H
#define GW_PROXY_HEADER_H

#include "crypto/span.h"
#include "gateway/net/addr.h"

enum { GW_PROXY_HEADER_MAX = 4096 }; /* a version 2 header may be longer by its form; no proxy has that much to say */

enum gw_proxy_result {
    GW_PROXY_MORE, /* what is there begins a header */
    GW_PROXY_DONE,
    GW_PROXY_MALFORMED, /* no header of either version, or one that may not be believed; also what is longer than the maximum */
};

struct gw_proxy_header {
    size_t bytes; /* of the header: the connection's own bytes stand behind */
    /* Families 0: the proxy speaks for itself (LOCAL) or does not know (UNKNOWN), and the socket's own addresses hold. */
    struct gw_addr source, destination;
};

/* Reads the header at the start of `in`: all bytes that have come so far, or more. */
enum gw_proxy_result gw_proxy_header_read(struct cx_view in, struct gw_proxy_header *out);

/* ---- a header of version 2 ---- */

enum gw_proxy_tlv_type {
    GW_PROXY_TLV_UNIQUE_ID = 0x05,
    /* our own, of those that are for applications: section 2.2.9 */
    GW_PROXY_TLV_SSH_USER = 0xe0,
    GW_PROXY_TLV_SSH_KEY = 0xe1, /* "SHA256:…" */
    GW_PROXY_TLV_QUEUE = 0xe2,
};

struct gw_proxy_tlv {
    enum gw_proxy_tlv_type type;
    struct cx_view value;
};

/* The header of a connection from source to destination, with a sum over all of it; of one family, if need be as v4-mapped
 * addresses. source NULL: the proxy speaks for itself (LOCAL), and there is no more to say. Returns its length, 0: no room. */
size_t gw_proxy_header_write(struct cx_span out, const struct gw_addr *source, const struct gw_addr *destination,
                             const struct gw_proxy_tlv *tlvs, size_t count);

#endif
