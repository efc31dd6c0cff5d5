/* SPDX-License-Identifier: MIT */
/* gateway/monitor/ipc: records there and back, descriptors, and what is refused. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <unistd.h>

#include "gateway/monitor/ipc.h"

static uint8_t room[GW_IPC_DATAGRAM_MAX];

/* Sends one record by itself and receives its datagram. */
static struct cx_view through(int pair[2], const struct gw_ipc_record *r, int fd, int fds[GW_IPC_FDS_MAX], unsigned *fd_count)
{
    struct gw_ipc_out out;
    cr_assert(gw_ipc_out_init(&out));
    cr_assert(gw_ipc_put(&out, r, fd));
    cr_assert_eq(gw_ipc_send(&out, pair[0]), 1);
    cr_assert_eq(out.used, 0);
    gw_ipc_out_deinit(&out);
    ssize_t n = gw_ipc_receive(pair[1], room, fds, fd_count);
    cr_assert_gt(n, 0);
    return cx_view(room, (size_t)n);
}

static struct gw_ipc_record sign_record(size_t kexinit_bytes)
{
    static uint8_t kexinit[64 * 1024];
    struct gw_ipc_record r = {
        .type = GW_IPC_SIGN,
        .id = UINT64_C(0x123456789abcdef0),
        .sign = {
            .first = true,
            .host_key = 3,
            .alg = cx_view_text("ssh-ed25519"),
            .kex = cx_view_text("curve25519-sha256"),
            .inputs = {
                .v_c = cx_view_text("SSH-2.0-client"),
                .v_s = cx_view_text("SSH-2.0-server"),
                .i_c = cx_view(kexinit, kexinit_bytes),
                .i_s = cx_view(kexinit, kexinit_bytes),
                .q_c = cx_view_text("qc"),
                .q_s = cx_view_text("qs"),
                .k = cx_view_text("k"),
            },
        },
    };
    memset(r.sign.connection, 'a', sizeof r.sign.connection);
    return r;
}

Test(ipc, a_signing_request_comes_back_the_same)
{
    int pair[2], fds[GW_IPC_FDS_MAX];
    unsigned fd_count;
    cr_assert(gw_ipc_pair(pair));
    struct gw_ipc_record in = sign_record(1200), out;
    struct cx_view datagram = through(pair, &in, -1, fds, &fd_count);
    cr_assert_eq(fd_count, 0);
    cr_assert_eq(gw_ipc_next(&datagram, &out), 1);
    cr_assert_eq(out.type, GW_IPC_SIGN);
    cr_assert_eq(out.id, in.id);
    cr_assert(out.sign.first);
    cr_assert_eq(out.sign.host_key, 3);
    cr_assert(memcmp(out.sign.connection, in.sign.connection, sizeof in.sign.connection) == 0);
    cr_assert(cx_view_is(out.sign.alg, "ssh-ed25519"));
    cr_assert_eq(out.sign.inputs.kex, cx_kex_find(cx_view_text("curve25519-sha256")));
    cr_assert(cx_view_is(out.sign.inputs.v_c, "SSH-2.0-client"));
    cr_assert(cx_view_is(out.sign.inputs.v_s, "SSH-2.0-server"));
    cr_assert(cx_view_equal(out.sign.inputs.i_c, in.sign.inputs.i_c));
    cr_assert(cx_view_is(out.sign.inputs.q_s, "qs"));
    cr_assert(cx_view_is(out.sign.inputs.k, "k"));
    cr_assert_eq(gw_ipc_next(&datagram, &out), 0);
}

