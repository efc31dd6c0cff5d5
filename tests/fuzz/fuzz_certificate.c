/* SPDX-License-Identifier: MIT */
/* Fuzzes crypto/keys/certificate.h. The input is a certificate's blob; every view that comes of it lies inside, and what checks
 * as a whole has a certified key that stands by itself. */
#include "crypto/keys/certificate.h"
#include "fuzz.h"

static void check_inside(struct cx_view part, struct cx_view whole)
{
    require(part.len == 0 || (part.data >= whole.data && part.data + part.len <= whole.data + whole.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t room[CX_KEY_BLOB_MAX];
    struct cx_view blob = cx_view(data, size);
    struct cx_certificate c;
    enum cx_key_type type;
    if (cx_certificate_parse(blob, &c) != CX_OK)
        return 0;
    const struct cx_view views[] = { c.nonce,      c.key_fields, c.key_id,       c.principals, c.critical_options,
                                     c.extensions, c.ca_key,     c.signed_bytes, c.signature };
    for (size_t i = 0; i < sizeof views / sizeof views[0]; i++)
        check_inside(views[i], blob);
    struct cx_view key = cx_certificate_key(&c, room);
    enum cx_err verified = cx_certificate_verify(&c), checked = cx_certificate_check(blob, &c);
    require(checked != CX_OK || verified == CX_OK);
    require(checked != CX_OK || (cx_key_blob_check(key, &type) == CX_OK && type == c.type));
    return 0;
}
