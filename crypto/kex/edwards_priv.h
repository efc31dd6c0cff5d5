/* SPDX-License-Identifier: MIT */
/* From a point of edwards25519, where multiples of the base point come from tables, to the same one of curve25519, where X25519
 * takes it by its u: RFC 7748 section 4.1. Any thread. */
#ifndef CX_EDWARDS_PRIV_H
#define CX_EDWARDS_PRIV_H

#include <stdint.h>

enum { CX_EDWARDS_BYTES = 32 };

/* In place, y as RFC 8032 section 5.1.2 has it, whatever its top bit (x's sign), to u = (1 + y) / (1 - y), below p. y = 1, the
 * neutral point, becomes 0. */
void cx_edwards_to_montgomery(uint8_t point[CX_EDWARDS_BYTES]);

#endif
