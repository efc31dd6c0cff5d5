/* SPDX-License-Identifier: MIT */
/* The monitor against engines that are not ours: this program starts itself as the monitor, and the monitor executes it again as
 * the engine, which behaves as SLUICE_FAKE_ENGINE says. A plain program, since it must own its command line. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "gateway/config/config.h"
#include "gateway/monitor/ipc.h"
#include "gateway/monitor/monitor.h"
#include "gateway/monitor/privileges.h"
#include "mux/connection/host_keys.h"
#include "mux/transport/exchange_hash.h"

#define CHECK(condition) check((condition), #condition, __LINE__)

static char dir[PATH_MAX];

static void check(bool holds, const char *what, int line)
{
    if (holds)
        return;
    fprintf(stderr, "monitor_engine.c:%d: %s does not hold\n", line, what);
    abort();
}

/* ---- the engine's side ---- */

static uint8_t room[GW_IPC_DATAGRAM_MAX];
static struct gw_snapshot snapshot;
static int worker = -1;
static unsigned port;

static void wait_readable(int fd)
{
    while (poll(&(struct pollfd){ fd, POLLIN, 0 }, 1, -1) < 0 && errno == EINTR)
        continue;
}

/* The next record of a datagram of its own. False: the monitor is gone. */
static bool hear(int socket, struct gw_ipc_record *r, int *fd)
{
    int fds[GW_IPC_FDS_MAX];
    unsigned fd_count;
    wait_readable(socket);
    ssize_t n = gw_ipc_receive(socket, room, fds, &fd_count);
    if (n <= 0)
        return false;
    struct cx_view datagram = cx_view(room, (size_t)n);
    CHECK(gw_ipc_next(&datagram, r) == 1 && datagram.len == 0);
    CHECK(fd_count == gw_ipc_record_has_fd(r));
    *fd = fd_count ? fds[0] : -1;
    return true;
}

static void say(int socket, const struct gw_ipc_record *r)
{
    struct gw_ipc_out out;
    CHECK(gw_ipc_out_init(&out) && gw_ipc_put(&out, r, -1) && gw_ipc_send(&out, socket) == 1);
    gw_ipc_out_deinit(&out);
}

static void audit(const char *text)
{
    say(worker, &(struct gw_ipc_record){ .type = GW_IPC_AUDIT, .bytes = cx_view_text(text) });
}

static void begin(void)
{
    char error[512];
    struct gw_ipc_record r;
    int fd;
    unsigned listeners = 0, workers = 0;
    CHECK(hear(GW_IPC_CONTROL_FD, &r, &fd) && r.type == GW_IPC_CONFIG);
    CHECK(gw_snapshot_read(fd, &snapshot, error, sizeof error));
    while (hear(GW_IPC_CONTROL_FD, &r, &fd) && r.type != GW_IPC_START) {
        listeners += r.type == GW_IPC_LISTENERS;
        if (r.type == GW_IPC_WORKER) {
            CHECK(r.id == workers++);
            worker = worker < 0 ? fd : worker;
        }
    }
    CHECK(r.type == GW_IPC_START && listeners == snapshot.config->listen_count && workers == snapshot.config->workers);
}

static struct gw_ipc_record signing_request(uint64_t id)
{
    struct gw_ipc_record q = {
        .type = GW_IPC_SIGN,
        .id = id,
        .sign = {
            .alg = cx_view_text("ssh-ed25519"),
            .kex = cx_view_text("curve25519-sha256"),
            .inputs = { cx_kex_find(cx_view_text("curve25519-sha256")), cx_view_text("SSH-2.0-a"), cx_view_text("SSH-2.0-b"),
                        cx_view_text("ic"), cx_view_text("is"), cx_view_text("qc"), cx_view_text("qs"), cx_view_text("k") },
        },
    };
    memset(q.sign.connection, '0', sizeof q.sign.connection);
    return q;
}

