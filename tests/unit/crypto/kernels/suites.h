/* SPDX-License-Identifier: MIT */
/* What there is to try: every suite, with every kernel. */
#ifndef SUITES_H
#define SUITES_H

#include "crypto/packet/packet.h"

/* Suites are counted: "none", then each AEAD, then each cipher with each MAC. False: there is none at i. */
bool suite_at(size_t i, const struct cx_cipher **cipher, const struct cx_mac **mac);
/* "aes128-ctr umac-64-etm@openssh.com"; until the next call. */
const char *suite_name(const struct cx_cipher *cipher, const struct cx_mac *mac);

/* Selections: of each primitive the i-th best that this processor runs, or the portable one where there are not so many. In the
 * last all are portable. False: there is none at i. */
bool selection_at(size_t i, struct cx_kernels *kernels);

#endif
