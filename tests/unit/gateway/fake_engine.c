/* SPDX-License-Identifier: MIT */
#include "fake_engine.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/config/config.h"
#include "gateway/monitor/ipc.h"
#include "gateway/monitor/privileges.h"
#include "mux/connection/host_keys.h"
#include "mux/transport/exchange_hash.h"

void fake_engine_check(bool holds, const char *what, const char *file, int line)
{
    if (holds)
        return;
    fprintf(stderr, "%s:%d: %s does not hold\n", file, line, what);
    abort();
}

static uint8_t room[GW_IPC_DATAGRAM_MAX];
static struct gw_snapshot snapshot;
static int worker = -1;

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

int fake_engine(const char *mode)
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
