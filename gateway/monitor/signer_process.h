/* SPDX-License-Identifier: MIT */
/* One signer process, and the two records that it and the pool exchange. Private to signer.c and signer_process.c: both ends are
 * the same program, so the records are plain structs. */
#ifndef GW_SIGNER_PROCESS_H
#define GW_SIGNER_PROCESS_H

#include <sys/types.h>

#include "gateway/monitor/host_keys.h"

struct gw_signer_request {
    uint32_t key;
    uint32_t hash_len;
    const struct cx_sign_alg *alg; /* a const table's: at the same address in a forked process */
    uint8_t hash[CX_HASH_MAX_BYTES];
};

/* Answers come in the order of the requests, each a datagram: the signature, or one byte of 0 if it could not be made (an empty
 * datagram would look like the end). */

/* Forks a signer that serves the returned socket until its end. The pid, or -1 with errno. */
pid_t gw_signer_process_start(const struct gw_host_keys *keys, int *socket);

#endif
