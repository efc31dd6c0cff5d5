/* SPDX-License-Identifier: MIT */
/* Secrets in memory: wiped so that no optimiser drops it, compared in constant time. Any thread. */
#ifndef CX_SECRET_H
#define CX_SECRET_H

#include "crypto/span.h"

void cx_secret_wipe(void *secret, size_t len);

/* Time depends on len only. */
bool cx_secret_equal(const void *a, const void *b, size_t len);

#endif
