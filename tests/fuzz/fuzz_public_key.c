/* SPDX-License-Identifier: MIT */
/* Fuzzes what reads public keys: a line, the blob in it, and the raw input as a blob. */
#include "crypto/keys/certificate.h"
#include "fuzz.h"

static void check_blob(struct cx_view blob)
{
    enum cx_key_type type;
    bool plain = cx_key_blob_check(blob, &type) == CX_OK;
    char text[CX_FINGERPRINT_TEXT];
    const struct cx_sign_alg *alg;
    bool suits = false;
    for (size_t i = 0; (alg = cx_sign_alg_at(i)); i++)
        suits |= !alg->certificate && cx_key_blob_suits(blob, alg, CX_CERTIFICATE_USER) == CX_OK;
    require(plain == suits);
    require(!plain || (type == CX_KEY_RSA) == (cx_key_blob_rsa_bits(blob) > 0));
    cx_key_fingerprint(blob, text);
}

static bool inside(struct cx_view part, struct cx_view whole)
{
    return part.len == 0 || (part.data >= whole.data && part.data + part.len <= whole.data + whole.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t blob[CX_KEY_BLOB_MAX], certificate[CX_CERTIFICATE_MAX];
    struct cx_view line = cx_view(data, size), rest;
    size_t len;
    check_blob(line);
    if (cx_key_line_parse(line, blob, &len, &rest) == CX_OK) {
        require(len <= sizeof blob && inside(rest, line));
        check_blob(cx_view(blob, len));
    }
    if (cx_certificate_line_parse(line, certificate, &len, &rest) == CX_OK)
        require(len <= sizeof certificate && inside(rest, line));
    return 0;
}
