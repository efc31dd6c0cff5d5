/* SPDX-License-Identifier: MIT */
/* Inside crypto/kernels only: HMAC (RFC 2104) of a batch of packets, over whatever compresses several messages at once. */
#ifndef CX_HMAC_LANES_PRIV_H
#define CX_HMAC_LANES_PRIV_H

#include "crypto/kernels/kernels_priv.h"
#include "crypto/kernels/sha2_priv.h"
#include "crypto/packet/packet_priv.h"

/* A context of 192 bytes: where the hash stands behind the two pads, which no packet need compute again. */
void *cx_hmac_expand(const struct cx_sha2 *sha2, const struct cx_packet_key *k);
void cx_hmac_release(void *context);
bool cx_hmac_tags(void *context, const struct cx_mac_job job[], size_t n);
/* Of a hash that has run_beside. */
bool cx_hmac_tags_and_crypt(void *context, const struct cx_mac_crypt *x);

#endif
