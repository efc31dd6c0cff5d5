/* SPDX-License-Identifier: MIT */
/* hostkeys-00@openssh.com and hostkeys-prove-00@openssh.com: OpenSSH PROTOCOL section 2.5. */
#include <criterion/criterion.h>

#include "inject.h"
#include "mux/connection/host_keys.h"

static const char PROVE[] = "hostkeys-prove-00@openssh.com";

static struct pair *with_client(const char *software, enum cx_key_type type)
{
    struct pair *p = pair_new(NULL, NULL, NULL, type);
    p->client.config.software = software;
    p->server.config.announce_host_keys = true;
    cr_assert(pair_handshake(p, SIZE_MAX));
    return p;
}

static struct pair *openssh(void)
{
    return with_client("OpenSSH_9.9", CX_KEY_ED25519);
}

/* A string of the blob, as many times as asked for. */
static bool ask(struct pair *p, struct cx_view blob, unsigned times)
{
    uint8_t room[4096];
    struct cx_writer w = cx_writer((struct cx_span){ room, sizeof room });
    while (times-- > 0)
        cx_writer_string(&w, blob);
    return mux_session_global_request(p->client.session, PROVE, true, cx_writer_view(&w));
}

/* The client's next reply, taken by hand so that its data can be seen. */
static struct mux_event reply(struct pair *p)
{
    struct mux_event ev[4];
    size_t used, count = 4;
    (void)pair_produce(p, &p->server);
    struct cx_span in = { p->client.inbox, p->client.inbox_len };
    cr_assert_eq(mux_session_feed(p->client.session, p->now_ns, in, &used, ev, &count, NULL), MUX_OK);
    cr_assert_eq(count, 1);
    cr_assert_eq(ev[0].kind, MUX_EV_GLOBAL_REPLY);
    p->client.inbox_len = 0;
    return ev[0];
}

static void pass_on(struct pair *p)
{
    (void)pair_produce(p, &p->client);
    (void)pair_feed(p, &p->server);
}

Test(host_keys, are_announced_to_openssh_where_configured_and_to_nobody_else)
{
    struct pair *p = openssh();
    cr_assert_eq(p->client.events[MUX_EV_GLOBAL_REQUEST], 1);
    pair_free(p);
    p = with_client("PuTTY_Release_0.78", CX_KEY_ED25519);
    cr_assert_eq(p->client.events[MUX_EV_GLOBAL_REQUEST], 0);
    pair_free(p);
    p = pair_new(NULL, NULL, NULL, CX_KEY_ED25519);
    p->client.config.software = "OpenSSH_9.9";
    cr_assert(pair_handshake(p, SIZE_MAX));
    cr_assert_eq(p->client.events[MUX_EV_GLOBAL_REQUEST], 0);
    cr_assert(ask(p, p->host_key.blob, 1));
    pass_on(p);
    cr_assert_eq(p->server.events[MUX_EV_PROVE], 0);
    cr_assert_not(reply(p).reply.success);
    pair_free(p);
}

Test(host_keys, are_proven_by_a_signature_that_names_this_session, .timeout = 60)
{
    for (int type = 0; type < CX_KEY_PRIVATE_COUNT; type++) {
        struct pair *p = with_client("OpenSSH_9.9", type);
        uint8_t room[MUX_PROOF_MAX];
        struct cx_view proof =
            mux_host_key_proof((struct cx_span){ room, sizeof room }, mux_session_id(p->client.session), p->host_key.blob);
        cr_assert(ask(p, p->host_key.blob, 1));
        pass_on(p);
        struct mux_event ev = reply(p);
        cr_assert(ev.reply.success);
        struct cx_reader r = cx_reader(ev.reply.data);
        struct cx_view signature = cx_reader_string(&r);
        cr_assert(cx_reader_done(&r));
        cr_assert_eq(cx_key_verify(p->host_key.blob, p->server.session->host_alg, signature, proof), CX_OK, "type %d", type);
        pair_free(p);
    }
}

Test(host_keys, that_are_unknown_or_asked_for_again_are_not_proven)
{
    for (int row = 0; row < 4; row++) {
        struct pair *p = openssh();
        cr_assert(ask(p, row == 0 ? cx_private_key_blob(p->user_private) : p->host_key.blob, row == 1 ? 2 : row == 2 ? 0 : 1));
        pass_on(p);
        struct mux_event first = reply(p);
        cr_assert_eq(first.reply.success, row == 3, "row %d", row);
        if (row == 3) {
            cr_assert(ask(p, p->host_key.blob, 1));
            pass_on(p);
            cr_assert_not(reply(p).reply.success);
            cr_assert_eq(p->server.events[MUX_EV_PROVE], 1);
        }
        pair_free(p);
    }
}

Test(host_keys, proofs_that_come_late_hold_up_later_replies_and_keep_the_order)
{
    struct pair *p = openssh();
    p->server.hold_proofs = true;
    cr_assert(ask(p, p->host_key.blob, 1));
    cr_assert(mux_session_global_request(p->client.session, "yes", true, cx_view("", 0)));
    pass_on(p);
    cr_assert_not(mux_session_owes(p->server.session));
    cr_assert_not(pair_produce(p, &p->server));
    struct cx_view signature = cx_view_text("signature");
    mux_session_proofs(p->server.session, &signature, 1);
    cr_assert(mux_session_owes(p->server.session));
    struct mux_event ev[4];
    size_t used, count = 4;
    (void)pair_produce(p, &p->server);
    struct cx_span in = { p->client.inbox, p->client.inbox_len };
    cr_assert_eq(mux_session_feed(p->client.session, p->now_ns, in, &used, ev, &count, NULL), MUX_OK);
    cr_assert_eq(count, 2);
    cr_assert(ev[0].reply.success && ev[0].reply.data.len == 4 + signature.len);
    cr_assert(ev[1].reply.success && ev[1].reply.data.len == 0);
    pair_free(p);
}

Test(host_keys, a_proof_that_cannot_be_made_is_a_failure)
{
    static const struct cx_view empty[1];
    for (size_t count = 0; count < 2; count++) {
        struct pair *p = openssh();
        p->server.hold_proofs = true;
        cr_assert(ask(p, p->host_key.blob, 1));
        pass_on(p);
        mux_session_proofs(p->server.session, empty, count);
        cr_assert_not(reply(p).reply.success);
        mux_session_proofs(p->server.session, empty, count); /* nobody waits: passed over */
        pair_free(p);
    }
}

Test(host_keys, a_request_that_does_not_parse_disconnects_and_one_without_reply_is_passed_over)
{
    struct pair *p = openssh();
    inject(p, &p->client, "bsbs", MUX_MSG_GLOBAL_REQUEST, PROVE, 0, "key");
    (void)pair_feed(p, &p->server);
    cr_assert_eq(p->server.err, MUX_OK);
    cr_assert_eq(p->server.session->reply_count, 0);
    inject(p, &p->client, "bsbu", MUX_MSG_GLOBAL_REQUEST, PROVE, 1, 5u);
    cr_assert_eq(inject_run(p, &p->server), MUX_E_MALFORMED);
    pair_free(p);
}
