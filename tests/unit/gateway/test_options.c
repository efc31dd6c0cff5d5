/* SPDX-License-Identifier: MIT */
/* gateway/monitor/options: sshd's command line. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/monitor/options.h"

/* A command line of words separated by '|'. */
static struct gw_command_line parsed(const char *words)
{
    static char text[256];
    static char *argv[16];
    int argc = 0;
    snprintf(text, sizeof text, "sluiced|%s", words);
    for (char *word = strtok(text, "|"); word; word = strtok(NULL, "|"))
        argv[argc++] = word;
    argv[argc] = NULL;
    optind = 0;
    struct gw_command_line c;
    gw_options_parse(argc, argv, &c);
    return c;
}

Test(options, each_action_has_its_letter)
{
    static const struct {
        const char *words;
        enum gw_action action;
    } cases[] = {
        { "-D", GW_ACTION_RUN },
        { "-d", GW_ACTION_RUN },
        { "-E|/tmp/log", GW_ACTION_RUN },
        { "-t", GW_ACTION_TEST },
        { "-t|-E|/tmp/log", GW_ACTION_TEST },
        { "-T", GW_ACTION_PRINT },
        { "-T|-C|user=alice,addr=10.0.0.1", GW_ACTION_PRINT },
        { "-V", GW_ACTION_VERSION },
        { "-h", GW_ACTION_HELP },
        { "-C|user=alice", GW_ACTION_WRONG },
        { "-T|-C|user", GW_ACTION_WRONG },
        { "-T|-C|user=", GW_ACTION_WRONG },
        { "-T|-C|color=red", GW_ACTION_WRONG },
        { "-D|extra", GW_ACTION_WRONG },
        { "-x", GW_ACTION_WRONG },
        { "-f", GW_ACTION_WRONG },
        { "-e", GW_ACTION_WRONG },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct gw_command_line c = parsed(cases[i].words);
        cr_assert_eq(c.action, cases[i].action, "%s: %s", cases[i].words, c.error);
        gw_options_deinit(&c);
    }
}

Test(options, the_background_needs_a_log)
{
    struct gw_command_line c = parsed("");
    cr_assert_eq(c.action, GW_ACTION_WRONG);
    cr_assert(strstr(c.error, "-E FILE"), "%s", c.error);
    gw_options_deinit(&c);
    c = parsed("-E|/tmp/log");
    cr_assert(c.monitor.background);
    gw_options_deinit(&c);
    c = parsed("-D|-E|/tmp/log");
    cr_assert(!c.monitor.background);
    cr_assert_str_eq(c.monitor.log_path, "/tmp/log");
    gw_options_deinit(&c);
}

Test(options, what_has_a_keyword_becomes_an_option_in_order)
{
    struct gw_command_line c = parsed("-ddd|-o|Workers=2|-p|2022|-f|/dev/null");
    static const char *const expected[] = { "LogLevel DEBUG", "Workers=2", "Port 2022" };
    cr_assert_eq(c.action, GW_ACTION_RUN);
    cr_assert_eq(c.monitor.option_count, 3);
    for (size_t i = 0; i < 3; i++)
        cr_assert_str_eq(c.monitor.options[i], expected[i]);
    cr_assert_str_eq(c.monitor.config_path, "/dev/null");
    gw_options_deinit(&c);
}
