/* SPDX-License-Identifier: MIT */
/* What a server signs to prove that a host key is its own: OpenSSH PROTOCOL section 2.5. Made by whoever holds the key. Any thread.
 */
#ifndef MUX_HOST_KEYS_H
#define MUX_HOST_KEYS_H

#include "mux/session.h"

enum { MUX_PROOF_MAX = 64 + CX_HASH_MAX_BYTES + CX_KEY_BLOB_MAX };

/* The bytes to sign, in room of MUX_PROOF_MAX. Empty: an id or a key that is too long. */
struct cx_view mux_host_key_proof(struct cx_span room, struct cx_view session_id, struct cx_view blob);

#endif
