/* SPDX-License-Identifier: MIT */
/* Inside work*.c: the modes' tables. */
#ifndef LOAD_WORK_PRIV_H
#define LOAD_WORK_PRIV_H

#include "bench/load/pattern.h"
#include "bench/load/work.h"
#include "bench/load/worker_priv.h"

extern const struct load_work load_work_handshake, load_work_churn, load_work_echo, load_work_bulk_up, load_work_bulk_down,
    load_work_idle;

#endif
