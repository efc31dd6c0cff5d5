/* SPDX-License-Identifier: MIT */
/* Choosing and comparing where time and addresses must not depend on what is chosen or compared. Masks are 0 or all ones. */
#ifndef CX_CT_PRIV_H
#define CX_CT_PRIV_H

#include "crypto/span.h"

#if defined(SLUICE_MEMCHECK)
#include <valgrind/memcheck.h>
#endif

/* The compiler knows nothing of what comes out, and so cannot turn arithmetic on it into a branch. */
static inline uint32_t cx_ct_hide(uint32_t x)
{
    __asm__("" : "+r"(x));
    return x;
}

/* Of a bit: 0 or 1. */
static inline uint32_t cx_ct_mask(uint32_t bit)
{
    return -cx_ct_hide(bit);
}

/* Ones where any byte differs. */
static inline uint32_t cx_ct_differ(const uint8_t *a, const uint8_t *b, size_t len)
{
    uint32_t seen = 0;
    for (size_t i = 0; i < len; i++)
        seen |= (uint32_t)(a[i] ^ b[i]);
    return cx_ct_mask((seen + 0xff) >> 8);
}

/* out becomes in where the mask is ones, and stays where it is 0. */
static inline void cx_ct_replace(uint8_t *out, const uint8_t *in, size_t len, uint32_t mask)
{
    for (size_t i = 0; i < len; i++)
        out[i] ^= (uint8_t)(mask & (uint32_t)(out[i] ^ in[i]));
}

/* These bytes came out of a secret and are public by the method's design: the test that follows undefined secrets through the
 * code (tests/unit/crypto/memcheck_kex.c, which compiles it with SLUICE_MEMCHECK) may see them in a branch. */
static inline void cx_ct_publish(const void *bytes, size_t len)
{
#if defined(SLUICE_MEMCHECK)
    VALGRIND_MAKE_MEM_DEFINED(bytes, len);
#else
    (void)bytes;
    (void)len;
#endif
}

#endif
