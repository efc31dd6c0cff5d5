/* SPDX-License-Identifier: MIT */
/* sluiced. One program, two roles: the monitor, which a person starts, and the engine, which the monitor executes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "gateway/engine/engine.h"
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
    return gw_engine_main(GW_IPC_CONTROL_FD);
}

static int run_monitor(int argc, char **argv)
{
    struct gw_command_line c;
    int status = 0;
    gw_options_parse(argc, argv, &c);
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
        puts("sluiced " SLUICE_VERSION);
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