/* The signature must be over the hash that the monitor computes by itself, from its own idea of the host key. */
static void ask_for_a_signature(void)
{
    struct gw_ipc_record q = signing_request(77), a;
    int fd;
    uint8_t hash[CX_HASH_MAX_BYTES];
    say(worker, &q);
    CHECK(hear(worker, &a, &fd) && a.type == GW_IPC_SIGNED && a.id == 77);
    CHECK(mux_exchange_hash(&q.sign.inputs, snapshot.host_keys[0].blob, hash) == CX_OK);
    CHECK(cx_key_verify(snapshot.host_keys[0].blob, cx_sign_alg_find(q.sign.alg), a.bytes, cx_view(hash, 32)) == CX_OK);
}

static struct gw_ipc_record proof_request(uint64_t id)
{
    struct gw_ipc_record q = { .type = GW_IPC_PROVE, .id = id, .prove.alg = cx_view_text("ssh-ed25519") };
    memset(q.prove.connection, '1', sizeof q.prove.connection);
    return q;
}

static struct gw_ipc_record first_signing_request(uint64_t id)
{
    struct gw_ipc_record q = signing_request(id);
    memset(q.sign.connection, '1', sizeof q.sign.connection);
    q.sign.first = true;
    return q;
}

/* The answer's length: empty is a refusal. What is proven must be our key, in the session of the hash that was signed first. */
static size_t prove(void)
{
    struct gw_ipc_record q = proof_request(79), a;
    struct mux_kex_inputs inputs = signing_request(0).sign.inputs;
    uint8_t hash[CX_HASH_MAX_BYTES], proof[MUX_PROOF_MAX];
    int fd;
    say(worker, &q);
    CHECK(hear(worker, &a, &fd) && a.type == GW_IPC_SIGNED && a.id == 79);
    if (a.bytes.len == 0)
        return 0;
    struct cx_view blob = snapshot.host_keys[0].blob;
    CHECK(mux_exchange_hash(&inputs, blob, hash) == CX_OK);
    struct cx_view proven = mux_host_key_proof((struct cx_span){ proof, sizeof proof }, cx_view(hash, 32), blob);
    CHECK(cx_key_verify(blob, cx_sign_alg_find(q.prove.alg), a.bytes, proven) == CX_OK);
    return a.bytes.len;
}

/* A proof is made from the first exchange to the connection's end, and for a connection that had none never. */
static void ask_for_proofs(void)
{
    struct gw_ipc_record q = first_signing_request(80), rekey = q, a, farewell = { .type = GW_IPC_FORGET };
    int fd;
    CHECK(prove() == 0);
    rekey.sign.first = false;
    rekey.sign.inputs.i_c = cx_view_text("another");
    say(worker, &rekey); /* of a connection whose first exchange is not known (any more) */
    CHECK(hear(worker, &a, &fd) && a.bytes.len > 0 && prove() == 0);
    say(worker, &q);
    CHECK(hear(worker, &a, &fd) && a.bytes.len > 0);
    say(worker, &rekey);
    CHECK(hear(worker, &a, &fd) && a.bytes.len > 0);
    CHECK(prove() > 0);
    farewell.bytes = cx_view(q.sign.connection, sizeof q.sign.connection);
    say(worker, &farewell);
    CHECK(prove() == 0);
}

/* More at once than may be under way, and nothing read before the socket is full: they wait, and none is refused. */
static void ask_for_many_signatures(void)
{
    enum { REQUESTS = 4000, A_DATAGRAM = 100 };
    static bool answered[REQUESTS];
    struct gw_ipc_out out;
    unsigned asked = 0, got = 0;
    CHECK(gw_ipc_out_init(&out));
    while (got < REQUESTS) {
        for (; asked < REQUESTS && out.used == 0; asked += A_DATAGRAM) {
            for (unsigned i = 0; i < A_DATAGRAM; i++) {
                struct gw_ipc_record q = signing_request(asked + i);
                CHECK(gw_ipc_put(&out, &q, -1));
            }
            CHECK(gw_ipc_send(&out, worker) >= 0);
        }
        int fds[GW_IPC_FDS_MAX];
        unsigned fd_count;
        wait_readable(worker);
        ssize_t n = gw_ipc_receive(worker, room, fds, &fd_count);
        CHECK(n > 0);
        struct cx_view datagram = cx_view(room, (size_t)n);
        struct gw_ipc_record a;
        while (gw_ipc_next(&datagram, &a) == 1) {
            CHECK(a.type == GW_IPC_SIGNED && a.id < REQUESTS && a.bytes.len > 0 && !answered[a.id]);
            answered[a.id] = true;
            got++;
        }
        CHECK(gw_ipc_send(&out, worker) >= 0);
    }
    gw_ipc_out_deinit(&out);
}

