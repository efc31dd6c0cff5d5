/* SPDX-License-Identifier: MIT */
/* The groups of diffie-hellman-group-exchange-sha256 (RFC 4419, RFC 8270), which both sides agree on in messages of their own
 * before the exchange. A server chooses among those of RFC 3526, which everybody knows to be sound; a client takes what it is
 * given, within bounds. A group belongs to one exchange of one connection. */
#ifndef CX_GROUP_H
#define CX_GROUP_H

#include "crypto/kex/kex.h"

enum {
    CX_GROUP_BITS_MIN = 2048, /* RFC 8270 section 4 */
    CX_GROUP_BITS_MAX = 8192,
    CX_GROUP_VALUE_MAX = 1 + CX_GROUP_BITS_MAX / 8, /* the content of p's mpint */
};

struct cx_kex_group; /* opaque */

/* The method that has no group by itself: cx_kex_start and its like must be given a group's instead. */
static inline bool cx_kex_wants_group(const struct cx_kex *kex)
{
    return !kex->dh;
}

/* Server: the smallest known group of at least preferred bits, else the largest, of min to max bits and of CX_GROUP_BITS_MIN at
 * least. CX_E_WEAK: there is none. */
CX_MUST_CHECK enum cx_err cx_kex_group_choose(uint32_t min, uint32_t preferred, uint32_t max, struct cx_kex_group **group);
/* Client: the contents of both mpints. CX_E_MALFORMED: not positive or not in their shortest form; CX_E_WEAK: p has not min to max
 * bits or is no prime, or g is not above 1 and below p - 1. Whether p is safe is not asked: the server signs what it chose, and
 * could as well give its secret away. */
CX_MUST_CHECK enum cx_err cx_kex_group_take(struct cx_view prime, struct cx_view generator, uint32_t min, uint32_t max,
                                            struct cx_kex_group **group);
void cx_kex_group_free(struct cx_kex_group *group); /* NULL is fine */

/* A method of the same name and hash, with this group: lives as long as the group. */
const struct cx_kex *cx_kex_group_method(const struct cx_kex_group *group);
/* The contents of their mpints. */
struct cx_view cx_kex_group_prime(const struct cx_kex_group *group);
struct cx_view cx_kex_group_generator(const struct cx_kex_group *group);

#endif
