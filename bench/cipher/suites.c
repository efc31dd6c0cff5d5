/* SPDX-License-Identifier: MIT */
/* A pass works through an area that fits the first-level cache, or one batch where that is larger: sealing fills it with packets,
 * opening then opens these, both in place as the gateway does, and memcpy copies the payloads out of it. So the cells of a group
 * touch the same bytes, and what is opened was sealed under the same sequence numbers just before.
 *
 * Padding comes from a seeded generator, so that the gateway's own, which every kernel's packets pay alike, is no part of what is
 * compared. */
#include "bench/cipher/suites.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/clock.h"
#include "crypto/packet/packet.h"

enum { AREA_BYTES = 32 * 1024, COPIED_BYTES = 1 << 20, NAME_BYTES = 96, CACHE_ENTRIES = 2, SUITES_MAX = 64 };

struct suite {
    char name[NAME_BYTES];
    const struct cx_cipher *cipher;
    const struct cx_mac *mac; /* NULL with an AEAD */
};

/* A suite under one selection of kernels: both directions of a connection. */
struct lane {
    struct lane *next;
    struct bench_lane with;
    struct cx_packet_cache *cache;
    struct cx_packet_key seal, open;
};

/* What a cell works on. */
struct work {
    struct work *next;
    struct bench_suites *suites;
    struct lane *lane; /* NULL: memcpy */
    size_t size, batch, packets, sealed_bytes;
};

struct bench_suites {
    struct suite suite[SUITES_MAX];
    size_t suite_count;
    struct lane *lanes;
    struct work *works;
    uint8_t *area, *copy;
    struct cx_random_seeded seeded;
    struct cx_random random;
};

static bool seal_batch(const struct work *w, uint8_t *at)
{
    struct cx_packet_slot slot[CX_PACKET_BATCH];
    for (size_t i = 0; i < w->batch; i++)
        slot[i] = (struct cx_packet_slot){ at + i * w->sealed_bytes, (uint32_t)w->size };
    return cx_packet_seal(w->lane->cache, &w->lane->seal, slot, w->batch, &w->suites->random) == CX_OK;
}

static bool seal_pass(void *state, double *ns)
{
    const struct work *w = state;
    bool good = true;
    struct bench_timer timer = bench_timer_start();
    for (size_t i = 0; good && i < w->packets; i += w->batch)
        good = seal_batch(w, w->suites->area + i * w->sealed_bytes);
    *ns = bench_timer_ns(&timer) / (double)w->packets;
    return good;
}

static bool open_batch(const struct work *w, uint8_t *at)
{
    struct cx_span payload[CX_PACKET_BATCH];
    size_t count = w->batch, used = 0, need;
    enum cx_err err = cx_packet_open(w->lane->cache, &w->lane->open, (struct cx_span){ at, w->batch * w->sealed_bytes },
                                     CX_PACKET_LENGTH_LIMIT, payload, &count, &used, &need);
    return err == CX_OK && count == w->batch;
}

static bool open_pass(void *state, double *ns)
{
    const struct work *w = state;
    bool good = true;
    struct bench_timer timer = bench_timer_start();
    for (size_t i = 0; good && i < w->packets; i += w->batch)
        good = open_batch(w, w->suites->area + i * w->sealed_bytes);
    *ns = bench_timer_ns(&timer) / (double)w->packets;
    return good;
}

static void copy_area(const struct work *w)
{
    for (size_t i = 0, at = 0; i < w->packets; i++, at += w->sealed_bytes) {
        memcpy(w->suites->copy + at, w->suites->area + at, w->size);
        __asm__ volatile("" : : "r"(w->suites->copy) : "memory"); /* somebody reads it */
    }
}

/* Memory is so much faster that one time over the area could not be timed. */
static bool copy_pass(void *state, double *ns)
{
    const struct work *w = state;
    size_t times = COPIED_BYTES / (w->packets * w->size) + 1;
    struct bench_timer timer = bench_timer_start();
    for (size_t i = 0; i < times; i++)
        copy_area(w);
    *ns = bench_timer_ns(&timer) / (double)(times * w->packets);
    return true;
}

static void list_suite(struct bench_suites *s, const struct cx_cipher *cipher, const struct cx_mac *mac)
{
    if (s->suite_count == SUITES_MAX)
        return;
    struct suite *suite = &s->suite[s->suite_count++];
    *suite = (struct suite){ .cipher = cipher, .mac = mac };
    snprintf(suite->name, sizeof suite->name, "%s%s%s", cipher->name, mac ? "+" : "", mac ? mac->name : "");
}

static void list_suites(struct bench_suites *s)
{
    const struct cx_cipher *cipher;
    const struct cx_mac *mac;
    for (size_t i = 0; (cipher = cx_cipher_at(i)); i++) {
        if (cipher->tag_len != 0)
            list_suite(s, cipher, NULL);
        for (size_t j = 0; cipher->tag_len == 0 && (mac = cx_mac_at(j)); j++)
            list_suite(s, cipher, mac);
    }
}

static struct lane *add_lane(struct bench_suites *s, const struct suite *suite, const struct bench_lane *with)
{
    uint8_t key[CX_PACKET_KEY_MAX], iv[CX_PACKET_IV_MAX], mac_key[CX_PACKET_MAC_KEY_MAX];
    struct lane *lane = calloc(1, sizeof *lane);
    if (!lane)
        return NULL;
    *lane = (struct lane){ .next = s->lanes, .with = *with };
    s->lanes = lane;
    lane->cache = cx_packet_cache_new(CACHE_ENTRIES, &lane->with.kernels);
    if (!lane->cache)
        return NULL;
    cx_random_fill(&s->random, key, sizeof key);
    cx_random_fill(&s->random, iv, sizeof iv);
    cx_random_fill(&s->random, mac_key, sizeof mac_key);
    cx_packet_key_init(&lane->seal, lane->cache, true, suite->cipher, suite->mac, key, iv, mac_key);
    cx_packet_key_init(&lane->open, lane->cache, false, suite->cipher, suite->mac, key, iv, mac_key);
    return lane;
}

