/* SPDX-License-Identifier: MIT */
/* The kernels of crypto/ that this process serves with, picked once before it has threads. SLUICE_TIER caps the instruction set. */
#ifndef GW_KERNELS_H
#define GW_KERNELS_H

#include <stdio.h>

#include "crypto/kernels/kernels.h"

/* What SLUICE_TIER allows; the best where it is not set. False: it names no tier, and error says what it may name. */
bool gw_kernels_cap(enum cx_tier *cap, char *error, size_t room);

/* Picks, after self-tests, and installs. Logs what was picked, and each kernel that failed and is not used. */
void gw_kernels_start(enum cx_tier cap);

/* The same picks, not installed, a line each, for a person. */
void gw_kernels_print(enum cx_tier cap, FILE *out);

#endif
