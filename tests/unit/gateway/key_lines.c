/* SPDX-License-Identifier: MIT */
#include "key_lines.h"

#include <criterion/criterion.h>
#include <stdio.h>

static void note(void *ctx, unsigned line, const char *text)
{
    struct key_outcome *o = ctx;
    o->complaints++;
    o->last_line = line;
    snprintf(o->last, sizeof o->last, "%s", text);
    for (const char *c = text; *c; c++)
        cr_assert(*c >= 0x20 && *c < 0x7f, "%s", text);
}

struct key_outcome key_lines_ask(struct cx_view text, const char *user, const char *peer, bool file_names_user)
{
    static uint8_t blob[CX_KEY_BLOB_MAX];
    size_t len;
    struct cx_view rest;
    cr_assert_eq(cx_key_line_parse(cx_view_text(KEY_A), blob, &len, &rest), CX_OK);
    struct gw_addr address;
    cr_assert(gw_addr_parse(&address, peer));
    struct gw_key_query q = { .user = cx_view_text(user),
                              .blob = cx_view(blob, len),
                              .peer = &address,
                              .now_unix = NOW,
                              .file_names_user = file_names_user };
    struct key_outcome o = { 0 };
    gw_authorized_keys_match(text, &q, &o.match, note, &o);
    cr_assert_eq(o.match.found, o.match.options != NULL);
    return o;
}

struct key_outcome key_lines_ask_alice(const char *text)
{
    return key_lines_ask(cx_view_text(text), "alice", "10.1.2.3", true);
}
