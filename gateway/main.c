/* SPDX-License-Identifier: MIT */
/* sluiced. One program, two roles: the monitor, which a person starts, and the engine, which the monitor executes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "gateway/engine/engine.h"
#include "gateway/kernels.h"
#include "gateway/monitor/ipc.h"
#include "gateway/monitor/options.h"
#include "gateway/monitor/privileges.h"
#include "gateway/observe/log.h"

/* sluiced --engine [UID GID], with the control socket on GW_IPC_CONTROL_FD and the log on standard error. */
static int run_engine(int argc, char **argv)
{
    char error[256];
    struct gw_account account = { .separate = argc == 4 };
    if (account.separate) {
        account.uid = (uid_t)strtoul(argv[2], NULL, 10);
        account.gid = (gid_t)strtoul(argv[3], NULL, 10);
    }
    gw_log_init(STDERR_FILENO, GW_LOG_INFO, "sluiced-engine");
    prctl(PR_SET_NAME, "sluiced-engine", 0, 0, 0);
    if (!gw_privileges_drop(&account, error, sizeof error)) {
        gw_log(GW_LOG_FATAL, "%s", error);
        return GW_EXIT_FAILURE;
    }
    gw_privileges_hide_memory(); /* a change of user makes a process readable again */
    enum cx_tier cap;
    if (!gw_kernels_cap(&cap, error, sizeof error)) {
        gw_log(GW_LOG_FATAL, "%s", error);
        return GW_EXIT_FAILURE;
    }
    gw_kernels_start(cap);
    return gw_engine_main(GW_IPC_CONTROL_FD);
}

static void print_version(enum cx_tier cap)
{
    printf("sluiced " SLUICE_VERSION ", %s\n", cx_openssl_version());
    gw_kernels_print(cap, stdout);
}

static int run_monitor(int argc, char **argv)
{
    struct gw_command_line c;
    int status = 0;
    enum cx_tier cap;
    gw_options_parse(argc, argv, &c);
    /* said here, to who started it, and not by an engine that then starts over and over */
    if (c.action != GW_ACTION_WRONG && !gw_kernels_cap(&cap, c.error, sizeof c.error))
        c.action = GW_ACTION_WRONG;
    switch (c.action) {
    case GW_ACTION_RUN:
        status = gw_monitor_run(&c.monitor);
        break;
    case GW_ACTION_TEST:
        status = gw_monitor_check(&c.monitor);
        break;
    case GW_ACTION_PRINT:
        status = gw_monitor_print(&c.monitor);
        break;
    case GW_ACTION_VERSION:
        print_version(cap);
        break;
    case GW_ACTION_HELP:
        fputs(gw_options_help, stdout);
        break;
    case GW_ACTION_WRONG:
        fprintf(stderr, "sluiced: %s\n", c.error);
        status = GW_EXIT_FAILURE;
        break;
    }
    gw_options_deinit(&c);
    return status;
}

int main(int argc, char **argv)
{
    if (argc >= 2 && strcmp(argv[1], "--engine") == 0)
        return run_engine(argc, argv);
    return run_monitor(argc, argv);
}
