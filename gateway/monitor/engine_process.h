/* SPDX-License-Identifier: MIT */
/* One generation of the engine, as the monitor sees it: the process, its control socket, and a socket for each of its workers.
 *
 *   down --start--> starting --READY--> up --DRAIN--> draining
 *     ^                 |                |               |
 *     +----- reaped ----+----------------+---------------+
 *
 * What the engine is to be told is owed as flags and sent, in order, whenever its control socket has room: the monitor never
 * waits for it. One thread. */
#ifndef GW_ENGINE_PROCESS_H
#define GW_ENGINE_PROCESS_H

#include <sys/types.h>

#include "gateway/config/config.h"
#include "gateway/engine/loop.h"
#include "gateway/monitor/control_socket.h"
#include "gateway/monitor/host_keys.h"
#include "gateway/monitor/ipc.h"
#include "gateway/monitor/listeners.h"
#include "gateway/monitor/privileges.h"

/* The monitor's end of a worker's socket. */
struct gw_worker_link {
    struct gw_watch watch;
    struct gw_ipc_out out; /* answers */
    unsigned jobs;         /* signatures under way, but for RSA */
};

/* What every generation is started from. Borrowed. */
struct gw_engine_seed {
    const struct gw_config *config; /* the newest */
    const struct gw_host_keys *keys;
    const struct gw_listeners *listeners;
    const struct gw_control_socket *control_socket;
    const struct gw_account *account;
};

struct gw_engine_process {
    struct gw_loop *loop;
    pid_t pid; /* 0: down */
    uint32_t generation;
    uint64_t started_ns;
    bool ready;         /* it said so */
    bool draining;      /* it was, or is about to be, told */
    bool gone;          /* it ended; what it sent before is still read, and nothing answered */
    const char *doomed; /* why it was killed; NULL: it was not */

    struct gw_watch control;
    struct gw_ipc_out out;
    const struct gw_engine_seed *seed;
    unsigned sent; /* records of the start sequence that are out */
    bool config_owed, drain_owed;

    unsigned worker_count;
    struct gw_worker_link *workers;
    int *worker_ends; /* the engine's ends, until they are sent */
};

/* Forks and executes a generation. False: errno; nothing is left behind. e is zero before the first, or what reaped left. */
bool gw_engine_start(struct gw_engine_process *e, struct gw_loop *loop, const struct gw_engine_seed *seed, unsigned workers);
/* Owes it seed->config. */
void gw_engine_reload(struct gw_engine_process *e);
/* Owes it DRAIN. */
void gw_engine_drain(struct gw_engine_process *e);
/* Ends it at once for a reason (static), which the log gets. Nothing of it is served any more; the reaping follows. */
void gw_engine_kill(struct gw_engine_process *e, const char *why);
/* Sends what is owed, and reads what the control socket has. True: READY came just now. */
bool gw_engine_serve_control(struct gw_engine_process *e);
/* The process is gone: frees all that belonged to it, and leaves e down. */
void gw_engine_reaped(struct gw_engine_process *e);

/* How many workers a configuration gets: its Workers, or one a core. */
unsigned gw_engine_worker_count(const struct gw_config *config);

#endif
