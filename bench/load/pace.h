/* SPDX-License-Identifier: MIT */
/* An open loop's times: the i-th turn is due at a time set in advance, whatever became of those before it. What is measured from
 * there counts the wait that a slow answer makes for those behind it (coordinated omission is not left out). One thread. */
#ifndef LOAD_PACE_H
#define LOAD_PACE_H

#include <stdint.h>

struct load_pace {
    uint64_t start_ns;
    double gap_ns;
    uint64_t next; /* the first turn that was not taken */
};

/* turn 0 is due at start_ns. per_second is above 0. */
static inline struct load_pace load_pace(uint64_t start_ns, double per_second)
{
    return (struct load_pace){ start_ns, 1e9 / per_second, 0 };
}

static inline uint64_t load_pace_due_ns(const struct load_pace *p, uint64_t turn)
{
    return p->start_ns + (uint64_t)((double)turn * p->gap_ns);
}

static inline uint64_t load_pace_next_ns(const struct load_pace *p)
{
    return load_pace_due_ns(p, p->next);
}

#endif