/* Every packet of a size takes as many bytes, whatever the kernel; `like` is any of the suite's keys. */
static struct work *add_work(struct bench_suites *s, struct lane *lane, const struct cx_packet_key *like, size_t size, size_t batch)
{
    struct work *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    *w = (struct work){ s->works, s, lane, size, batch, batch, cx_packet_sealed_len(like, size) };
    while ((w->packets + batch) * w->sealed_bytes <= AREA_BYTES)
        w->packets += batch;
    s->works = w;
    return w;
}

static void plan_cell(struct bench_plan *plan, struct work *w, const char *operation, enum bench_role role,
                      bool (*pass)(void *, double *))
{
    const struct bench_lane *with = w && w->lane ? &w->lane->with : NULL;
    plan->failed |= !w;
    bench_plan_cell(plan, (struct bench_cell){ .kernel = with ? with->name : "memcpy",
                                               .tier = with ? cx_tier_name(with->tier) : NULL,
                                               .picked = with && with->picked,
                                               .operation = operation,
                                               .role = role,
                                               .pass = pass,
                                               .state = w });
}

/* The lanes of a suite that are measured. */
struct lanes {
    struct lane *lane[BENCH_LANES_MAX];
    enum bench_role role[BENCH_LANES_MAX];
    size_t count;
};

static void plan_group(struct bench_plan *plan, struct bench_suites *s, const struct suite *suite, const struct lanes *lanes,
                       size_t size, size_t batch)
{
    const struct cx_packet_key *like = &lanes->lane[0]->seal;
    bench_plan_group(plan, BENCH_CIPHER, suite->name, size, batch);
    plan_cell(plan, add_work(s, NULL, like, size, batch), NULL, BENCH_MEMCPY, copy_pass);
    for (size_t i = 0; i < lanes->count; i++) {
        struct work *w = add_work(s, lanes->lane[i], like, size, batch);
        plan_cell(plan, w, "seal", lanes->role[i], seal_pass);
        plan_cell(plan, w, "open", lanes->role[i], open_pass);
    }
}

/* The portable lane is always there, since the others are compared with it. */
static bool add_lanes(struct bench_suites *s, const struct suite *suite, const struct bench_choice *choice, struct lanes *lanes)
{
    struct bench_lane found[BENCH_LANES_MAX];
    enum cx_primitive primitives[] = { suite->cipher->primitive, suite->mac ? suite->mac->primitive : CX_PRIMITIVE_COUNT };
    size_t count = bench_lanes_find(choice->available, primitives, suite->mac ? 2 : 1, found);
    for (size_t i = 0; i < count; i++) {
        bool portable = found[i].tier == CX_TIER_PORTABLE, chosen = bench_choice_takes_kernel(choice, found[i].name);
        if (!chosen && !portable)
            continue;
        lanes->role[lanes->count] = !portable ? BENCH_OURS : chosen ? BENCH_BOTH : BENCH_REFERENCE;
        lanes->lane[lanes->count] = add_lane(s, suite, &found[i]);
        if (!lanes->lane[lanes->count++])
            return false;
    }
    return true;
}

static void plan_suite(struct bench_plan *plan, struct bench_suites *s, const struct suite *suite,
                       const struct bench_choice *choice)
{
    struct lanes lanes = { .count = 0 };
    if (!add_lanes(s, suite, choice, &lanes)) {
        plan->failed = true;
        return;
    }
    for (size_t i = 0; i < choice->sizes.count; i++)
        for (size_t j = 0; j < choice->batches.count; j++)
            plan_group(plan, s, suite, &lanes, choice->sizes.number[i], choice->batches.number[j]);
}

static size_t largest(const struct bench_numbers *numbers)
{
    size_t most = 0;
    for (size_t i = 0; i < numbers->count; i++)
        most = numbers->number[i] > most ? numbers->number[i] : most;
    return most;
}

static bool make_buffers(struct bench_suites *s, const struct bench_choice *choice)
{
    size_t one_batch = largest(&choice->batches) * (largest(&choice->sizes) + CX_PACKET_OVERHEAD_MAX);
    size_t bytes = one_batch > AREA_BYTES ? one_batch : AREA_BYTES;
    s->area = calloc(1, bytes);
    s->copy = calloc(1, bytes);
    return s->area && s->copy;
}

struct bench_suites *bench_suites_plan(struct bench_plan *plan, const struct bench_choice *choice)
{
    struct bench_suites *s = calloc(1, sizeof *s);
    if (!s || !make_buffers(s, choice)) {
        bench_suites_free(s);
        return NULL;
    }
    s->random = cx_random_from_seed(&s->seeded, 1);
    list_suites(s);
    for (size_t i = 0; i < s->suite_count; i++)
        if (bench_choice_takes(choice, "cipher", s->suite[i].name))
            plan_suite(plan, s, &s->suite[i], choice);
    return s;
}

void bench_suites_free(struct bench_suites *s)
{
    if (!s)
        return;
    for (struct lane *lane = s->lanes, *next; lane; lane = next) {
        next = lane->next;
        if (lane->cache) {
            cx_packet_key_deinit(&lane->seal, lane->cache);
            cx_packet_key_deinit(&lane->open, lane->cache);
        }
        cx_packet_cache_free(lane->cache);
        free(lane);
    }
    for (struct work *w = s->works, *next; w; w = next) {
        next = w->next;
        free(w);
    }
    free(s->area);
    free(s->copy);
    free(s);
}
