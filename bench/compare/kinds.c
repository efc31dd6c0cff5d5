/* SPDX-License-Identifier: MIT */
/* How each kind of server is set up: as its makers ship it, but for what a test on loopback needs. None asks for root; a server of
 * accounts lets in the one that this program runs as. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/compare/relay.h"
#include "bench/compare/server.h"

/* Its log is the place's file of its name. */
static const char *start_program(struct compare_server *s, const struct compare_bed *bed, const char *const argv[],
                                 bool (*prepare)(const void *state), const void *state)
{
    char path[PATH_MAX];
    int log_fd = open(compare_place_path(&bed->place, s->name, path), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (log_fd < 0)
        return "no log can be written";
    const struct compare_program program = {
        .argv = argv, .cores = &bed->server_cores, .out_fd = -1, .log_fd = log_fd, .prepare = prepare, .state = state
    };
    s->pid = compare_child_start(&program);
    close(log_fd);
    return s->pid > 0 ? NULL : "no process can be made";
}

static const char *config_path(const struct compare_server *s, const struct compare_bed *bed, char out[PATH_MAX])
{
    char name[COMPARE_SERVER_NAME + 8];
    snprintf(name, sizeof name, "%s.conf", s->name);
    return compare_place_path(&bed->place, name, out);
}

static const char config_failed[] = "no configuration can be written";

/* ---- sluiced ---- */

static const char *start_sluiced(struct compare_server *s, const struct compare_bed *bed)
{
    char path[PATH_MAX];
    const char *place = bed->place.path;
    const char *argv[] = { s->program, "-D", "-e", "-f", config_path(s, bed, path), NULL };
    if (!compare_place_write(&bed->place, strrchr(path, '/') + 1,
                             "ListenAddress 127.0.0.1:%u\nHostKey %s/host\nAuthorizedKeysFile %s/authorized_keys\nWorkers 1\n"
                             "MACs +umac-64-etm@openssh.com\nMaxStartups 2000:30:4000\nMaxChannels 16384\n"
                             "MaxChannelsPerUser 1000000\nHardStopAfter 1s\n%s"
                             "Queue echo\n Target 127.0.0.1:%u\n Allow *\n"
                             "Queue sink\n Target 127.0.0.1:%u\n Allow *\n"
                             "Queue source\n Target 127.0.0.1:%u\n Allow *\n",
                             s->port, place, place, geteuid() == 0 ? "User nobody\n" : "", bed->services_port,
                             bed->services_port + COMPARE_SINK, bed->services_port + COMPARE_SOURCE))
        return config_failed;
    return start_program(s, bed, argv, NULL, NULL);
}

const struct compare_kind compare_sluiced = {
    .name = "sluiced",
    .program = "sluiced",
    .what = "this gateway",
    .speaks_ssh = true,
    .queues = true,
    .ports = 1,
    .start = start_sluiced,
};

/* ---- OpenSSH ---- */

static const char *start_sshd(struct compare_server *s, const struct compare_bed *bed)
{
    char path[PATH_MAX];
    const char *place = bed->place.path;
    const char *argv[] = { s->program, "-D", "-e", "-f", config_path(s, bed, path), NULL };
    if (geteuid() == 0 && mkdir("/run/sshd", 0755) != 0 && errno != EEXIST) /* its service makes it, at boot or as it starts */
        return "there is no /run/sshd";
    if (!compare_place_write(&bed->place, strrchr(path, '/') + 1,
                             "ListenAddress 127.0.0.1:%u\nHostKey %s/host\nAuthorizedKeysFile %s/authorized_keys\nPidFile none\n"
                             "UsePAM no\nStrictModes no\nPermitRootLogin yes\nMaxStartups 2000:30:4000\n",
                             s->port, place, place))
        return config_failed;
    return start_program(s, bed, argv, NULL, NULL);
}

const struct compare_kind compare_sshd = {
    .name = "sshd",
    .program = "sshd",
    .package = "openssh-server",
    .what = "OpenSSH's server",
    .speaks_ssh = true,
    .process_a_connection = true,
    .ports = 1,
    .start = start_sshd,
};

/* ---- dropbear ---- */

/* It reads ~/.ssh/authorized_keys, and asks the system's list of accounts where that is: it gets to see one of its own, in which
 * the place is home. */
static bool write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (fd >= 0)
        close(fd);
    return good;
}

/* Root may have mounts of its own at once; others as the only user of a namespace of users. */
static bool leave_mounts(void)
{
    uid_t uid = geteuid();
    gid_t gid = getegid();
    char user_map[32], group_map[32];
    if (uid == 0)
        return unshare(CLONE_NEWNS) == 0;
    snprintf(user_map, sizeof user_map, "%u %u 1", uid, uid);
    snprintf(group_map, sizeof group_map, "%u %u 1", gid, gid);
    return unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 && write_file("/proc/self/setgroups", "deny") &&
           write_file("/proc/self/uid_map", user_map) && write_file("/proc/self/gid_map", group_map);
}

