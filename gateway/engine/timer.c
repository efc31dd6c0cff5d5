/* SPDX-License-Identifier: MIT */
/* Timers as a pairing heap: each has a first child, siblings behind it, and a link back (to the left sibling, or to the parent
 * from the first child). A parent is never later than its children, so the root is the earliest of all.
 *
 * Deadlines here are set often, moved seldom and almost never fire (a login's grace time, a keepalive), which is the heap's best
 * case: setting is one comparison with the root, and the work of ordering is done only for what comes due. A binary heap in
 * an array would need memory at a moment when none may be had; a timing wheel needs ticks while nothing happens. */
#include <assert.h>
#include <stddef.h>

#include "gateway/engine/timer_priv.h"

/* Both are roots (no siblings, no back link). The earlier takes the other as its first child. */
static struct gw_timer *meld(struct gw_timer *a, struct gw_timer *b)
{
    if (!a || !b)
        return a ? a : b;
    if (b->at_ns < a->at_ns) {
        struct gw_timer *swap = a;
        a = b;
        b = swap;
    }
    b->next = a->child;
    if (b->next)
        b->next->back = b;
    b->back = a;
    a->child = b;
    return a;
}

/* Melds a row of siblings into one heap: pairs from the left, then the pairs from the right, which is what keeps it shallow. */
static struct gw_timer *meld_row(struct gw_timer *row)
{
    struct gw_timer *pairs = NULL; /* the last pair first, linked by next */
    while (row) {
        struct gw_timer *a = row, *b = row->next;
        row = b ? b->next : NULL;
        a->next = a->back = NULL;
        if (b)
            b->next = b->back = NULL;
        a = meld(a, b);
        a->next = pairs;
        pairs = a;
    }
    struct gw_timer *root = NULL;
    while (pairs) {
        struct gw_timer *pair = pairs;
        pairs = pair->next;
        pair->next = NULL;
        root = meld(root, pair);
    }
    return root;
}

static void take_out(struct gw_timers *h, struct gw_timer *t)
{
    struct gw_timer *children = meld_row(t->child);
    if (t == h->root) {
        h->root = children;
    } else {
        if (t->back->child == t)
            t->back->child = t->next;
        else
            t->back->next = t->next;
        if (t->next)
            t->next->back = t->back;
        h->root = meld(h->root, children);
    }
    t->child = t->next = t->back = NULL;
    t->at_ns = 0;
}

void gw_timers_set(struct gw_timers *h, struct gw_timer *t, uint64_t at_ns)
{
    assert(t->fire);
    if (t->at_ns != 0)
        take_out(h, t);
    /* Later than what fires now: a timer that sets itself to a time that is past would otherwise never let go. */
    t->at_ns = at_ns > h->fired_ns ? at_ns : h->fired_ns + 1;
    h->root = meld(h->root, t);
}

void gw_timers_cancel(struct gw_timers *h, struct gw_timer *t)
{
    if (t->at_ns != 0)
        take_out(h, t);
}

uint64_t gw_timers_next_ns(const struct gw_timers *h)
{
    return h->root ? h->root->at_ns : UINT64_MAX;
}

void gw_timers_fire(struct gw_timers *h, uint64_t now_ns)
{
    h->fired_ns = now_ns;
    while (h->root && h->root->at_ns <= now_ns) {
        struct gw_timer *t = h->root;
        take_out(h, t);
        t->fire(t, now_ns);
    }
}
