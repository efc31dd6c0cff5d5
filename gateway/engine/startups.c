/* SPDX-License-Identifier: MIT */
/* A slot for each connection that may still be unauthenticated: it is in the count from accept on (or, where a proxy hands it on,
 * from its header on), keeps its slot number, and leaves once, whichever way it ends, so that the count is exact.
 *
 * The sources are counted by a walk over the slots, as their number is bounded and the walk is done only where
 * PerSourceMaxStartups asks for it. */
#include <assert.h>
#include <limits.h>
#include <stdlib.h>

#include "gateway/config/config.h"
#include "gateway/engine/startups.h"

struct slot {
    bool taken;
    int32_t next_free;
    struct gw_addr source; /* masked to its block, without a port */
};

struct gw_startups {
    const struct cx_random *random;
    unsigned begin, rate, full, per_source;
    unsigned net_block_v4, net_block_v6;
    unsigned count;
    int32_t first_free, used; /* slots from `used` on were never taken */
    struct slot slot[GW_STARTUPS_MAX];
};

struct gw_startups *gw_startups_new(const struct cx_random *random)
{
    struct gw_startups *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->random = random;
    s->first_free = GW_STARTUP_NONE;
    return s;
}

void gw_startups_free(struct gw_startups *s)
{
    free(s);
}

void gw_startups_limit(struct gw_startups *s, const struct gw_config *config)
{
    s->full = config->startups_full < GW_STARTUPS_MAX ? config->startups_full : GW_STARTUPS_MAX;
    s->begin = config->startups_begin < s->full ? config->startups_begin : s->full;
    s->rate = config->startups_rate;
    s->per_source = config->per_source_startups;
    s->net_block_v4 = config->net_block_v4;
    s->net_block_v6 = config->net_block_v6;
}

static struct gw_addr block_of(const struct gw_startups *s, const struct gw_addr *peer)
{
    struct gw_addr source = *peer;
    gw_addr_mask(&source, source.family == AF_INET ? s->net_block_v4 : s->net_block_v6);
    return source;
}

static bool source_is_full(const struct gw_startups *s, const struct gw_addr *source)
{
    if (s->per_source == UINT_MAX)
        return false;
    unsigned count = 0;
    for (int32_t i = 0; i < s->used && count < s->per_source; i++)
        count += s->slot[i].taken && gw_addr_equal(&s->slot[i].source, source);
    return count >= s->per_source;
}

/* A number below 100, each alike: values that would favour the low ones are drawn again. */
static unsigned percent(const struct cx_random *random)
{
    uint8_t byte;
    do
        cx_random_fill(random, &byte, 1);
    while (byte >= 200);
    return byte % 100;
}

/* From begin on, rate percent are dropped; the share grows in a straight line to all at full. */
static bool drops_by_chance(const struct gw_startups *s)
{
    if (s->count < s->begin)
        return false;
    if (s->count >= s->full || s->rate >= 100)
        return true;
    unsigned share = s->rate + (100 - s->rate) * (s->count - s->begin) / (s->full - s->begin);
    return percent(s->random) < share;
}

int32_t gw_startups_admit(struct gw_startups *s, const struct gw_addr *peer)
{
    struct gw_addr source = block_of(s, peer);
    if (drops_by_chance(s) || source_is_full(s, &source))
        return GW_STARTUP_NONE;
    int32_t slot = s->first_free;
    if (slot != GW_STARTUP_NONE)
        s->first_free = s->slot[slot].next_free;
    else if (s->used < GW_STARTUPS_MAX)
        slot = s->used++;
    else
        return GW_STARTUP_NONE;
    s->slot[slot] = (struct slot){ .taken = true, .source = source };
    s->count++;
    return slot;
}

void gw_startups_give_back(struct gw_startups *s, int32_t slot)
{
    assert(slot >= 0 && slot < s->used && s->slot[slot].taken);
    s->slot[slot].taken = false;
    s->slot[slot].next_free = s->first_free;
    s->first_free = slot;
    s->count--;
}

unsigned gw_startups_count(const struct gw_startups *s)
{
    return s->count;
}

bool gw_startups_relaxed(const struct gw_startups *s)
{
    return s->count == 0 || s->count + 1 < s->begin;
}
