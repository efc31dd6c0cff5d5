/* SPDX-License-Identifier: MIT */
/* gateway/monitor/keyfile: which files a user's name reaches, and which it must not. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/auth/authorized_keys.h"
#include "gateway/monitor/keyfile.h"

static char dir[PATH_MAX];

static void setup(void)
{
    snprintf(dir, sizeof dir, "%s/sluice-keyfile-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    cr_assert(mkdtemp(dir));
}

static void teardown(void)
{
    char command[PATH_MAX + 16];
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    cr_assert_eq(system(command), 0);
}

TestSuite(keyfile, .init = setup, .fini = teardown);

static const char *at(const char *name)
{
    static char path[PATH_MAX + 256];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static void make(const char *name, mode_t mode)
{
    int fd = open(at(name), O_WRONLY | O_CREAT | O_EXCL, 0600);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, "key\n", 4), 4);
    cr_assert_eq(fchmod(fd, mode), 0);
    close(fd);
}

static struct gw_keyfile look(const char *pattern, const char *user)
{
    struct gw_keyfile f;
    gw_keyfile_open(at(pattern), cx_view_text(user), &f);
    return f;
}

Test(keyfile, a_file_of_the_users_name_is_opened_read_only)
{
    make("alice", 0644);
    struct gw_keyfile f = look("%u", "alice");
    char bytes[8];
    cr_assert_geq(f.fd, 0, "%s", f.reason);
    cr_assert(f.path_has_user);
    cr_assert_eq(read(f.fd, bytes, sizeof bytes), 4);
    cr_assert_eq(write(f.fd, "x", 1), -1);
    cr_assert((fcntl(f.fd, F_GETFD) & FD_CLOEXEC) != 0);
    close(f.fd);
}

Test(keyfile, a_file_that_does_not_exist_is_no_reason)
{
    struct gw_keyfile f = look("%u", "nobody-of-that-name");
    cr_assert_eq(f.fd, -1);
    cr_assert_str_eq(f.reason, "");
    cr_assert(f.path_has_user);
}

Test(keyfile, a_missing_directory_is_a_reason)
{
    struct gw_keyfile f = look("not-there/%u", "alice");
    cr_assert_eq(f.fd, -1);
    cr_assert(strstr(f.reason, "No such file or directory"), "%s", f.reason);
}

Test(keyfile, a_shared_file_names_no_user)
{
    make("shared%", 0600);
    struct gw_keyfile f = look("shared%%", "alice");
    cr_assert_geq(f.fd, 0, "%s", f.reason);
    cr_assert(!f.path_has_user);
    close(f.fd);
}

Test(keyfile, deeper_patterns_expand_in_each_component)
{
    cr_assert_eq(mkdir(at("bob"), 0700), 0);
    make("bob/keys.bob", 0600);
    struct gw_keyfile f = look("%u/keys.%u", "bob");
    cr_assert_geq(f.fd, 0, "%s", f.reason);
    close(f.fd);
}

Test(keyfile, no_symbolic_link_is_followed)
{
    make("real", 0600);
    cr_assert_eq(symlink("real", at("last")), 0);
    cr_assert_eq(mkdir(at("d"), 0700), 0);
    make("d/keys", 0600);
    cr_assert_eq(symlink("d", at("middle")), 0);
    static const char *const cases[][2] = { { "%u", "last" }, { "%u/keys", "middle" } };
    for (size_t i = 0; i < 2; i++) {
        struct gw_keyfile f = look(cases[i][0], cases[i][1]);
        cr_assert_eq(f.fd, -1, "case %zu", i);
        cr_assert(strstr(f.reason, "symbolic link"), "case %zu: %s", i, f.reason);
    }
}

Test(keyfile, nothing_outside_the_directory_is_reached)
{
    make("secret", 0600);
    cr_assert_eq(mkdir(at("keys"), 0700), 0);
    cr_assert_eq(mkdir(at("keys/in"), 0700), 0);
    static const char *const users[] = { "../secret", "in/../../secret", ".." }; /* never valid names; the second line of defence */
    for (size_t i = 0; i < 3; i++) {
        struct gw_keyfile f = look("keys/%u", users[i]);
        cr_assert_eq(f.fd, -1, "%s", users[i]);
        cr_assert_str_neq(f.reason, "", "%s", users[i]);
    }
}

Test(keyfile, what_others_may_write_is_refused)
{
    make("group", 0664);
    make("world", 0646);
    struct gw_keyfile f = look("%u", "group");
    cr_assert_eq(f.fd, -1);
    cr_assert_str_eq(f.reason, "bad modes: 0664 lets others write");
    f = look("%u", "world");
    cr_assert_eq(f.fd, -1);
}

Test(keyfile, only_regular_files_are_opened_and_a_fifo_does_not_block)
{
    cr_assert_eq(mkfifo(at("fifo"), 0600), 0);
    cr_assert_eq(mkdir(at("directory"), 0700), 0);
    static const char *const users[] = { "fifo", "directory" };
    for (size_t i = 0; i < 2; i++) {
        struct gw_keyfile f = look("%u", users[i]);
        cr_assert_eq(f.fd, -1);
        cr_assert_str_eq(f.reason, "not a regular file", "%s", users[i]);
    }
}

Test(keyfile, a_file_may_have_a_mebibyte_and_no_byte_more)
{
    make("big", 0600);
    cr_assert_eq(truncate(at("big"), GW_KEY_FILE_BYTES_MAX), 0);
    struct gw_keyfile f = look("%u", "big");
    cr_assert_geq(f.fd, 0, "%s", f.reason);
    close(f.fd);
    cr_assert_eq(truncate(at("big"), GW_KEY_FILE_BYTES_MAX + 1), 0);
    cr_assert_eq(look("%u", "big").fd, -1);
}

Test(keyfile, a_stranger_s_file_is_refused)
{
    if (geteuid() != 0)
        cr_skip_test("only root can give a file away");
    make("theirs", 0600);
    cr_assert_eq(chown(at("theirs"), 12345, 12345), 0);
    struct gw_keyfile f = look("%u", "theirs");
    cr_assert_eq(f.fd, -1);
    cr_assert_str_eq(f.reason, "bad ownership: owned by user 12345");
}

Test(keyfile, unknown_percent_sequences_and_overlong_names_are_refused)
{
    static char long_name[PATH_MAX + 10];
    memset(long_name, 'a', sizeof long_name - 1);
    cr_assert_str_neq(look("%h/keys", "alice").reason, "");
    cr_assert_str_neq(look("%", "alice").reason, "");
    cr_assert_str_neq(look("%u", long_name).reason, "");
}
