/* SPDX-License-Identifier: MIT */
/* The ring between two threads: every item arrives once and in order, with what it points at, whatever its size and pace.
 * Rings of 1, 2, 8 and 1024 slots, so that "full" and "empty" are met all the time. */
#include <pthread.h>

#include "mux/exchange/ring.h"
#include "schedule.h"

struct run {
    _Alignas(MUX_CACHE_LINE_BYTES) struct mux_ring ring;
    uint64_t *payload; /* plain memory that an item names: the race detector sees whether the ring orders it */
    uint32_t payloads;
    uint64_t items;
    uint64_t producer_seed, consumer_seed;
};

static void *produce(void *arg)
{
    struct run *run = arg;
    for (uint64_t i = 0; i < run->items; i++) {
        /* Pushing item i - 1 meant that item i - 1 - slots was popped, so the consumer has left the payload before that. */
        run->payload[i % run->payloads] = i * 3;
        while (!mux_ring_push(&run->ring, i))
            sched_yield();
        schedule_pause(&run->producer_seed);
    }
    return NULL;
}

static void consume(struct run *run)
{
    for (uint64_t i = 0; i < run->items; i++) {
        uint64_t item;
        while (!mux_ring_pop(&run->ring, &item))
            sched_yield();
        STRESS_REQUIRE(item == i, "item %llu came as %llu", (unsigned long long)i, (unsigned long long)item);
        uint64_t payload = run->payload[i % run->payloads];
        STRESS_REQUIRE(payload == i * 3, "item %llu brought %llu", (unsigned long long)i, (unsigned long long)payload);
        schedule_pause(&run->consumer_seed);
    }
}

static void run_once(uint32_t slots, uint64_t seed, uint64_t items)
{
    struct run run = { .items = items, .producer_seed = seed, .consumer_seed = schedule_next(&seed) | 1 };
    run.payloads = slots + 2;
    run.payload = calloc(run.payloads, sizeof *run.payload);
    STRESS_REQUIRE(run.payload && mux_ring_init(&run.ring, slots), "out of memory");
    pthread_t thread;
    STRESS_REQUIRE(pthread_create(&thread, NULL, produce, &run) == 0, "no thread");
    consume(&run);
    pthread_join(thread, NULL);
    uint64_t left;
    STRESS_REQUIRE(!mux_ring_pop(&run.ring, &left), "an item too many");
    mux_ring_deinit(&run.ring);
    free(run.payload);
}

int main(void)
{
    static const uint32_t slots[] = { 1, 2, 8, 1024 };
    uint64_t seed = schedule_seed("stress_ring");
    uint64_t end = schedule_now_ns() + SCHEDULE_SECONDS * 1000000000ull;
    unsigned rounds = 0;
    for (; schedule_now_ns() < end; rounds++)
        run_once(slots[rounds % 4], schedule_next(&seed) | 1, 500 + schedule_next(&seed) % (1000 + 20 * slots[rounds % 4]));
    printf("stress_ring: %u rounds\n", rounds);
    return 0;
}
