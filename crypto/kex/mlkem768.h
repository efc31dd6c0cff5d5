/* SPDX-License-Identifier: MIT */
/* ML-KEM-768: FIPS 203. Randomness is handed in as bytes, so that the standard's vectors can be run. Time and addresses depend
 * on public values only: the encapsulation key, the ciphertext, and rho, which is part of the key. Any thread.
 *
 * k: the selection whose kernels do the work (mlkem and keccak). */
#ifndef CX_MLKEM768_H
#define CX_MLKEM768_H

#include "crypto/err.h"
#include "crypto/kernels/kernels.h"
#include "crypto/span.h"

enum {
    CX_MLKEM768_SEED_BYTES = 64, /* d, then z */
    CX_MLKEM768_EK_BYTES = 1184,
    CX_MLKEM768_DK_BYTES = 2400,
    CX_MLKEM768_MESSAGE_BYTES = 32, /* the randomness of an encapsulation */
    CX_MLKEM768_CIPHERTEXT_BYTES = 1088,
    CX_MLKEM768_SHARED_BYTES = 32,
};

/* Algorithm 16. */
void cx_mlkem768_make_pair(const struct cx_kernels *k, const uint8_t seed[CX_MLKEM768_SEED_BYTES], uint8_t ek[CX_MLKEM768_EK_BYTES],
                           uint8_t dk[CX_MLKEM768_DK_BYTES]);
/* Algorithm 17. A key that fails the modulus check of section 7.2: CX_E_MALFORMED, with nothing written. */
CX_MUST_CHECK enum cx_err cx_mlkem768_encapsulate(const struct cx_kernels *k, const uint8_t ek[CX_MLKEM768_EK_BYTES],
                                                  const uint8_t message[CX_MLKEM768_MESSAGE_BYTES],
                                                  uint8_t ciphertext[CX_MLKEM768_CIPHERTEXT_BYTES],
                                                  uint8_t shared[CX_MLKEM768_SHARED_BYTES]);
/* Algorithm 18, for a dk that make_pair made. A ciphertext that is not what encapsulation gives yields a secret that depends on
 * z and on it. */
void cx_mlkem768_decapsulate(const struct cx_kernels *k, const uint8_t dk[CX_MLKEM768_DK_BYTES],
                             const uint8_t ciphertext[CX_MLKEM768_CIPHERTEXT_BYTES], uint8_t shared[CX_MLKEM768_SHARED_BYTES]);

#endif
