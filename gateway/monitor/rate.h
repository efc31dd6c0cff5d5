/* SPDX-License-Identifier: MIT */
/* A rate with a burst, in one number: the time at which the bucket would be empty again (GCRA). One thread. */
#ifndef GW_RATE_H
#define GW_RATE_H

#include <stdbool.h>
#include <stdint.h>

struct gw_rate {
    uint64_t per_second; /* at least 1 */
    uint64_t burst;      /* so many at once after a silence */
    uint64_t empty_ns;   /* zero at first */
};

/* Whether one more is within the rate, and counts it if so. */
static inline bool gw_rate_take(struct gw_rate *r, uint64_t now_ns)
{
    const uint64_t each_ns = UINT64_C(1000000000) / r->per_second;
    uint64_t empty_ns = r->empty_ns > now_ns ? r->empty_ns : now_ns;
    if (empty_ns - now_ns + each_ns > r->burst * each_ns)
        return false;
    r->empty_ns = empty_ns + each_ns;
    return true;
}

#endif
