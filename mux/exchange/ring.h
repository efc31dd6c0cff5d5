/* SPDX-License-Identifier: MIT */
/* A bounded ring of 64-bit items between exactly two threads: one pushes, one pops, neither ever waits. Items are values:
 * descriptors, slot numbers, handles, or pointers whose ownership passes with them.
 *
 * States of a slot, and who owns it:
 *
 *   free       the producer's. It writes the item, then publishes it by moving head.
 *   filled     the consumer's, from the moment that it reads the new head until it moves tail.
 *
 * head is written by the producer alone and tail by the consumer alone; both only grow and wrap at 2^32, which is harmless
 * as long as the number of slots is a power of two below that. head - tail is the number of filled slots.
 *
 * What costs here is not the instruction but the cache line that changes hands, so each side keeps the opposite index as it
 * last saw it and looks again only when that old value says "full" or "empty": a stale index can only be pessimistic, since
 * the other side only ever adds room (or items). Each side's index and its memory of the other's share a line which the other
 * side does not write.
 *
 * Full is an answer, not an error: the caller keeps the item. Where a connection is the item, the acceptor keeps it and stops
 * accepting, so that further clients wait in the kernel's backlog. Rings that carry slots of a fixed pool back to their owner
 * are made at least as large as the pool and are therefore never full.
 *
 * If one side goes away for good, the other finds the ring full or empty for ever: whoever tears both down pops what is left,
 * because the items' owners are then known to nobody else. */
#ifndef MUX_RING_H
#define MUX_RING_H

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

enum { MUX_CACHE_LINE_BYTES = 64 };

/* Whatever holds one is allocated at MUX_CACHE_LINE_BYTES. */
struct mux_ring {
    uint64_t *slot; /* this and mask: unchanged between init and deinit */
    uint32_t mask;
    _Alignas(MUX_CACHE_LINE_BYTES) atomic_uint_least32_t head; /* the producer's: the next slot to fill */
    uint32_t tail_seen;
    _Alignas(MUX_CACHE_LINE_BYTES) atomic_uint_least32_t tail; /* the consumer's: the next slot to empty */
    uint32_t head_seen;
};

/* slots: a power of two. Before either thread uses it. False: out of memory. */
static inline bool mux_ring_init(struct mux_ring *r, uint32_t slots)
{
    assert(slots > 0 && (slots & (slots - 1)) == 0 && slots <= 1u << 30);
    r->slot = calloc(slots, sizeof *r->slot);
    r->mask = slots - 1;
    atomic_init(&r->head, 0);
    atomic_init(&r->tail, 0);
    r->tail_seen = 0;
    r->head_seen = 0;
    return r->slot != NULL;
}

/* After both threads are done with it. Items that are left are forgotten: pop them first. */
static inline void mux_ring_deinit(struct mux_ring *r)
{
    free(r->slot);
    r->slot = NULL;
}

/* Producer only. True: the consumer owns item. False (full): the caller still does. */
static inline bool mux_ring_push(struct mux_ring *r, uint64_t item)
{
    uint32_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
    if (head - r->tail_seen > r->mask) {
        /* acquire: the consumer must have read the slot before we overwrite it */
        r->tail_seen = atomic_load_explicit(&r->tail, memory_order_acquire);
        if (head - r->tail_seen > r->mask)
            return false;
    }
    r->slot[head & r->mask] = item;
    /* release: the slot, and what the item stands for, become visible before the item does */
    atomic_store_explicit(&r->head, head + 1, memory_order_release);
    return true;
}

/* Consumer only. False: empty, *item is unchanged. */
static inline bool mux_ring_pop(struct mux_ring *r, uint64_t *item)
{
    uint32_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
    if (tail == r->head_seen) {
        /* acquire: pairs with the push's release */
        r->head_seen = atomic_load_explicit(&r->head, memory_order_acquire);
        if (tail == r->head_seen)
            return false;
    }
    *item = r->slot[tail & r->mask];
    /* release: the slot has been read before the producer may fill it again */
    atomic_store_explicit(&r->tail, tail + 1, memory_order_release);
    return true;
}

#endif
