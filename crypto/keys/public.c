/* SPDX-License-Identifier: MIT */
/* Public keys: the blob on the wire (RFC 4253 section 6.6, RFC 5656 section 3.1, RFC 8709 section 4), the line in a file,
 * the fingerprint. */
#include <sodium.h>

#include "crypto/keys/certificate.h"
#include "crypto/keys/key_priv.h"

enum {
    /* A public exponent beyond 64 bits serves nobody, and costs whoever verifies. */
    RSA_EXPONENT_BYTES_MAX = 8,
    POINT_UNCOMPRESSED = 4,
};

/* The magnitude has no leading zero: an mpint's reader has seen to that. */
static size_t bit_count(struct cx_view number)
{
    if (number.len == 0)
        return 0;
    return number.len * 8 - ((size_t)__builtin_clz(number.data[0]) - 24);
}

static bool is_odd(struct cx_view number)
{
    return number.len > 0 && (number.data[number.len - 1] & 1) != 0;
}

static enum cx_err rsa_sizes_check(const struct cx_public_parts *parts)
{
    size_t bits = bit_count(parts->n);
    if (bits < CX_RSA_BITS_MIN || bits > CX_RSA_BITS_MAX || !is_odd(parts->n))
        return CX_E_WEAK;
    if (parts->e.len > RSA_EXPONENT_BYTES_MAX || !is_odd(parts->e) || bit_count(parts->e) < 2)
        return CX_E_WEAK;
    return CX_OK;
}

enum cx_err cx_public_read(struct cx_reader *r, struct cx_public_parts *parts)
{
    const struct cx_curve *curve = cx_key_curve(parts->type);
    *parts = (struct cx_public_parts){ .type = parts->type };
    if (parts->type == CX_KEY_RSA) {
        parts->e = cx_reader_mpint(r);
        parts->n = cx_reader_mpint(r);
        return cx_reader_ok(r) ? rsa_sizes_check(parts) : CX_E_MALFORMED;
    }
    bool curve_fits = !curve || cx_view_is(cx_reader_string(r), curve->name);
    parts->point = cx_reader_string(r);
    if (parts->type >= CX_KEY_PRIVATE_COUNT)
        parts->application = cx_reader_string(r);
    if (!cx_reader_ok(r) || !curve_fits)
        return CX_E_MALFORMED;
    if (!curve)
        return parts->point.len == CX_ED25519_PUBLIC_BYTES ? CX_OK : CX_E_MALFORMED;
    /* RFC 5656 allows compressed points, but nobody makes them, and a key must have one blob only */
    return parts->point.len == 1 + 2 * curve->scalar_bytes && parts->point.data[0] == POINT_UNCOMPRESSED ? CX_OK : CX_E_MALFORMED;
}

enum cx_err cx_public_parse(struct cx_view blob, struct cx_public_parts *parts)
{
    struct cx_reader r = cx_reader(blob);
    struct cx_view name = cx_reader_string(&r);
    memset(parts, 0, sizeof *parts);
    if (!cx_reader_ok(&r) || blob.len > CX_KEY_BLOB_MAX)
        return CX_E_MALFORMED;
    if (!cx_key_type_find(name, false, &parts->type))
        return CX_E_UNSUPPORTED;
    enum cx_err err = cx_public_read(&r, parts);
    return err || cx_reader_done(&r) ? err : CX_E_MALFORMED;
}

enum cx_err cx_public_check(const struct cx_public_parts *parts)
{
    EVP_PKEY *evp = NULL;
    if (parts->type == CX_KEY_RSA)
        return CX_OK;
    if (!cx_key_curve(parts->type))
        return crypto_core_ed25519_is_valid_point(parts->point.data) == 1 ? CX_OK : CX_E_WEAK;
    enum cx_err err = cx_evp_public(parts, &evp);
    EVP_PKEY_free(evp);
    return err;
}

enum cx_err cx_key_blob_check(struct cx_view blob, enum cx_key_type *type)
{
    struct cx_public_parts parts;
    enum cx_err err = cx_public_parse(blob, &parts);
    if (!err)
        err = cx_public_check(&parts);
    *type = parts.type;
    return err;
}

enum cx_err cx_key_blob_suits(struct cx_view blob, const struct cx_sign_alg *alg, enum cx_certificate_kind kind)
{
    struct cx_certificate certificate;
    enum cx_key_type type;
    enum cx_err err;
    if (alg->certificate) {
        err = cx_certificate_check(blob, &certificate);
        type = certificate.type;
        if (!err && certificate.kind != kind)
            err = CX_E_UNSUPPORTED;
    } else {
        err = cx_key_blob_check(blob, &type);
    }
    return err || type == alg->type ? err : CX_E_UNSUPPORTED;
}

size_t cx_key_blob_rsa_bits(struct cx_view blob)
{
    struct cx_public_parts parts;
    if (cx_public_parse(blob, &parts) && cx_certificate_public_parse(blob, &parts))
        return 0;
    return bit_count(parts.n);
}

/* libsodium's hash needs no memory, so that this cannot fail. */
void cx_key_fingerprint(struct cx_view blob, char out[CX_FINGERPRINT_TEXT])
{
    static const char prefix[] = "SHA256:";
    uint8_t digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(digest, blob.data, blob.len);
    memcpy(out, prefix, sizeof prefix);
    sodium_bin2base64(out + sizeof prefix - 1, CX_FINGERPRINT_TEXT - (sizeof prefix - 1), digest, sizeof digest,
                      sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

static struct cx_view skip_blanks(struct cx_view v)
{
    while (v.len > 0 && is_blank(v.data[0]))
        v = cx_view(v.data + 1, v.len - 1);
    return v;
}

/* The next word; *v moves behind it and the blanks that follow. */
static struct cx_view take_word(struct cx_view *v)
{
    struct cx_view word = { v->data, 0 };
    while (word.len < v->len && !is_blank(v->data[word.len]))
        word.len++;
    *v = skip_blanks(cx_view(v->data + word.len, v->len - word.len));
    return word;
}

enum cx_err cx_public_line_split(struct cx_view line, struct cx_view *name, struct cx_span out, size_t *used, struct cx_view *rest)
{
    while (line.len > 0 && (line.data[line.len - 1] == '\n' || line.data[line.len - 1] == '\r'))
        line.len--;
    *rest = skip_blanks(line);
    *name = take_word(rest);
    struct cx_view base64 = take_word(rest);
    if (base64.len == 0 || sodium_base642bin(out.data, out.len, (const char *)base64.data, base64.len, NULL, used, NULL,
                                             sodium_base64_VARIANT_ORIGINAL) != 0)
        return CX_E_MALFORMED;
    return CX_OK;
}

enum cx_err cx_key_line_parse(struct cx_view line, uint8_t out[CX_KEY_BLOB_MAX], size_t *blob_len, struct cx_view *rest)
{
    struct cx_view name;
    struct cx_public_parts parts;
    enum cx_err err = cx_public_line_split(line, &name, (struct cx_span){ out, CX_KEY_BLOB_MAX }, blob_len, rest);
    if (!cx_key_type_find(name, false, &parts.type))
        return CX_E_UNSUPPORTED;
    if (!err)
        err = cx_public_parse(cx_view(out, *blob_len), &parts);
    if (err)
        return err;
    return cx_view_is(name, cx_key_type_name(parts.type)) ? CX_OK : CX_E_MALFORMED;
}
