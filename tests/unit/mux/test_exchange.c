/* SPDX-License-Identifier: MIT */
/* Ring and mailbox as one thread sees them; tests/stress has the others. */
#include <criterion/criterion.h>

#include "mux/exchange/mailbox.h"
#include "mux/exchange/ring.h"

Test(ring, takes_as_many_as_it_has_slots_and_gives_them_back_in_order)
{
    for (uint32_t slots = 1; slots <= 64; slots *= 2) {
        struct mux_ring r;
        cr_assert(mux_ring_init(&r, slots));
        uint64_t item = 0, pushed = 0, popped = 0;
        for (unsigned round = 0; round < 10; round++) {
            while (mux_ring_push(&r, pushed + 1000))
                pushed++;
            cr_assert_eq(pushed - popped, slots, "full with %u slots", slots);
            for (uint32_t i = 0; i <= slots / 2; i++) {
                cr_assert(mux_ring_pop(&r, &item));
                cr_assert_eq(item, 1000 + popped++);
            }
        }
        while (mux_ring_pop(&r, &item))
            cr_assert_eq(item, 1000 + popped++);
        cr_assert_eq(popped, pushed);
        mux_ring_deinit(&r);
    }
}

Test(ring, indexes_wrap_at_the_end_of_their_type)
{
    struct mux_ring r;
    cr_assert(mux_ring_init(&r, 4));
    atomic_store(&r.head, UINT32_MAX - 2);
    atomic_store(&r.tail, UINT32_MAX - 2);
    r.tail_seen = r.head_seen = UINT32_MAX - 2;
    uint64_t item;
    for (uint64_t i = 0; i < 10; i++) {
        cr_assert(mux_ring_push(&r, i));
        cr_assert(mux_ring_push(&r, i + 100));
        cr_assert(mux_ring_pop(&r, &item) && item == i);
        cr_assert(mux_ring_pop(&r, &item) && item == i + 100);
        cr_assert(!mux_ring_pop(&r, &item));
    }
    mux_ring_deinit(&r);
}

Test(mailbox, only_the_first_post_wakes)
{
    struct mux_mailbox b;
    struct mux_mail m[3];
    mux_mailbox_init(&b);
    cr_assert(mux_mailbox_post(&b, &m[0]));
    cr_assert(!mux_mailbox_post(&b, &m[1]));
    cr_assert(!mux_mailbox_post(&b, &m[2]));
    cr_assert(mux_mailbox_take(&b));
    cr_assert(mux_mailbox_post(&b, &m[0]), "after a take the next post wakes again");
}

Test(mailbox, messages_come_in_the_order_of_their_posts)
{
    struct mux_mailbox b;
    struct mux_mail m[5];
    mux_mailbox_init(&b);
    cr_assert_null(mux_mailbox_take(&b));
    for (int i = 0; i < 5; i++)
        mux_mailbox_post(&b, &m[i]);
    struct mux_mail *mail = mux_mailbox_take(&b);
    for (int i = 0; i < 5; i++, mail = mail->next)
        cr_assert_eq(mail, &m[i]);
    cr_assert_null(mail);
    cr_assert_null(mux_mailbox_take(&b));
}
