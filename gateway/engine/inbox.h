/* SPDX-License-Identifier: MIT */
/* What reaches a thread of the engine from the others: messages in its mailbox, and an eventfd that wakes it. A message knows by
 * itself what it does where it arrives. Sending: any thread. Serving: the owner. */
#ifndef GW_INBOX_H
#define GW_INBOX_H

#include "gateway/engine/protocol.h"
#include "mux/exchange/mailbox.h"

/* Stands inside the object that sends it. */
struct gw_mail {
    struct mux_mail node; /* first */
    void (*deliver)(struct gw_mail *m, void *receiver);
};

struct gw_inbox {
    struct mux_mailbox mailbox;
    int wake_fd; /* readable: look into the mailbox, and into rings that belong to it */
};

bool gw_inbox_init(struct gw_inbox *b); /* false: errno */
void gw_inbox_deinit(struct gw_inbox *b);
void gw_inbox_send(struct gw_inbox *b, struct gw_mail *m);
void gw_inbox_wake(struct gw_inbox *b);
/* Makes wake_fd unreadable and delivers what has come. */
void gw_inbox_serve(struct gw_inbox *b, void *receiver);

/* What the engine's main thread has to say to each of its threads: the two nodes are its own, one set a receiver. The receiver
 * sets the two deliver functions before it starts. */
struct gw_orders {
    struct gw_inbox *to;
    struct gw_mail switch_mail, drain_mail;
    _Atomic(struct gw_protocol *) next; /* the snapshot to switch to, with its hold; NULL: switch_mail is home */
};

/* Main thread. Takes p's hold over. An older one that was not picked up yet is dropped: only the newest counts. */
void gw_orders_switch(struct gw_orders *o, struct gw_protocol *p);
void gw_orders_drain(struct gw_orders *o); /* once */
/* Receiver, when switch_mail arrives: the newest snapshot, with its hold. */
struct gw_protocol *gw_orders_take(struct gw_orders *o);

#endif
