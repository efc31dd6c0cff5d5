/* SPDX-License-Identifier: MIT */
/* Reads openssh-key-v1 files: PROTOCOL.key of OpenSSH. One key. */
#include <sodium.h>
#include <stdlib.h>

#include "crypto/keys/key_priv.h"
#include "crypto/secret.h"

/* What stands between the markers. */
static bool find_base64(struct cx_view text, struct cx_view *base64)
{
    const uint8_t *begin = memmem(text.data, text.len, CX_OPENSSH_BEGIN, strlen(CX_OPENSSH_BEGIN));
    if (!begin)
        return false;
    begin += strlen(CX_OPENSSH_BEGIN);
    size_t left = text.len - (size_t)(begin - text.data);
    const uint8_t *end = memmem(begin, left, CX_OPENSSH_END, strlen(CX_OPENSSH_END));
    *base64 = cx_view(begin, end ? (size_t)(end - begin) : 0);
    return end != NULL;
}

static enum cx_err read_ed25519(struct cx_reader *r, const struct cx_public_parts *parts, struct cx_private_key **out)
{
    struct cx_view public = cx_reader_string(r), secret = cx_reader_string(r);
    if (!cx_reader_ok(r) || !cx_view_equal(public, parts->point) || secret.len != CX_ED25519_SECRET_BYTES)
        return CX_E_MALFORMED;
    return cx_private_key_from_ed25519(secret.data, out);
}

static enum cx_err read_ecdsa(struct cx_reader *r, const struct cx_public_parts *parts, struct cx_private_key **out)
{
    const struct cx_curve *expected = cx_key_curve(parts->type);
    EVP_PKEY *evp = NULL;
    struct cx_view curve = cx_reader_string(r), point = cx_reader_string(r), scalar = cx_reader_mpint(r);
    if (!cx_reader_ok(r) || !cx_view_is(curve, expected->name) || !cx_view_equal(point, parts->point) ||
        scalar.len > expected->scalar_bytes)
        return CX_E_MALFORMED;
    enum cx_err err = cx_evp_private_ecdsa(parts, scalar, &evp);
    return err ? err : cx_private_key_from_evp(evp, out);
}

static enum cx_err read_rsa(struct cx_reader *r, const struct cx_public_parts *parts, struct cx_private_key **out)
{
    EVP_PKEY *evp = NULL;
    struct cx_rsa_secret secret;
    struct cx_view n = cx_reader_mpint(r), e = cx_reader_mpint(r);
    secret.d = cx_reader_mpint(r);
    secret.inverse_q = cx_reader_mpint(r);
    secret.p = cx_reader_mpint(r);
    secret.q = cx_reader_mpint(r);
    if (!cx_reader_ok(r) || !cx_view_equal(n, parts->n) || !cx_view_equal(e, parts->e) || secret.d.len > n.len ||
        secret.p.len > n.len || secret.q.len > n.len || secret.inverse_q.len > n.len)
        return CX_E_MALFORMED;
    enum cx_err err = cx_evp_private_rsa(parts, &secret, &evp);
    return err ? err : cx_private_key_from_evp(evp, out);
}

/* 1, 2, 3 … up to the block's end. */
static bool padding_is_right(struct cx_view padding, size_t block_bytes)
{
    for (size_t i = 0; i < padding.len; i++)
        if (padding.data[i] != i + 1)
            return false;
    return padding.len < block_bytes;
}

static enum cx_err read_private(struct cx_view section, size_t block_bytes, struct cx_view blob, struct cx_private_key **out)
{
    struct cx_public_parts parts;
    enum cx_err err = cx_public_parse(blob, &parts);
    if (err)
        return err;
    if (parts.type >= CX_KEY_PRIVATE_COUNT) /* a file that points into a security key */
        return CX_E_UNSUPPORTED;
    struct cx_reader r = cx_reader(section);
    cx_reader_u64(&r); /* the check words */
    struct cx_view name = cx_reader_string(&r);
    if (!cx_reader_ok(&r) || section.len % block_bytes != 0 || !cx_view_is(name, cx_key_type_name(parts.type)))
        return CX_E_MALFORMED;
    struct cx_private_key *key = NULL;
    if (parts.type == CX_KEY_ED25519)
        err = read_ed25519(&r, &parts, &key);
    else
        err = parts.type == CX_KEY_RSA ? read_rsa(&r, &parts, &key) : read_ecdsa(&r, &parts, &key);
    if (err)
        return err;
    cx_reader_string(&r); /* the comment */
    if (!cx_reader_ok(&r) || !padding_is_right(r.left, block_bytes) || !cx_view_equal(cx_private_key_blob(key), blob)) {
        cx_private_key_free(key);
        return CX_E_MALFORMED;
    }
    *out = key;
    return CX_OK;
}

/* The same random word twice: what tells a wrong passphrase. */
static bool check_words_agree(struct cx_view section)
{
    struct cx_reader r = cx_reader(section);
    uint32_t check = cx_reader_u32(&r), again = cx_reader_u32(&r);
    return cx_reader_ok(&r) && check == again;
}

static enum cx_err read_file(struct cx_span bytes, struct cx_view passphrase, struct cx_private_key **out)
{
    struct cx_reader r = cx_reader(cx_span_view(bytes));
    struct cx_private_lock lock = { .passphrase = passphrase };
    struct cx_view magic = cx_reader_raw(&r, sizeof CX_OPENSSH_MAGIC);
    lock.cipher = cx_reader_string(&r);
    lock.kdf = cx_reader_string(&r);
    lock.kdf_options = cx_reader_string(&r);
    uint32_t keys = cx_reader_u32(&r);
    struct cx_view blob = cx_reader_string(&r), sealed = cx_reader_string(&r);
    if (!cx_reader_ok(&r) || !cx_view_equal(magic, cx_view(CX_OPENSSH_MAGIC, sizeof CX_OPENSSH_MAGIC)) || keys != 1)
        return CX_E_MALFORMED;
    struct cx_span section = { bytes.data + (sealed.data - bytes.data), sealed.len };
    size_t block_bytes;
    bool locked;
    enum cx_err err = cx_private_decrypt(&lock, section, &block_bytes, &locked);
    if (err)
        return err;
    if (!cx_reader_done(&r)) /* only ciphers that were refused above have a tag there */
        return CX_E_MALFORMED;
    if (!check_words_agree(cx_span_view(section)))
        return locked ? CX_E_PASSPHRASE : CX_E_MALFORMED;
    return read_private(cx_span_view(section), block_bytes, blob, out);
}

enum cx_err cx_private_openssh_parse(struct cx_view text, struct cx_view passphrase, struct cx_private_key **out)
{
    struct cx_view base64;
    size_t len = 0;
    if (!find_base64(text, &base64))
        return CX_E_MALFORMED;
    uint8_t *bytes = malloc(base64.len + 1);
    if (!bytes)
        return CX_E_RESOURCE;
    enum cx_err err = CX_E_MALFORMED;
    if (sodium_base642bin(bytes, base64.len + 1, (const char *)base64.data, base64.len, " \t\r\n", &len, NULL,
                          sodium_base64_VARIANT_ORIGINAL) == 0)
        err = read_file((struct cx_span){ bytes, len }, passphrase, out);
    cx_secret_wipe(bytes, base64.len + 1);
    free(bytes);
    return err;
}
