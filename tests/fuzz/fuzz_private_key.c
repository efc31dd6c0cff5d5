/* SPDX-License-Identifier: MIT */
/* Fuzzes cx_private_key_parse: openssh-key-v1 and PEM, encrypted or not. A key that opens must come back from its written form. */
#include <string.h>

#include "crypto/keys/key.h"
#include "crypto/secret.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cx_private_key *key, *again;
    char *text;
    if (cx_private_key_parse(cx_view(data, size), cx_view_text("sluice"), &key) != CX_OK) {
        require(!key);
        return 0;
    }
    require(cx_private_key_write(key, "comment", &text) == CX_OK);
    require(cx_private_key_parse(cx_view_text(text), cx_view("", 0), &again) == CX_OK);
    require(cx_private_key_type(key) == cx_private_key_type(again));
    require(cx_view_equal(cx_private_key_blob(key), cx_private_key_blob(again)));
    cx_secret_wipe(text, strlen(text));
    free(text);
    cx_private_key_free(again);
    cx_private_key_free(key);
    return 0;
}
