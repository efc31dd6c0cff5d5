/* SPDX-License-Identifier: MIT */
/* Public and private keys: the algorithms' table, signatures, and the forms that keys have on the wire and in files.
 * A key is immutable once made: any thread may use it, one at a time for private keys. */
#ifndef CX_KEY_H
#define CX_KEY_H

#include "crypto/err.h"
#include "crypto/hash.h"
#include "crypto/random.h"

enum {
    CX_KEY_BLOB_MAX = 4096,      /* a public key on the wire */
    CX_SIGNATURE_MAX = 2048,     /* a signature on the wire, name included */
    CX_KEY_FILE_MAX = 64 * 1024, /* a private key file */
    CX_RSA_BITS_MIN = 2048,
    CX_RSA_BITS_MAX = 8192,
    CX_FINGERPRINT_TEXT = 51, /* "SHA256:" and 43 characters, with a NUL */
};

enum cx_key_type {
    CX_KEY_ED25519,
    CX_KEY_ECDSA_P256,
    CX_KEY_ECDSA_P384,
    CX_KEY_ECDSA_P521,
    CX_KEY_RSA,
    CX_KEY_PRIVATE_COUNT, /* private keys are of the types above; those below live in security keys (FIDO) */
    CX_KEY_SK_ED25519 = CX_KEY_PRIVATE_COUNT,
    CX_KEY_SK_ECDSA_P256,
    CX_KEY_TYPE_COUNT
};

/* "ssh-ed25519" and so on: the name inside the public key blob. */
const char *cx_key_type_name(enum cx_key_type type);
/* As sshd's log spells it: "ED25519", "ECDSA", "RSA", "ED25519-SK". */
const char *cx_key_type_label(enum cx_key_type type);

/* A signature algorithm as negotiated: rsa-sha2-256 and rsa-sha2-512 both belong to ssh-rsa keys (RFC 8332). */
struct cx_sign_alg {
    const char *name;
    const char *signature_name; /* inside the signature: a certified key signs under its plain name */
    enum cx_key_type type;
    enum cx_hash_alg hash;
    bool webauthn;    /* made by a browser: PROTOCOL.u2f of OpenSSH */
    bool certificate; /* the key's blob is a certificate: crypto/keys/certificate.h */
};
/* Those that our own keys have without a certificate stand in front of all others. */
const struct cx_sign_alg *cx_sign_alg_find(struct cx_view name);
const struct cx_sign_alg *cx_sign_alg_at(size_t i);

/* The key type of a public key blob, after full validation (point on curve, RSA size). CX_E_UNSUPPORTED, CX_E_MALFORMED, CX_E_WEAK.
 */
CX_MUST_CHECK enum cx_err cx_key_blob_check(struct cx_view blob, enum cx_key_type *type);

/* Whom a certificate is for: as it says itself, in the wire's numbers. */
enum cx_certificate_kind { CX_CERTIFICATE_USER = 1, CX_CERTIFICATE_HOST = 2 };

/* Full validation of the blob that came with an algorithm's name, as a host's or a user's: a key of its type, or a certificate of
 * it whose CA's signature holds (what else the certificate says is still to be judged). Errors as above; CX_E_UNSUPPORTED also for
 * a certificate of the other kind; CX_E_SIGNATURE: the CA's is wrong. */
CX_MUST_CHECK enum cx_err cx_key_blob_suits(struct cx_view blob, const struct cx_sign_alg *alg, enum cx_certificate_kind kind);

/* Bits of an RSA key's modulus, or of that in an RSA certificate; 0: another type, or malformed. */
size_t cx_key_blob_rsa_bits(struct cx_view blob);

/* "SHA256:" and base64 without padding of the blob's hash. */
void cx_key_fingerprint(struct cx_view blob, char out[CX_FINGERPRINT_TEXT]);

/* Parses "ssh-ed25519 AAAA... comment" (leading blanks skipped): blob into out, *blob_len; *rest: what follows the base64.
 * The name in front must be the blob's own. Options in front are not this function's: see gateway/auth. */
CX_MUST_CHECK enum cx_err cx_key_line_parse(struct cx_view line, uint8_t out[CX_KEY_BLOB_MAX], size_t *blob_len,
                                            struct cx_view *rest);

/* Verifies a signature blob (string name, string signature: RFC 4253 section 6.6) over data.
 * The name inside must be alg's and the key of its type, else CX_E_SIGNATURE. Of a certificate the key alone is used. */
CX_MUST_CHECK enum cx_err cx_key_verify(struct cx_view key_blob, const struct cx_sign_alg *alg, struct cx_view signature,
                                        struct cx_view data);

/* What a security key states under its signature: PROTOCOL.u2f of OpenSSH. */
struct cx_verified {
    bool security_key;  /* false: a key of another kind, and nothing is stated */
    bool user_present;  /* somebody touched it */
    bool user_verified; /* by a PIN or a finger */
    uint32_t counter;   /* of its signatures */
};
/* As cx_key_verify, which takes no signature of a security key that nobody touched; here that is left to the caller. */
CX_MUST_CHECK enum cx_err cx_key_verify_details(struct cx_view key_blob, const struct cx_sign_alg *alg, struct cx_view signature,
                                                struct cx_view data, struct cx_verified *verified);

struct cx_private_key; /* opaque */

/* Reads an openssh-key-v1 or PEM (PKCS#1, SEC1, PKCS#8) private key. passphrase may be empty. text is not kept.
 * An encrypted file that costs more rounds than CX_BCRYPT_ROUNDS_MAX, or that is under a cipher ssh-keygen does not choose by
 * itself: CX_E_UNSUPPORTED. A key whose numbers do not all belong together: CX_E_MALFORMED. */
CX_MUST_CHECK enum cx_err cx_private_key_parse(struct cx_view text, struct cx_view passphrase, struct cx_private_key **out);
/* A new key; RSA's have 3072 bits. A type that lives in security keys: CX_E_UNSUPPORTED. For tests, benchmarks and first starts. */
CX_MUST_CHECK enum cx_err cx_private_key_generate(enum cx_key_type type, struct cx_private_key **out);
/* Wiped and freed; NULL is fine. */
void cx_private_key_free(struct cx_private_key *key);
enum cx_key_type cx_private_key_type(const struct cx_private_key *key);
/* Borrowed; lives as long as the key. */
struct cx_view cx_private_key_blob(const struct cx_private_key *key);
/* Signature blob into out, *len in: room, out: length; CX_SIGNATURE_MAX is room enough. alg of another type than the key's:
 * CX_E_UNSUPPORTED. */
CX_MUST_CHECK enum cx_err cx_private_key_sign(const struct cx_private_key *key, const struct cx_sign_alg *alg, struct cx_view data,
                                              uint8_t *out, size_t *len);
/* openssh-key-v1, unencrypted, NUL-terminated, into malloc'd *text that the caller wipes and frees. */
CX_MUST_CHECK enum cx_err cx_private_key_write(const struct cx_private_key *key, const char *comment, char **text);

#endif
