/* SPDX-License-Identifier: MIT */
/* bench/processes: what /proc tells of a tree of processes. */
#include <criterion/criterion.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/processes.h"

static void burn(double seconds)
{
    clock_t end = clock() + (clock_t)(seconds * CLOCKS_PER_SEC);
    while (clock() < end)
        ;
}

/* A child with a grandchild, which burns CPU time and ends; both wait until they are killed. */
static pid_t start_tree(int ready)
{
    pid_t child = fork();
    if (child != 0)
        return child;
    setpgid(0, 0); /* so that one kill ends them all */
    pid_t ended = fork();
    if (ended == 0) {
        burn(0.2);
        _exit(0);
    }
    waitpid(ended, NULL, 0);
    if (fork() != 0 && write(ready, "x", 1) != 1)
        _exit(1);
    pause();
    _exit(0);
}

Test(processes, a_tree_is_summed_with_those_that_ended)
{
    struct bench_processes p;
    int ready[2];
    char byte;
    cr_assert_eq(pipe(ready), 0);
    pid_t root = start_tree(ready[1]);
    cr_assert_eq(read(ready[0], &byte, 1), 1);
    cr_assert(bench_processes_read(root, true, &p));
    cr_expect_eq(p.count, 2);
    cr_expect_geq(p.user_s + p.system_s, 0.15);
    cr_expect(p.whole);
    cr_expect_gt(p.pss_bytes, 0);
    cr_expect_geq(p.descriptors, 4);
    cr_assert(bench_processes_read(root, false, &p));
    cr_expect_eq(p.pss_bytes, 0);
    kill(-root, SIGKILL);
    waitpid(root, NULL, 0);
}

Test(processes, what_is_not_there_is_told)
{
    struct bench_processes p;
    cr_expect_not(bench_processes_read(1 << 30, true, &p));
    cr_expect_eq(p.count, 0);
}