static void ask_for_key_files(void)
{
    struct gw_ipc_record q = { .type = GW_IPC_OPEN_KEYS, .id = 78, .open_keys = { cx_view_text("alice"), 0 } };
    struct gw_ipc_record a;
    int fd;
    char text[16];
    say(worker, &q);
    CHECK(hear(worker, &a, &fd) && a.type == GW_IPC_KEYS && a.id == 78);
    CHECK(a.keys.opened && a.keys.last && a.keys.path_has_user && pread(fd, text, sizeof text, 0) == 6);
    q.open_keys.index = 1;
    say(worker, &q);
    CHECK(hear(worker, &a, &fd) && !a.keys.opened && a.keys.last);
}

static void serve(bool obeys)
{
    struct gw_ipc_record r;
    int fd;
    while (hear(GW_IPC_CONTROL_FD, &r, &fd)) {
        if (r.type == GW_IPC_CONFIG) {
            char error[512];
            struct gw_snapshot fresh;
            CHECK(gw_snapshot_read(fd, &fresh, error, sizeof error));
            audit(fresh.config->max_auth_tries == 2 ? "{\"reloaded\":2}" : "{\"reloaded\":0}");
            gw_snapshot_deinit(&fresh);
        } else if (r.type == GW_IPC_DRAIN && obeys) {
            audit("{\"drained\":1}"); /* the last record, read after the process is gone */
            _exit(0);
        }
    }
    _exit(0);
}

static void become(void)
{
    char error[256];
    struct gw_account account = { .separate = geteuid() == 0, .uid = 65534, .gid = 65534 };
    gid_t group = 4; /* one that must go */
    CHECK(!account.separate || setgroups(1, &group) == 0);
    CHECK(gw_privileges_drop(&account, error, sizeof error));
    if (account.separate)
        CHECK(geteuid() == 65534 && getgroups(0, NULL) == 0 && setuid(0) != 0 && open("/proc/1/environ", O_RDONLY) < 0);
}

/* What only an engine that is not ours asks of the signers. */
static void ask_for_too_much(const char *mode)
{
    struct gw_ipc_record sign = first_signing_request(1), proof = proof_request(2);
    bool sign_twice = strcmp(mode, "first twice") == 0, prove_twice = strcmp(mode, "proof twice") == 0;
    for (int i = 0; i < (sign_twice ? 2 : prove_twice ? 1 : 0); i++)
        say(worker, &sign);
    for (int i = 0; prove_twice && i < 2; i++)
        say(worker, &proof);
    if (strcmp(mode, "no such key") == 0) {
        proof.prove.host_key = 1;
        say(worker, &proof);
    }
    if (strcmp(mode, "no certificate") == 0) {
        sign.sign.alg = cx_view_text("ssh-ed25519-cert-v01@openssh.com");
        say(worker, &sign);
    }
}

/* What an engine before this one was known by is forgotten. */
static void prove_anew(void)
{
    struct gw_ipc_record q = first_signing_request(80), a;
    int fd;
    CHECK(prove() == 0);
    say(worker, &q);
    CHECK(hear(worker, &a, &fd) && a.bytes.len > 0 && prove() > 0);
}

