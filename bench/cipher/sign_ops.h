/* SPDX-License-Identifier: MIT */
/* Signatures as cells of a plan: every algorithm that our own keys have, signing and verifying, beside OpenSSL's EVP. One thread.
 */
#ifndef BENCH_SIGN_OPS_H
#define BENCH_SIGN_OPS_H

#include "bench/cipher/choice.h"
#include "bench/cipher/plan.h"

struct bench_sign_ops; /* opaque: what the plan's cells work on */

/* Appends what the choice asks for. The keys are made by the first pass. Free after the plan's last pass. NULL: out of memory. */
struct bench_sign_ops *bench_sign_ops_plan(struct bench_plan *plan, const struct bench_choice *choice);
void bench_sign_ops_free(struct bench_sign_ops *ops);

#endif
