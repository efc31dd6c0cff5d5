/* SPDX-License-Identifier: MIT */
/* Certificates: PROTOCOL.certkeys of OpenSSH. */
#include "crypto/keys/certificate.h"

#include <assert.h>

#include "crypto/keys/key_priv.h"

/* Names end up in C strings, where a NUL would cut them. */
static struct cx_view read_name(struct cx_reader *r)
{
    struct cx_view name = cx_reader_string(r);
    if (memchr(name.data, 0, name.len))
        cx_reader_fail(r);
    return name;
}

static bool principals_are_good(struct cx_view principals)
{
    struct cx_reader r = cx_reader(principals);
    for (size_t count = 0; r.left.len > 0; count++) {
        read_name(&r);
        if (count == CX_CERTIFICATE_PRINCIPALS_MAX)
            return false;
    }
    return cx_reader_ok(&r);
}

static int compare(struct cx_view a, struct cx_view b)
{
    int order = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

/* Rising names: an option that stands twice could mean one thing to the CA and another to us. */
static bool options_are_good(struct cx_view options)
{
    struct cx_reader r = cx_reader(options);
    struct cx_view last = cx_view("", 0);
    while (r.left.len > 0) {
        struct cx_view name = read_name(&r);
        cx_reader_string(&r);
        if (compare(name, last) <= 0)
            return false;
        last = name;
    }
    return cx_reader_ok(&r);
}

/* The CA's algorithm is named in its signature alone. A browser signs for users, never for a CA. */
static enum cx_err find_signature_alg(struct cx_certificate *out)
{
    struct cx_public_parts ca;
    struct cx_reader r = cx_reader(out->signature);
    out->signature_alg = cx_sign_alg_find(cx_reader_string(&r));
    enum cx_err err = cx_public_parse(out->ca_key, &ca); /* knows no certificate: there are no chains */
    if (err)
        return err;
    if (!cx_reader_ok(&r))
        return CX_E_MALFORMED;
    if (!out->signature_alg || out->signature_alg->certificate || out->signature_alg->webauthn)
        return CX_E_UNSUPPORTED;
    return out->signature_alg->type == ca.type ? CX_OK : CX_E_MALFORMED;
}

static enum cx_err read_key(struct cx_reader *r, struct cx_certificate *out, struct cx_public_parts *key)
{
    const uint8_t *begin = r->left.data;
    key->type = out->type;
    enum cx_err err = cx_public_read(r, key);
    if (err)
        return err;
    out->key_fields = cx_view(begin, (size_t)(r->left.data - begin));
    /* so that the plain blob has room where plain blobs have */
    return 4 + strlen(cx_key_type_name(out->type)) + out->key_fields.len <= CX_KEY_BLOB_MAX ? CX_OK : CX_E_MALFORMED;
}

static enum cx_err read_statements(struct cx_reader *r, struct cx_view blob, struct cx_certificate *out)
{
    out->serial = cx_reader_u64(r);
    uint32_t kind = cx_reader_u32(r);
    out->key_id = read_name(r);
    out->principals = cx_reader_string(r);
    out->valid_after = cx_reader_u64(r);
    out->valid_before = cx_reader_u64(r);
    out->critical_options = cx_reader_string(r);
    out->extensions = cx_reader_string(r);
    cx_reader_string(r); /* reserved: ignored in this version of the format */
    out->ca_key = cx_reader_string(r);
    out->signed_bytes = cx_view(blob.data, blob.len - r->left.len);
    out->signature = cx_reader_string(r);
    out->kind = kind == CX_CERTIFICATE_USER ? CX_CERTIFICATE_USER : CX_CERTIFICATE_HOST;
    bool good = cx_reader_done(r) && kind == out->kind && principals_are_good(out->principals) &&
                options_are_good(out->critical_options) && options_are_good(out->extensions);
    return good ? CX_OK : CX_E_MALFORMED;
}

static enum cx_err parse(struct cx_view blob, struct cx_certificate *out, struct cx_public_parts *key)
{
    struct cx_reader r = cx_reader(blob);
    struct cx_view name = cx_reader_string(&r);
    memset(out, 0, sizeof *out);
    if (!cx_reader_ok(&r) || blob.len > CX_CERTIFICATE_MAX)
        return CX_E_MALFORMED;
    if (!cx_key_type_find(name, true, &out->type))
        return CX_E_UNSUPPORTED;
    out->nonce = cx_reader_string(&r);
    enum cx_err err = read_key(&r, out, key);
    if (!err)
        err = read_statements(&r, blob, out);
    return err ? err : find_signature_alg(out);
}

enum cx_err cx_certificate_parse(struct cx_view blob, struct cx_certificate *out)
{
    struct cx_public_parts key;
    return parse(blob, out, &key);
}

enum cx_err cx_certificate_public_parse(struct cx_view blob, struct cx_public_parts *parts)
{
    struct cx_certificate certificate;
    return parse(blob, &certificate, parts);
}

enum cx_err cx_certificate_verify(const struct cx_certificate *certificate)
{
    struct cx_verified verified;
    return cx_key_verify_details(certificate->ca_key, certificate->signature_alg, certificate->signature, certificate->signed_bytes,
                                 &verified);
}

enum cx_err cx_certificate_check(struct cx_view blob, struct cx_certificate *out)
{
    struct cx_public_parts key;
    enum cx_err err = parse(blob, out, &key);
    if (!err)
        err = cx_public_check(&key);
    return err ? err : cx_certificate_verify(out);
}

struct cx_view cx_certificate_key(const struct cx_certificate *certificate, uint8_t out[CX_KEY_BLOB_MAX])
{
    struct cx_writer w = cx_writer((struct cx_span){ out, CX_KEY_BLOB_MAX });
    cx_writer_text(&w, cx_key_type_name(certificate->type));
    cx_writer_raw(&w, certificate->key_fields);
    assert(cx_writer_ok(&w)); /* parse() has seen to it */
    return cx_writer_view(&w);
}

enum cx_err cx_certificate_line_parse(struct cx_view line, uint8_t out[CX_CERTIFICATE_MAX], size_t *blob_len, struct cx_view *rest)
{
    struct cx_view name;
    struct cx_certificate certificate;
    enum cx_err err = cx_public_line_split(line, &name, (struct cx_span){ out, CX_CERTIFICATE_MAX }, blob_len, rest);
    if (!cx_key_type_find(name, true, &certificate.type))
        return CX_E_UNSUPPORTED;
    if (!err)
        err = cx_certificate_parse(cx_view(out, *blob_len), &certificate);
    if (err)
        return err;
    return cx_view_is(name, cx_key_certificate_name(certificate.type)) ? CX_OK : CX_E_MALFORMED;
}
