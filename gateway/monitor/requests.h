/* SPDX-License-Identifier: MIT */
/* What an engine may ask of the monitor on its workers' sockets: signatures, proofs of host keys, key files, audit records. Each
 * request is typed, bounded and rated; one that does not parse, or that no honest engine would make, ends that engine. One thread.
 */
#ifndef GW_REQUESTS_H
#define GW_REQUESTS_H

#include "gateway/monitor/audit_file.h"
#include "gateway/monitor/engine_process.h"
#include "gateway/monitor/rate.h"
#include "gateway/monitor/session_ids.h"
#include "gateway/monitor/signer.h"

/* Per engine: the rates a second, and twice as many in a burst. */
enum {
    GW_REQUESTS_SIGN_RATE = 20000,
    GW_REQUESTS_PROVE_RATE = 5000,
    GW_REQUESTS_KEYS_RATE = 50000,
    GW_REQUESTS_AUDIT_RATE = 100000,
    GW_REQUESTS_JOBS_READ = 512, /* signatures under way for one worker, but for RSA, at which no more is read from it … */
    GW_REQUESTS_JOBS_MAX = 1024, /* … and which end in an empty answer */
};

struct gw_requests {
    struct gw_engine_process *engine;
    const struct gw_engine_seed *seed;
    struct gw_signer_pool *signers;
    struct gw_audit_file *audit;
    struct gw_session_ids session_ids; /* of this engine's connections */
    struct gw_rate sign_rate, prove_rate, keys_rate, audit_rate;
    struct gw_rate complaints;
    uint8_t *room; /* GW_IPC_DATAGRAM_MAX: the datagram in hand */
};

/* False: out of memory. The signers are set afterwards, since their answers come here. */
bool gw_requests_init(struct gw_requests *r, struct gw_engine_process *engine, const struct gw_engine_seed *seed,
                      struct gw_audit_file *audit);
void gw_requests_deinit(struct gw_requests *r);
/* Reads what every worker asks, within a budget, and sends the answers that there are. True: more can be read at once. */
bool gw_requests_serve(struct gw_requests *r);
/* The engine ended: reads what it asked last, which matters for audit records, and answers nothing. Its connections are gone with
 * it, and their session ids. */
void gw_requests_finish(struct gw_requests *r);
/* The signers' answer: see gw_signer_answer. ctx is the struct gw_requests. */
void gw_requests_signed(void *ctx, const struct gw_sign_job *job, struct cx_view signature);

#endif
