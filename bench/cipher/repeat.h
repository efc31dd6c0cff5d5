/* SPDX-License-Identifier: MIT */
/* An operation, as often in a row as lasts long enough to be timed. One thread. */
#ifndef BENCH_REPEAT_H
#define BENCH_REPEAT_H

#include <stdbool.h>
#include <stddef.h>

struct bench_repeat {
    bool (*once)(void *state);
    void *state;
    size_t times; /* of the next pass; 0: it is not known yet how long one takes */
};

/* A cell's pass over a struct bench_repeat: about 50 us of it, or once. */
bool bench_repeat_pass(void *repeat, double *ns);

#endif
