/* SPDX-License-Identifier: MIT */
/* See privileges.h. */
#include "gateway/monitor/privileges.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

bool gw_privileges_lookup(const char *user, struct gw_account *out, char *error, size_t room)
{
    *out = (struct gw_account){ .separate = false, .uid = geteuid(), .gid = getegid() };
    if (geteuid() != 0)
        return true;
    errno = 0;
    const struct passwd *entry = getpwnam(user);
    if (!entry) {
        snprintf(error, room,
                 "user %s, whom the engine is to run as, does not exist: create it (useradd --system --no-create-home "
                 "--shell /usr/sbin/nologin %s) or name another by the keyword User",
                 user, user);
        return false;
    }
    if (entry->pw_uid == 0) {
        snprintf(error, room, "User %s: the engine must not run as root; name an account without privileges", user);
        return false;
    }
    *out = (struct gw_account){ .separate = true, .uid = entry->pw_uid, .gid = entry->pw_gid };
    return true;
}

static bool ids_are(uid_t uid, gid_t gid)
{
    uid_t ruid, euid, suid;
    gid_t rgid, egid, sgid;
    return getresuid(&ruid, &euid, &suid) == 0 && getresgid(&rgid, &egid, &sgid) == 0 && ruid == uid && euid == uid &&
           suid == uid && rgid == gid && egid == gid && sgid == gid;
}

bool gw_privileges_drop(const struct gw_account *account, char *error, size_t room)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        snprintf(error, room, "cannot give up new privileges: %s", strerror(errno));
        return false;
    }
    if (!account->separate)
        return true;
    if (setgroups(0, NULL) != 0 || setresgid(account->gid, account->gid, account->gid) != 0 ||
        setresuid(account->uid, account->uid, account->uid) != 0) {
        snprintf(error, room, "cannot become user %u group %u: %s", account->uid, account->gid, strerror(errno));
        return false;
    }
    if (!ids_are(account->uid, account->gid) || getgroups(0, NULL) != 0 || setresuid(0, 0, 0) == 0 || setresgid(0, 0, 0) == 0) {
        snprintf(error, room, "privileges were not given up for good as user %u group %u", account->uid, account->gid);
        return false;
    }
    return true;
}

void gw_privileges_hide_memory(void)
{
    setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
#if !defined(__SANITIZE_ADDRESS__) /* LeakSanitizer reads the process through ptrace */
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}
