/* SPDX-License-Identifier: MIT */
/* The audit log: one JSON record a line, appended by the monitor, so that a compromised engine cannot change what it wrote before.
 * One thread. */
#ifndef GW_AUDIT_FILE_H
#define GW_AUDIT_FILE_H

#include "crypto/span.h"
#include "gateway/monitor/rate.h"

struct gw_audit_file {
    int fd;    /* -1: no audit log */
    bool torn; /* the last line is without its end: a write was cut short */
    uint64_t lost;
    struct gw_rate complaints;
};

/* path: NULL for none. False: errno. */
bool gw_audit_file_open(struct gw_audit_file *a, const char *path);
/* Opens anew, after a rotation or with another path. False: errno, and the old one stays. */
bool gw_audit_file_reopen(struct gw_audit_file *a, const char *path);
void gw_audit_file_close(struct gw_audit_file *a);

/* An object on one line, without control bytes: what may be appended. */
bool gw_audit_record_valid(struct cx_view record);
/* record: valid. What cannot be written is counted and said in the log, at most once a second. */
void gw_audit_file_append(struct gw_audit_file *a, struct cx_view record, uint64_t now_ns);

#endif
