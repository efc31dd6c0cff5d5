/* SPDX-License-Identifier: MIT */
/* builtin:source: the bytes 0 to 255 over and over, as fast as they are pulled, until the client closes the channel; what comes
 * in is dropped. A receiver can tell from any byte which one must follow. */
#include <stdlib.h>
#include <string.h>

#include "gateway/consumers/consumer.h"

enum { CYCLE = 256 };

static void progress(struct gw_consumer *c)
{
    (void)c;
}

static ssize_t source_write(struct gw_consumer *c, const struct iovec *iov, int iov_count)
{
    (void)c;
    return (ssize_t)gw_iov_len(iov, iov_count);
}

/* The first cycle byte by byte, then doubled: a benchmark's source must not cost more than its tunnel. */
static void fill(uint8_t *to, size_t len, uint8_t next)
{
    size_t done = len < CYCLE ? len : CYCLE;
    for (size_t i = 0; i < done; i++)
        to[i] = next++;
    while (done < len) {
        size_t k = len - done < done ? len - done : done;
        memcpy(to + done, to, k);
        done += k;
    }
}

static size_t source_pull(struct gw_consumer *c, const struct iovec *iov, int iov_count, enum mux_pull *more)
{
    for (int i = 0; i < iov_count; i++) {
        fill(iov[i].iov_base, iov[i].iov_len, c->next_byte);
        c->next_byte = (uint8_t)(c->next_byte + iov[i].iov_len);
    }
    *more = MUX_PULL_MORE;
    return gw_iov_len(iov, iov_count);
}

static void source_shutdown_write(struct gw_consumer *c)
{
    (void)c;
}

static void source_close(struct gw_consumer *c, bool graceful)
{
    (void)graceful;
    gw_bytes_clear(&c->inbox);
    free(c);
}

static const struct gw_consumer_ops source_ops = {
    false, progress, source_write, source_pull, source_shutdown_write, source_close
};

struct gw_consumer *gw_source_new(struct gw_consumer_owner o)
{
    struct gw_consumer *c = calloc(1, sizeof *c);
    if (c)
        *c = (struct gw_consumer){
            .ops = &source_ops, .wake = o.wake, .owner = o.owner, .state = GW_CONSUMER_OPEN, .readable = true
        };
    return c;
}
