/* SPDX-License-Identifier: MIT */
/* A worker's shared area: bytes of one connection at a time on their way from or to its socket. It ends at a guard page, stays out
 * of core dumps, and under AddressSanitizer only what the current user opened can be touched. The owning worker alone. */
#ifndef GW_AREA_H
#define GW_AREA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gw_area {
    uint8_t *bytes;
    size_t len; /* a multiple of the page size */
};

/* False: errno. */
bool gw_area_init(struct gw_area *a, size_t len);
void gw_area_deinit(struct gw_area *a); /* zeroed is fine */
/* The first n bytes may be touched, no others. */
void gw_area_open(const struct gw_area *a, size_t n);

#endif
