/* SPDX-License-Identifier: MIT */
#include "bench/compare/plan.h"

#include <string.h>

#define CPU (1u << COMPARE_CPU)
#define MEMORY (1u << COMPARE_MEMORY)
#define RATE (1u << COMPARE_RATE)
#define P99 (1u << COMPARE_P99)

/* What every server of SSH has in common, the best first; each agrees with the client on the first one that it knows. */
#define ANY_CIPHER "aes128-gcm,chacha20-poly1305", "hmac-sha2-256-etm"

#define BULK(suite, ciphers, macs)                                                                                                 \
    { "bulk-up-" suite,   suite " up", "GiB", LOAD_BULK_UP, COMPARE_SINK, CPU | RATE, ciphers, macs, 1, 1, 0, false, false, 1,     \
      COMPARE_FLOOR_RELAY },                                                                                                       \
    {                                                                                                                              \
        "bulk-down-" suite, suite " down", "GiB", LOAD_BULK_DOWN, COMPARE_SOURCE, CPU | RATE, ciphers, macs, 1, 1, 0, false,       \
            false, 1, COMPARE_FLOOR_RELAY                                                                                          \
    }

const struct compare_measure compare_measures[] = {
    BULK("aes128-gcm", "aes128-gcm", "hmac-sha2-256-etm"),
    BULK("chacha20-poly1305", "chacha20-poly1305", "hmac-sha2-256-etm"),
    BULK("aes128-ctr+hmac-sha2-256-etm", "aes128-ctr", "hmac-sha2-256-etm"),
    BULK("aes128-ctr+umac-64-etm", "aes128-ctr", "umac-64-etm"),
    { "connection", "a connection, 8 at a time", "connection", LOAD_HANDSHAKE, COMPARE_ECHO, CPU | RATE | P99, ANY_CIPHER, 8, 1, 0,
      false, false, 1, COMPARE_FLOOR_RELAY },
    { "channel", "a channel, 16 at a time", "channel", LOAD_CHURN, COMPARE_ECHO, CPU | RATE | P99, ANY_CIPHER, 1, 16, 0, false,
      false, 1, COMPARE_FLOOR_DIAL },
    { "echo-100", "an echo, 100 channels", "echo", LOAD_ECHO, COMPARE_ECHO, CPU | RATE | P99, ANY_CIPHER, 1, 100, 0, false, false,
      1, COMPARE_FLOOR_RELAY },
    { "echo-1000", "an echo, 1000 channels", "echo", LOAD_ECHO, COMPARE_ECHO, CPU | RATE | P99, ANY_CIPHER, 1, 1000, 0, false,
      false, 1, COMPARE_FLOOR_RELAY },
    { "idle-connection", "an idle connection", "connection", LOAD_IDLE, COMPARE_ECHO, MEMORY, ANY_CIPHER, 1000, 0, 0, false, false,
      1, COMPARE_FLOOR_NONE },
    { "idle-channel", "an idle channel", "channel", LOAD_IDLE, COMPARE_ECHO, MEMORY, ANY_CIPHER, 1, 900, 0, false, false, 1,
      COMPARE_FLOOR_NONE },
    { "far-up", "up, 100 ms away", "GiB", LOAD_BULK_UP, COMPARE_SINK, RATE, ANY_CIPHER, 1, 1, 0, false, true, 2,
      COMPARE_FLOOR_RELAY },
    { "far-down", "down, 100 ms away", "GiB", LOAD_BULK_DOWN, COMPARE_SOURCE, RATE, ANY_CIPHER, 1, 1, 0, false, true, 2,
      COMPARE_FLOOR_RELAY },
    { "echo-beside-bulk", "an echo beside bulk", "echo", LOAD_ECHO, COMPARE_ECHO, P99, ANY_CIPHER, 1, 9, 400, true, false, 1,
      COMPARE_FLOOR_NONE },
};
const size_t compare_measure_count = sizeof compare_measures / sizeof *compare_measures;

static bool is_wanted(const char *name, const struct bench_words *only)
{
    for (size_t i = 0; i < only->count; i++)
        if (strstr(name, only->word[i]))
            return true;
    return only->count == 0;
}

struct compare_plan compare_plan_of(const struct bench_words *only)
{
    struct compare_plan plan = { .count = 0 };
    for (size_t i = 0; i < compare_measure_count; i++)
        if (is_wanted(compare_measures[i].name, only))
            plan.measure[plan.count++] = &compare_measures[i];
    return plan;
}
