/* SPDX-License-Identifier: MIT */
/* The packet ciphers as cells of a plan: every suite under every kernel that this processor runs, through the interface that the
 * gateway uses, beside OpenSSL's EVP in the same construction (nettle has the UMACs) and memcpy of the same payloads. One thread.
 */
#ifndef BENCH_SUITES_H
#define BENCH_SUITES_H

#include "bench/cipher/choice.h"
#include "bench/cipher/plan.h"

struct bench_suites; /* opaque: keys, contexts and buffers, on which the plan's cells work */

/* Appends what the choice asks for. Free after the plan's last pass. NULL: out of memory. */
struct bench_suites *bench_suites_plan(struct bench_plan *plan, const struct bench_choice *choice);
void bench_suites_free(struct bench_suites *suites);

#endif
