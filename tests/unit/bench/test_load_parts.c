/* SPDX-License-Identifier: MIT */
/* bench/load: what the load generator is made of, without a connection. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "bench/load/fault.h"
#include "bench/load/pace.h"
#include "bench/load/pattern.h"
#include "bench/load/units.h"

Test(pace, turns_are_due_at_times_set_in_advance)
{
    struct load_pace p = load_pace(5000, 1000);
    cr_expect_eq(load_pace_next_ns(&p), 5000);
    p.next = 3;
    cr_expect_eq(load_pace_next_ns(&p), 5000 + 3 * 1000000);
    cr_expect_eq(load_pace_due_ns(&p, 1), 5000 + 1000000, "whatever was taken since");
}

Test(pace, no_time_is_lost_over_many_turns)
{
    struct load_pace p = load_pace(0, 3);
    cr_expect_eq(load_pace_due_ns(&p, 3ull * 3600 * 24), 3600ull * 24 * 1000000000);
}

Test(pattern, what_is_filled_in_pieces_is_checked_as_a_whole, .init = load_pattern_init)
{
    static uint8_t bytes[300000];
    for (unsigned pattern = 0; pattern < LOAD_PATTERN_COUNT; pattern++) {
        uint32_t in = 12345, out = 12345;
        for (size_t at = 0, piece = 1; at < sizeof bytes; at += piece, piece = piece * 3 % 70001) {
            piece = piece < sizeof bytes - at ? piece : sizeof bytes - at;
            load_pattern_fill(pattern, &in, bytes + at, piece);
        }
        cr_expect(load_pattern_check(pattern, &out, cx_view(bytes, sizeof bytes)));
        cr_expect_eq(in, out);
    }
}

Test(pattern, lost_doubled_and_changed_bytes_show, .init = load_pattern_init)
{
    static uint8_t bytes[200000];
    uint32_t at = 7;
    load_pattern_fill(LOAD_PATTERN_NOISE, &at, bytes, sizeof bytes);
    for (size_t skipped = 1; skipped <= 65536; skipped *= 2) {
        at = 7;
        cr_expect_not(load_pattern_check(LOAD_PATTERN_NOISE, &at, cx_view(bytes + skipped, 64)), "%zu lost", skipped);
    }
    bytes[199999] ^= 1;
    at = 7;
    cr_expect_not(load_pattern_check(LOAD_PATTERN_NOISE, &at, cx_view(bytes, sizeof bytes)));
}

Test(pattern, the_cycle_is_what_the_source_of_a_gateway_sends, .init = load_pattern_init)
{
    uint8_t bytes[512];
    uint32_t at = 0;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)i;
    cr_expect(load_pattern_check(LOAD_PATTERN_CYCLE, &at, cx_view(bytes, sizeof bytes)));
}

Test(fault, the_same_is_counted_once_more)
{
    struct load_faults f = { 0 };
    load_faults_add(&f, LOAD_FAULT_CONNECT, cx_view_text("Connection refused"), 1);
    load_faults_add(&f, LOAD_FAULT_CONNECT, cx_view_text("Connection refused"), 2);
    load_faults_add(&f, LOAD_FAULT_LOST, cx_view_text("Connection refused"), 1);
    cr_expect_eq(f.different, 2);
    cr_expect_eq(f.fault[0].count, 3);
    cr_expect_eq(f.total, 4);
}

Test(fault, a_peers_words_stay_printable)
{
    struct load_faults f = { 0 };
    load_faults_add(&f, LOAD_FAULT_REFUSED, cx_view_text("no\x1b[2J\nway"), 1);
    cr_expect_null(strpbrk(f.fault[0].text, "\x1b\n"), "%s", f.fault[0].text);
}

Test(fault, none_is_lost_when_there_are_many_kinds)
{
    struct load_faults f = { 0 }, all = { 0 };
    char text[32];
    for (int i = 0; i < 1000; i++) {
        snprintf(text, sizeof text, "reason %d", i);
        load_faults_add(&f, LOAD_FAULT_REFUSED, cx_view_text(text), 1);
    }
    load_faults_merge(&all, &f);
    load_faults_merge(&all, &f);
    uint64_t sum = 0;
    for (size_t i = 0; i < all.different; i++)
        sum += all.fault[i].count;
    cr_expect_eq(f.different, LOAD_FAULTS_MAX);
    cr_expect_eq(sum, 2000);
    cr_expect_eq(all.total, 2000);
    cr_expect_str_eq(all.fault[LOAD_FAULTS_MAX - 1].text, "others");
}

Test(fault, each_kind_has_a_name)
{
    for (unsigned kind = 0; kind < LOAD_FAULT_KIND_COUNT; kind++)
        cr_expect_not_null(load_fault_name(kind));
}

Test(units, amounts_have_the_unit_that_fits)
{
    char text[LOAD_UNIT_TEXT];
    cr_expect_str_eq(load_seconds_text(12.34e-6, text), "12.3 us");
    cr_expect_str_eq(load_seconds_text(0.9996, text), "1.00 s");
    cr_expect_str_eq(load_seconds_text(0, text), "0.00 ns");
    cr_expect_str_eq(load_bytes_text(1023, text), "1023 B");
    cr_expect_str_eq(load_bytes_text(1536, text), "1.50 KiB");
    cr_expect_str_eq(load_bytes_text(1 << 30, text), "1.00 GiB");
    cr_expect_str_eq(load_bytes_text(5e15, text), "4547 TiB");
}
