/* SPDX-License-Identifier: MIT */
/* Configurations from files: Include, relative paths, options of the command line, banners. */
#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/config/config.h"

static char directory[64];

static void enter(void)
{
    strcpy(directory, "/tmp/sluice-config-XXXXXX");
    cr_assert_not_null(mkdtemp(directory));
    cr_assert_eq(chdir(directory), 0);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void leave(void)
{
    cr_assert_eq(chdir("/"), 0);
    cr_assert_eq(nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

TestSuite(config_files, .init = enter, .fini = leave);

static void write_file(const char *name, const char *text)
{
    FILE *out = fopen(name, "w");
    cr_assert(out && fputs(text, out) >= 0 && fclose(out) == 0);
}

static struct gw_config *load(const char *path)
{
    char error[GW_CONFIG_ERROR_MAX];
    struct gw_config *c = gw_config_load(path, NULL, 0, error);
    cr_assert(c, "%s", error);
    return c;
}

/* In `want`, DIR stands for the test's directory. */
static void assert_error(const char *path, const char *want)
{
    char error[GW_CONFIG_ERROR_MAX], full[GW_CONFIG_ERROR_MAX], *out = full;
    for (const char *at = want; *at;) {
        if (strncmp(at, "DIR", 3) == 0) {
            out += sprintf(out, "%s", directory);
            at += 3;
        } else {
            *out++ = *at++;
        }
    }
    *out = '\0';
    cr_assert_null(gw_config_load(path, NULL, 0, error));
    cr_assert_str_eq(error, full, "%s\nnot\n%s", error, full);
}

static void assert_path(const char *path, const char *name)
{
    char want[256];
    snprintf(want, sizeof want, "%s/%s", directory, name);
    cr_assert_str_eq(path, want);
}

Test(config_files, relative_paths_start_at_the_main_files_directory)
{
    cr_assert_eq(mkdir("etc", 0700), 0);
    cr_assert_eq(mkdir("etc/conf.d", 0700), 0);
    write_file("etc/main.conf", "HostKey key\nInclude conf.d/*.conf\nAuthorizedKeysFile keys/%u /abs\n");
    write_file("etc/conf.d/a.conf", "HostKey other\nPidFile run/pid\n");
    struct gw_config *c = load("etc/main.conf");
    assert_path(c->host_keys[0], "etc/key");
    assert_path(c->host_keys[1], "etc/other");
    assert_path(c->pid_file, "etc/run/pid");
    assert_path(c->keys_files[0], "etc/keys/%u");
    cr_assert_str_eq(c->keys_files[1], "/abs");
    gw_config_drop(c);
}

Test(config_files, includes_come_in_lexical_order_and_the_first_value_wins)
{
    cr_assert_eq(mkdir("conf.d", 0700), 0);
    write_file("conf.d/20.conf", "Workers 20\nMaxAuthTries 20\n");
    write_file("conf.d/10.conf", "Workers 10\n");
    write_file("conf.d/ignored", "Nonsense\n");
    write_file("main.conf", "Include conf.d/*.conf /no/such/dir/*.conf\nWorkers 1\nMaxAuthTries 1\nMaxChannels 1\n");
    struct gw_config *c = load("main.conf");
    cr_assert_eq(c->workers, 10);
    cr_assert_eq(c->max_auth_tries, 20);
    cr_assert_eq(c->max_channels, 1);
    gw_config_drop(c);
}

Test(config_files, a_block_ends_with_its_file_and_goes_on_behind_an_include)
{
    write_file("b.conf", "Workers 7\nQueue b\n    Target b:1\n    Allow bob\n");
    write_file("main.conf", "Queue a\n    Target a:1\n    Include b.conf\n    Allow alice\n");
    struct gw_config *c = load("main.conf");
    cr_assert_eq(c->workers, 7);
    cr_assert_eq(c->queue_count, 2);
    cr_assert(c->queues[0].allow_count == 1 && !strcmp(c->queues[0].allow[0].who, "alice"));
    cr_assert(c->queues[1].allow_count == 1 && !strcmp(c->queues[1].allow[0].who, "bob"));
    gw_config_drop(c);
    write_file("c.conf", "Target c:1\n");
    write_file("main.conf", "Queue a\nTarget a:1\nInclude c.conf\n");
    assert_error("main.conf", "DIR/c.conf line 1: Target: belongs to a queue; accepted: below a line Queue NAME");
}

Test(config_files, errors_name_the_file_they_are_in)
{
    write_file("inner.conf", "\n\nPort x\n");
    write_file("main.conf", "\nInclude inner.conf\n");
    assert_error("main.conf", "DIR/inner.conf line 3: Port: 'x' is not understood; accepted: 1 to 65535");
    write_file("inner.conf", "Queue q\nTarget h:1\n");
    write_file("main.conf", "Include inner.conf\nQueue q\nTarget h:1\n");
    assert_error("main.conf",
                 "DIR/main.conf line 2: Queue: queue 'q' is defined already, at DIR/inner.conf line 1; accepted: one definition");
}

Test(config_files, what_cannot_be_read_is_told)
{
    assert_error("none.conf", "DIR/none.conf cannot be read: No such file or directory");
    assert_error("/", "/ cannot be read: Is a directory");
    write_file("main.conf", "Port 1\nInclude none.conf\n");
    assert_error("main.conf", "DIR/main.conf line 2: Include: DIR/none.conf cannot be read: No such file or directory");
    write_file("main.conf", "Banner none.txt\n");
    assert_error("main.conf", "DIR/main.conf line 1: Banner: DIR/none.txt cannot be read: No such file or directory");
    FILE *out = fopen("main.conf", "w");
    cr_assert(out && fwrite("Port 1\0\n", 1, 8, out) == 8 && fclose(out) == 0);
    assert_error("main.conf", "DIR/main.conf cannot be read: it holds a NUL byte");
}

Test(config_files, files_that_include_each_other_end)
{
    write_file("a.conf", "Include b.conf\n");
    write_file("b.conf", "Include a.conf\n");
    assert_error("a.conf",
                 "DIR/b.conf line 1: Include: files include each other too deeply, or in a circle; accepted: a depth of 16");
}

Test(config_files, all_files_together_have_a_greatest_length)
{
    char *text = malloc(GW_CONFIG_TEXT_MAX / 2 + 2);
    memset(text, '#', GW_CONFIG_TEXT_MAX / 2 + 1);
    text[GW_CONFIG_TEXT_MAX / 2 + 1] = '\0';
    write_file("half.conf", text);
    free(text);
    write_file("main.conf", "Include half.conf\nInclude half.conf\n");
    assert_error("main.conf", "DIR/main.conf line 2: Include: DIR/half.conf cannot be read: it is too long");
}

Test(config_files, options_come_before_the_file)
{
    static const char *const options[] = { "Workers=5", "LogLevel DEBUG", "ListenAddress 127.0.0.1:1", "HostKey typed" };
    cr_assert_eq(mkdir("etc", 0700), 0);
    write_file("etc/main.conf", "Workers 1\nLogLevel INFO\nMaxAuthTries 2\nListenAddress 127.0.0.1:2\nHostKey written\n");
    char error[GW_CONFIG_ERROR_MAX];
    struct gw_config *c = gw_config_load("etc/main.conf", options, 4, error);
    cr_assert(c, "%s", error);
    cr_assert_eq(c->workers, 5);
    cr_assert_eq(c->log_level, GW_LOG_DEBUG);
    cr_assert_eq(c->max_auth_tries, 2);
    cr_assert(c->listen_count == 2 && c->listen[0].address.port == 1 && c->listen[1].address.port == 2);
    assert_path(c->host_keys[0], "etc/typed");
    assert_path(c->host_keys[1], "etc/written");
    gw_config_drop(c);
}

Test(config_files, options_have_a_place_too)
{
    static const char *const options[] = { "Port 1", "Workers=many" };
    static const char *const queues[] = { "Queue q", "Target h:1" };
    char error[GW_CONFIG_ERROR_MAX];
    write_file("main.conf", "Queue q\nTarget h:1\n");
    cr_assert_null(gw_config_load("main.conf", options, 2, error));
    cr_assert_str_eq(error, "command line, option 2: Workers: 'many' is not understood; accepted: 0 (one a core) to 1024");
    cr_assert_null(gw_config_load("main.conf", queues, 2, error));
    cr_assert(strstr(error, "main.conf line 1: Queue: queue 'q' is defined already, at option 1 of the command line;"), "%s",
              error);
    cr_assert_null(gw_config_load("main.conf", queues, 1, error));
    cr_assert_null(strstr(error, "line 0"), "%s", error);
}

Test(config_files, a_block_of_options_does_not_reach_into_the_file)
{
    static const char *const options[] = { "Queue q", "Target h:1" };
    char error[GW_CONFIG_ERROR_MAX];
    write_file("main.conf", "Workers 2\n");
    struct gw_config *c = gw_config_load("main.conf", options, 2, error);
    cr_assert(c, "%s", error);
    cr_assert(c->workers == 2 && c->queue_count == 1);
    gw_config_drop(c);
}

Test(config_files, the_banners_text_is_read_once_and_bounded)
{
    write_file("banner.txt", "Welcome.\n");
    write_file("main.conf", "Banner banner.txt\nBanner /no/such/file\n");
    struct gw_config *c = load("main.conf");
    assert_path(c->banner_path, "banner.txt");
    cr_assert_str_eq(c->banner, "Welcome.\n");
    gw_config_drop(c);
    char text[16 * 1024 + 2];
    memset(text, 'x', sizeof text);
    text[16 * 1024] = '\0';
    write_file("banner.txt", text);
    c = load("main.conf");
    cr_assert_eq(strlen(c->banner), 16 * 1024);
    gw_config_drop(c);
    text[16 * 1024] = 'x';
    text[16 * 1024 + 1] = '\0';
    write_file("banner.txt", text);
    assert_error("main.conf", "DIR/main.conf line 1: Banner: DIR/banner.txt cannot be read: it is too long");
    FILE *out = fopen("banner.txt", "w");
    cr_assert(out && fwrite("a\0b", 1, 3, out) == 3 && fclose(out) == 0);
    assert_error("main.conf", "DIR/main.conf line 1: Banner: the file holds a NUL byte; accepted: text");
}

Test(config_files, what_was_loaded_prints_to_a_text_that_needs_no_file)
{
    write_file("banner.txt", "hi");
    write_file("inner.conf", "Queue q\nTarget h:1\n");
    write_file("main.conf", "HostKey \"a key\"\nBanner banner.txt\nInclude inner.conf\n");
    struct gw_config *c = load("main.conf");
    char *once = NULL, *twice = NULL, error[GW_CONFIG_ERROR_MAX];
    size_t len;
    FILE *out = open_memstream(&once, &len);
    gw_config_print(c, out);
    fclose(out);
    struct gw_config *again = gw_config_parse(once, "engine", error);
    cr_assert(again, "%s", error);
    out = open_memstream(&twice, &len);
    gw_config_print(again, out);
    fclose(out);
    cr_assert_str_eq(once, twice);
    free(once);
    free(twice);
    gw_config_drop(c);
    gw_config_drop(again);
}
