/* SPDX-License-Identifier: MIT */
/* Orders of the main thread: however many snapshots come before the receiver looks, it gets the newest, and none leaks or is sent
 * twice. Run under AddressSanitizer this also counts the snapshots' holds. */
#include <criterion/criterion.h>
#include <poll.h>
#include <stdlib.h>

#include "gateway/engine/inbox.h"

static struct gw_inbox inbox;
static struct gw_orders orders;
static struct gw_protocol *current;
static unsigned switches, drains;

static void on_switch(struct gw_mail *m, void *receiver)
{
    (void)m;
    cr_assert_eq(receiver, &current);
    switches++;
    struct gw_protocol *newest = gw_orders_take(&orders);
    cr_assert(newest);
    gw_protocol_drop(current);
    current = newest;
}

static void on_drain(struct gw_mail *m, void *receiver)
{
    (void)m;
    (void)receiver;
    drains++;
}

static void set_up(void)
{
    cr_assert(gw_inbox_init(&inbox));
    orders = (struct gw_orders){ .to = &inbox, .switch_mail.deliver = on_switch, .drain_mail.deliver = on_drain };
}

static void tear_down(void)
{
    gw_protocol_drop(current);
    gw_inbox_deinit(&inbox);
}

static struct gw_protocol *snapshot(void)
{
    static const char text[] = "HostKey /dev/null\n"
                               "AuthorizedKeysFile /dev/null\n";
    char error[GW_CONFIG_ERROR_MAX];
    struct gw_snapshot s = { .config = gw_config_parse(text, "test", error) };
    cr_assert(s.config, "%s", error);
    struct gw_protocol *p = gw_protocol_new(s);
    cr_assert(p);
    return p;
}

static bool is_awake(void)
{
    struct pollfd p = { .fd = inbox.wake_fd, .events = POLLIN };
    return poll(&p, 1, 0) == 1;
}

Test(inbox, a_message_wakes_once_and_serving_puts_to_sleep, .init = set_up, .fini = tear_down)
{
    cr_assert(!is_awake());
    gw_orders_drain(&orders);
    cr_assert(is_awake());
    gw_inbox_serve(&inbox, &current);
    cr_assert_eq(drains, 1);
    cr_assert(!is_awake());
    gw_inbox_serve(&inbox, &current);
    cr_assert_eq(drains, 1);
}

Test(inbox, the_newest_of_several_snapshots_arrives, .init = set_up, .fini = tear_down)
{
    struct gw_protocol *newest = NULL;
    for (int i = 0; i < 3; i++)
        gw_orders_switch(&orders, newest = snapshot());
    gw_inbox_serve(&inbox, &current);
    cr_assert_eq(switches, 1);
    cr_assert_eq(current, newest);
    gw_orders_switch(&orders, newest = snapshot());
    gw_inbox_serve(&inbox, &current);
    cr_assert_eq(switches, 2);
    cr_assert_eq(current, newest);
}

Test(inbox, a_snapshot_lives_as_long_as_one_connection_holds_it, .init = set_up, .fini = tear_down)
{
    gw_orders_switch(&orders, snapshot());
    gw_inbox_serve(&inbox, &current);
    struct gw_protocol *old = gw_protocol_hold(current);
    gw_orders_switch(&orders, snapshot());
    gw_inbox_serve(&inbox, &current);
    cr_assert_neq(current, old);
    cr_assert_eq(atomic_load(&old->users), 1);
    cr_assert(old->mux.ciphers && old->snapshot.config);
    gw_protocol_drop(old);
}
