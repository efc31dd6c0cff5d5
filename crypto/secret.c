/* SPDX-License-Identifier: MIT */
/* Wiping and comparing secrets. */
#include "crypto/secret.h"

void cx_secret_wipe(void *secret, size_t len)
{
    explicit_bzero(secret, len);
}

/* A word at a time: OpenSSL's takes bytes, which a tag of a short packet would be a tenth of the work with. */
bool cx_secret_equal(const void *a, const void *b, size_t len)
{
    const uint8_t *x = a, *y = b;
    uint64_t differ = 0;
    for (; len >= sizeof differ; len -= sizeof differ, x += sizeof differ, y += sizeof differ) {
        uint64_t one, other;
        memcpy(&one, x, sizeof one);
        memcpy(&other, y, sizeof other);
        differ |= one ^ other;
        /* what is in it is nothing that the compiler may know, or leave the loop for */
        __asm__ volatile("" : "+r"(differ));
    }
    for (; len > 0; len--) {
        differ |= *x++ ^ *y++;
        __asm__ volatile("" : "+r"(differ));
    }
    return differ == 0;
}