static bool show_own_accounts(const void *state)
{
    char path[PATH_MAX];
    if (leave_mounts() && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
        mount(compare_place_path(state, "passwd", path), "/etc/passwd", NULL, MS_BIND, NULL) == 0)
        return true;
    dprintf(STDERR_FILENO, "no mount namespace can be made for its list of accounts: %s\n", strerror(errno));
    return false;
}

static bool write_accounts(const struct compare_place *p)
{
    char ssh[PATH_MAX], keys[PATH_MAX], link_path[PATH_MAX];
    compare_place_path(p, "authorized_keys", keys);
    return (mkdir(compare_place_path(p, ".ssh", ssh), 0700) == 0 || errno == EEXIST) &&
           (link(keys, compare_place_path(p, ".ssh/authorized_keys", link_path)) == 0 || errno == EEXIST) &&
           compare_place_write(p, "passwd", "%s:x:%u:%u::%s:/bin/sh\n", p->user, geteuid(), getegid(), p->path);
}

static bool make_dropbear_key(const struct compare_bed *bed, const char *path)
{
    char program[PATH_MAX];
    const char *argv[] = { program, "-t", "ed25519", "-f", path, NULL };
    int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    const struct compare_program key = { .argv = argv, .cores = &bed->client_cores, .out_fd = -1, .log_fd = fd };
    bool good =
        access(path, R_OK) == 0 || (fd >= 0 && compare_find_program("dropbearkey", program) && compare_child_complete(&key));
    if (fd >= 0)
        close(fd);
    return good;
}

static const char *start_dropbear(struct compare_server *s, const struct compare_bed *bed)
{
    char key[PATH_MAX], pid[PATH_MAX], address[32];
    const char *argv[] = { s->program, "-F", "-E", "-r", key, "-P", pid, "-p", address, NULL };
    compare_place_path(&bed->place, "dropbear-host", key);
    compare_place_path(&bed->place, "dropbear-pid", pid);
    snprintf(address, sizeof address, "127.0.0.1:%u", s->port);
    if (!make_dropbear_key(bed, key))
        return "dropbearkey made no host key";
    if (!write_accounts(&bed->place))
        return config_failed;
    return start_program(s, bed, argv, show_own_accounts, &bed->place);
}

const struct compare_kind compare_dropbear = {
    .name = "dropbear",
    .program = "dropbear",
    .package = "dropbear-bin",
    .what = "dropbear",
    .speaks_ssh = true,
    .process_a_connection = true,
    .ports = 1,
    .start = start_dropbear,
};

/* ---- HAProxy ---- */

static const char *start_haproxy(struct compare_server *s, const struct compare_bed *bed)
{
    char path[PATH_MAX];
    const char *argv[] = { s->program, "-db", "-f", config_path(s, bed, path), NULL };
    if (!compare_place_write(&bed->place, strrchr(path, '/') + 1,
                             "global\n maxconn 4000\n nbthread 1\n"
                             "defaults\n mode tcp\n timeout connect 10s\n timeout client 1h\n timeout server 1h\n"
                             "listen echo\n bind 127.0.0.1:%u\n server echo 127.0.0.1:%u\n"
                             "listen sink\n bind 127.0.0.1:%u\n server sink 127.0.0.1:%u\n"
                             "listen source\n bind 127.0.0.1:%u\n server source 127.0.0.1:%u\n",
                             s->port, bed->services_port, s->port + COMPARE_SINK, bed->services_port + COMPARE_SINK,
                             s->port + COMPARE_SOURCE, bed->services_port + COMPARE_SOURCE))
        return config_failed;
    return start_program(s, bed, argv, NULL, NULL);
}

const struct compare_kind compare_haproxy = {
    .name = "haproxy",
    .program = "haproxy",
    .package = "haproxy",
    .what = "HAProxy, mode tcp",
    .ports = COMPARE_SERVICES,
    .start = start_haproxy,
};

/* ---- the bare relay ---- */

static const char *start_bare(struct compare_server *s, const struct compare_bed *bed)
{
    struct compare_relay relay = { .routes = COMPARE_SERVICES };
    for (unsigned i = 0; i < COMPARE_SERVICES; i++) {
        relay.route[i].listen_fd = compare_listen(s->port + i);
        relay.route[i].to = compare_loopback(bed->services_port + i);
        if (relay.route[i].listen_fd < 0)
            return "no ports are free";
    }
    s->pid = compare_relay_start(&relay, &bed->server_cores);
    return s->pid > 0 ? NULL : "no process can be made";
}

const struct compare_kind compare_bare = {
    .name = "bare",
    .program = "",
    .what = "a relay of one read and one write, without encryption",
    .ports = COMPARE_SERVICES,
    .start = start_bare,
};
