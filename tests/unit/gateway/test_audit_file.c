/* SPDX-License-Identifier: MIT */
/* gateway/monitor/audit_file: whole lines, what is refused, rotation. */
#include <criterion/criterion.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/monitor/audit_file.h"

static char dir[PATH_MAX], path[PATH_MAX + 16];

static void setup(void)
{
    snprintf(dir, sizeof dir, "%s/sluice-audit-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    cr_assert(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/audit.log", dir);
}

static void teardown(void)
{
    char command[PATH_MAX + 16];
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    cr_assert_eq(system(command), 0);
}

TestSuite(audit_file, .init = setup, .fini = teardown);

static const char *content(const char *file)
{
    static char text[256];
    FILE *f = fopen(file, "re");
    cr_assert(f);
    text[fread(text, 1, sizeof text - 1, f)] = '\0';
    fclose(f);
    return text;
}

Test(audit_file, each_record_is_a_line_and_an_old_file_is_kept)
{
    struct gw_audit_file a;
    cr_assert(gw_audit_file_open(&a, path));
    gw_audit_file_append(&a, cx_view_text("{\"n\":1}"), 0);
    gw_audit_file_close(&a);
    cr_assert(gw_audit_file_open(&a, path));
    gw_audit_file_append(&a, cx_view_text("{\"n\":2}"), 0);
    cr_assert_str_eq(content(path), "{\"n\":1}\n{\"n\":2}\n");
    struct stat st;
    cr_assert_eq(stat(path, &st), 0);
    cr_assert_eq(st.st_mode & 0777, 0600);
    gw_audit_file_close(&a);
}

Test(audit_file, a_rotated_file_is_left_alone_after_reopening)
{
    char old[PATH_MAX + 32];
    snprintf(old, sizeof old, "%s.1", path);
    struct gw_audit_file a;
    cr_assert(gw_audit_file_open(&a, path));
    gw_audit_file_append(&a, cx_view_text("{1}"), 0);
    cr_assert_eq(rename(path, old), 0);
    cr_assert(gw_audit_file_reopen(&a, path));
    gw_audit_file_append(&a, cx_view_text("{2}"), 0);
    cr_assert_str_eq(content(old), "{1}\n");
    cr_assert_str_eq(content(path), "{2}\n");
    cr_assert(!gw_audit_file_reopen(&a, "/does/not/exist"));
    gw_audit_file_append(&a, cx_view_text("{3}"), 0);
    cr_assert_str_eq(content(path), "{2}\n{3}\n");
    gw_audit_file_close(&a);
}

Test(audit_file, only_an_object_on_one_line_is_valid)
{
    static const struct {
        const char *text;
        size_t len;
        bool valid;
    } cases[] = {
        { "{}", 2, true },          { "{\"a\":\"\xc3\xa4\"}", 10, true },
        { "", 0, false },           { "{", 1, false },
        { "{}\n", 3, false },       { "{\"a\":1}\n{}", 10, false },
        { "{\"\0\"}", 5, false },   { "{\"\r\"}", 5, false },
        { "{\"\x7f\"}", 5, false }, { "[]", 2, false },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_assert_eq(gw_audit_record_valid(cx_view(cases[i].text, cases[i].len)), cases[i].valid, "case %zu", i);
}

Test(audit_file, without_a_path_records_go_nowhere)
{
    struct gw_audit_file a;
    cr_assert(gw_audit_file_open(&a, NULL));
    gw_audit_file_append(&a, cx_view_text("{}"), 0);
    cr_assert_eq(a.lost, 0);
    gw_audit_file_close(&a);
}

Test(audit_file, what_the_disk_does_not_take_is_counted)
{
    struct gw_audit_file a;
    cr_assert(gw_audit_file_open(&a, "/dev/full"));
    gw_audit_file_append(&a, cx_view_text("{}"), 0);
    gw_audit_file_append(&a, cx_view_text("{}"), 0);
    cr_assert_eq(a.lost, 2);
    gw_audit_file_close(&a);
}
