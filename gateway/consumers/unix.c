/* SPDX-License-Identifier: MIT */
/* A connection to a Unix socket, or one that was accepted: made at once or not at all. Where its backlog is full the kernel says so
 * instead of making us wait, and tells nobody when there is room again: so it is tried again in short intervals, until the time is
 * over. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "gateway/consumers/stream.h"

static const uint64_t RETRY_NS = 20ull * 1000000;

struct path {
    struct gw_stream stream; /* first */
    struct gw_timer timer;   /* while CONNECTING: the next try */
    uint64_t deadline_ns;    /* 0: none */
    bool is_due;
    gw_preface *preface;
    struct sockaddr_un address;
};

static struct path *path_of(struct gw_consumer *c)
{
    return (struct path *)c;
}

static void on_timer(struct gw_timer *t, uint64_t now_ns)
{
    (void)now_ns;
    struct path *p = (struct path *)((char *)t - offsetof(struct path, timer));
    p->is_due = true;
    p->stream.base.wake(&p->stream.base);
}

static void wait_for_room(struct path *p)
{
    uint64_t now_ns = gw_loop_now_ns(gw_stream_loop(&p->stream));
    if (p->deadline_ns > 0 && now_ns >= p->deadline_ns)
        gw_stream_fail_with(&p->stream, ETIMEDOUT);
    else
        gw_timer_set(gw_stream_loop(&p->stream), &p->timer, now_ns + RETRY_NS);
}

static void try_connect(struct path *p)
{
    p->is_due = false;
    int fd = gw_stream_socket(AF_UNIX);
    if (fd < 0) {
        gw_stream_fail_with(&p->stream, errno);
        return;
    }
    int error = connect(fd, (struct sockaddr *)&p->address, sizeof p->address) == 0 ? 0 : errno;
    if (error == 0 && !(gw_stream_preface(&p->stream, fd, p->preface) && gw_stream_attach(&p->stream, fd)))
        error = errno;
    if (error == 0) {
        p->stream.base.state = GW_CONSUMER_OPEN;
        return;
    }
    close(fd);
    if (error == EAGAIN)
        wait_for_room(p);
    else
        gw_stream_fail_with(&p->stream, error);
}

static void progress(struct gw_consumer *c)
{
    struct path *p = path_of(c);
    if (c->state == GW_CONSUMER_CONNECTING && p->is_due)
        try_connect(p);
    gw_stream_progress(&p->stream);
}

static void unix_close(struct gw_consumer *c, bool graceful)
{
    struct path *p = path_of(c);
    gw_timer_cancel(gw_stream_loop(&p->stream), &p->timer);
    gw_stream_close(&p->stream, graceful);
    free(p);
}

static const struct gw_consumer_ops unix_ops = {
    .keeps_bytes = true,
    .progress = progress,
    .write = gw_stream_write,
    .pull = gw_stream_pull,
    .shutdown_write = gw_stream_shutdown_write,
    .close = unix_close,
};

struct gw_consumer *gw_unix_new(struct gw_consumer_owner o, const struct gw_unix_setup *setup)
{
    struct path *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    gw_stream_init(&p->stream, &unix_ops, o, setup->linger);
    p->timer.fire = on_timer;
    p->preface = setup->preface;
    p->deadline_ns = setup->timeout_ns ? gw_loop_now_ns(gw_linger_loop(setup->linger)) + setup->timeout_ns : 0;
    p->address.sun_family = AF_UNIX;
    p->is_due = true;
    size_t len = strlen(setup->path);
    if (len < sizeof p->address.sun_path)
        memcpy(p->address.sun_path, setup->path, len);
    else
        gw_stream_fail_with(&p->stream, ENAMETOOLONG);
    progress(&p->stream.base);
    return &p->stream.base;
}

struct gw_consumer *gw_unix_accepted(struct gw_linger *linger, int fd)
{
    struct path *p = gw_stream_is_reserved(fd) ? NULL : calloc(1, sizeof *p);
    if (!p)
        return NULL;
    gw_stream_init(&p->stream, &unix_ops, (struct gw_consumer_owner){ NULL, NULL }, linger);
    p->stream.base.state = GW_CONSUMER_OPEN;
    if (gw_stream_attach(&p->stream, fd))
        return &p->stream.base;
    free(p);
    return NULL;
}
