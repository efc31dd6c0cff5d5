/* SPDX-License-Identifier: MIT */
/* Orders use one node for any number of reloads: the snapshot travels in an atomic beside it. Whoever puts a snapshot where there
 * was none posts the node; whoever finds an older one there replaces it, since the node is still on its way and will bring the
 * newest. The receiver has taken the node off the mailbox before it empties the atomic, so the node is home by then. */
#include <assert.h>
#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "gateway/engine/inbox.h"

bool gw_inbox_init(struct gw_inbox *b)
{
    mux_mailbox_init(&b->mailbox);
    b->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return b->wake_fd >= 0;
}

void gw_inbox_deinit(struct gw_inbox *b)
{
    close(b->wake_fd);
}

void gw_inbox_wake(struct gw_inbox *b)
{
    uint64_t one = 1;
    ssize_t n = write(b->wake_fd, &one, sizeof one);
    assert(n == sizeof one || errno == EAGAIN); /* EAGAIN: the counter is at its end, so it is readable anyway */
}

void gw_inbox_send(struct gw_inbox *b, struct gw_mail *m)
{
    assert(m->deliver);
    if (mux_mailbox_post(&b->mailbox, &m->node))
        gw_inbox_wake(b);
}

void gw_inbox_serve(struct gw_inbox *b, void *receiver)
{
    uint64_t count;
    ssize_t n = read(b->wake_fd, &count, sizeof count);
    assert(n == sizeof count || errno == EAGAIN);
    /* Emptied before the look: a post after the look finds the mailbox empty and makes it readable again. */
    struct mux_mail *mail = mux_mailbox_take(&b->mailbox);
    while (mail) {
        struct gw_mail *m = (struct gw_mail *)mail;
        mail = mail->next;
        m->deliver(m, receiver);
    }
}

void gw_orders_switch(struct gw_orders *o, struct gw_protocol *p)
{
    struct gw_protocol *older = atomic_exchange(&o->next, p);
    if (older)
        gw_protocol_drop(older);
    else
        gw_inbox_send(o->to, &o->switch_mail);
}

void gw_orders_drain(struct gw_orders *o)
{
    gw_inbox_send(o->to, &o->drain_mail);
}

struct gw_protocol *gw_orders_take(struct gw_orders *o)
{
    return atomic_exchange(&o->next, NULL);
}
