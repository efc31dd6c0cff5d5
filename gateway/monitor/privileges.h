/* SPDX-License-Identifier: MIT */
/* Who the engine runs as, and how a process gives up what it must not keep. main.c's engine role drops privileges before it
 * calls gw_engine_main, so that nothing of the engine ever runs with them: engine.c has nothing to do here.
 * Looking up: the monitor, at start. Dropping: the engine, before it makes a thread. */
#ifndef GW_PRIVILEGES_H
#define GW_PRIVILEGES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct gw_account {
    bool separate; /* false: the monitor is not root, and the engine runs as the same user */
    uid_t uid;
    gid_t gid;
};

/* Whom the engine is to run as. False: error names the remedy. */
bool gw_privileges_lookup(const char *user, struct gw_account *out, char *error, size_t room);

/* Becomes the account for good: no supplementary groups, real, effective and saved ids alike, no new privileges by exec;
 * looks whether there is a way back. Not separate: only gives up new privileges. False: error, and the process must end. */
bool gw_privileges_drop(const struct gw_account *account, char *error, size_t room);

/* No core file, and no other process of the same user may look into this one. Called again after every change of user. */
void gw_privileges_hide_memory(void);

#endif
