/* SPDX-License-Identifier: MIT */
/* The subcommands of sluice-bench. Each gets the arguments behind its name and returns the exit status. */
#ifndef BENCH_H
#define BENCH_H

int bench_cipher(int argc, char **argv);
int bench_load(int argc, char **argv);
int bench_compare(int argc, char **argv);

#endif
