/* SPDX-License-Identifier: MIT */
/* Key exchange as cells of a plan: every method's three steps, and each KEM alone, beside OpenSSL's EVP where it has the method. A
 * method is a KEM here: the client makes a pair (keygen), the server answers it (encaps), the client takes the answer (decaps).
 * One thread. */
#ifndef BENCH_KEX_OPS_H
#define BENCH_KEX_OPS_H

#include "bench/cipher/choice.h"
#include "bench/cipher/plan.h"

struct bench_kex_ops; /* opaque: what the plan's cells work on */

/* Appends what the choice asks for. Free after the plan's last pass. NULL: out of memory. */
struct bench_kex_ops *bench_kex_ops_plan(struct bench_plan *plan, const struct bench_choice *choice);
void bench_kex_ops_free(struct bench_kex_ops *ops);

#endif
