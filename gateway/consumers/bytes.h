/* SPDX-License-Identifier: MIT */
/* A chain of bytes that somebody did not take yet. Owns nothing while empty; zero is empty. Not shared between threads.
 * Blocks are of a size that jemalloc serves from the thread's own cache, which is the pool of the design. */
#ifndef GW_BYTES_H
#define GW_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct gw_block;

struct gw_bytes {
    struct gw_block *last; /* its next is the first; NULL: none */
    size_t len;
};

/* Copies all but the first `skip` bytes of iov to the end. False: out of memory, and nothing was appended. */
bool gw_bytes_append(struct gw_bytes *b, const struct iovec *iov, int iov_count, size_t skip);
/* The chain's beginning as at most max pieces; borrowed until the next call that changes it. */
int gw_bytes_peek(const struct gw_bytes *b, struct iovec *iov, int max);
/* Forgets the first n bytes, n <= len. */
void gw_bytes_take(struct gw_bytes *b, size_t n);
/* Moves as much as fits into iov. */
size_t gw_bytes_read(struct gw_bytes *b, const struct iovec *iov, int iov_count);
void gw_bytes_clear(struct gw_bytes *b);

static inline size_t gw_iov_len(const struct iovec *iov, int iov_count)
{
    size_t n = 0;
    for (int i = 0; i < iov_count; i++)
        n += iov[i].iov_len;
    return n;
}

#endif
