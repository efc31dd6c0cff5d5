/* SPDX-License-Identifier: MIT */
/* SHA-512 one message at a time, by OpenSSL's assembly: 3.5 cycles a byte on Zen 5, where what gcc makes of these rounds for the
 * integer units takes 4.9. The low-level functions, which OpenSSL 3 calls deprecated, are the only ones that go on from a given
 * state. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

#include "crypto/kernels/sha2_priv.h"
#include "crypto/secret.h"

void cx_sha512_single_run(union cx_sha2_state *const state[], const uint8_t *const in[], size_t lanes, size_t blocks)
{
    SHA512_CTX one;
    for (size_t i = 0; i < lanes; i++) {
        SHA512_Init(&one);
        memcpy(one.h, state[i]->word64, sizeof one.h);
        SHA512_Update(&one, in[i], blocks * CX_SHA512_BLOCK_BYTES);
        memcpy(state[i]->word64, one.h, sizeof one.h);
    }
    cx_secret_wipe(&one, sizeof one);
}
