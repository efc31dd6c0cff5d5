/* SPDX-License-Identifier: MIT */
/* Expanded contexts, bounded: an idle connection costs its raw keys only, a busy one finds its context by hash.
 *
 * An entry is in one of two states: free (context NULL, on the free list through `chain`) or in use (on a hash chain, and
 * on the list from the most to the least recently used). Both lists run by index; entry 0 is the head of the use list and
 * never in use, so that index 0 ends every list. Everything belongs to the cache's one worker. */
#include <assert.h>
#include <stdlib.h>

#include "crypto/packet/packet_priv.h"

struct entry {
    uint64_t id;
    const struct cx_packet_ops *ops;
    void *context;
    uint32_t newer, older; /* the use list, a ring through entry 0 */
    uint32_t chain;        /* the next of the same bucket, or of the free list */
};

struct cx_packet_cache {
    struct cx_evp evp;
    const struct cx_kernels *kernels;
    uint64_t last_id;
    uint32_t free, bucket_mask;
    uint32_t *bucket;
    struct entry *entry;
};

struct cx_packet_cache *cx_packet_cache_new(size_t entries, const struct cx_kernels *kernels)
{
    assert(entries > 0 && entries < 1u << 30);
    uint32_t buckets = 1;
    while (buckets < entries)
        buckets *= 2;
    struct cx_packet_cache *cache = calloc(1, sizeof *cache);
    if (!cache)
        return NULL;
    cache->kernels = kernels;
    cache->bucket = calloc(buckets, sizeof *cache->bucket);
    cache->entry = calloc(entries + 1, sizeof *cache->entry);
    cache->bucket_mask = buckets - 1;
    if (!cache->bucket || !cache->entry || !cx_evp_fetch(&cache->evp)) {
        cx_packet_cache_free(cache);
        return NULL;
    }
    for (uint32_t i = (uint32_t)entries; i > 0; i--) {
        cache->entry[i].chain = cache->free;
        cache->free = i;
    }
    return cache;
}

const struct cx_kernels *cx_packet_cache_kernels(const struct cx_packet_cache *cache)
{
    return cache->kernels;
}

uint64_t cx_packet_cache_id(struct cx_packet_cache *cache)
{
    return ++cache->last_id;
}

/* Identifiers count up, so their low bits spread over the buckets by themselves. */
static uint32_t *bucket_of(struct cx_packet_cache *cache, uint64_t id)
{
    return &cache->bucket[id & cache->bucket_mask];
}

static void use_link(struct entry *entry, uint32_t i)
{
    entry[i].newer = 0;
    entry[i].older = entry[0].older;
    entry[entry[0].older].newer = i;
    entry[0].older = i;
}

static void use_unlink(struct entry *entry, uint32_t i)
{
    entry[entry[i].newer].older = entry[i].older;
    entry[entry[i].older].newer = entry[i].newer;
}

static void evict(struct cx_packet_cache *cache, uint32_t i)
{
    struct entry *e = &cache->entry[i];
    uint32_t *link = bucket_of(cache, e->id);
    while (*link != i)
        link = &cache->entry[*link].chain;
    *link = e->chain;
    use_unlink(cache->entry, i);
    e->ops->release(e->context);
    e->context = NULL;
    e->chain = cache->free;
    cache->free = i;
}

static uint32_t find(struct cx_packet_cache *cache, uint64_t id)
{
    uint32_t i = *bucket_of(cache, id);
    while (i != 0 && cache->entry[i].id != id)
        i = cache->entry[i].chain;
    return i;
}

void *cx_packet_cache_get(struct cx_packet_cache *cache, const struct cx_packet_ops *ops, const struct cx_packet_key *k)
{
    uint32_t i = find(cache, k->id);
    if (i != 0) {
        if (cache->entry[0].older != i) {
            use_unlink(cache->entry, i);
            use_link(cache->entry, i);
        }
        return cache->entry[i].context;
    }
    if (cache->free == 0)
        evict(cache, cache->entry[0].newer);
    void *context = ops->expand(&cache->evp, cache->kernels, k);
    if (!context)
        return NULL;
    i = cache->free;
    struct entry *e = &cache->entry[i];
    uint32_t *bucket = bucket_of(cache, k->id);
    cache->free = e->chain;
    *e = (struct entry){ .id = k->id, .ops = ops, .context = context, .chain = *bucket };
    *bucket = i;
    use_link(cache->entry, i);
    return context;
}

void cx_packet_cache_drop(struct cx_packet_cache *cache, uint64_t id)
{
    uint32_t i = find(cache, id);
    if (i != 0)
        evict(cache, i);
}

void cx_packet_cache_free(struct cx_packet_cache *cache)
{
    if (!cache)
        return;
    while (cache->entry && cache->entry[0].older != 0)
        evict(cache, cache->entry[0].older);
    cx_evp_drop(&cache->evp);
    free(cache->bucket);
    free(cache->entry);
    free(cache);
}
