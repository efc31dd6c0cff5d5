/* SPDX-License-Identifier: MIT */
/* Certificates made here: OpenSSH PROTOCOL.certkeys. */
#ifndef CERTIFY_H
#define CERTIFY_H

#include "crypto/keys/certificate.h"
#include "crypto/wire.h"

/* The key of subject, certified by ca for everybody and ever; principals: strings, one behind the other. Aborts without room. */
struct cx_view certify(struct cx_span room, const struct cx_private_key *subject, enum cx_certificate_kind kind,
                       struct cx_view principals, const struct cx_private_key *ca);

#endif
