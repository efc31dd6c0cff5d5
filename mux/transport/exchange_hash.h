/* SPDX-License-Identifier: MIT */
/* The exchange hash H of RFC 4253 section 8, in the form of RFC 5656 and RFC 8731, or of RFC 4419 with an exchanged group: made by
 * both roles of the engine, and once more by the monitor, which signs none that it did not compute. Any thread. */
#ifndef MUX_EXCHANGE_HASH_H
#define MUX_EXCHANGE_HASH_H

#include "mux/session.h"

/* Writes cx_hash_len(in->kex->hash) bytes. k_s: the host key's blob. */
CX_MUST_CHECK enum cx_err mux_exchange_hash(const struct mux_kex_inputs *in, struct cx_view k_s, uint8_t h[CX_HASH_MAX_BYTES]);

#endif
