/* SPDX-License-Identifier: MIT */
/* Private to gateway/consumers/: what consumers with a connected socket have in common, of whatever family it is. */
#ifndef GW_STREAM_H
#define GW_STREAM_H

#include "gateway/consumers/consumer.h"

struct gw_stream {
    struct gw_consumer base; /* first; read_ended and has_written are this one's */
    struct gw_watch watch;   /* fd -1: none */
    struct gw_linger *linger;
};

static inline struct gw_stream *gw_stream_of(struct gw_consumer *c)
{
    return (struct gw_stream *)c;
}

static inline struct gw_loop *gw_stream_loop(const struct gw_stream *s)
{
    return gw_linger_loop(s->linger);
}

void gw_stream_init(struct gw_stream *s, const struct gw_consumer_ops *ops, struct gw_consumer_owner o, struct gw_linger *linger);
/* Tells the service at fd, just connected, what it is told first. False: errno. */
bool gw_stream_preface(struct gw_stream *s, int fd, gw_preface *preface);
/* False: errno, and fd stays the caller's. */
bool gw_stream_attach(struct gw_stream *s, int fd);
/* The same of a descriptor that is in the loop already. */
void gw_stream_adopt(struct gw_stream *s, struct gw_watch *from);
void gw_stream_detach(struct gw_stream *s); /* closes the socket, if there is one */
/* It could not be connected, or not be kept. */
void gw_stream_fail(struct gw_stream *s, enum gw_consumer_failure failure, const char *why);
void gw_stream_fail_with(struct gw_stream *s, int error);
bool gw_stream_is_shortage(int error); /* of ours */

/* ---- calls of the table ---- */

/* Sets readable. */
void gw_stream_progress(struct gw_stream *s);
ssize_t gw_stream_write(struct gw_consumer *c, const struct iovec *iov, int iov_count);
size_t gw_stream_pull(struct gw_consumer *c, const struct iovec *iov, int iov_count, enum mux_pull *more);
void gw_stream_shutdown_write(struct gw_consumer *c);
/* All but the free. */
void gw_stream_close(struct gw_stream *s, bool graceful);

#endif
