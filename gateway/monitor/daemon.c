/* SPDX-License-Identifier: MIT */
/* See daemon.h. */
#include "gateway/monitor/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "gateway/monitor/monitor.h"

static _Noreturn void wait_until_ready(int fd, const char *log_path)
{
    char byte;
    ssize_t n;
    do
        n = read(fd, &byte, 1);
    while (n < 0 && errno == EINTR);
    if (n == 1)
        _exit(0);
    fprintf(stderr, "sluiced: did not start; %s says why\n", log_path);
    _exit(GW_EXIT_FAILURE);
}

int gw_daemon_start(const char *log_path)
{
    int ready[2];
    if (pipe2(ready, O_CLOEXEC) != 0)
        return -1;
    pid_t pid = fork();
    if (pid != 0) {
        int why = errno;
        close(ready[1]);
        if (pid > 0)
            wait_until_ready(ready[0], log_path);
        close(ready[0]);
        errno = why;
        return -1;
    }
    close(ready[0]);
    setsid();
    if (chdir("/") != 0)
        return ready[1]; /* a directory that stays busy is no reason not to serve */
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null >= 0) {
        dup2(null, STDIN_FILENO);
        dup2(null, STDOUT_FILENO);
        close(null);
    }
    return ready[1];
}

void gw_daemon_ready(int fd)
{
    if (fd < 0)
        return;
    ssize_t n;
    do
        n = write(fd, "", 1);
    while (n < 0 && errno == EINTR);
    close(fd);
}

bool gw_daemon_write_pid(const char *path)
{
    char text[24];
    int len = snprintf(text, sizeof text, "%d\n", (int)getpid());
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0)
        return false;
    bool ok = write(fd, text, (size_t)len) == len;
    int why = ok ? 0 : errno;
    close(fd);
    errno = why;
    return ok;
}
