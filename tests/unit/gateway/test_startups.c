/* SPDX-License-Identifier: MIT */
/* MaxStartups and PerSourceMaxStartups: exact counts, the straight line between begin and full, blocks of sources. */
#include <criterion/criterion.h>
#include <limits.h>

#include "gateway/config/config.h"
#include "gateway/engine/startups.h"

static struct cx_random_seeded seed;
static struct cx_random rnd;
static struct gw_startups *s;
static struct gw_config config;

static void set_up(void)
{
    rnd = cx_random_from_seed(&seed, 1);
    s = gw_startups_new(&rnd);
    config = (struct gw_config){ .startups_begin = 10,
                                 .startups_rate = 30,
                                 .startups_full = 60,
                                 .per_source_startups = UINT_MAX,
                                 .net_block_v4 = 32,
                                 .net_block_v6 = 128 };
    gw_startups_limit(s, &config);
}

static void tear_down(void)
{
    gw_startups_free(s);
}

static struct gw_addr at(const char *text)
{
    struct gw_addr a;
    cr_assert(gw_addr_parse(&a, text));
    return a;
}

/* Until so many are admitted, however many tries that takes. */
static void fill_to(unsigned count, const struct gw_addr *peer)
{
    while (gw_startups_count(s) < count)
        gw_startups_admit(s, peer);
}

Test(startups, nobody_is_dropped_below_begin, .init = set_up, .fini = tear_down)
{
    struct gw_addr a = at("192.0.2.1");
    for (unsigned i = 0; i < 10; i++)
        cr_assert_neq(gw_startups_admit(s, &a), GW_STARTUP_NONE);
    cr_assert_eq(gw_startups_count(s), 10);
}

Test(startups, everybody_is_dropped_at_full, .init = set_up, .fini = tear_down)
{
    struct gw_addr a = at("192.0.2.1");
    fill_to(60, &a);
    for (unsigned i = 0; i < 100; i++)
        cr_assert_eq(gw_startups_admit(s, &a), GW_STARTUP_NONE);
}

/* The share dropped at a count, out of many tries whose admissions are taken back at once. */
static unsigned dropped_percent(unsigned count)
{
    struct gw_addr a = at("192.0.2.1");
    fill_to(count, &a);
    unsigned dropped = 0;
    for (unsigned i = 0; i < 10000; i++) {
        int32_t slot = gw_startups_admit(s, &a);
        if (slot == GW_STARTUP_NONE)
            dropped++;
        else
            gw_startups_give_back(s, slot);
    }
    return dropped / 100;
}

Test(startups, the_share_grows_in_a_straight_line_from_rate_to_all, .init = set_up, .fini = tear_down)
{
    static const struct {
        unsigned count, percent;
    } line[] = { { 10, 30 }, { 35, 65 }, { 59, 98 } };
    for (size_t i = 0; i < sizeof line / sizeof *line; i++) {
        unsigned percent = dropped_percent(line[i].count);
        cr_assert(percent + 3 >= line[i].percent && percent <= line[i].percent + 3, "at %u: %u%%", line[i].count, percent);
    }
}

Test(startups, a_slot_given_back_is_free_again_and_counted_once, .init = set_up, .fini = tear_down)
{
    struct gw_addr a = at("192.0.2.1");
    for (unsigned i = 0; i < 100000; i++) {
        int32_t slot = gw_startups_admit(s, &a);
        cr_assert_eq(gw_startups_count(s), 1);
        gw_startups_give_back(s, slot);
        cr_assert_eq(gw_startups_count(s), 0);
    }
}

Test(startups, a_source_has_its_own_limit, .init = set_up, .fini = tear_down)
{
    config.per_source_startups = 2;
    gw_startups_limit(s, &config);
    struct gw_addr a = at("192.0.2.1"), b = at("192.0.2.2");
    a.port = 1;
    int32_t slot = gw_startups_admit(s, &a);
    a.port = 2; /* ports make no other source */
    cr_assert_neq(gw_startups_admit(s, &a), GW_STARTUP_NONE);
    a.port = 3;
    cr_assert_eq(gw_startups_admit(s, &a), GW_STARTUP_NONE);
    cr_assert_neq(gw_startups_admit(s, &b), GW_STARTUP_NONE);
    gw_startups_give_back(s, slot);
    cr_assert_neq(gw_startups_admit(s, &a), GW_STARTUP_NONE);
}

Test(startups, a_block_of_addresses_is_one_source, .init = set_up, .fini = tear_down)
{
    config.per_source_startups = 1;
    config.net_block_v4 = 24;
    config.net_block_v6 = 64;
    gw_startups_limit(s, &config);
    struct gw_addr a = at("192.0.2.1"), same = at("192.0.2.200"), other = at("192.0.3.1");
    struct gw_addr v6 = at("2001:db8::1"), v6_same = at("2001:db8::ffff:1"), v6_other = at("2001:db8:0:1::1");
    cr_assert_neq(gw_startups_admit(s, &a), GW_STARTUP_NONE);
    cr_assert_eq(gw_startups_admit(s, &same), GW_STARTUP_NONE);
    cr_assert_neq(gw_startups_admit(s, &other), GW_STARTUP_NONE);
    cr_assert_neq(gw_startups_admit(s, &v6), GW_STARTUP_NONE);
    cr_assert_eq(gw_startups_admit(s, &v6_same), GW_STARTUP_NONE);
    cr_assert_neq(gw_startups_admit(s, &v6_other), GW_STARTUP_NONE);
}

Test(startups, limits_that_shrink_keep_who_is_in, .init = set_up, .fini = tear_down)
{
    struct gw_addr a = at("192.0.2.1");
    int32_t slot = GW_STARTUP_NONE;
    for (unsigned i = 0; i < 10; i++)
        slot = gw_startups_admit(s, &a);
    config.startups_begin = config.startups_full = 5;
    gw_startups_limit(s, &config);
    cr_assert_eq(gw_startups_admit(s, &a), GW_STARTUP_NONE);
    gw_startups_give_back(s, slot);
    cr_assert_eq(gw_startups_count(s), 9);
}

Test(startups, full_beyond_the_slots_is_cut_to_them, .init = set_up, .fini = tear_down)
{
    config.startups_begin = config.startups_full = 10 * GW_STARTUPS_MAX;
    gw_startups_limit(s, &config);
    struct gw_addr a = at("192.0.2.1");
    for (unsigned i = 0; i < GW_STARTUPS_MAX; i++)
        cr_assert_neq(gw_startups_admit(s, &a), GW_STARTUP_NONE);
    cr_assert_eq(gw_startups_admit(s, &a), GW_STARTUP_NONE);
}
