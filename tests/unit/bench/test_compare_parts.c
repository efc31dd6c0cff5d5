/* SPDX-License-Identifier: MIT */
/* bench/compare: processes, the place, ports, and the relay, as a comparison uses them. */
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/clock.h"
#include "bench/compare/bed.h"
#include "bench/compare/relay.h"
#include "bench/compare/server.h"
#include "crypto/keys/key.h"

static cpu_set_t all_cores(void)
{
    cpu_set_t cores;
    cr_assert_eq(sched_getaffinity(0, sizeof cores, &cores), 0);
    return cores;
}

/* ---- processes ---- */

static pid_t start_shell(const char *script, int out_fd)
{
    const cpu_set_t cores = all_cores();
    const char *argv[] = { "/bin/sh", "-c", script, NULL };
    const struct compare_program program = { .argv = argv, .cores = &cores, .out_fd = out_fd, .log_fd = STDERR_FILENO };
    pid_t pid = compare_child_start(&program);
    cr_assert_gt(pid, 0);
    return pid;
}

/* Reads a line: what a started process says. */
static long said(int fd)
{
    char text[32] = { 0 };
    cr_assert_gt(read(fd, text, sizeof text - 1), 0);
    return atol(text);
}

static bool is_gone(pid_t pid)
{
    char path[64], state = 0;
    for (int i = 0; i < 500; i++) {
        snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
        FILE *f = fopen(path, "re");
        if (!f)
            return true;
        (void)!fscanf(f, "%*d (%*[^)]) %c", &state);
        fclose(f);
        if (state == 'Z') /* nobody waits for an orphan in some containers */
            return true;
        usleep(10000);
    }
    return false;
}

Test(compare_child, what_a_process_started_ends_with_it)
{
    int fds[2];
    cr_assert_eq(pipe(fds), 0);
    pid_t pid = start_shell("sleep 1000 & echo $!; wait", fds[1]);
    pid_t below = (pid_t)said(fds[0]);
    cr_expect(compare_child_runs(&pid));
    compare_child_end(&pid);
    cr_expect_eq(pid, 0);
    cr_expect(is_gone(below));
    compare_child_end(&pid); /* does nothing */
}

Test(compare_child, one_that_will_not_go_is_killed, .timeout = 60)
{
    int fds[2];
    cr_assert_eq(pipe(fds), 0);
    pid_t pid = start_shell("trap '' TERM; echo 1; while :; do sleep 1; done", fds[1]), was = pid;
    said(fds[0]);
    compare_child_end(&pid);
    cr_expect(is_gone(was));
}

Test(compare_child, all_end_with_the_one_that_started_them)
{
    int fds[2];
    cr_assert_eq(pipe(fds), 0);
    pid_t middle = fork();
    if (middle == 0) {
        start_shell("echo $$; exec sleep 1000", fds[1]);
        pause();
    }
    pid_t below = (pid_t)said(fds[0]);
    kill(middle, SIGKILL);
    cr_expect(is_gone(below));
}

Test(compare_child, a_status_is_told)
{
    const cpu_set_t cores = all_cores();
    const char *good[] = { "/bin/true", NULL }, *bad[] = { "/bin/false", NULL }, *none[] = { "/nowhere/at/all", NULL };
    struct compare_program program = { .argv = good, .cores = &cores, .out_fd = -1, .log_fd = STDERR_FILENO };
    cr_expect(compare_child_complete(&program));
    program.argv = bad;
    cr_expect(!compare_child_complete(&program));
    program.argv = none;
    cr_expect(!compare_child_complete(&program));
}

/* ---- the place ---- */

Test(compare_place, has_keys_that_belong_together_and_leaves_nothing)
{
    struct compare_place place;
    struct cx_private_key *key;
    struct stat about;
    char path[PATH_MAX], line[CX_KEY_BLOB_MAX] = { 0 };
    uint8_t blob[CX_KEY_BLOB_MAX];
    size_t len;
    struct cx_view comment;
    cr_assert(compare_place_make(&place));
    cr_assert_eq(stat(compare_place_path(&place, "host", path), &about), 0);
    cr_expect_eq(about.st_mode & 0777, 0600);
    FILE *f = fopen(compare_place_path(&place, "authorized_keys", path), "re");
    cr_assert(f && fgets(line, sizeof line, f));
    fclose(f);
    line[strcspn(line, "\n")] = 0;
    cr_assert_eq(cx_key_line_parse(cx_view_text(line), blob, &len, &comment), CX_OK);
    cr_assert_eq(cx_private_key_parse(cx_view_text(place.user_key), cx_view_text(""), &key), CX_OK);
    struct cx_view own = cx_private_key_blob(key);
    cr_expect(own.len == len && memcmp(own.data, blob, len) == 0);
    cx_private_key_free(key);
    snprintf(path, sizeof path, "%s", place.path);
    compare_place_remove(&place);
    cr_expect(stat(path, &about) < 0 && errno == ENOENT);
}