static int fake_engine(const char *mode)
{
    become();
    if (strcmp(mode, "mute") == 0)
        return 1;
    begin();
    say(GW_IPC_CONTROL_FD, &(struct gw_ipc_record){ .type = GW_IPC_READY });
    if (strcmp(mode, "serve") == 0) {
        ask_for_a_signature();
        ask_for_proofs();
        ask_for_key_files();
        audit("{\"served\":1}");
        serve(true);
    }
    if (strcmp(mode, "many") == 0) {
        ask_for_many_signatures();
        audit("{\"many\":1}");
        serve(true);
    }
    if (strcmp(mode, "stubborn") == 0) {
        audit("{\"served\":1}");
        serve(false);
    }
    audit("{\"started\":1}");
    if (strcmp(mode, "crash") == 0) {
        prove_anew();
        raise(SIGKILL);
    }
    if (strcmp(mode, "garbage") == 0)
        CHECK(send(worker, "garbage", 7, 0) == 7);
    if (strcmp(mode, "name") == 0)
        say(worker, &(struct gw_ipc_record){ .type = GW_IPC_OPEN_KEYS, .open_keys = { cx_view_text("../alice"), 0 } });
    if (strcmp(mode, "key") == 0)
        say(worker, &(struct gw_ipc_record){ .type = GW_IPC_SIGNED, .bytes = cx_view_text("") });
    ask_for_too_much(mode);
    if (strcmp(mode, "line") == 0)
        audit("{}\n{\"forged\":1}");
    serve(true); /* until it is killed */
    return 0;
}

/* ---- the tests' side ---- */

static const char *at(const char *name)
{
    static char paths[4][PATH_MAX + 64];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", dir, name);
    return path;
}

