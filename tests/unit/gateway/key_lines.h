/* SPDX-License-Identifier: MIT */
/* authorized_keys files by their text: what they say of one key. */
#ifndef KEY_LINES_H
#define KEY_LINES_H

#include "gateway/auth/authorized_keys.h"

/* Two keys made for these tests; their private halves were thrown away. */
#define KEY_A "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMXvZgKQyTWulrioSrgB2BbYC+3VcJrTNOCX82YNmFvl"
#define KEY_B "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEpXqecDLcCuFNN0ag/qUeFbzc7SEeoAjXwWkGafT3xZ"

enum { NOW = 1800000000 }; /* 2027-01-15T08:00:00Z */

struct key_outcome {
    struct gw_key_match match;
    unsigned complaints, last_line;
    char last[256]; /* complaint */
};

/* Whether text admits KEY_A, at NOW; the options are the caller's to free. */
struct key_outcome key_lines_ask(struct cx_view text, const char *user, const char *peer, bool file_names_user);
/* The same of alice, from 10.1.2.3, in a file of her own. */
struct key_outcome key_lines_ask_alice(const char *text);

#endif
