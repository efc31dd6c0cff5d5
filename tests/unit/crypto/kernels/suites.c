/* SPDX-License-Identifier: MIT */
#include "suites.h"

#include <stdio.h>

bool suite_at(size_t i, const struct cx_cipher **cipher, const struct cx_mac **mac)
{
    *cipher = &cx_cipher_none;
    *mac = NULL;
    if (i-- == 0)
        return true;
    for (size_t c = 0; (*cipher = cx_cipher_at(c)); c++) {
        if ((*cipher)->tag_len > 0 && i-- == 0)
            return true;
        for (size_t m = 0; (*cipher)->tag_len == 0 && (*mac = cx_mac_at(m)); m++)
            if (i-- == 0)
                return true;
        *mac = NULL;
    }
    return false;
}

const char *suite_name(const struct cx_cipher *cipher, const struct cx_mac *mac)
{
    static char name[128];
    (void)snprintf(name, sizeof name, "%s %s", cipher->name, mac ? mac->name : "");
    return name;
}

static const struct cx_kernel *kernel_at(enum cx_primitive primitive, size_t i)
{
    const struct cx_kernel *k;
    for (size_t at = 0; (k = cx_kernel_at(primitive, at)); at++)
        if (cx_kernel_runs(k, cx_cpu_detect(), CX_TIER_COUNT - 1) && i-- == 0)
            return k;
    return NULL;
}

bool selection_at(size_t i, struct cx_kernels *kernels)
{
    bool any = false;
    for (unsigned p = 0; p < CX_PRIMITIVE_COUNT; p++) {
        const struct cx_kernel *k = kernel_at(p, i);
        kernels->of[p] = k ? k : cx_kernels_portable.of[p];
        any = any || k;
    }
    return any;
}
