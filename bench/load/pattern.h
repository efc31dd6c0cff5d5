/* SPDX-License-Identifier: MIT */
/* Bytes whose place in a stream can be told, so that what comes can be checked at the price of a comparison. Any thread. */
#ifndef LOAD_PATTERN_H
#define LOAD_PATTERN_H

#include "crypto/span.h"

enum load_pattern {
    LOAD_PATTERN_NOISE, /* noise that repeats after a prime number of bytes: what is lost, doubled or moved in whole packets shows
                         */
    LOAD_PATTERN_CYCLE, /* 0 to 255 over and over: what builtin:source sends */
    LOAD_PATTERN_COUNT
};

/* Makes the tables; before there are threads. */
void load_pattern_init(void);

/* Writes, or compares, the stream's bytes from *at on, and moves *at, which may start anywhere. */
void load_pattern_fill(enum load_pattern pattern, uint32_t *at, uint8_t *out, size_t len);
bool load_pattern_check(enum load_pattern pattern, uint32_t *at, struct cx_view bytes);
/* A piece of the stream from `at` on, of at most len bytes: as many as stand in the table. */
struct cx_view load_pattern_piece(enum load_pattern pattern, uint32_t at, size_t len);

#endif
