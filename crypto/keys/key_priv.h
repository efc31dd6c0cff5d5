/* SPDX-License-Identifier: MIT */
/* Inside crypto/keys only: the parts of keys, and their way into OpenSSL. Numbers are big-endian magnitudes. */
#ifndef CX_KEY_PRIV_H
#define CX_KEY_PRIV_H

#include <openssl/evp.h>

#include "crypto/keys/key.h"
#include "crypto/wire.h"

enum {
    CX_ED25519_PUBLIC_BYTES = 32,
    CX_ED25519_SECRET_BYTES = 64, /* the seed, and the public key behind it: libsodium's and OpenSSH's form */
    CX_SCALAR_BYTES_MAX = 66,     /* of P-521: private keys, coordinates, and the halves of a signature */
    CX_SECURITY_KEY_EXTENSIONS_MAX = 1024,
    CX_SECURITY_KEY_MESSAGE_MAX = 32 + 1 + 4 + CX_SECURITY_KEY_EXTENSIONS_MAX + 32,
    CX_RSA_BYTES_MAX = CX_RSA_BITS_MAX / 8,
};

/* A public key blob taken apart; every view is into the blob. */
struct cx_public_parts {
    enum cx_key_type type;
    struct cx_view point;       /* Ed25519's 32 bytes, or a curve's uncompressed point */
    struct cx_view e, n;        /* RSA */
    struct cx_view application; /* security keys: "ssh:", as a rule */
};

/* Its form and its sizes: what can be checked without arithmetic. */
CX_MUST_CHECK enum cx_err cx_public_parse(struct cx_view blob, struct cx_public_parts *parts);
/* The fields behind the name in a blob or a certificate, by parts->type; other fields of *parts become empty. */
CX_MUST_CHECK enum cx_err cx_public_read(struct cx_reader *r, struct cx_public_parts *parts);
/* What needs arithmetic: that a point lies on its curve. */
CX_MUST_CHECK enum cx_err cx_public_check(const struct cx_public_parts *parts);
/* The key of a certificate, of which nothing but the form is checked. */
CX_MUST_CHECK enum cx_err cx_certificate_public_parse(struct cx_view blob, struct cx_public_parts *parts);
const char *cx_key_certificate_name(enum cx_key_type type);
/* One line of a file: its first word into *name, the bytes of its second one's base64 into out. CX_E_MALFORMED. */
CX_MUST_CHECK enum cx_err cx_public_line_split(struct cx_view line, struct cx_view *name, struct cx_span out, size_t *used,
                                               struct cx_view *rest);
/* The type of a key by its name, or by that of its certificates; false: not ours. */
bool cx_key_type_find(struct cx_view name, bool certificate, enum cx_key_type *type);

/* What a security key signs in data's stead, and what it states there. */
struct cx_security_key_message {
    size_t len;
    uint8_t bytes[CX_SECURITY_KEY_MESSAGE_MAX];
    struct cx_verified verified;
};
/* r: what follows the signature proper in its blob, read to its end. CX_E_SIGNATURE: malformed, or not made over data. */
CX_MUST_CHECK enum cx_err cx_security_key_message(const struct cx_sign_alg *alg, struct cx_view application, struct cx_reader *r,
                                                  struct cx_view data, struct cx_security_key_message *out);

/* A curve of ECDSA keys: RFC 5656. */
struct cx_curve {
    const char *name;  /* inside the blob */
    const char *group; /* OpenSSL's name */
    size_t scalar_bytes;
};
/* NULL: no ECDSA key. */
const struct cx_curve *cx_key_curve(enum cx_key_type type);

/* The secret parts of an RSA key beside its public ones. */
struct cx_rsa_secret {
    struct cx_view d, inverse_q, p, q;
};

/* For ECDSA and RSA. A point that is off its curve: CX_E_WEAK. The caller frees. */
CX_MUST_CHECK enum cx_err cx_evp_public(const struct cx_public_parts *parts, EVP_PKEY **out);
CX_MUST_CHECK enum cx_err cx_evp_private_ecdsa(const struct cx_public_parts *parts, struct cx_view scalar, EVP_PKEY **out);
CX_MUST_CHECK enum cx_err cx_evp_private_rsa(const struct cx_public_parts *parts, const struct cx_rsa_secret *secret,
                                             EVP_PKEY **out);
/* That the numbers of a private RSA key belong together; CX_E_MALFORMED if not, or if one is missing. */
CX_MUST_CHECK enum cx_err cx_rsa_check(const EVP_PKEY *evp);
const EVP_MD *cx_evp_digest(enum cx_hash_alg hash);

struct cx_private_key {
    enum cx_key_type type;
    uint8_t ed25519[CX_ED25519_SECRET_BYTES];
    EVP_PKEY *evp; /* of the other types */
    size_t blob_len;
    uint8_t blob[CX_KEY_BLOB_MAX];
};

/* Makes a key of its parts, blob included, and proves by a signature, and an RSA key's numbers by arithmetic, that they belong
 * together: CX_E_MALFORMED if not. secret has CX_ED25519_SECRET_BYTES; evp becomes the key's, or is freed on an error. */
CX_MUST_CHECK enum cx_err cx_private_key_from_ed25519(const uint8_t *secret, struct cx_private_key **out);
CX_MUST_CHECK enum cx_err cx_private_key_from_evp(EVP_PKEY *evp, struct cx_private_key **out);

CX_MUST_CHECK enum cx_err cx_private_openssh_parse(struct cx_view text, struct cx_view passphrase, struct cx_private_key **out);
/* How the secret section of an openssh-key-v1 file is locked. */
struct cx_private_lock {
    struct cx_view cipher, kdf, kdf_options; /* as in the file */
    struct cx_view passphrase;
};
/* Opens the section in place; *block_bytes: what it is padded to. *locked: that a passphrase was used, which may yet be wrong.
 * CX_E_PASSPHRASE: none is given. */
CX_MUST_CHECK enum cx_err cx_private_decrypt(const struct cx_private_lock *lock, struct cx_span section, size_t *block_bytes,
                                             bool *locked);
CX_MUST_CHECK enum cx_err cx_private_pem_parse(struct cx_view text, struct cx_view passphrase, struct cx_private_key **out);

#define CX_OPENSSH_BEGIN "-----BEGIN OPENSSH PRIVATE KEY-----"
#define CX_OPENSSH_END "-----END OPENSSH PRIVATE KEY-----"
#define CX_OPENSSH_MAGIC "openssh-key-v1" /* its NUL belongs to it */

#endif
