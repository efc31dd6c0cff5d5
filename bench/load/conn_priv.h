/* SPDX-License-Identifier: MIT */
/* Inside conn*.c. */
#ifndef LOAD_CONN_PRIV_H
#define LOAD_CONN_PRIV_H

#include "bench/load/work.h"
#include "bench/load/worker_priv.h"

enum { LOAD_SEND_ROOM_LEAST = MUX_CHANNEL_PACKET_MAX + 1024 }; /* below this produce might make no progress */

/* Every change of a phase or a state goes through these, which keep the counts. */
void load_conn_enter(struct load_conn *c, enum load_conn_phase phase);
void load_channel_enter(struct load_channel *ch, enum load_channel_state state);

/* The login was accepted. */
void load_conn_up(struct load_conn *c);

/* conn_bytes.c: within a budget; what is left over is marked for the next round. */
void load_conn_read(struct load_conn *c);
void load_conn_write(struct load_conn *c);

#endif
