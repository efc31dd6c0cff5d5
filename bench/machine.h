/* SPDX-License-Identifier: MIT */
/* What results depend on: the processor, the compiler, the libraries. One thread. */
#ifndef BENCH_MACHINE_H
#define BENCH_MACHINE_H

#include <stdint.h>

#include "bench/report/json.h"

struct bench_machine {
    char processor[96], system[208], compiler[96], openssl[64], nettle[16], sodium[16];
    char tcp[160]; /* what bounds TCP's buffers, and its congestion control: of sysctl; empty: not to be read */
    unsigned cores;
};

void bench_machine_read(struct bench_machine *machine);

/* As members "machine" and "build" of the object that is being written; cpu: cx_cpu_detect()'s bits; clock_ghz as
 * the canary found it. */
void bench_machine_json(const struct bench_machine *machine, uint32_t cpu, double clock_ghz, struct bench_json *j);

#endif
