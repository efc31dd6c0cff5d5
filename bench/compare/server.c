/* SPDX-License-Identifier: MIT */
#include "bench/compare/server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { START_TRIES = 1000 }; /* of 10 ms */

/* ---- finding ---- */

static bool is_in(const char *directory, size_t len, const char *name, char out[PATH_MAX])
{
    return snprintf(out, PATH_MAX, "%.*s/%s", (int)len, directory, name) < PATH_MAX && access(out, X_OK) == 0;
}

static bool is_beside(const char *name, char out[PATH_MAX])
{
    char own[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", own, sizeof own - 1);
    own[len > 0 ? len : 0] = 0;
    const char *end = strrchr(own, '/');
    return end && is_in(own, (size_t)(end - own), name, out);
}

static bool is_in_one_of(const char *directories, const char *name, char out[PATH_MAX])
{
    for (const char *at = directories; at && *at; at += strspn(at, ":")) {
        size_t len = strcspn(at, ":");
        if (is_in(at, len, name, out))
            return true;
        at += len;
    }
    return false;
}

bool compare_find_program(const char *name, char out[PATH_MAX])
{
    if (strchr(name, '/')) /* sshd insists on an absolute path */
        return realpath(name, out) && access(out, X_OK) == 0;
    return is_beside(name, out) || is_in_one_of(getenv("PATH"), name, out) ||
           is_in_one_of("/usr/local/sbin:/usr/sbin:/sbin", name, out);
}

/* ---- starting ---- */

static void nap(void)
{
    struct timespec t = { 0, 10000000 };
    (void)nanosleep(&t, NULL); /* too short a nap does no harm */
}

static bool wait_until_it_answers(struct compare_server *s)
{
    for (int i = 0; i < START_TRIES && compare_child_runs(&s->pid); i++) {
        if (compare_answers(s->port + s->kind->ports - 1))
            return true;
        nap();
    }
    return false;
}

bool compare_server_start(struct compare_server *s, const struct compare_bed *bed)
{
    char last[COMPARE_SERVER_TEXT / 2];
    s->port = compare_free_ports(s->kind->ports);
    const char *failed = s->port > 0 ? s->kind->start(s, bed) : "no ports are free";
    if (!failed && wait_until_it_answers(s))
        return true;
    compare_server_end(s);
    compare_place_last_line(&bed->place, s->name, last, sizeof last);
    snprintf(s->missing, sizeof s->missing, "it does not start: %s", failed ? failed : last[0] ? last : "it says nothing");
    return false;
}

void compare_server_end(struct compare_server *s)
{
    compare_child_end(&s->pid);
}

struct gw_addr compare_server_address(const struct compare_server *s, enum compare_service service)
{
    return compare_loopback(s->port + (s->kind->speaks_ssh ? 0 : (unsigned)service));
}
