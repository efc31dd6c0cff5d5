/* SPDX-License-Identifier: MIT */
#include "bench/load/units.h"

#include <stdio.h>

static const char *text(double value, const char *unit, char out[LOAD_UNIT_TEXT])
{
    int digits = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
    snprintf(out, LOAD_UNIT_TEXT, "%.*f %s", digits, value, unit);
    return out;
}

const char *load_seconds_text(double seconds, char out[LOAD_UNIT_TEXT])
{
    if (seconds < 999.5e-9)
        return text(seconds * 1e9, "ns", out);
    if (seconds < 999.5e-6)
        return text(seconds * 1e6, "us", out);
    if (seconds < 999.5e-3)
        return text(seconds * 1e3, "ms", out);
    return text(seconds, "s", out);
}

const char *load_bytes_text(double bytes, char out[LOAD_UNIT_TEXT])
{
    static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
    unsigned i = 0;
    if (bytes < 1024) {
        snprintf(out, LOAD_UNIT_TEXT, "%.0f B", bytes);
        return out;
    }
    for (bytes /= 1024; bytes >= 999.5 && i < 3; bytes /= 1024)
        i++;
    return text(bytes, units[i], out);
}
