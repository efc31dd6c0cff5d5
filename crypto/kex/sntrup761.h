/* SPDX-License-Identifier: MIT */
/* Streamlined NTRU Prime 761, sntrup761: "NTRU Prime: round 3" (2020), as RFC 9941 names it. Randomness is drawn in the order of
 * the authors' reference, so that known answers can be run. Time and addresses depend on public values only: the public key, the
 * ciphertext, and how many candidates for a key were thrown away. Errors are CX_E_RESOURCE from hashing. Any thread.
 *
 * k: the selection whose kernel does the work (sntrup). */
#ifndef CX_SNTRUP761_H
#define CX_SNTRUP761_H

#include "crypto/err.h"
#include "crypto/kernels/kernels.h"
#include "crypto/random.h"

enum {
    CX_SNTRUP761_PUBLIC_BYTES = 1158,
    CX_SNTRUP761_SECRET_BYTES = 1763,
    CX_SNTRUP761_CIPHERTEXT_BYTES = 1039,
    CX_SNTRUP761_SHARED_BYTES = 32,
};

CX_MUST_CHECK enum cx_err cx_sntrup761_make_pair(const struct cx_kernels *k, const struct cx_random *random,
                                                 uint8_t secret[CX_SNTRUP761_SECRET_BYTES],
                                                 uint8_t public[CX_SNTRUP761_PUBLIC_BYTES]);
/* Every string of a public key's length stands for one. */
CX_MUST_CHECK enum cx_err cx_sntrup761_encapsulate(const struct cx_kernels *k, const struct cx_random *random,
                                                   const uint8_t public[CX_SNTRUP761_PUBLIC_BYTES],
                                                   uint8_t ciphertext[CX_SNTRUP761_CIPHERTEXT_BYTES],
                                                   uint8_t shared[CX_SNTRUP761_SHARED_BYTES]);
/* A ciphertext that is not what encapsulation gives yields a secret that depends on it and on a random part of the key. */
CX_MUST_CHECK enum cx_err cx_sntrup761_decapsulate(const struct cx_kernels *k, const uint8_t secret[CX_SNTRUP761_SECRET_BYTES],
                                                   const uint8_t ciphertext[CX_SNTRUP761_CIPHERTEXT_BYTES],
                                                   uint8_t shared[CX_SNTRUP761_SHARED_BYTES]);

#endif
