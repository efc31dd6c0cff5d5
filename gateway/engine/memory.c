/* SPDX-License-Identifier: MIT */
#include "gateway/engine/memory.h"

#ifdef SLUICE_JEMALLOC
#include <jemalloc/jemalloc.h>
#include <stdio.h>

void gw_memory_give_back(void)
{
    unsigned arena;
    size_t len = sizeof arena;
    char purge[32];
    if (mallctl("thread.tcache.flush", NULL, NULL, NULL, 0) != 0 || mallctl("thread.arena", &arena, &len, NULL, 0) != 0)
        return; /* it was built without: everything stays as it was */
    snprintf(purge, sizeof purge, "arena.%u.purge", arena);
    mallctl(purge, NULL, NULL, NULL, 0);
}
#else
void gw_memory_give_back(void)
{
}
#endif
