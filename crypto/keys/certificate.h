/* SPDX-License-Identifier: MIT */
/* OpenSSH's certificates: PROTOCOL.certkeys, and PROTOCOL.u2f for those of security keys. Their form and their CA's
 * signature are judged here; whom the CA may speak for, names, times and options are the caller's. Any thread. */
#ifndef CX_CERTIFICATE_H
#define CX_CERTIFICATE_H

#include "crypto/keys/key.h"

enum {
    CX_CERTIFICATE_MAX = 16 * 1024, /* on the wire; those of some CAs carry whole lists of roles */
    CX_CERTIFICATE_PRINCIPALS_MAX = 256,
};

/* Every view is into the blob. */
struct cx_certificate {
    enum cx_key_type type; /* of the certified key */
    enum cx_certificate_kind kind;
    struct cx_view nonce;
    struct cx_view key_fields; /* the certified key without its name: see cx_certificate_key */
    uint64_t serial;
    struct cx_view key_id;              /* without a NUL, else as the CA liked it: escape it */
    struct cx_view principals;          /* strings, one behind the other, each without a NUL; none at all: see PROTOCOL.certkeys */
    uint64_t valid_after, valid_before; /* seconds since 1970: after <= now < before */
    /* Pairs of strings, name and data, by rising names. What the data must look like is each option's own. */
    struct cx_view critical_options, extensions;
    struct cx_view ca_key; /* a public key's blob */
    struct cx_view signed_bytes, signature;
    const struct cx_sign_alg *signature_alg; /* never one with SHA-1 */
};

/* The form alone: believe nothing of it before cx_certificate_verify. CX_E_MALFORMED, CX_E_UNSUPPORTED, CX_E_WEAK. */
CX_MUST_CHECK enum cx_err cx_certificate_parse(struct cx_view blob, struct cx_certificate *out);
/* The CA's signature. A CA that is kept on a security key need not have touched it, as in OpenSSH. */
CX_MUST_CHECK enum cx_err cx_certificate_verify(const struct cx_certificate *certificate);
/* Both, and full validation of the certified key. */
CX_MUST_CHECK enum cx_err cx_certificate_check(struct cx_view blob, struct cx_certificate *out);

/* The plain blob of the certified key, in out: what a private key has, and what fingerprints are made of. */
struct cx_view cx_certificate_key(const struct cx_certificate *certificate, uint8_t out[CX_KEY_BLOB_MAX]);

/* "ssh-ed25519-cert-v01@openssh.com AAAA... comment", as cx_key_line_parse, which takes no certificate; the form alone. */
CX_MUST_CHECK enum cx_err cx_certificate_line_parse(struct cx_view line, uint8_t out[CX_CERTIFICATE_MAX], size_t *blob_len,
                                                    struct cx_view *rest);

#endif
