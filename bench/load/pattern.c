/* SPDX-License-Identifier: MIT */
/* A table holds its period and as much again as is copied or compared at a time, so that a piece seldom ends early. */
#include "bench/load/pattern.h"

#include "crypto/random.h"

enum { NOISE_PERIOD = 65521, CYCLE_PERIOD = 256, AHEAD = 64 * 1024 };

static uint8_t noise[NOISE_PERIOD + AHEAD], cycle[CYCLE_PERIOD + AHEAD];

static const struct {
    const uint8_t *table;
    size_t len;
    uint32_t period;
} patterns[LOAD_PATTERN_COUNT] = {
    [LOAD_PATTERN_NOISE] = { noise, sizeof noise, NOISE_PERIOD },
    [LOAD_PATTERN_CYCLE] = { cycle, sizeof cycle, CYCLE_PERIOD },
};

void load_pattern_init(void)
{
    struct cx_random_seeded seeded;
    struct cx_random random = cx_random_from_seed(&seeded, 1);
    cx_random_fill(&random, noise, NOISE_PERIOD);
    for (size_t i = NOISE_PERIOD; i < sizeof noise; i++)
        noise[i] = noise[i - NOISE_PERIOD];
    for (size_t i = 0; i < sizeof cycle; i++)
        cycle[i] = (uint8_t)i;
}

struct cx_view load_pattern_piece(enum load_pattern pattern, uint32_t at, size_t len)
{
    size_t start = at % patterns[pattern].period, most = patterns[pattern].len - start;
    return cx_view(patterns[pattern].table + start, len < most ? len : most);
}

static void move(enum load_pattern pattern, uint32_t *at, size_t len)
{
    *at = (uint32_t)((*at + len) % patterns[pattern].period);
}

void load_pattern_fill(enum load_pattern pattern, uint32_t *at, uint8_t *out, size_t len)
{
    while (len > 0) {
        struct cx_view piece = load_pattern_piece(pattern, *at, len);
        memcpy(out, piece.data, piece.len);
        move(pattern, at, piece.len);
        out += piece.len;
        len -= piece.len;
    }
}

bool load_pattern_check(enum load_pattern pattern, uint32_t *at, struct cx_view bytes)
{
    while (bytes.len > 0) {
        struct cx_view piece = load_pattern_piece(pattern, *at, bytes.len);
        if (memcmp(piece.data, bytes.data, piece.len) != 0)
            return false;
        move(pattern, at, piece.len);
        bytes = cx_view(bytes.data + piece.len, bytes.len - piece.len);
    }
    return true;
}
