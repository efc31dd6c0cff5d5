/* SPDX-License-Identifier: MIT */
/* One signer process, and the two records that it and the pool exchange. Private to signer.c and signer_process.c: both ends are
 * the same program, so the records are plain structs. */
#ifndef GW_SIGNER_PROCESS_H
#define GW_SIGNER_PROCESS_H

#include <sys/types.h>

#include "gateway/monitor/host_keys.h"

enum gw_signer_task {
    GW_SIGNER_HASH,  /* of a key exchange */
    GW_SIGNER_PROOF, /* mux_host_key_proof, made in the signer of its own key and of a session id */
};

struct gw_signer_request {
    uint32_t key;
    enum gw_signer_task task;
    const struct cx_sign_alg *alg; /* a const table's: at the same address in a forked process */
    size_t len;
    uint8_t bytes[CX_HASH_MAX_BYTES]; /* the hash, or the session id, which is one */
};

/* Answers come in the order of the requests, each a datagram: the signature, or one byte of 0 if it could not be made (an empty
 * datagram would look like the end). */

/* Forks a signer that serves the returned socket until its end. The pid, or -1 with errno. */
pid_t gw_signer_process_start(const struct gw_host_keys *keys, int *socket);

#endif
