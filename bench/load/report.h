/* SPDX-License-Identifier: MIT */
/* A load measurement for people, programs and eyes. One thread. */
#ifndef LOAD_REPORT_H
#define LOAD_REPORT_H

#include <stdio.h>

#include "bench/load/figures.h"

void load_report_print(const struct load_settings *settings, const struct load_figures *figures, FILE *out, bool colours);
void load_report_json(const struct load_settings *settings, const struct load_figures *figures, FILE *out);
/* False: errno. */
bool load_report_plot(const struct load_settings *settings, const struct load_figures *figures, const char *path);

#endif
