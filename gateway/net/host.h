/* SPDX-License-Identifier: MIT */
/* Host names as clients ask for them, and patterns with * and ?. Any thread. */
#ifndef GW_HOST_H
#define GW_HOST_H

#include "crypto/span.h"
#include "gateway/net/addr.h"

enum { GW_HOST_MAX = 255 };

enum gw_host_kind {
    GW_HOST_NONE,    /* neither: matches nothing */
    GW_HOST_NAME,    /* name[] is set */
    GW_HOST_LITERAL, /* address is set, unwrapped (gw_addr_unwrap) */
};

struct gw_host {
    enum gw_host_kind kind;
    char name[GW_HOST_MAX + 1]; /* lower case, one trailing dot dropped */
    struct gw_addr address;
};

/* A name is dot-separated labels of [A-Za-z0-9_-] whose last one is no number, so that what inet_aton takes for an address
 * ("127.1", "0x7f.1", "2130706433") is neither name nor literal. */
struct gw_host gw_host_read(struct cx_view raw);

/* Whether the whole text matches; * is any run of bytes, ? any one. Case counts. Time: at most the product of the lengths. */
bool gw_pattern_match(const char *pattern, const char *text);

#endif
