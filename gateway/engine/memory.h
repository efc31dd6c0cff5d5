/* SPDX-License-Identifier: MIT */
/* What a thread has freed, back to the kernel. jemalloc gives pages back little by little, whenever it is called: a thread that has
 * nothing to do calls it no more, and what a burst of connections left behind would stay until the next one. */
#ifndef GW_MEMORY_H
#define GW_MEMORY_H

/* Of the calling thread; some microseconds, and some more where much is given back. Other allocators are let alone. */
void gw_memory_give_back(void);

#endif
