/* SPDX-License-Identifier: MIT */
/* builtin:echo: what comes in goes out. It takes no bytes by itself: they wait in the inbox until they are pulled, so that the
 * client's window bounds them and is credited only when they are on their way back. */
#include <stdlib.h>

#include "gateway/consumers/consumer.h"

static void progress(struct gw_consumer *c)
{
    c->readable = c->inbox.len > 0 || c->input_ended;
}

static ssize_t echo_write(struct gw_consumer *c, const struct iovec *iov, int iov_count)
{
    (void)iov;
    (void)iov_count;
    c->readable = true;
    return 0;
}

static size_t echo_pull(struct gw_consumer *c, const struct iovec *iov, int iov_count, enum mux_pull *more)
{
    size_t n = gw_bytes_read(&c->inbox, iov, iov_count);
    c->drained += (uint32_t)n;
    c->readable = c->inbox.len > 0;
    if (c->readable)
        *more = MUX_PULL_MORE;
    else
        *more = c->input_ended ? MUX_PULL_EOF : MUX_PULL_DRY;
    return n;
}

static void echo_shutdown_write(struct gw_consumer *c)
{
    c->input_ended = true;
    c->readable = true;
}

static void echo_close(struct gw_consumer *c, bool graceful)
{
    (void)graceful;
    gw_bytes_clear(&c->inbox);
    free(c);
}

static const struct gw_consumer_ops echo_ops = { false, progress, echo_write, echo_pull, echo_shutdown_write, echo_close };

struct gw_consumer *gw_echo_new(struct gw_consumer_owner o)
{
    struct gw_consumer *c = calloc(1, sizeof *c);
    if (c)
        *c = (struct gw_consumer){ .ops = &echo_ops, .wake = o.wake, .owner = o.owner, .state = GW_CONSUMER_OPEN };
    return c;
}