Test(ipc, a_proofs_request_and_a_farewell_come_back_the_same)
{
    static const char connection[] = "0123456789abcdef0123456789abcdef";
    struct gw_ipc_record prove = { .type = GW_IPC_PROVE, .id = 5, .prove = { .host_key = 7, .alg = cx_view_text("rsa-sha2-256") } };
    struct gw_ipc_record forget = { .type = GW_IPC_FORGET, .bytes = cx_view_text(connection) }, out;
    memcpy(prove.prove.connection, connection, sizeof prove.prove.connection);
    struct gw_ipc_out o;
    cr_assert(gw_ipc_out_init(&o) && gw_ipc_put(&o, &prove, -1) && gw_ipc_put(&o, &forget, -1));
    struct cx_view datagram = cx_view(o.bytes, o.used);
    cr_assert_eq(gw_ipc_next(&datagram, &out), 1);
    cr_assert(out.type == GW_IPC_PROVE && out.id == 5 && out.prove.host_key == 7 && cx_view_is(out.prove.alg, "rsa-sha2-256"));
    cr_assert_eq(memcmp(out.prove.connection, connection, sizeof out.prove.connection), 0);
    cr_assert_eq(gw_ipc_next(&datagram, &out), 1);
    cr_assert(out.type == GW_IPC_FORGET && cx_view_is(out.bytes, connection));
    cr_assert_eq(gw_ipc_next(&datagram, &out), 0);
    for (size_t len = 31; len <= 33; len++) {
        forget.bytes = cx_view(room, len);
        o.used = 0;
        cr_assert(gw_ipc_put(&o, &forget, -1));
        datagram = cx_view(o.bytes, o.used);
        cr_assert_eq(gw_ipc_next(&datagram, &out), len == GW_IPC_CONNECTION_BYTES ? 1 : -1, "%zu bytes", len);
    }
    gw_ipc_out_deinit(&o);
}

Test(ipc, the_longest_signing_request_fits_in_a_datagram)
{
    int pair[2], fds[GW_IPC_FDS_MAX];
    unsigned fd_count;
    cr_assert(gw_ipc_pair(pair));
    struct gw_ipc_record in = sign_record(64 * 1024), out;
    for (int i = 0; i < 2; i++) { /* both directions of a socketpair alike */
        struct cx_view datagram = through(pair, &in, -1, fds, &fd_count);
        cr_assert_eq(gw_ipc_next(&datagram, &out), 1);
        cr_assert_eq(out.sign.inputs.i_s.len, 64 * 1024);
        int other = pair[0];
        pair[0] = pair[1], pair[1] = other;
    }
}

Test(ipc, descriptors_belong_to_records_in_their_order)
{
    int pair[2], fds[GW_IPC_FDS_MAX], ends[2];
    unsigned fd_count;
    cr_assert(gw_ipc_pair(pair));
    cr_assert_eq(pipe(ends), 0);
    struct gw_ipc_out out;
    cr_assert(gw_ipc_out_init(&out));
    struct gw_ipc_record none = { .type = GW_IPC_KEYS, .id = 1, .keys = { .last = true, .reason = cx_view_text("bad modes") } };
    struct gw_ipc_record some = { .type = GW_IPC_KEYS, .id = 2, .keys = { .opened = true, .path_has_user = true } };
    cr_assert(gw_ipc_put(&out, &none, -1));
    cr_assert(gw_ipc_put(&out, &some, ends[1]));
    cr_assert_eq(gw_ipc_send(&out, pair[0]), 1);
    close(ends[1]);
    ssize_t n = gw_ipc_receive(pair[1], room, fds, &fd_count);
    struct cx_view datagram = cx_view(room, (size_t)n);
    struct gw_ipc_record r;
    cr_assert_eq(fd_count, 1);
    cr_assert_eq(gw_ipc_next(&datagram, &r), 1);
    cr_assert(!gw_ipc_record_has_fd(&r));
    cr_assert(r.keys.last && !r.keys.path_has_user && cx_view_is(r.keys.reason, "bad modes"));
    cr_assert_eq(gw_ipc_next(&datagram, &r), 1);
    cr_assert(gw_ipc_record_has_fd(&r));
    cr_assert(!r.keys.last && r.keys.path_has_user);
    cr_assert_eq(write(fds[0], "x", 1), 1);
    char byte;
    cr_assert_eq(read(ends[0], &byte, 1), 1);
    gw_ipc_out_deinit(&out);
}

