/* SPDX-License-Identifier: MIT */
/* Randomised schedules for stress programs: short, uneven pauses at random places, so that a run meets many interleavings.
 * Each thread has a state of its own. */
#ifndef STRESS_SCHEDULE_H
#define STRESS_SCHEDULE_H

#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* xorshift64: fast, and good enough to scatter pauses. seed: not 0. */
static inline uint64_t schedule_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Mostly nothing; now and then a spin or a yield. */
static inline void schedule_pause(uint64_t *state)
{
    uint64_t r = schedule_next(state);
    if (r % 64 == 0)
        sched_yield();
    else if (r % 8 == 0)
        for (volatile unsigned spin = (unsigned)(r >> 32) % 200; spin > 0; spin--)
            ;
}

static inline uint64_t schedule_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* SLUICE_STRESS_SEED, or the clock; printed, so that a failure can be run again. */
static inline uint64_t schedule_seed(const char *program)
{
    const char *text = getenv("SLUICE_STRESS_SEED");
    uint64_t seed = text ? strtoull(text, NULL, 0) : schedule_now_ns();
    printf("%s: SLUICE_STRESS_SEED=%llu\n", program, (unsigned long long)seed);
    return seed | 1;
}

enum { SCHEDULE_SECONDS = 3 };

#define STRESS_REQUIRE(condition, ...)                                                                                             \
    do {                                                                                                                           \
        if (!(condition)) {                                                                                                        \
            fprintf(stderr, "%s:%d: %s: ", __FILE__, __LINE__, #condition);                                                        \
            fprintf(stderr, __VA_ARGS__);                                                                                          \
            fputc('\n', stderr);                                                                                                   \
            exit(1);                                                                                                               \
        }                                                                                                                          \
    } while (0)

#endif
