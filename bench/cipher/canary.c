/* SPDX-License-Identifier: MIT */
/* Two loops, since a core is slowed down in two ways. A lower clock shows in a chain of dependent additions; a neighbour on the
 * same physical core takes execution ports, and shows where there are more independent instructions than a cycle executes: a chain
 * alone would not feel it. */
#include "bench/cipher/canary.h"

#include <stdint.h>

#include "bench/cipher/samples.h"
#include "bench/clock.h"

enum { CHAIN_STEPS = 2048, WIDE_STEPS = 512, BURST = 2000 };

/* Full speed is a quantile, since the very fastest run is one of a moment at a higher clock that nothing else will see. */
static const double FULL_SPEED_QUANTILE = 0.05;

/* The compiler knows nothing of v behind this, and so it neither drops nor merges what was done to it. */
#define OPAQUE(v) __asm__ volatile("" : "+r"(v))

static double run_chain(void)
{
    uint64_t x = 1, y = 3;
    double start = bench_now_ns();
    OPAQUE(y);
    for (unsigned i = 0; i < CHAIN_STEPS / 8; i++) {
        for (unsigned j = 0; j < 8; j++) {
            x += y;
            OPAQUE(x);
        }
    }
    return bench_now_ns() - start;
}

static double run_wide(void)
{
    uint64_t lane[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
    double start = bench_now_ns();
    for (unsigned i = 0; i < WIDE_STEPS; i++) {
        for (unsigned j = 0; j < 8; j++) {
            lane[j] = (lane[j] << 7 | lane[j] >> 57) + 0x9e3779b9;
            OPAQUE(lane[j]);
        }
    }
    return bench_now_ns() - start;
}

double bench_canary_run(void)
{
    return run_chain() + run_wide();
}

void bench_canary_calibrate(struct bench_canary *canary)
{
    double whole[BURST], chain[BURST];
    for (unsigned i = 0; i < BURST; i++) {
        chain[i] = run_chain();
        whole[i] = chain[i] + run_wide();
    }
    double full = bench_quantile(whole, BURST, FULL_SPEED_QUANTILE);
    double ghz = CHAIN_STEPS / bench_quantile(chain, BURST, FULL_SPEED_QUANTILE);
    if (canary->full_ns == 0 || full < canary->full_ns)
        canary->full_ns = full;
    if (ghz > canary->clock_ghz)
        canary->clock_ghz = ghz;
}

double bench_canary_limit_ns(const struct bench_canary *canary)
{
    return canary->full_ns * (1 + BENCH_CANARY_TOLERANCE);
}
