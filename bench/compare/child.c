/* SPDX-License-Identifier: MIT */
#include "bench/compare/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { NOT_STARTED = 127, END_TRIES = 500 };

static void nap(long ms)
{
    struct timespec t = { 0, ms * 1000000 };
    (void)nanosleep(&t, NULL); /* too short a nap does no harm */
}

pid_t compare_child_fork(const cpu_set_t *cores)
{
    pid_t parent = getpid(), pid = fork();
    if (pid != 0)
        return pid;
    (void)setsid();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGHUP, SIG_DFL);
    if (getppid() != parent) /* it died before prctl */
        _exit(NOT_STARTED);
    (void)sched_setaffinity(0, sizeof *cores, cores);
    return 0;
}

static void become(const struct compare_program *p)
{
    int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    bool good = dup2(null_fd, STDIN_FILENO) >= 0 && dup2(p->out_fd >= 0 ? p->out_fd : p->log_fd, STDOUT_FILENO) >= 0 &&
                dup2(p->log_fd, STDERR_FILENO) >= 0;
    const union { /* execv changes none of them, and says otherwise for history's sake */
        const char *const *ours;
        char *const *its;
    } argv = { .ours = p->argv };
    if (good && (!p->prepare || p->prepare(p->state)))
        execv(p->argv[0], argv.its);
    _exit(NOT_STARTED);
}

pid_t compare_child_start(const struct compare_program *p)
{
    pid_t pid = compare_child_fork(p->cores);
    if (pid == 0)
        become(p);
    return pid;
}

bool compare_child_runs(pid_t *pid)
{
    if (*pid > 0 && waitpid(*pid, NULL, WNOHANG) != 0)
        *pid = 0;
    return *pid > 0;
}

void compare_child_end(pid_t *pid)
{
    pid_t group = *pid;
    if (group <= 0)
        return;
    kill(group, SIGTERM);
    for (int i = 0; i < END_TRIES && compare_child_runs(pid); i++)
        nap(10);
    kill(-group, SIGKILL); /* what it left behind, and itself if it did not go */
    while (compare_child_runs(pid))
        nap(1);
}

bool compare_child_complete(const struct compare_program *p)
{
    int status;
    pid_t pid = compare_child_start(p);
    while (pid > 0 && waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return false;
    return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
