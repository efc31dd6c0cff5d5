/* SPDX-License-Identifier: MIT */
/* The signers: processes of the monitor that do nothing but sign exchange hashes with the host keys, and prove these, so that the
 * monitor never waits for a signature and uses every core. RSA keys have a signer and a queue of their own: a peer who picks RSA,
 * at about 1.8 ms a signature, holds up RSA logins only. All calls: the monitor's one thread. */
#ifndef GW_SIGNER_H
#define GW_SIGNER_H

#include <sys/types.h>

#include "crypto/keys/key.h"
#include "gateway/engine/loop.h"
#include "gateway/monitor/host_keys.h"

enum {
    GW_SIGNERS_MAX = 4,          /* for the fast keys: one a core, at most so many */
    GW_SIGNER_QUEUE = 1024,      /* requests that wait for one of them: about 30 ms of Ed25519 */
    GW_SIGNER_RSA_QUEUE = 512,   /* about 0.9 s of RSA-3072 */
    GW_SIGNER_RESTART_MS = 500,  /* a signer that ends is started again, at most so often */
    GW_SIGNER_STUCK_SECONDS = 5, /* one that answers nothing for so long is killed */
};

/* With which host key, and who is to get the signature. */
struct gw_sign_job {
    uint32_t host_key;
    uint32_t generation; /* of the engine */
    uint32_t worker;
    uint64_t id;
};

struct gw_signer_pool; /* opaque */

/* Called from gw_signer_pool_receive and gw_signer_pool_reaped. signature: empty if it could not be made. */
typedef void gw_signer_answer(void *ctx, const struct gw_sign_job *job, struct cx_view signature);

/* Starts the processes; keys and loop must outlive the pool. NULL: errno. */
struct gw_signer_pool *gw_signer_pool_new(struct gw_loop *loop, const struct gw_host_keys *keys, gw_signer_answer *answer,
                                          void *ctx);
/* Ends them and waits until they are gone, which takes a second where one is stopped. Jobs under way are forgotten. NULL is fine.
 */
void gw_signer_pool_free(struct gw_signer_pool *pool);

/* Queues hash to be signed with job->host_key, which alg must fit. False: too many wait, or no signer is up. */
bool gw_signer_pool_sign(struct gw_signer_pool *pool, const struct gw_sign_job *job, const struct cx_sign_alg *alg,
                         struct cx_view hash);
/* The same for the proof that this host key is ours, in the session of that id: see mux_host_key_proof. */
bool gw_signer_pool_prove(struct gw_signer_pool *pool, const struct gw_sign_job *job, const struct cx_sign_alg *alg,
                          struct cx_view session_id);
/* Hands out the answers that came. */
void gw_signer_pool_receive(struct gw_signer_pool *pool);
/* Sends what is queued, as far as there is room. */
void gw_signer_pool_send(struct gw_signer_pool *pool);
/* A child ended. True: it was a signer; its jobs are answered empty, and it is started again. */
bool gw_signer_pool_reaped(struct gw_signer_pool *pool, pid_t pid, int status);

#endif
