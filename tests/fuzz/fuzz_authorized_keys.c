/* SPDX-License-Identifier: MIT */
/* Fuzzes gw_authorized_keys_match with the input as the file; the key asked for is that of the corpus. */
#include <string.h>

#include "fuzz.h"
#include "gateway/auth/authorized_keys.h"

enum { NOW = 1800000000, COMPLAINTS_MAX = 32 };

static void complain(void *ctx, unsigned line, const char *text)
{
    unsigned *complaints = ctx;
    require(++*complaints <= COMPLAINTS_MAX && line > 0);
    for (; *text; text++)
        require(*text >= 0x20 && *text < 0x7f);
}

static void match(struct cx_view file, struct cx_view blob, const char *peer, bool file_names_user)
{
    struct gw_addr address;
    struct gw_key_match found = { 0 };
    unsigned complaints = 0;
    require(gw_addr_parse(&address, peer));
    struct gw_key_query q = {
        .user = cx_view_text("alice"), .blob = blob, .peer = &address, .now_unix = NOW, .file_names_user = file_names_user
    };
    gw_authorized_keys_match(file, &q, &found, complain, &complaints);
    require(found.found == (found.options != NULL));
    if (found.found) {
        require(found.line > 0 && found.options->expiry_unix > NOW && found.options->permit_count <= GW_PERMIT_OPEN_MAX);
        require(!file_names_user || found.proves_name);
        (void)gw_key_options_permit(found.options, cx_view_text("localhost"), 80);
    }
    gw_key_options_free(found.options);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char key[] = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEpXqecDLcCuFNN0ag/qUeFbzc7SEeoAjXwWkGafT3xZ";
    static uint8_t blob[CX_KEY_BLOB_MAX];
    size_t len;
    struct cx_view rest;
    require(cx_key_line_parse(cx_view_text(key), blob, &len, &rest) == CX_OK);
    match(cx_view(data, size), cx_view(blob, len), "10.1.2.3", true);
    match(cx_view(data, size), cx_view(blob, len), "2001:db8::1", false);
    return 0;
}
