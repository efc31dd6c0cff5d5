/* SPDX-License-Identifier: MIT */
/* Chains of blocks: a block starts small, so that many channels that each hold a few bytes stay near the sum of their windows. */
#include "gateway/consumers/bytes.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_MIN = 1024, BLOCK_MAX = 16 * 1024 }; /* with the header */

struct gw_block {
    struct gw_block *next;
    uint32_t begin, end, size; /* what is held lies in bytes[begin, end) */
    uint8_t bytes[];
};

static void free_blocks(struct gw_block *b)
{
    while (b) {
        struct gw_block *next = b->next;
        free(b);
        b = next;
    }
}

/* A chain with room for n bytes; NULL: out of memory. */
static struct gw_block *new_blocks(size_t n)
{
    struct gw_block *head = NULL, **link = &head;
    while (n > 0) {
        size_t size = BLOCK_MIN;
        while (size < BLOCK_MAX && size - sizeof(struct gw_block) < n)
            size *= 2;
        struct gw_block *b = malloc(size);
        if (!b) {
            free_blocks(head);
            return NULL;
        }
        *b = (struct gw_block){ .size = (uint32_t)(size - sizeof *b) };
        *link = b;
        link = &b->next;
        n -= n < b->size ? n : b->size;
    }
    return head;
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
    size_t room = b->tail ? b->tail->size - b->tail->end : 0;
    if (n > room) {
        struct gw_block *more = new_blocks(n - room);
        if (!more)
            return false;
        if (b->tail)
            b->tail->next = more;
        else
            b->head = b->tail = more;
    }
    for (int i = 0; i < iov_count; i++) {
        size_t pass = skip < iov[i].iov_len ? skip : iov[i].iov_len;
        skip -= pass;
        if (pass < iov[i].iov_len)
            b->tail = fill(b->tail, (const uint8_t *)iov[i].iov_base + pass, iov[i].iov_len - pass);
    }
    b->len += n;
    return true;
}

int gw_bytes_peek(const struct gw_bytes *b, struct iovec *iov, int max)
{
    int n = 0;
    for (struct gw_block *k = b->head; k && n < max; k = k->next)
        iov[n++] = (struct iovec){ k->bytes + k->begin, k->end - k->begin };
    return n;
}

void gw_bytes_take(struct gw_bytes *b, size_t n)
{
    assert(n <= b->len);
    b->len -= n;
    while (b->head && n >= b->head->end - b->head->begin) {
        struct gw_block *k = b->head;
        n -= k->end - k->begin;
        b->head = k->next;
        free(k);
    }
    if (b->head)
        b->head->begin += (uint32_t)n;
    else
        b->tail = NULL;
}

size_t gw_bytes_read(struct gw_bytes *b, const struct iovec *iov, int iov_count)
{
    size_t total = 0;
    for (int i = 0; i < iov_count; i++) {
        uint8_t *to = iov[i].iov_base;
        size_t room = iov[i].iov_len;
        while (room > 0 && b->head) {
            size_t held = b->head->end - b->head->begin;
            size_t k = held < room ? held : room;
            memcpy(to, b->head->bytes + b->head->begin, k);
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
    free_blocks(b->head);
    *b = (struct gw_bytes){ 0 };
}
