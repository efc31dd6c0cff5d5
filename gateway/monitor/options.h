/* SPDX-License-Identifier: MIT */
/* sluiced's command line: sshd's. */
#ifndef GW_OPTIONS_H
#define GW_OPTIONS_H

#include "gateway/monitor/monitor.h"

enum gw_action { GW_ACTION_RUN, GW_ACTION_TEST, GW_ACTION_PRINT, GW_ACTION_VERSION, GW_ACTION_HELP, GW_ACTION_WRONG };

struct gw_command_line {
    enum gw_action action;
    struct gw_monitor_options monitor; /* owned: gw_options_deinit */
    char error[256];                   /* GW_ACTION_WRONG */
};

extern const char gw_options_help[];

void gw_options_parse(int argc, char **argv, struct gw_command_line *out);
void gw_options_deinit(struct gw_command_line *c);

#endif