static void write_file(const char *name, const char *text, mode_t mode)
{
    int fd = open(at(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
}

static unsigned count_in(const char *name, const char *text)
{
    static char content[256 * 1024];
    FILE *f = fopen(at(name), "re");
    content[f ? fread(content, 1, sizeof content - 1, f) : 0] = '\0';
    if (f)
        fclose(f);
    unsigned n = 0;
    for (const char *p = content; (p = strstr(p, text)); p++)
        n++;
    return n;
}

static void await(const char *name, const char *text, unsigned count)
{
    for (int i = 0; i < 3000; i++) {
        if (count_in(name, text) >= count)
            return;
        nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
    }
    fprintf(stderr, "%s never had %u of: %s\n", name, count, text);
    abort();
}

/* A port that was free just now. */
static unsigned free_port(void)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(bind(fd, (struct sockaddr *)&a, len) == 0 && getsockname(fd, (struct sockaddr *)&a, &len) == 0);
    close(fd);
    return ntohs(a.sin_port);
}

static void write_configuration(unsigned tries)
{
    char text[PATH_MAX * 4];
    snprintf(text, sizeof text,
             "ListenAddress 127.0.0.1:%u\nHostKey %s\nAuthorizedKeysFile %s/keys/%%u\nAuditLog %s\nWorkers 2\nUser nobody\n"
             "MaxAuthTries %u\nPidFile %s\n",
             port, at("host_key"), dir, at("audit"), tries, at("pid"));
    write_file("conf", text, 0600);
}

static void make_files(void)
{
    struct cx_private_key *key;
    char *text = NULL;
    snprintf(dir, sizeof dir, "%s/sluice-monitor-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    CHECK(mkdtemp(dir) != NULL);
    CHECK(cx_private_key_generate(CX_KEY_ED25519, &key) == CX_OK && cx_private_key_write(key, "", &text) == CX_OK);
    write_file("host_key", text, 0600);
    free(text);
    cx_private_key_free(key);
    CHECK(mkdir(at("keys"), 0755) == 0);
    port = free_port();
    write_file("keys/alice", "a key\n", 0644);
    write_configuration(6);
}

static pid_t start(const char *mode)
{
    unlink(at("audit"));
    unlink(at("log"));
    setenv("SLUICE_FAKE_ENGINE", mode, 1);
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves nothing behind */
    char *config = strdup(at("conf"));
    struct gw_monitor_options options = { .config_path = config, .log_path = at("log") };
    int status = gw_monitor_run(&options);
    free(config);
    exit(status);
}

static int status_of(pid_t pid)
{
    int status;
    while (waitpid(pid, &status, 0) < 0)
        CHECK(errno == EINTR);
    CHECK(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void an_honest_engine_is_served_reloaded_and_drained(void)
{
    pid_t pid = start("serve");
    await("audit", "{\"served\":1}\n", 1);
    await("log", "Server listening on 127.0.0.1 port ", 1);
    CHECK(count_in("pid", "\n") == 1);
    write_configuration(2);
    kill(pid, SIGHUP);
    await("audit", "{\"reloaded\":2}\n", 1);
    write_file("conf", "NoSuchKeyword 1\n", 0600);
    kill(pid, SIGHUP);
    await("log", "the configuration stays as it was: ", 1);
    write_configuration(6);
    kill(pid, SIGTERM);
    CHECK(status_of(pid) == 0);
    CHECK(count_in("audit", "{\"drained\":1}\n") == 1 && access(at("pid"), F_OK) != 0);
}

static void a_rush_of_signatures_waits_and_none_is_refused(void)
{
    pid_t pid = start("many");
    await("audit", "{\"many\":1}\n", 1);
    kill(pid, SIGTERM);
    CHECK(status_of(pid) == 0);
    CHECK(count_in("log", "signing") == 0 && count_in("log", "ended") == 0);
}

static void an_engine_that_dies_is_started_again_ever_later(void)
{
    pid_t pid = start("crash");
    await("audit", "{\"started\":1}\n", 4);
    CHECK(count_in("log", "ended (signal 9)") >= 3 && count_in("log", "starting another engine in 400 ms") == 1);
    CHECK(count_in("log", "that no engine of ours makes") == 0);
    kill(pid, SIGINT);
    CHECK(status_of(pid) == 0);
}

static void an_engine_that_asks_what_none_of_ours_asks_is_killed(void)
{
    static const char *const modes[] = { "garbage",     "name",        "key",         "line",
                                         "first twice", "proof twice", "no such key", "no certificate" };
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        pid_t pid = start(modes[i]);
        await("log", "is killed: a request that no engine of ours makes", 2);
        kill(pid, SIGINT);
        CHECK(status_of(pid) == 0);
        CHECK(count_in("audit", "forged") == 0 && count_in("audit", "{\"started\":1}\n") >= 2);
    }
}

static void an_engine_that_never_serves_ends_the_start(void)
{
    CHECK(status_of(start("mute")) == GW_EXIT_FAILURE);
    CHECK(count_in("log", "ended (exit 1)") == 1);
}

static void a_second_term_ends_an_engine_that_does_not_drain(void)
{
    pid_t pid = start("stubborn");
    await("audit", "{\"served\":1}\n", 1);
    kill(pid, SIGTERM);
    await("log", "Received signal 15; draining", 1);
    kill(pid, SIGTERM);
    CHECK(status_of(pid) == 0);
}

static void a_key_that_others_may_read_and_a_port_in_use_are_refused(void)
{
    pid_t pid = start("serve");
    await("log", "Server listening on", 1);
    struct gw_monitor_options options = { .config_path = strdup(at("conf")) };
    CHECK(gw_monitor_check(&options) == 0);
    CHECK(gw_monitor_run(&options) == GW_EXIT_FAILURE);
    kill(pid, SIGINT);
    CHECK(status_of(pid) == 0);
    CHECK(chmod(at("host_key"), 0640) == 0);
    CHECK(gw_monitor_check(&options) == GW_EXIT_FAILURE);
    CHECK(chmod(at("host_key"), 0600) == 0);
    free(options.config_path);
}

int main(int argc, char **argv)
{
    if (argc >= 2 && strcmp(argv[1], "--engine") == 0)
        return fake_engine(getenv("SLUICE_FAKE_ENGINE"));
    make_files();
    an_honest_engine_is_served_reloaded_and_drained();
    a_rush_of_signatures_waits_and_none_is_refused();
    an_engine_that_dies_is_started_again_ever_later();
    an_engine_that_asks_what_none_of_ours_asks_is_killed();
    an_engine_that_never_serves_ends_the_start();
    a_second_term_ends_an_engine_that_does_not_drain();
    a_key_that_others_may_read_and_a_port_in_use_are_refused();
    char command[PATH_MAX + 16];
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    return system(command);
}
