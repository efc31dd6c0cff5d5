/* SPDX-License-Identifier: MIT */
/* builtin:discard: takes everything, says nothing, and ends when the client does. */
#include <stdlib.h>

#include "gateway/consumers/consumer.h"

static void progress(struct gw_consumer *c)
{
    (void)c;
}

static ssize_t discard_write(struct gw_consumer *c, const struct iovec *iov, int iov_count)
{
    (void)c;
    return (ssize_t)gw_iov_len(iov, iov_count);
}

static size_t discard_pull(struct gw_consumer *c, const struct iovec *iov, int iov_count, enum mux_pull *more)
{
    (void)iov;
    (void)iov_count;
    *more = c->readable ? MUX_PULL_EOF : MUX_PULL_DRY; /* readable: its end, once the client's came */
    c->readable = false;
    return 0;
}

static void discard_shutdown_write(struct gw_consumer *c)
{
    c->readable = true;
}

static void discard_close(struct gw_consumer *c, bool graceful)
{
    (void)graceful;
    gw_bytes_clear(&c->inbox);
    free(c);
}

static const struct gw_consumer_ops discard_ops = { false,        progress, discard_write, discard_pull, discard_shutdown_write,
                                                    discard_close };

struct gw_consumer *gw_discard_new(struct gw_consumer_owner o)
{
    struct gw_consumer *c = calloc(1, sizeof *c);
    if (c)
        *c = (struct gw_consumer){ .ops = &discard_ops, .wake = o.wake, .owner = o.owner, .state = GW_CONSUMER_OPEN };
    return c;
}