Test(compare_place, the_last_line_of_a_log_is_printable)
{
    struct compare_place place;
    char last[64];
    cr_assert(compare_place_make(&place));
    compare_place_last_line(&place, "log", last, sizeof last);
    cr_expect_str_eq(last, "");
    cr_assert(compare_place_write(&place, "log", "first\nthe\033[31m last\n\n"));
    compare_place_last_line(&place, "log", last, sizeof last);
    cr_expect_str_eq(last, "the?[31m last");
    compare_place_remove(&place);
}

Test(compare_server, programs_are_found_by_name_and_path)
{
    char path[PATH_MAX];
    cr_expect(compare_find_program("sh", path));
    cr_expect_eq(path[0], '/');
    cr_expect(compare_find_program("/bin/sh", path));
    cr_expect(!compare_find_program("no-program-is-called-so", path));
    cr_expect(!compare_find_program("/nowhere/at/all", path));
}

/* ---- the relay ---- */

static int dial(unsigned port)
{
    const struct gw_addr to = compare_loopback(port);
    struct sockaddr_storage address;
    socklen_t len = gw_addr_to_sockaddr(&to, &address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert(fd >= 0 && connect(fd, (struct sockaddr *)&address, len) == 0);
    return fd;
}

/* A relay with a service behind it: the client's socket and the service's. */
struct path {
    pid_t pid;
    int client, service;
};

static struct path path_of(uint64_t delay_ns)
{
    struct path p;
    const cpu_set_t cores = all_cores();
    unsigned port = compare_free_ports(2);
    cr_assert_gt(port, 0);
    int behind = compare_listen(port + 1);
    struct compare_relay relay = { .routes = 1, .delay_ns = delay_ns };
    relay.route[0].listen_fd = compare_listen(port);
    relay.route[0].to = compare_loopback(port + 1);
    p.pid = compare_relay_start(&relay, &cores);
    p.client = dial(port);
    do
        p.service = accept4(behind, NULL, NULL, 0);
    while (p.service < 0 && errno == EAGAIN && usleep(1000) == 0);
    cr_assert(p.pid > 0 && behind >= 0 && p.service >= 0);
    close(behind);
    return p;
}

static void end_path(struct path *p)
{
    compare_child_end(&p->pid);
    close(p->client);
    close(p->service);
}

Test(compare_relay, passes_all_bytes_and_the_end_both_ways, .timeout = 60)
{
    enum { BYTES = 8 << 20 }; /* more than sockets hold: the relay meets a full one */
    static uint8_t sent[BYTES], came[BYTES];
    const uint64_t delays[] = { 0, 20000000 };
    for (size_t i = 0; i < BYTES; i++)
        sent[i] = (uint8_t)(i * 7 + i / 251);
    for (size_t i = 0; i < 2; i++) {
        struct path p = path_of(delays[i]);
        size_t len = 0;
        ssize_t n;
        pid_t writer = fork();
        if (writer == 0) {
            for (size_t at = 0; at < BYTES && (n = write(p.client, sent + at, BYTES - at)) > 0; at += (size_t)n)
                ;
            shutdown(p.client, SHUT_WR);
            _exit(0);
        }
        usleep(100000);
        while (len < BYTES && (n = read(p.service, came + len, BYTES - len)) > 0)
            len += (size_t)n;
        cr_expect_eq(len, BYTES);
        cr_expect_eq(read(p.service, came, 1), 0, "the end comes behind the bytes");
        cr_expect_eq(memcmp(sent, came, BYTES), 0);
        cr_expect_eq(write(p.service, "back", 4), 4);
        cr_expect_eq(read(p.client, came, 4), 4, "one way's end is not the other's");
        shutdown(p.service, SHUT_WR);
        cr_expect_eq(read(p.client, came, 1), 0);
        end_path(&p);
    }
}

Test(compare_relay, delays_each_way)
{
    struct path p = path_of(50000000);
    char byte;
    double start_ns = bench_now_ns();
    cr_assert(write(p.client, "x", 1) == 1 && read(p.service, &byte, 1) == 1);
    double there_ns = bench_now_ns() - start_ns;
    cr_assert(write(p.service, "x", 1) == 1 && read(p.client, &byte, 1) == 1);
    cr_expect_geq(there_ns, 49e6);
    cr_expect_geq(bench_now_ns() - start_ns, 99e6);
    end_path(&p);
}

Test(compare_relay, one_that_dials_dials)
{
    const cpu_set_t cores = all_cores();
    static _Atomic uint64_t count;
    unsigned port = compare_free_ports(1);
    int fd = compare_listen(port);
    const struct gw_addr to = compare_loopback(port);
    pid_t pid = compare_dialer_start(&to, &cores, &count);
    int came = -1;
    while (came < 0)
        came = accept4(fd, NULL, NULL, 0);
    cr_expect(compare_child_runs(&pid));
    compare_child_end(&pid);
    close(came);
    close(fd);
}
