/* SPDX-License-Identifier: MIT */
/* Answers as a person reads them, in at most 80 columns, and as programs do. One thread. */
#ifndef GW_CTL_TABLE_H
#define GW_CTL_TABLE_H

#include <stdio.h>

#include "gateway/ctl/reply.h"

void gw_ctl_table_info(const struct gw_ctl_reply *r, FILE *out);
void gw_ctl_table_queues(const struct gw_ctl_reply *r, FILE *out);
void gw_ctl_table_sessions(const struct gw_ctl_reply *r, FILE *out);
/* The lines as they came, in one JSON document: {"queues":[…]}, each queue with its "members"; or {"NAME":[…]}. */
void gw_ctl_json_queues(const struct gw_ctl_reply *r, FILE *out);
void gw_ctl_json_list(const struct gw_ctl_reply *r, const char *name, FILE *out);
/* A single line: itself. */
void gw_ctl_json_one(const struct gw_ctl_reply *r, FILE *out);

#endif
