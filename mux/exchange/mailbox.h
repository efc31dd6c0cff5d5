/* SPDX-License-Identifier: MIT */
/* A mailbox: any thread posts, one thread takes. Posting cannot fail and never waits, because the node that carries a message
 * is part of the sender's object and was there before the message was.
 *
 * States of a node, and who owns it:
 *
 *   home       its sender's, who may fill in the object around it and post it.
 *   posted     nobody's: only the mailbox refers to it. The sender may neither post it again nor free its object.
 *   taken      the receiver's, until it comes home: by a message back, or by an atomic in the object that says so.
 *
 * An object is therefore freed only when all of its nodes are home. If the receiver ends, it takes once more and sends home
 * what it finds; senders post nothing to a receiver that has ended (whoever ends it has told them so before).
 *
 * The nodes are a stack that posts push on and that the receiver takes as a whole, turning it round, so that messages are
 * delivered in the order in which they were posted. Nothing is ever popped singly, so that a node which comes back to the
 * same address (ABA) does no harm: a push is right on whatever top it replaces.
 *
 * One wake-up: the post that finds the mailbox empty says so, and its thread wakes the receiver (an eventfd); the posts behind
 * it need not, as the receiver takes theirs with the first. A receiver takes all after each wake-up, so none is lost.
 *
 * Rejected: Vyukov's queue of nodes, whose post is one exchange instead of a compare-and-swap loop. A sender that is preempted
 * between its two steps there hides all messages behind it, and it needs a wake-up protocol beside it; here a loop round
 * takes everything with one exchange, which is what a round wants anyway. */
#ifndef MUX_MAILBOX_H
#define MUX_MAILBOX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/* Stands inside the object that sends it. */
struct mux_mail {
    struct mux_mail *next; /* the mailbox's while posted, then of the chain that was taken */
};

struct mux_mailbox {
    _Atomic(struct mux_mail *) newest;
};

static inline void mux_mailbox_init(struct mux_mailbox *b)
{
    atomic_init(&b->newest, NULL);
}

/* Any thread. Ownership of m passes. True: the mailbox was empty, and the caller must wake the receiver. */
static inline bool mux_mailbox_post(struct mux_mailbox *b, struct mux_mail *m)
{
    struct mux_mail *newest = atomic_load_explicit(&b->newest, memory_order_relaxed);
    do
        m->next = newest;
    /* release: the message is visible before its node is; the chain below it stays visible because a compare-and-swap
     * continues the release sequence of the posts before it */
    while (!atomic_compare_exchange_weak_explicit(&b->newest, &newest, m, memory_order_release, memory_order_relaxed));
    return newest == NULL;
}

/* The receiver only. The chain of all posted nodes, oldest first, linked by next; NULL: none. Read next before a node goes home. */
static inline struct mux_mail *mux_mailbox_take(struct mux_mailbox *b)
{
    /* acquire: pairs with the release of each post */
    struct mux_mail *m = atomic_exchange_explicit(&b->newest, NULL, memory_order_acquire);
    struct mux_mail *oldest = NULL;
    while (m) {
        struct mux_mail *older = m->next;
        m->next = oldest;
        oldest = m;
        m = older;
    }
    return oldest;
}

#endif
