/* SPDX-License-Identifier: MIT */
/* A pipe between two channels that may belong to different workers: bytes, their end and their credit, in both directions. One
 * object with two ends, each used by one thread; both may be the same.
 *
 * A lane is one direction. Its source posts records, its destination takes them, in order:
 *
 *   bytes    in blocks that the source allocates and the destination frees; an empty lane has none.
 *   EOF      no more bytes come.
 *   CLOSE    the source is gone; what stands in front of it is still good.
 *
 * Whoever closes its lane reads the other one no more. That goes out of band, so that the other end hears of it whatever stands in
 * front of the CLOSE: its own source must not wait for credit that nobody gives (mux_pipe_lost).
 *
 * EOF and CLOSE are nodes of the lane itself, so that saying them cannot fail. A lane is a mailbox: posting never waits.
 *
 * Bound. A lane takes whatever it is given; what bounds it is its source, which reads no more of its peer than it was credited.
 * Credit is a counter that only the destination moves, by what it has passed on; the source looks at how far it came. So a
 * destination that stalls holds one window of its source, and never more. A block costs more than its bytes where those are few:
 * while others are under way, a source gathers them first (mux_pipe_takes).
 *
 * Abort goes out of band, by a flag: the other end finds it at once, whatever stands in the lanes.
 *
 * Waking. Whoever has posted, credited or aborted rings. The first ring since the other end last answered says that the other end
 * is to be told (by a mail of the caller's); those behind it find the flag raised and say nothing, so that a burst costs one
 * wake-up. An end that was told lowers the flag (mux_pipe_answer), and only then looks. Both are read-modify-writes of one flag: a
 * ring that finds it raised stands before the answer in its order, so that what was posted before the ring is seen by the look
 * behind the answer. The caller's mail is home when it is delivered, and is answered there, so that it is never posted twice.
 *
 * Who owns what:
 *
 *   block    the source's until it is posted, then nobody's, then the destination's from its look on.
 *   pipe     counted: one hold an end from init to its close or abort, and one for each mail under way. The last to let go frees
 *            the blocks that nobody took, and the object. No end is told anything once it has let go: its mail then only lets go.
 *
 * When an end dies, its owner has closed or aborted it first (a worker never ends with tunnels left), so that there is no third
 * case. */
#ifndef MUX_PIPE_H
#define MUX_PIPE_H

#include <stdatomic.h>
#include <stdint.h>
#include <sys/uio.h>

#include "mux/err.h"
#include "mux/exchange/mailbox.h"

enum mux_pipe_record { MUX_PIPE_NOTHING, MUX_PIPE_BYTES, MUX_PIPE_EOF, MUX_PIPE_CLOSE };

/* A record; by itself one without bytes. */
struct mux_pipe_mark {
    struct mux_mail mail; /* first */
    enum mux_pipe_record record;
};

struct mux_pipe_block {
    struct mux_pipe_mark mark; /* first */
    uint32_t begin, end;       /* what was not read yet lies in bytes[begin, end) */
    uint8_t bytes[];
};

struct mux_pipe_lane {
    struct mux_mailbox posted;
    _Atomic uint64_t credited; /* the destination's to move */
    /* the source's */
    uint64_t written, credit_seen;
    struct mux_pipe_mark eof, close; /* until posted */
    /* the destination's */
    struct mux_mail *first, **last; /* taken from posted, in order */
};

/* Zeroed and in place before mux_pipe_init. Lane e is the one whose source is end e. */
struct mux_pipe {
    struct mux_pipe_lane lane[2];
    atomic_bool rung[2]; /* end e was rung, and has not answered */
    atomic_bool left[2]; /* end e has closed its lane, and reads no more */
    atomic_bool aborted; /* by either end */
    atomic_uint holds;
};

/* One hold for each end. */
void mux_pipe_init(struct mux_pipe *p);
void mux_pipe_hold(struct mux_pipe *p);
/* True: it was the last; nothing is left in it, and the object is the caller's to free. */
MUX_MUST_CHECK bool mux_pipe_drop(struct mux_pipe *p);

/* ---- the source, end e; ring behind each ---- */

/* False: n bytes are too few to be written now. To be asked again when the other end has rung; then, or at the close, they go. */
bool mux_pipe_takes(const struct mux_pipe *p, unsigned e, size_t n);
/* Copies all. False: out of memory, and nothing was posted. */
MUX_MUST_CHECK bool mux_pipe_write(struct mux_pipe *p, unsigned e, const struct iovec *iov, int iov_count);
void mux_pipe_eof(struct mux_pipe *p, unsigned e);   /* once */
void mux_pipe_close(struct mux_pipe *p, unsigned e); /* once; nothing is posted behind it */
void mux_pipe_abort(struct mux_pipe *p);
/* Bytes that the other end has passed on since the last call. */
size_t mux_pipe_credited(struct mux_pipe *p, unsigned e);
/* Bytes that the other end will never pass on, since it has left: those that were not credited. Each is counted once. */
size_t mux_pipe_lost(struct mux_pipe *p, unsigned e);

/* ---- the destination, end e ---- */

/* What is first, out of all that was posted until now. A CLOSE stays first for ever. */
enum mux_pipe_record mux_pipe_next(struct mux_pipe *p, unsigned e);
/* Takes the bytes that are first, as many as there is room for, over the bounds of blocks, and credits them: ring if any came. */
size_t mux_pipe_read(struct mux_pipe *p, unsigned e, const struct iovec *iov, int iov_count);
/* Takes the EOF that is first. */
void mux_pipe_take_eof(struct mux_pipe *p, unsigned e);

/* ---- both ---- */

static inline bool mux_pipe_is_aborted(const struct mux_pipe *p)
{
    /* acquire: what its setter wrote before, such as the reason, is visible */
    return atomic_load_explicit(&p->aborted, memory_order_acquire);
}

/* Whether the end other than e has closed its lane. */
static inline bool mux_pipe_is_left(const struct mux_pipe *p, unsigned e)
{
    /* acquire: what it has credited before is visible */
    return atomic_load_explicit(&p->left[1 - e], memory_order_acquire);
}

/* Tells the end other than e that something has changed. True: its mail is to be posted. */
static inline bool mux_pipe_ring(struct mux_pipe *p, unsigned e)
{
    return !atomic_exchange_explicit(&p->rung[1 - e], true, memory_order_acq_rel);
}

/* End e was told: to be called before it looks. */
static inline void mux_pipe_answer(struct mux_pipe *p, unsigned e)
{
    atomic_exchange_explicit(&p->rung[e], false, memory_order_acq_rel);
}

#endif
