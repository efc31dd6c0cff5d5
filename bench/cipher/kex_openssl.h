/* SPDX-License-Identifier: MIT */
/* Diffie-Hellman as a program calls it that has only OpenSSL's EVP: the keys' form, the pair, the agreement. One thread. */
#ifndef BENCH_KEX_OPENSSL_H
#define BENCH_KEX_OPENSSL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bench_kex_openssl; /* opaque: one exchange between a client and a server */

/* NULL: OpenSSL has no such method, or none in this form (hybrids), or memory is short. */
struct bench_kex_openssl *bench_kex_openssl_new(const char *method);
void bench_kex_openssl_free(struct bench_kex_openssl *x);

/* The client's pair; the server's pair and the secret; the secret again. Each follows the one before it. */
bool bench_kex_openssl_keygen(struct bench_kex_openssl *x);
bool bench_kex_openssl_encaps(struct bench_kex_openssl *x);
bool bench_kex_openssl_decaps(struct bench_kex_openssl *x);

#endif
