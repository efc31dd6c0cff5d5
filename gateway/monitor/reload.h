/* SPDX-License-Identifier: MIT */
/* What a reload cannot change. One thread. */
#ifndef GW_RELOAD_H
#define GW_RELOAD_H

#include "gateway/config/config.h"

/* Names, in the log, each keyword that differs between the two and takes effect at a restart only. */
void gw_reload_say_restarts(const struct gw_config *old, const struct gw_config *new_config);

#endif
