/* SPDX-License-Identifier: MIT */
/* See audit_file.h. One writev a record: with O_APPEND the kernel then keeps lines whole. */
#include "gateway/monitor/audit_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/uio.h>
#include <unistd.h>

#include "gateway/observe/log.h"

static int open_path(const char *path)
{
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
}

bool gw_audit_file_open(struct gw_audit_file *a, const char *path)
{
    *a = (struct gw_audit_file){ .fd = -1, .complaints = { .per_second = 1, .burst = 1 } };
    if (!path)
        return true;
    a->fd = open_path(path);
    return a->fd >= 0;
}

bool gw_audit_file_reopen(struct gw_audit_file *a, const char *path)
{
    int fd = path ? open_path(path) : -1;
    if (path && fd < 0)
        return false;
    gw_audit_file_close(a);
    a->fd = fd;
    a->torn = false;
    return true;
}

void gw_audit_file_close(struct gw_audit_file *a)
{
    if (a->fd >= 0)
        close(a->fd);
    a->fd = -1;
}

bool gw_audit_record_valid(struct cx_view record)
{
    if (record.len < 2 || record.data[0] != '{' || record.data[record.len - 1] != '}')
        return false;
    for (size_t i = 0; i < record.len; i++)
        if (record.data[i] < 0x20 || record.data[i] == 0x7f)
            return false;
    return true;
}

void gw_audit_file_append(struct gw_audit_file *a, struct cx_view record, uint64_t now_ns)
{
    if (a->fd < 0)
        return;
    static const char newline[] = "\n";
    struct iovec iov[] = {
        { (void *)(uintptr_t)newline, a->torn ? 1 : 0 },
        { (void *)(uintptr_t)record.data, record.len },
        { (void *)(uintptr_t)newline, 1 },
    };
    size_t whole = iov[0].iov_len + iov[1].iov_len + iov[2].iov_len;
    ssize_t n;
    do
        n = writev(a->fd, iov, 3);
    while (n < 0 && errno == EINTR);
    if (n == (ssize_t)whole) {
        a->torn = false;
        return;
    }
    a->torn = a->torn || n > 0;
    a->lost++;
    if (gw_rate_take(&a->complaints, now_ns))
        gw_log(GW_LOG_ERROR, "audit log: %s; %" PRIu64 " records lost so far", n < 0 ? strerror(errno) : "a record was cut short",
               a->lost);
}
