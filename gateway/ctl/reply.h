/* SPDX-License-Identifier: MIT */
/* One question to a gateway, and its answer. Waits; for a program of one thread. */
#ifndef GW_CTL_REPLY_H
#define GW_CTL_REPLY_H

#include <stdbool.h>
#include <stddef.h>

enum { GW_CTL_ERROR_MAX = 512, GW_CTL_REPLY_MAX = 256 * 1024 * 1024 };

struct gw_ctl_reply {
    char *text;   /* owns what lines point into */
    char **lines; /* between the first, which says who answers, and the last */
    size_t count;
    char *last; /* of a complete answer: it has the member "end" */
};

/* words: the command and what stands behind it. False: error is a sentence for a person. */
bool gw_ctl_ask(const char *socket_path, char *const *words, size_t count, struct gw_ctl_reply *reply,
                char error[GW_CTL_ERROR_MAX]);
void gw_ctl_reply_deinit(struct gw_ctl_reply *reply);
/* A whole answer as it came; takes text over. For gw_ctl_ask, and for tests. */
bool gw_ctl_reply_parse(char *text, struct gw_ctl_reply *reply, char error[GW_CTL_ERROR_MAX]);

#endif
