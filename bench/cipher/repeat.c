/* SPDX-License-Identifier: MIT */
#include "bench/cipher/repeat.h"

#include "bench/clock.h"

static const double LONG_ENOUGH_NS = 50e3;
enum { TIMES_MAX = 64 };

bool bench_repeat_pass(void *repeat, double *ns)
{
    struct bench_repeat *r = repeat;
    size_t times = r->times > 0 ? r->times : 1;
    bool good = true;
    struct bench_timer timer = bench_timer_start();
    for (size_t i = 0; good && i < times; i++)
        good = r->once(r->state);
    *ns = bench_timer_ns(&timer) / (double)times;
    double next = *ns > 0 ? LONG_ENOUGH_NS / *ns : 1;
    r->times = next < 1 ? 1 : next > TIMES_MAX ? TIMES_MAX : (size_t)next;
    return good;
}
