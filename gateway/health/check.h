/* SPDX-License-Identifier: MIT */
/* One look at whether a service is well: connects it as a tunnel would, and hears what it says. One worker. */
#ifndef GW_CHECK_H
#define GW_CHECK_H

#include "gateway/config/config.h"
#include "gateway/consumers/consumer.h"

struct gw_check;

enum gw_check_result {
    GW_CHECK_RUNNING,
    GW_CHECK_PASSED,
    GW_CHECK_FAILED,
    GW_CHECK_UNKNOWN, /* this process was short of something: it says nothing of the service */
};

struct gw_check_setup {
    struct gw_dns *dns;
    struct gw_linger *linger;
    const struct gw_target *target; /* borrowed until the check is freed */
    uint64_t connect_timeout_ns;
    void (*wake)(void *owner); /* only marks: progress would change something. Maybe within gw_check_new. */
    void *owner;
};

/* NULL: out of memory. It starts at once. */
struct gw_check *gw_check_new(const struct gw_check_setup *setup);
/* Goes on. why: of FAILED, a static string for logs. */
enum gw_check_result gw_check_progress(struct gw_check *c, const char **why);
void gw_check_free(struct gw_check *c); /* NULL is fine */

#endif
