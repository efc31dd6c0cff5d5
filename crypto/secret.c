/* SPDX-License-Identifier: MIT */
/* Wiping and comparing secrets; both lean on library functions that promise what an optimiser may not break. */
#include "crypto/secret.h"

#include <openssl/crypto.h>

void cx_secret_wipe(void *secret, size_t len)
{
    explicit_bzero(secret, len);
}

bool cx_secret_equal(const void *a, const void *b, size_t len)
{
    return CRYPTO_memcmp(a, b, len) == 0;
}
