/* SPDX-License-Identifier: MIT */
/* Chains of blocks: a block starts small, so that many channels that each hold a few bytes stay near the sum of their windows.
 * The last block leads to the first: one pointer names both ends. */
#include "gateway/consumers/bytes.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_MIN = 1024, BLOCK_MAX = 16 * 1024 }; /* with the header */

struct gw_block {
    struct gw_block *next;     /* of the last: the first */
    uint32_t begin, end, size; /* what is held lies in bytes[begin, end) */
    uint8_t bytes[];
};

static struct gw_block *first_of(const struct gw_block *last)
{
    return last ? last->next : NULL;
}

/* Puts b behind the last. Returns the last one now. */
static struct gw_block *put_behind(struct gw_block *last, struct gw_block *b)
{
    b->next = last ? last->next : b;
    if (last)
        last->next = b;
    return b;
}

static void free_blocks(struct gw_block *last)
{
    struct gw_block *b = first_of(last);
    while (b) {
        struct gw_block *next = b == last ? NULL : b->next;
        free(b);
        b = next;
    }
}

/* A chain with room for n bytes; NULL: out of memory. */
static struct gw_block *new_blocks(size_t n)
{
    struct gw_block *last = NULL;
    while (n > 0) {
        size_t size = BLOCK_MIN;
        while (size < BLOCK_MAX && size - sizeof(struct gw_block) < n)
            size *= 2;
        struct gw_block *b = malloc(size);
        if (!b) {
            free_blocks(last);
            return NULL;
        }
        *b = (struct gw_block){ .size = (uint32_t)(size - sizeof *b) };
        last = put_behind(last, b);
        n -= n < b->size ? n : b->size;
    }
    return last;
}

/* Copies into b and, when it is full, the blocks behind it, which have the room. */
static struct gw_block *fill(struct gw_block *b, const uint8_t *from, size_t n)
{
    while (n > 0) {
        size_t room = b->size - b->end;
        size_t k = n < room ? n : room;
        memcpy(b->bytes + b->end, from, k);
        b->end += (uint32_t)k;
        from += k;
        n -= k;
        if (n > 0)
            b = b->next;
    }
    return b;
}

bool gw_bytes_append(struct gw_bytes *b, const struct iovec *iov, int iov_count, size_t skip)
{
    size_t all = gw_iov_len(iov, iov_count);
    assert(skip <= all);
    size_t n = all - skip;
    struct gw_block *to = b->last;
    size_t room = to ? to->size - to->end : 0;
    if (n > room) {
        struct gw_block *more = new_blocks(n - room);
        if (!more)
            return false;
        struct gw_block *first_new = more->next;
        if (to) {
            more->next = to->next;
            to->next = first_new;
        } else {
            to = first_new;
        }
        b->last = more;
    }
    for (int i = 0; i < iov_count; i++) {
        size_t pass = skip < iov[i].iov_len ? skip : iov[i].iov_len;
        skip -= pass;
        if (pass < iov[i].iov_len)
            to = fill(to, (const uint8_t *)iov[i].iov_base + pass, iov[i].iov_len - pass);
    }
    b->len += n;
    return true;
}

int gw_bytes_peek(const struct gw_bytes *b, struct iovec *iov, int max)
{
    int n = 0;
    struct gw_block *k = first_of(b->last);
    while (k && n < max) {
        iov[n++] = (struct iovec){ k->bytes + k->begin, k->end - k->begin };
        k = k == b->last ? NULL : k->next;
    }
    return n;
}

static void drop_first(struct gw_bytes *b)
{
    struct gw_block *first = b->last->next;
    if (first == b->last)
        b->last = NULL;
    else
        b->last->next = first->next;
    free(first);
}

void gw_bytes_take(struct gw_bytes *b, size_t n)
{
    assert(n <= b->len);
    b->len -= n;
    struct gw_block *first;
    while ((first = first_of(b->last)) && n >= first->end - first->begin) {
        n -= first->end - first->begin;
        drop_first(b);
    }
    if (first)
        first->begin += (uint32_t)n;
}

size_t gw_bytes_read(struct gw_bytes *b, const struct iovec *iov, int iov_count)
{
    size_t total = 0;
    for (int i = 0; i < iov_count; i++) {
        uint8_t *to = iov[i].iov_base;
        size_t room = iov[i].iov_len;
        while (room > 0 && b->last) {
            const struct gw_block *first = b->last->next;
            size_t held = first->end - first->begin;
            size_t k = held < room ? held : room;
            memcpy(to, first->bytes + first->begin, k);
            gw_bytes_take(b, k);
            to += k;
            room -= k;
            total += k;
        }
    }
    return total;
}

void gw_bytes_clear(struct gw_bytes *b)
{
    free_blocks(b->last);
    *b = (struct gw_bytes){ 0 };
}
