/* SPDX-License-Identifier: MIT */
/* The key types and signature algorithms by name. */
#include <assert.h>

#include "crypto/keys/key_priv.h"

static const struct {
    const char *name, *label, *certificate;
} types[CX_KEY_TYPE_COUNT] = {
    [CX_KEY_ED25519] = { "ssh-ed25519", "ED25519", "ssh-ed25519-cert-v01@openssh.com" },
    [CX_KEY_ECDSA_P256] = { "ecdsa-sha2-nistp256", "ECDSA", "ecdsa-sha2-nistp256-cert-v01@openssh.com" },
    [CX_KEY_ECDSA_P384] = { "ecdsa-sha2-nistp384", "ECDSA", "ecdsa-sha2-nistp384-cert-v01@openssh.com" },
    [CX_KEY_ECDSA_P521] = { "ecdsa-sha2-nistp521", "ECDSA", "ecdsa-sha2-nistp521-cert-v01@openssh.com" },
    [CX_KEY_RSA] = { "ssh-rsa", "RSA", "ssh-rsa-cert-v01@openssh.com" },
    [CX_KEY_SK_ED25519] = { "sk-ssh-ed25519@openssh.com", "ED25519-SK", "sk-ssh-ed25519-cert-v01@openssh.com" },
    [CX_KEY_SK_ECDSA_P256] = { "sk-ecdsa-sha2-nistp256@openssh.com", "ECDSA-SK", "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com" },
};

/* RFC 5656 section 10.1 */
static const struct cx_curve curves[CX_KEY_TYPE_COUNT] = {
    [CX_KEY_ECDSA_P256] = { "nistp256", "prime256v1", 32 },
    [CX_KEY_ECDSA_P384] = { "nistp384", "secp384r1", 48 },
    [CX_KEY_ECDSA_P521] = { "nistp521", "secp521r1", 66 },
    [CX_KEY_SK_ECDSA_P256] = { "nistp256", "prime256v1", 32 },
};

#define SK_ED25519 "sk-ssh-ed25519@openssh.com"
#define SK_ECDSA "sk-ecdsa-sha2-nistp256@openssh.com"

/* Best first within each kind. ssh-rsa is no signature algorithm here: it is SHA-1, which RFC 9142 rules out. */
static const struct cx_sign_alg algorithms[] = {
    { "ssh-ed25519", "ssh-ed25519", CX_KEY_ED25519, CX_SHA512 },
    { "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256", CX_KEY_ECDSA_P256, CX_SHA256 },
    { "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384", CX_KEY_ECDSA_P384, CX_SHA384 },
    { "ecdsa-sha2-nistp521", "ecdsa-sha2-nistp521", CX_KEY_ECDSA_P521, CX_SHA512 },
    { "rsa-sha2-512", "rsa-sha2-512", CX_KEY_RSA, CX_SHA512 },
    { "rsa-sha2-256", "rsa-sha2-256", CX_KEY_RSA, CX_SHA256 },
    { SK_ED25519, SK_ED25519, CX_KEY_SK_ED25519, CX_SHA512 },
    { SK_ECDSA, SK_ECDSA, CX_KEY_SK_ECDSA_P256, CX_SHA256 },
    { "webauthn-" SK_ECDSA, "webauthn-" SK_ECDSA, CX_KEY_SK_ECDSA_P256, CX_SHA256, .webauthn = true },
    { "ssh-ed25519-cert-v01@openssh.com", "ssh-ed25519", CX_KEY_ED25519, CX_SHA512, .certificate = true },
    { "ecdsa-sha2-nistp256-cert-v01@openssh.com", "ecdsa-sha2-nistp256", CX_KEY_ECDSA_P256, CX_SHA256, .certificate = true },
    { "ecdsa-sha2-nistp384-cert-v01@openssh.com", "ecdsa-sha2-nistp384", CX_KEY_ECDSA_P384, CX_SHA384, .certificate = true },
    { "ecdsa-sha2-nistp521-cert-v01@openssh.com", "ecdsa-sha2-nistp521", CX_KEY_ECDSA_P521, CX_SHA512, .certificate = true },
    { "rsa-sha2-512-cert-v01@openssh.com", "rsa-sha2-512", CX_KEY_RSA, CX_SHA512, .certificate = true },
    { "rsa-sha2-256-cert-v01@openssh.com", "rsa-sha2-256", CX_KEY_RSA, CX_SHA256, .certificate = true },
    { "sk-ssh-ed25519-cert-v01@openssh.com", SK_ED25519, CX_KEY_SK_ED25519, CX_SHA512, .certificate = true },
    { "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com", SK_ECDSA, CX_KEY_SK_ECDSA_P256, CX_SHA256, .certificate = true },
    { "webauthn-sk-ecdsa-sha2-nistp256-cert-v01@openssh.com", "webauthn-" SK_ECDSA, CX_KEY_SK_ECDSA_P256, CX_SHA256,
      .webauthn = true, .certificate = true },
};
enum { ALGORITHM_COUNT = sizeof algorithms / sizeof algorithms[0] };

const char *cx_key_type_name(enum cx_key_type type)
{
    assert((unsigned)type < CX_KEY_TYPE_COUNT);
    return types[type].name;
}

const char *cx_key_type_label(enum cx_key_type type)
{
    assert((unsigned)type < CX_KEY_TYPE_COUNT);
    return types[type].label;
}

bool cx_key_type_find(struct cx_view name, bool certificate, enum cx_key_type *type)
{
    for (unsigned i = 0; i < CX_KEY_TYPE_COUNT; i++)
        if (cx_view_is(name, certificate ? types[i].certificate : types[i].name)) {
            *type = (enum cx_key_type)i;
            return true;
        }
    return false;
}

const char *cx_key_certificate_name(enum cx_key_type type)
{
    assert((unsigned)type < CX_KEY_TYPE_COUNT);
    return types[type].certificate;
}

const struct cx_curve *cx_key_curve(enum cx_key_type type)
{
    assert((unsigned)type < CX_KEY_TYPE_COUNT);
    return curves[type].name ? &curves[type] : NULL;
}

const struct cx_sign_alg *cx_sign_alg_at(size_t i)
{
    return i < ALGORITHM_COUNT ? &algorithms[i] : NULL;
}

const struct cx_sign_alg *cx_sign_alg_find(struct cx_view name)
{
    for (size_t i = 0; i < ALGORITHM_COUNT; i++)
        if (cx_view_is(name, algorithms[i].name))
            return &algorithms[i];
    return NULL;
}
