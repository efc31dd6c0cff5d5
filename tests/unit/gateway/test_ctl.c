/* SPDX-License-Identifier: MIT */
/* gateway/ctl: what sluicectl makes of answers, whole ones and others. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/ctl/line.h"
#include "gateway/ctl/table.h"

#define HELLO "{\"sluice\":\"0.1.0\",\"protocol\":1}\n"
#define END "{\"end\":true,\"omitted\":0,\"silent_workers\":0}\n"

static char error[GW_CTL_ERROR_MAX];

/* What print makes of an answer; the caller frees. */
static char *printed(const char *answer, void (*print)(const struct gw_ctl_reply *, FILE *))
{
    struct gw_ctl_reply reply;
    char *text = NULL;
    size_t len;
    cr_assert(gw_ctl_reply_parse(strdup(answer), &reply, error), "%s", error);
    FILE *out = open_memstream(&text, &len);
    print(&reply, out);
    fclose(out);
    gw_ctl_reply_deinit(&reply);
    return text;
}

static void expect(const char *answer, void (*print)(const struct gw_ctl_reply *, FILE *), const char *expected)
{
    char *text = printed(answer, print);
    cr_assert_str_eq(text, expected);
    free(text);
}

Test(ctl_line, values_stand_behind_their_names)
{
    static const char line[] = "{\"a\":\"x\\\"y\",\"b\":12,\"c\":null,\"d\":true,\"e\":\"\",\"f\":0.5}";
    struct cx_view v;
    uint64_t n;
    cr_assert(gw_ctl_line_text(line, "a", &v) && cx_view_equal(v, cx_view_text("x\\\"y")));
    cr_assert(gw_ctl_line_text(line, "e", &v) && v.len == 0);
    cr_assert(!gw_ctl_line_text(line, "b", &v) && !gw_ctl_line_text(line, "c", &v));
    cr_assert(gw_ctl_line_text("{\"u\":\"null\"}", "u", &v) && v.len == 4); /* a user may be called so */
    cr_assert(gw_ctl_line_number(line, "b", &n) && n == 12);
    cr_assert_not(gw_ctl_line_number(line, "c", &n));
    cr_assert_not(gw_ctl_line_number(line, "e", &n));
    cr_assert_not(gw_ctl_line_number(line, "f", &n));
    cr_assert(gw_ctl_line_is_true(line, "d") && !gw_ctl_line_is_true(line, "b"));
    cr_assert(gw_ctl_line_has(line, "f") && !gw_ctl_line_has(line, "y") && !gw_ctl_line_has(line, ""));
}

Test(ctl_line, numbers_end_at_64_bits)
{
    uint64_t n;
    cr_assert(gw_ctl_line_number("{\"n\":18446744073709551615}", "n", &n) && n == UINT64_MAX);
    cr_assert_not(gw_ctl_line_number("{\"n\":18446744073709551616}", "n", &n));
    cr_assert_not(gw_ctl_line_number("{\"n\":-1}", "n", &n));
}

Test(ctl_line, every_beginning_of_a_line_is_survived)
{
    static const char line[] = "{\"a\":\"x\\u001b\\\\\",\"b\":[1],\"z\":1}";
    for (size_t len = 0; len <= sizeof line - 1; len++) {
        char *cut = strndup(line, len); /* so that a sanitizer sees its end */
        cr_assert_not(gw_ctl_line_has(cut, "z"), "a list is no value of a flat object");
        free(cut);
    }
}

Test(ctl_reply, answers_that_are_not_whole_are_told)
{
    static const struct {
        const char *answer, *said;
    } table[] = {
        { "", "no gateway" },
        { "SSH-2.0-x\n", "no gateway" },
        { "{\"sluice\":\"9\",\"protocol\":2}\n" END, "another version" },
        { HELLO, "not complete" },
        { HELLO "{\"queue\":\"web\"}\n", "not complete" },
        { HELLO "{\"error\":\"there is no queue of that name\"}\n", "there is no queue of that name" },
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct gw_ctl_reply reply;
        cr_assert_not(gw_ctl_reply_parse(strdup(table[i].answer), &reply, error));
        cr_assert(strstr(error, table[i].said), "%zu: %s", i, error);
    }
}

#define WEB                                                                                                                        \
    "{\"queue\":\"web\",\"leaving\":false,\"worker\":0,\"active\":3,\"limit\":500,\"waiting\":12,\"served\":1234567,"              \
    "\"failed\":5,\"queue_time_p50_us\":0,\"queue_time_p99_us\":1280000}\n"
#define MEMBER(name, state, backup, avoided, reason, percent)                                                                      \
    "{\"queue\":\"web\",\"member\":\"" name "\",\"state\":\"" state "\",\"reason\":" reason ",\"backup\":" backup                  \
    ",\"avoided\":" avoided ",\"active\":2,\"limit\":null,\"weight\":1,\"slowstart_percent\":" percent                             \
    ",\"served\":12345,\"failed\":0}\n"
#define PLAIN(name) MEMBER(name, "up", "false", "false", "null", "100")

