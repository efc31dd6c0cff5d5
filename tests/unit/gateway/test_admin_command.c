/* SPDX-License-Identifier: MIT */
/* gateway/admin/command.c: what a line of the control protocol asks. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "gateway/admin/admin_priv.h"

static char line[GW_ADMIN_LINE_MAX + 1], error[GW_ADMIN_ERROR_MAX];
static const char *words[GW_ADMIN_WORDS_MAX];

static const char *parsed(const char *text)
{
    snprintf(line, sizeof line, "%s", text);
    memset(words, 0, sizeof words);
    *error = '\0';
    const struct gw_admin_command *c = gw_admin_command_parse(line, words, error);
    cr_assert_eq(c == NULL, *error != '\0');
    return c ? c->name : NULL;
}

Test(admin_command, words_are_what_stands_between_tabs)
{
    cr_assert_str_eq(parsed("1\tqueues"), "queues");
    cr_assert_str_eq(words[0], "queues");
    cr_assert_str_eq(parsed("1\tdrain\tweb\tunix:/run/a b"), "drain");
    cr_assert(strcmp(words[1], "web") == 0 && strcmp(words[2], "unix:/run/a b") == 0);
    cr_assert_str_eq(parsed("1\tenable\t\t"), "enable"); /* there is no queue of that name: not the line's fault */
    cr_assert(*words[1] == '\0' && *words[2] == '\0');
    cr_assert_str_eq(parsed("1\tkill\t01234567"), "kill");
}

Test(admin_command, what_makes_no_sense_is_told)
{
    static const struct {
        const char *text, *said;
    } table[] = {
        { "", "version 1" },
        { "1", "version 1" },
        { "2\tqueues", "version 1" },
        { "1 queues", "version 1" },
        { " 1\tqueues", "version 1" },
        { "1\t", "no such command" },
        { "1\tQUEUES", "no such command" },
        { "1\tqueue", "no such command" },
        { "1\tqueues\t", "behind queues stand 0 words" },
        { "1\tkill", "behind kill stand 1 words" },
        { "1\tdrain\tweb", "behind drain stand 2 words" },
        { "1\tdrain\ta\tb\t", "behind drain stand 2 words" },
        { "1\tdrain\ta\tb\tc\td\te", "behind drain stand 2 words" },
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        cr_assert_null(parsed(table[i].text), "%zu", i);
        cr_assert(strstr(error, table[i].said), "%zu: %s", i, error);
    }
}
