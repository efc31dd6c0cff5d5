/* SPDX-License-Identifier: MIT */
/* See key_text.h. */
#include "gateway/auth/key_text.h"

#include <stdio.h>

#include "crypto/keys/certificate.h"
#include "gateway/observe/log.h"

enum { ID_LOGGED = 100 };

static void certificate_text(const struct cx_certificate *c, char fingerprint[CX_FINGERPRINT_TEXT], char text[GW_KEY_TEXT])
{
    uint8_t key[CX_KEY_BLOB_MAX];
    char ca[CX_FINGERPRINT_TEXT], id[4 * ID_LOGGED + 4];
    struct cx_view logged = { c->key_id.data, c->key_id.len < ID_LOGGED ? c->key_id.len : ID_LOGGED };
    cx_key_fingerprint(cx_certificate_key(c, key), fingerprint);
    cx_key_fingerprint(c->ca_key, ca);
    snprintf(text, GW_KEY_TEXT, "%s-CERT %s ID %s (serial %llu) CA %s %s", cx_key_type_label(c->type), fingerprint,
             gw_log_escape(id, sizeof id, logged, false), (unsigned long long)c->serial, cx_key_type_label(c->signature_alg->type),
             ca);
}

void gw_key_text(struct cx_view blob, const struct cx_sign_alg *alg, char fingerprint[CX_FINGERPRINT_TEXT], char text[GW_KEY_TEXT])
{
    struct cx_certificate certificate;
    if (alg->certificate && cx_certificate_parse(blob, &certificate) == CX_OK) {
        certificate_text(&certificate, fingerprint, text);
        return;
    }
    cx_key_fingerprint(blob, fingerprint);
    snprintf(text, GW_KEY_TEXT, "%s %s", cx_key_type_label(alg->type), fingerprint);
}
