/* SPDX-License-Identifier: MIT */
/* How sshd's log names a key: "ED25519 SHA256:…", or a certificate: "ED25519-CERT SHA256:… ID badge (serial 7) CA RSA SHA256:…".
 * Any thread. */
#ifndef GW_KEY_TEXT_H
#define GW_KEY_TEXT_H

#include "crypto/keys/key.h"

enum { GW_KEY_TEXT = 640 };

/* blob: one that suits alg (cx_key_blob_suits). fingerprint: the key's, also of a certificate. The CA's words are escaped. */
void gw_key_text(struct cx_view blob, const struct cx_sign_alg *alg, char fingerprint[CX_FINGERPRINT_TEXT], char text[GW_KEY_TEXT]);

#endif
