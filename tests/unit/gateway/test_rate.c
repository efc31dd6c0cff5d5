/* SPDX-License-Identifier: MIT */
/* gateway/monitor/rate: a burst, then the rate. */
#include <criterion/criterion.h>

#include "gateway/monitor/rate.h"

static unsigned taken(struct gw_rate *r, uint64_t now_ns, unsigned asked)
{
    unsigned n = 0;
    for (unsigned i = 0; i < asked; i++)
        n += gw_rate_take(r, now_ns);
    return n;
}

Test(rate, a_burst_passes_and_then_the_rate)
{
    struct gw_rate r = { .per_second = 10, .burst = 5 };
    const uint64_t start = UINT64_C(1000000000000);
    cr_assert_eq(taken(&r, start, 100), 5);
    cr_assert_eq(taken(&r, start + 99999999, 100), 0);
    cr_assert_eq(taken(&r, start + 100000000, 100), 1);
    cr_assert_eq(taken(&r, start + 400000000, 100), 3);
    cr_assert_eq(taken(&r, start * 2, 100), 5);
}
