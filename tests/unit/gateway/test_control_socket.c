/* SPDX-License-Identifier: MIT */
/* gateway/monitor/control_socket: who may connect, what is replaced, what is not. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "gateway/monitor/control_socket.h"

static char directory[32], path[64], error[512];
static const struct gw_account account = { .separate = false };

static void set_up(void)
{
    strcpy(directory, "/tmp/ctlXXXXXX");
    cr_assert(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/run/s", directory);
}

static void tear_down(void)
{
    char run[64];
    snprintf(run, sizeof run, "%s/run", directory);
    unlink(path);
    rmdir(run);
    rmdir(directory);
}

TestSuite(control_socket, .init = set_up, .fini = tear_down);

static bool open_it(struct gw_control_socket *s)
{
    return gw_control_socket_open(s, path, &account, error, sizeof error);
}

static void expect_modes_under(mode_t mask)
{
    struct gw_control_socket s;
    struct stat st;
    umask(mask);
    cr_assert(open_it(&s), "%s", error);
    cr_assert_eq(umask(0), mask);
    cr_assert_eq(stat(path, &st), 0);
    cr_assert(S_ISSOCK(st.st_mode));
    cr_assert_eq(st.st_mode & 0777, 0660);
    gw_control_socket_close(&s);
    cr_assert_neq(stat(path, &st), 0);
    *strrchr(path, '/') = '\0';
    cr_assert_eq(stat(path, &st), 0);
    cr_assert_eq(st.st_mode & 0777, 0750);
}

Test(control_socket, is_open_to_owner_and_group_and_makes_its_directory)
{
    expect_modes_under(0);
}

Test(control_socket, is_open_to_the_group_whatever_the_umask)
{
    expect_modes_under(0077);
}

Test(control_socket, belongs_to_the_group_of_the_account)
{
    if (geteuid() != 0)
        return;
    struct gw_control_socket s;
    struct stat st;
    struct gw_account separate = { .separate = true, .uid = 4711, .gid = 4712 };
    cr_assert(gw_control_socket_open(&s, path, &separate, error, sizeof error), "%s", error);
    cr_assert_eq(stat(path, &st), 0);
    cr_assert(st.st_uid == 0 && st.st_gid == 4712);
    gw_control_socket_close(&s);
}

Test(control_socket, none_is_opened_where_none_is_named)
{
    struct gw_control_socket s;
    cr_assert(gw_control_socket_open(&s, NULL, &account, error, sizeof error));
    cr_assert_eq(s.fd, -1);
    gw_control_socket_close(&s);
}

Test(control_socket, one_that_is_served_stays_and_one_that_was_left_is_replaced)
{
    struct gw_control_socket first, second;
    cr_assert(open_it(&first));
    cr_assert_not(open_it(&second));
    cr_assert(strstr(error, "another gateway answers there"), "%s", error);
    gw_control_socket_close(&second);
    cr_assert_eq(access(path, F_OK), 0);
    close(first.fd); /* as after a kill */
    first.fd = -1;
    cr_assert(open_it(&second), "%s", error);
    gw_control_socket_close(&second);
    free(first.path);
}

Test(control_socket, a_file_in_its_place_is_left_alone)
{
    struct gw_control_socket s;
    cr_assert(open_it(&s));
    gw_control_socket_close(&s);
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    cr_assert_geq(fd, 0);
    close(fd);
    cr_assert_not(open_it(&s));
    cr_assert(strstr(error, "no socket"), "%s", error);
    cr_assert_eq(access(path, F_OK), 0);
}

Test(control_socket, a_path_that_is_too_long_or_cannot_be_is_refused)
{
    struct gw_control_socket s;
    char long_path[200];
    memset(long_path, 'x', sizeof long_path);
    long_path[0] = '/';
    long_path[108] = '\0';
    cr_assert_not(gw_control_socket_open(&s, long_path, &account, error, sizeof error));
    cr_assert(strstr(error, "longer than 107"), "%s", error);
    cr_assert_not(gw_control_socket_open(&s, "/proc/no/such/s", &account, error, sizeof error));
    cr_assert(strstr(error, "ControlSocket /proc/no/such/s: "), "%s", error);
}
