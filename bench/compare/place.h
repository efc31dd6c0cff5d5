/* SPDX-License-Identifier: MIT */
/* A temporary directory with all that servers need: keys, configurations, logs. One thread. */
#ifndef COMPARE_PLACE_H
#define COMPARE_PLACE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

struct compare_place {
    char path[PATH_MAX - 64]; /* room for a name behind it */
    char *user_key;           /* a private key file's text, for logging in */
    char user[64];            /* the account that this program runs as, which is whom servers let in */
};

/* Makes it beneath TMPDIR or /tmp, with the files "host" (a private host key) and "authorized_keys". False: errno; remove it in
 * any case. */
bool compare_place_make(struct compare_place *place);
void compare_place_remove(struct compare_place *place);

/* The path of a file there, in out. Returns out. */
const char *compare_place_path(const struct compare_place *place, const char *name, char out[PATH_MAX]);
/* A new file for its owner only. False: errno. */
__attribute__((format(printf, 3, 4))) bool compare_place_write(const struct compare_place *place, const char *name,
                                                               const char *format, ...);
/* The last line of a log there that is not empty, without control characters; "" if there is none. */
void compare_place_last_line(const struct compare_place *place, const char *name, char *out, size_t room);

#endif