Test(ctl_table, queues_with_their_members)
{
    expect(HELLO WEB PLAIN("10.0.0.10:80") MEMBER("10.0.0.11:80", "draining", "false", "true", "null", "100")
               MEMBER("10.0.0.12:80", "up", "true", "false", "null", "100")
                   MEMBER("10.0.0.13:80", "up", "true", "true", "null", "100")
                       MEMBER("10.0.0.14:80", "down", "true", "false", "\"Connection refused\"", "100")
                           MEMBER("10.0.0.15:80", "up", "true", "false", "null", "37") END,
           gw_ctl_table_queues,
           "QUEUE          STATE    ACTIVE WAIT SERVED FAILED P50   P99\n"
           "web                      3/500   12   1.2M      5 0us 1.28s\n"
           "  10.0.0.10:80 up            2       12.3k      0\n"
           "  10.0.0.11:80 draining      2       12.3k      0\n"
           "  10.0.0.12:80 backup        2       12.3k      0\n"
           "  10.0.0.13:80 avoided       2       12.3k      0\n"
           "  10.0.0.14:80 down          2       12.3k      0\n"
           "    Connection refused\n"
           "  10.0.0.15:80 slow 37%      2       12.3k      0\n");
    expect(HELLO END, gw_ctl_table_queues, "no queues\n");
}

Test(ctl_table, why_a_queue_refused_stands_below_it)
{
    expect(HELLO "{\"queue\":\"old\",\"leaving\":true,\"active\":1,\"limit\":null,\"waiting\":0,\"served\":9,\"failed\":0,"
                 "\"refused_queue_full\":12345,\"refused_timed_out\":0,\"refused_no_consumer\":3,\"refused_failed\":0,"
                 "\"queue_time_p50_us\":999999,\"queue_time_p99_us\":999499}\n" END,
           gw_ctl_table_queues,
           "QUEUE STATE   ACTIVE WAIT SERVED FAILED P50   P99\n"
           "old   leaving      1    0      9      0  1s 999ms\n"
           "  refused: 12.3k queue full, 3 no consumer\n");
}

Test(ctl_table, long_names_are_not_cut_and_the_row_goes_on_below)
{
    expect(HELLO WEB PLAIN("alice#0123456789ab:20000") PLAIN("a-name-that-is-longer-than-its-column.example.internal:80") END,
           gw_ctl_table_queues,
           "QUEUE                                  STATE ACTIVE WAIT SERVED FAILED P50   P99\n"
           "web                                           3/500   12   1.2M      5 0us 1.28s\n"
           "  alice#0123456789ab:20000             up         2       12.3k      0\n"
           "  a-name-that-is-longer-than-its-column.example.internal:80\n"
           "                                       up         2       12.3k      0\n");
}

Test(ctl_table, nothing_moves_the_terminals_cursor)
{
    char *text = printed(HELLO PLAIN("\xc2\x9b\x1b[2J") END, gw_ctl_table_queues);
    cr_assert(strstr(text, "???[2J"), "%s", text);
    free(text);
}

Test(ctl_table, sessions_and_what_is_missing)
{
    expect(HELLO "{\"session\":\"0123456789abcdef0123456789abcdef\",\"user\":\"alice\",\"proves_name\":true,"
                 "\"address\":\"192.0.2.1:51234\",\"seconds\":7380,"
                 "\"channels\":3,\"bytes_in\":1288490189,\"bytes_out\":340,\"worker\":1}\n"
                 "{\"session\":\"aa23456789abcdef0123456789abcdef\",\"user\":null,\"address\":\"[2001:db8:1:2:3:4:5:6]:51234\","
                 "\"seconds\":9,\"channels\":0,\"bytes_in\":10000,\"bytes_out\":9999,\"worker\":0}\n"
                 "{\"end\":true,\"omitted\":7,\"silent_workers\":1}\n",
           gw_ctl_table_sessions,
           "SESSION      USER  ADDRESS                      SINCE CHANNELS   IN  OUT WORKER\n"
           "0123456789ab alice 192.0.2.1:51234              2h03m        3 1.2G  340      1\n"
           "aa23456789ab -     [2001:db8:1:2:3:4:5:6]:51234    9s        0 9.8k 9999      0\n"
           "and 7 more\n1 worker did not answer in time\n");
    expect(HELLO END, gw_ctl_table_sessions, "no sessions\n");
}

Test(ctl_table, a_name_that_no_key_proves_is_marked)
{
    expect(HELLO "{\"session\":\"0123456789abcdef0123456789abcdef\",\"user\":\"root\",\"proves_name\":false}\n"
                 "{\"session\":\"aa23456789abcdef0123456789abcdef\",\"user\":\"alice\",\"proves_name\":true}\n"
                 "{\"session\":\"bb23456789abcdef0123456789abcdef\",\"user\":null,\"proves_name\":false}\n"
                 "{\"session\":\"cc23456789abcdef0123456789abcdef\",\"user\":\"of-an-older-gateway\"}\n" END,
           gw_ctl_table_sessions,
           "SESSION      USER                ADDRESS SINCE CHANNELS IN OUT WORKER\n"
           "0123456789ab root?                          0s        -  -   -      -\n"
           "aa23456789ab alice                          0s        -  -   -      -\n"
           "bb23456789ab -                              0s        -  -   -      -\n"
           "cc23456789ab of-an-older-gateway            0s        -  -   -      -\n");
}

Test(ctl_json, queues_hold_their_members)
{
    expect(HELLO
           "{\"queue\":\"a\"}\n{\"queue\":\"a\",\"member\":\"1\"}\n{\"queue\":\"a\",\"member\":\"2\"}\n{\"queue\":\"b\"}\n" END,
           gw_ctl_json_queues,
           "{\"queues\":[\n{\"queue\":\"a\",\"members\":[\n  {\"queue\":\"a\",\"member\":\"1\"},\n"
           "  {\"queue\":\"a\",\"member\":\"2\"}]},\n{\"queue\":\"b\",\"members\":[]}\n]}\n");
    expect(HELLO END, gw_ctl_json_queues, "{\"queues\":[\n]}\n");
}
