/* SPDX-License-Identifier: MIT */
#include "certify.h"

#include <stdio.h>
#include <stdlib.h>

static const struct cx_sign_alg *alg_of(const struct cx_private_key *key)
{
    size_t i = 0;
    while (cx_sign_alg_at(i)->type != cx_private_key_type(key))
        i++;
    return cx_sign_alg_at(i);
}

struct cx_view certify(struct cx_span room, const struct cx_private_key *subject, enum cx_certificate_kind kind,
                       struct cx_view principals, const struct cx_private_key *ca)
{
    char name[64];
    uint8_t signature[CX_SIGNATURE_MAX];
    size_t len = sizeof signature;
    struct cx_writer w = cx_writer(room);
    struct cx_reader key = cx_reader(cx_private_key_blob(subject));
    cx_reader_string(&key);
    snprintf(name, sizeof name, "%s-cert-v01@openssh.com", cx_key_type_name(cx_private_key_type(subject)));
    cx_writer_text(&w, name);
    cx_writer_text(&w, "nonce");
    cx_writer_raw(&w, key.left);
    cx_writer_u64(&w, 1);
    cx_writer_u32(&w, kind);
    cx_writer_text(&w, "badge");
    cx_writer_string(&w, principals);
    cx_writer_u64(&w, 0);
    cx_writer_u64(&w, UINT64_MAX);
    for (int empty = 0; empty < 3; empty++) /* critical options, extensions, reserved */
        cx_writer_text(&w, "");
    cx_writer_string(&w, cx_private_key_blob(ca));
    if (!cx_writer_ok(&w) || cx_private_key_sign(ca, alg_of(ca), cx_writer_view(&w), signature, &len) != CX_OK)
        abort();
    cx_writer_string(&w, cx_view(signature, len));
    if (!cx_writer_ok(&w))
        abort();
    return cx_writer_view(&w);
}
