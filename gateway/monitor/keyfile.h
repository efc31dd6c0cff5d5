/* SPDX-License-Identifier: MIT */
/* Opens the authorized_keys file of a user, in the monitor: the engine gets a descriptor, never a path. Design section 7:
 * beneath its directory with no symbolic link followed, regular, small, and writable only by those who may decide. */
#ifndef GW_KEYFILE_H
#define GW_KEYFILE_H

#include "crypto/span.h"

struct gw_keyfile {
    int fd;             /* read-only; -1: none */
    bool path_has_user; /* %u stood in the path: each line proves the name */
    char reason[256];   /* for the log, when fd is -1; empty: the file does not exist */
};

/* pattern: an absolute path with %u and %%, of which what stands before the first component with a % is the directory that the
 * file must lie beneath (without any %: the directory it lies in). user: valid by gw_user_name_valid. */
void gw_keyfile_open(const char *pattern, struct cx_view user, struct gw_keyfile *out);

#endif
