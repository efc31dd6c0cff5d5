/* SPDX-License-Identifier: MIT */
#include "gateway/kernels.h"

#include <stdlib.h>

#include "gateway/observe/log.h"

bool gw_kernels_cap(enum cx_tier *cap, char *error, size_t room)
{
    const char *name = getenv("SLUICE_TIER");
    *cap = CX_TIER_COUNT - 1;
    if (!name || cx_tier_parse(name, cap))
        return true;
    snprintf(error, room, "SLUICE_TIER=%.64s: it may be portable, avx2 or avx512", name);
    return false;
}

static void log_failed(void *state, enum cx_primitive primitive, const struct cx_kernel *failed)
{
    (void)state;
    gw_log(GW_LOG_ERROR, "the %s kernel of %s failed its self-test and is not used", failed->name, cx_primitive_name(primitive));
}

void gw_kernels_start(enum cx_tier cap)
{
    static struct cx_kernels kernels;
    char line[1024];
    size_t used = 0;
    cx_kernels_select(&kernels, cx_cpu_detect(), cap, log_failed, NULL);
    cx_kernels_install(&kernels);
    for (unsigned i = 0; i < CX_PRIMITIVE_COUNT && used < sizeof line; i++)
        used += (size_t)snprintf(line + used, sizeof line - used, "%s%s %s", i > 0 ? ", " : "", cx_primitive_name(i),
                                 kernels.of[i]->name);
    gw_log(GW_LOG_INFO, "kernels: %s", line);
}

static void print_failed(void *state, enum cx_primitive primitive, const struct cx_kernel *failed)
{
    fprintf(state, "%-20s %s failed its self-test\n", cx_primitive_name(primitive), failed->name);
}

void gw_kernels_print(enum cx_tier cap, FILE *out)
{
    struct cx_kernels kernels;
    cx_kernels_select(&kernels, cx_cpu_detect(), cap, print_failed, out);
    for (unsigned i = 0; i < CX_PRIMITIVE_COUNT; i++)
        fprintf(out, "%-20s %s\n", cx_primitive_name(i), kernels.of[i]->name);
}
