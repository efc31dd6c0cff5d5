/* SPDX-License-Identifier: MIT */
/* What timing.c measures: rows of code on inputs of two classes. */
#ifndef TIMING_H
#define TIMING_H

#include "crypto/random.h"

enum { INPUT_MAX = 4096 };

/* Inputs: class 0 is always the same one, or of one kind; class 1 is drawn from a pool. */
struct bench {
    const char *name, *classes;
    void (*start)(const struct bench *b); /* once, before the first make; NULL: nothing to start */
    void (*make)(uint8_t *input, unsigned class);
    void (*run)(const uint8_t *input);
    const char *cipher, *mac; /* of rows about packets */
    bool leaks;               /* on purpose */
    bool slow;
};

/* The rows of each file, up to one without a name. */
extern const struct bench timing_kex[], timing_packets[];

extern struct cx_random timing_random;
/* Ends the program where the code under test failed. */
void timing_need(bool good);

#endif
