/* SPDX-License-Identifier: MIT */
/* The key derivation of encrypted openssh-key-v1 files: bcrypt_pbkdf(3) of OpenBSD. Any thread. */
#ifndef CX_BCRYPT_PBKDF_H
#define CX_BCRYPT_PBKDF_H

#include "crypto/err.h"
#include "crypto/span.h"

enum {
    CX_BCRYPT_ROUNDS_MAX = 1000, /* seconds of work; ssh-keygen uses 16 to 24 */
    CX_BCRYPT_OUT_MAX = 1024,
};

/* Fills out. CX_E_UNSUPPORTED: rounds out of their bounds, or something empty. */
CX_MUST_CHECK enum cx_err cx_bcrypt_pbkdf(struct cx_view passphrase, struct cx_view salt, uint32_t rounds, struct cx_span out);

#endif