Test(ipc, a_full_datagram_takes_no_more_records_and_no_more_descriptors)
{
    struct gw_ipc_out out;
    cr_assert(gw_ipc_out_init(&out));
    struct gw_ipc_record sign = sign_record(1000);
    size_t n = 0;
    while (gw_ipc_put(&out, &sign, -1))
        n++;
    cr_assert_gt(n, 60);
    cr_assert_leq(out.used, GW_IPC_DATAGRAM_MAX);
    gw_ipc_out_deinit(&out);

    cr_assert(gw_ipc_out_init(&out));
    struct gw_ipc_record keys = { .type = GW_IPC_KEYS, .keys.opened = true };
    for (int i = 0; i < GW_IPC_FDS_MAX; i++)
        cr_assert(gw_ipc_put(&out, &keys, 0));
    cr_assert(!gw_ipc_put(&out, &keys, 0));
    gw_ipc_out_deinit(&out);
}

Test(ipc, a_full_socket_says_try_again_and_keeps_the_datagram)
{
    int pair[2], fds[GW_IPC_FDS_MAX];
    unsigned fd_count;
    cr_assert(gw_ipc_pair(pair));
    struct gw_ipc_out out;
    cr_assert(gw_ipc_out_init(&out));
    struct gw_ipc_record in = sign_record(64 * 1024);
    int sent = 1, n = 0;
    while (sent == 1 && n++ < 100) {
        cr_assert(gw_ipc_put(&out, &in, -1));
        sent = gw_ipc_send(&out, pair[0]);
    }
    cr_assert_eq(sent, 0);
    cr_assert_gt(out.used, 128 * 1024);
    while (gw_ipc_receive(pair[1], room, fds, &fd_count) > 0)
        continue;
    cr_assert_eq(errno, EAGAIN);
    cr_assert_eq(gw_ipc_send(&out, pair[0]), 1);
    gw_ipc_out_deinit(&out);
}

Test(ipc, what_was_sent_before_the_end_is_received_before_it)
{
    int pair[2], fds[GW_IPC_FDS_MAX];
    unsigned fd_count;
    cr_assert(gw_ipc_pair(pair));
    struct gw_ipc_out out;
    cr_assert(gw_ipc_out_init(&out));
    struct gw_ipc_record audit = { .type = GW_IPC_AUDIT, .bytes = cx_view_text("{}") };
    cr_assert(gw_ipc_put(&out, &audit, -1));
    cr_assert_eq(gw_ipc_send(&out, pair[0]), 1); /* unread when pair[1] ends: ECONNRESET on pair[0] */
    cr_assert(gw_ipc_put(&out, &audit, -1));
    cr_assert_eq(gw_ipc_send(&out, pair[1]), 1);
    close(pair[1]);
    cr_assert_gt(gw_ipc_receive(pair[0], room, fds, &fd_count), 0);
    cr_assert_eq(gw_ipc_receive(pair[0], room, fds, &fd_count), 0);
    gw_ipc_out_deinit(&out);
}

Test(ipc, a_group_comes_back_the_same_and_goes_with_the_method_that_exchanges_one)
{
    struct gw_ipc_out out;
    struct gw_ipc_record in = sign_record(40), r;
    cr_assert(gw_ipc_out_init(&out));
    in.sign.inputs.gex.min = 2048;
    in.sign.inputs.gex.preferred = 3072;
    in.sign.inputs.gex.max = 8192;
    in.sign.inputs.gex.prime = cx_view_text("p");
    in.sign.inputs.gex.generator = cx_view_text("g");
    for (int gex = 0; gex < 2; gex++)
        for (int group = 0; group < 2; group++) {
            in.sign.kex = cx_view_text(gex ? "diffie-hellman-group-exchange-sha256" : "curve25519-sha256");
            in.sign.inputs.gex.prime.len = (size_t)group;
            out.used = 0;
            cr_assert(gw_ipc_put(&out, &in, -1));
            struct cx_view datagram = cx_view(out.bytes, out.used);
            cr_assert_eq(gw_ipc_next(&datagram, &r), gex == group ? 1 : -1, "method %d group %d", gex, group);
        }
    cr_assert_eq(r.sign.inputs.gex.min, 2048);
    cr_assert_eq(r.sign.inputs.gex.preferred, 3072);
    cr_assert_eq(r.sign.inputs.gex.max, 8192);
    cr_assert(cx_view_is(r.sign.inputs.gex.prime, "p"));
    cr_assert(cx_view_is(r.sign.inputs.gex.generator, "g"));
    gw_ipc_out_deinit(&out);
}

