/* SPDX-License-Identifier: MIT */
/* Blowfish (B. Schneier, 1993) with the key setup of bcrypt (N. Provos and D. Mazières, 1999), for passphrases alone.
 * Its tables are looked up by secret values, as they are in every bcrypt. One thread at a time. */
#ifndef CX_BLOWFISH_H
#define CX_BLOWFISH_H

#include "crypto/span.h"

enum { CX_BLOWFISH_SUBKEYS = 18 };

struct cx_blowfish {
    uint32_t subkeys[CX_BLOWFISH_SUBKEYS];
    uint32_t boxes[4][256];
};

/* What every key setup starts from. */
extern const struct cx_blowfish cx_blowfish_pi;

/* bcrypt's ExpandKey. The key is not empty; the salt may be. */
void cx_blowfish_expand(struct cx_blowfish *b, struct cx_view salt, struct cx_view key);
void cx_blowfish_encrypt(const struct cx_blowfish *b, uint32_t block[2]);

#endif
