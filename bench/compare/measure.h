/* SPDX-License-Identifier: MIT */
/* One measurement of one server. One thread. */
#ifndef COMPARE_MEASURE_H
#define COMPARE_MEASURE_H

#include "bench/compare/plan.h"
#include "bench/compare/server.h"

struct compare_how {
    const struct compare_bed *bed;
    double seconds, warmup_s;
    bool (*enough)(void); /* asked a few times a second; true ends it early */
};

extern const char compare_nothing_done[]; /* a sample's fault */

/* False: such a server does not do that. The server runs; where memory is measured it is started anew. */
bool compare_does(const struct compare_server *s, const struct compare_measure *m);
void compare_measure_take(struct compare_server *s, const struct compare_measure *m, const struct compare_how *how,
                          struct compare_sample *out);

#endif
