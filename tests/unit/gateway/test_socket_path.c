/* SPDX-License-Identifier: MIT */
/* Where clients' Unix sockets may stand, and what becomes of what is there already. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "gateway/forward/socket_path.h"

static const struct {
    const char *path, *directory;
    bool within;
} paths[] = {
    { "/run/s/app", "/run/s", true },
    { "/run/s/app", "/run/s/", true },
    { "/run/s/app", "/run/s//", true },
    { "/app", "/", true },
    { "/run/s/A.b_c-9", "/run/s", true },
    { "/run/s/app", NULL, false },
    { "/run/s/", "/run/s", false },
    { "/run/s", "/run/s", false },
    { "/run/s/.app", "/run/s", false },
    { "/run/s/..", "/run/s", false },
    { "/run/s/-app", "/run/s", false },
    { "/run/s/a/b", "/run/s", false },
    { "/run/s//app", "/run/s", false },
    { "/run/s/../app", "/run/s", false },
    { "/run/sx/app", "/run/s", false },
    { "/run/t/app", "/run/s", false },
    { "/run/s/a b", "/run/s", false },
    { "/run/s/a\n", "/run/s", false },
    { "run/s/app", "/run/s", false },
    { "app", "/run/s", false },
    { "", "/", false },
};

Test(socket_path, is_one_name_in_the_directory)
{
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        cr_assert_eq(gw_socket_path_within(cx_view_text(paths[i].path), paths[i].directory), paths[i].within, "%s in %s",
                     paths[i].path, paths[i].directory ? paths[i].directory : "none");
    cr_assert_not(gw_socket_path_within(cx_view("/run/s/a\0b", 10), "/run/s"));
}

Test(socket_path, fits_a_socket)
{
    char directory[110], path[180];
    memset(directory, 'd', sizeof directory);
    directory[0] = '/';
    for (size_t len = 40; len < sizeof directory; len++) {
        directory[len] = '\0';
        snprintf(path, sizeof path, "%s/app", directory);
        cr_assert_eq(gw_socket_path_within(cx_view_text(path), directory), strlen(path) <= 107, "%zu", strlen(path));
        directory[len] = 'd';
    }
    snprintf(path, sizeof path, "/s/%065d", 0);
    cr_assert_not(gw_socket_path_within(cx_view_text(path), "/s"));
    cr_assert(gw_socket_path_within(cx_view(path, strlen(path) - 1), "/s"));
}

/* ---- on disk ---- */

static char directory[64], place[96];

static void begin(void)
{
    strcpy(directory, "/tmp/sluice-XXXXXX");
    cr_assert(mkdtemp(directory));
    snprintf(place, sizeof place, "%s/app", directory);
    umask(0);
}

static void end(void)
{
    unlink(place);
    cr_assert_eq(rmdir(directory), 0);
}

static int new_socket(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_geq(fd, 0);
    return fd;
}

static bool is_there(void)
{
    struct stat st;
    return lstat(place, &st) == 0;
}

Test(socket_path, has_its_mode_and_goes_again, .init = begin, .fini = end)
{
    for (mode_t mode = 0600; mode <= 0666; mode += 066) {
        struct gw_socket_path p;
        struct stat st;
        int fd = new_socket();
        cr_assert(gw_socket_path_bind(&p, fd, place, mode, false));
        cr_assert(lstat(place, &st) == 0 && S_ISSOCK(st.st_mode));
        cr_assert_eq(st.st_mode & 0777, mode);
        gw_socket_path_remove(&p);
        cr_assert_not(is_there());
        gw_socket_path_remove(&p);
        close(fd);
    }
}

Test(socket_path, replaces_only_what_no_process_has, .init = begin, .fini = end)
{
    struct gw_socket_path first, second;
    int fd = new_socket(), other = new_socket();
    cr_assert(gw_socket_path_bind(&first, fd, place, 0600, false));
    cr_assert_not(gw_socket_path_bind(&second, other, place, 0600, true), "it lives, though nobody listens yet");
    cr_assert_eq(listen(fd, 1), 0);
    cr_assert_not(gw_socket_path_bind(&second, other, place, 0600, true), "it lives");
    close(fd);
    cr_assert_not(gw_socket_path_bind(&second, other, place, 0600, false), "it is in the way");
    cr_assert(gw_socket_path_bind(&second, other, place, 0600, true));
    free(first.path); /* of a process that is gone, as it were */
    gw_socket_path_remove(&second);
    cr_assert_not(is_there());
    close(other);
}

Test(socket_path, is_not_removed_once_it_is_another_ones, .init = begin, .fini = end)
{
    struct gw_socket_path first, second;
    int fd = new_socket(), other = new_socket();
    cr_assert(gw_socket_path_bind(&first, fd, place, 0600, false));
    cr_assert_eq(unlink(place), 0);
    cr_assert(gw_socket_path_bind(&second, other, place, 0600, false));
    gw_socket_path_remove(&first);
    cr_assert(is_there());
    gw_socket_path_remove(&second);
    cr_assert_not(is_there());
    close(fd);
    close(other);
}

Test(socket_path, leaves_files_and_links_alone, .init = begin, .fini = end)
{
    struct gw_socket_path p;
    int fd = new_socket();
    FILE *file = fopen(place, "w");
    cr_assert(file);
    fclose(file);
    cr_assert_not(gw_socket_path_bind(&p, fd, place, 0600, true));
    cr_assert(is_there());
    unlink(place);
    cr_assert_eq(symlink("/nowhere", place), 0);
    cr_assert_not(gw_socket_path_bind(&p, fd, place, 0600, true));
    cr_assert(is_there());
    close(fd);
}
