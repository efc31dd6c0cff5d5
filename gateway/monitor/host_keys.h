/* SPDX-License-Identifier: MIT */
/* The host keys, which only the monitor and its signers ever hold, and their certificates. One thread. */
#ifndef GW_HOST_KEYS_H
#define GW_HOST_KEYS_H

#include "crypto/keys/key.h"
#include "gateway/config/config.h"
#include "mux/session.h"

struct gw_host_keys {
    size_t count;
    struct cx_private_key **keys;
    struct mux_host_key *public_keys; /* blobs borrowed of keys; certificates owned */
};

/* Loads all keys that the configuration names, in its order, and to them their certificates, one a key. False: error names the file
 * and what is wrong: sshd's words where others may read it. A certificate out of its time is loaded all the same, with a line in
 * the log: its clients go by the plain key. */
bool gw_host_keys_load(struct gw_host_keys *h, const struct gw_config *config, char *error, size_t room);
/* Keeps what this process has in memory now out of swap, where its limit allows that. Not inherited by a fork. */
void gw_host_keys_lock_memory(void);
/* Wipes them. */
void gw_host_keys_free(struct gw_host_keys *h);

#endif
