/* SPDX-License-Identifier: MIT */
/* The texts of crypto/'s errors. */
#include "crypto/err.h"

#include <assert.h>

static const char *const texts[CX_E_COUNT] = {
    [CX_OK] = "success",
    [CX_E_MALFORMED] = "malformed",
    [CX_E_LENGTH] = "packet length out of bounds",
    [CX_E_TAG] = "message authentication failed",
    [CX_E_UNSUPPORTED] = "unsupported type",
    [CX_E_WEAK] = "weak key or value",
    [CX_E_SIGNATURE] = "signature does not verify",
    [CX_E_PASSPHRASE] = "passphrase missing or wrong",
    [CX_E_RESOURCE] = "out of memory, or refused by a library",
};

const char *cx_err_text(enum cx_err err)
{
    assert((unsigned)err < CX_E_COUNT && texts[err] != 0);
    return texts[err];
}