Test(ipc, every_cut_of_a_record_is_malformed)
{
    struct gw_ipc_out out;
    cr_assert(gw_ipc_out_init(&out));
    struct gw_ipc_record in = sign_record(40), r;
    cr_assert(gw_ipc_put(&out, &in, -1));
    for (size_t n = 1; n < out.used; n++) {
        uint8_t *exact = malloc(n); /* so that ASan sees a read past the end */
        memcpy(exact, out.bytes, n);
        struct cx_view datagram = cx_view(exact, n);
        cr_assert_eq(gw_ipc_next(&datagram, &r), -1, "cut at %zu", n);
        free(exact);
    }
    gw_ipc_out_deinit(&out);
}

Test(ipc, another_version_or_type_or_method_is_malformed)
{
    struct gw_ipc_out out;
    struct gw_ipc_record in = sign_record(40), r;
    in.sign.kex = cx_view_text("diffie-hellman-group1-sha1");
    cr_assert(gw_ipc_out_init(&out));
    cr_assert(gw_ipc_put(&out, &in, -1));
    struct cx_view datagram = cx_view(out.bytes, out.used);
    cr_assert_eq(gw_ipc_next(&datagram, &r), -1);

    in = (struct gw_ipc_record){ .type = GW_IPC_READY };
    out.used = 0;
    cr_assert(gw_ipc_put(&out, &in, -1));
    datagram = cx_view(out.bytes, out.used);
    cr_assert_eq(gw_ipc_next(&datagram, &r), 1);
    static const struct {
        size_t at;
        uint8_t value;
    } wrong[] = { { 0, GW_IPC_VERSION + 1 }, { 1, 0 }, { 1, GW_IPC_TYPE_COUNT }, { 1, 255 } };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        uint8_t kept = out.bytes[wrong[i].at];
        out.bytes[wrong[i].at] = wrong[i].value;
        datagram = cx_view(out.bytes, out.used);
        cr_assert_eq(gw_ipc_next(&datagram, &r), -1, "case %zu", i);
        out.bytes[wrong[i].at] = kept;
    }
    gw_ipc_out_deinit(&out);
}

Test(ipc, random_bytes_never_crash_the_reader)
{
    struct cx_random_seeded seed;
    struct cx_random random = cx_random_from_seed(&seed, 7);
    for (int i = 0; i < 20000; i++) {
        uint8_t bytes[96];
        cx_random_fill(&random, bytes, sizeof bytes);
        bytes[0] = GW_IPC_VERSION;
        bytes[1] %= GW_IPC_TYPE_COUNT;
        bytes[10] = bytes[11] = bytes[12] = 0;
        struct cx_view datagram = cx_view(bytes, sizeof bytes);
        struct gw_ipc_record r;
        while (gw_ipc_next(&datagram, &r) == 1)
            continue;
    }
}

/* Seeds of another version would have the fuzzer see nothing but the first two bytes of them. */
Test(ipc, the_fuzzers_seeds_are_of_this_version_and_of_every_type)
{
    glob_t found;
    bool seen[GW_IPC_TYPE_COUNT] = { true }; /* 0 is none */
    cr_assert_eq(glob(SLUICE_IPC_SEEDS "/*", 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        int fd = open(found.gl_pathv[i], O_RDONLY | O_CLOEXEC), got;
        ssize_t n = read(fd, room, sizeof room);
        close(fd);
        cr_assert_gt(n, 0);
        struct cx_view datagram = cx_view(room, (size_t)n);
        struct gw_ipc_record r;
        while ((got = gw_ipc_next(&datagram, &r)) == 1)
            seen[r.type] = true;
        cr_assert_eq(got, 0, "%s", found.gl_pathv[i]);
    }
    globfree(&found);
    for (size_t type = 0; type < GW_IPC_TYPE_COUNT; type++)
        cr_assert(seen[type], "type %zu", type);
}
