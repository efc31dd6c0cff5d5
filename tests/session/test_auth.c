/* SPDX-License-Identifier: MIT */
/* Authentication against a peer that does not keep to the script. */
#include <criterion/criterion.h>

#include "inject.h"

static struct pair *at_auth(bool server)
{
    struct pair *p = pair_new(NULL, NULL, NULL, CX_KEY_ED25519);
    cr_assert(inject_reach(p, server ? &p->server : &p->client, PH_AUTH));
    return p;
}

/* ---- the client role: "none" is in flight when the phase is reached ---- */

Test(auth, client_takes_one_answer_a_request)
{
    static const uint8_t second[] = { MUX_MSG_USERAUTH_FAILURE, MUX_MSG_USERAUTH_SUCCESS };
    for (size_t i = 0; i < sizeof second; i++) {
        struct pair *p = at_auth(false);
        inject(p, &p->server, "bsb", MUX_MSG_USERAUTH_FAILURE, "publickey", 0);
        if (second[i] == MUX_MSG_USERAUTH_FAILURE)
            inject(p, &p->server, "bsb", MUX_MSG_USERAUTH_FAILURE, "publickey", 0);
        else
            inject(p, &p->server, "b", MUX_MSG_USERAUTH_SUCCESS);
        (void)pair_feed(p, &p->client);
        cr_assert_eq(p->client.err, MUX_E_ILLEGAL, "second answer %d", second[i]);
        cr_assert_eq(p->client.events[MUX_EV_AUTH_SUCCESS], 0);
        pair_free(p);
    }
}

Test(auth, client_keeps_what_is_being_signed_until_it_is_handed_in)
{
    struct pair *p = at_auth(false);
    inject(p, &p->server, "bsb", MUX_MSG_USERAUTH_FAILURE, "publickey", 0);
    p->client.events[MUX_EV_AUTH_FAILURE] = 9; /* the pair's application offers nothing */
    (void)pair_feed(p, &p->client);
    const struct cx_sign_alg *alg = cx_sign_alg_find(cx_view_text("ssh-ed25519"));
    struct cx_view data = mux_client_auth_publickey(p->client.session, "alice", alg, cx_private_key_blob(p->user_private), false);
    cr_assert_gt(data.len, 0);
    inject(p, &p->server, "b", MUX_MSG_USERAUTH_SUCCESS);
    (void)pair_feed(p, &p->client);
    cr_assert_eq(p->client.err, MUX_E_ILLEGAL);
    uint8_t sum = 0;
    for (size_t i = 0; i < data.len; i++)
        sum ^= data.data[i]; /* a sanitizer sees here whether it is still there */
    cr_assert_eq(data.data[0], 0, "%d", sum);
    mux_client_auth_signature(p->client.session, cx_view("sig", 3));
    pair_free(p);
}

Test(auth, client_takes_pk_ok_for_a_query_only)
{
    struct pair *p = at_auth(false);
    inject(p, &p->server, "bss", MUX_MSG_USERAUTH_PK_OK, "ssh-ed25519", "blob");
    (void)pair_feed(p, &p->client);
    cr_assert_eq(p->client.err, MUX_E_ILLEGAL);
    pair_free(p);
}

Test(auth, client_takes_no_success_for_a_query)
{
    struct pair *p = at_auth(false);
    inject(p, &p->server, "bsb", MUX_MSG_USERAUTH_FAILURE, "publickey", 0);
    (void)pair_feed(p, &p->client);
    inject(p, &p->server, "b", MUX_MSG_USERAUTH_SUCCESS);
    (void)pair_feed(p, &p->client);
    cr_assert_eq(p->client.err, MUX_E_ILLEGAL);
    pair_free(p);
}

Test(auth, client_calls_after_success_do_nothing)
{
    struct pair *p = pair_new(NULL, NULL, NULL, CX_KEY_ED25519);
    cr_assert(pair_handshake(p, SIZE_MAX));
    const struct cx_sign_alg *alg = cx_sign_alg_find(cx_view_text("ssh-ed25519"));
    struct cx_view blob = cx_private_key_blob(p->user_private);
    mux_client_auth_none(p->client.session, "alice");
    cr_assert_eq(mux_client_auth_publickey(p->client.session, "alice", alg, blob, false).len, 0);
    cr_assert_eq(mux_client_auth_publickey(p->client.session, "alice", alg, blob, true).len, 0);
    mux_client_auth_signature(p->client.session, cx_view("sig", 3));
    cr_assert(pair_run(p, 10));
    cr_assert_eq(p->client.err, MUX_OK);
    pair_free(p);
}

Test(auth, client_gets_the_banner)
{
    struct pair *p = pair_new(NULL, NULL, NULL, CX_KEY_ED25519);
    p->server.config.banner = cx_view_text("Authorised use only.\r\n");
    cr_assert(pair_handshake(p, SIZE_MAX));
    cr_assert_eq(p->client.events[MUX_EV_BANNER], 1);
    pair_free(p);
}

/* ---- the server role ---- */

/* A publickey request for `user`, signed with `key` over `session_id`; blob is the key that it claims. */
static void request(struct pair *p, const char *user, const struct cx_private_key *key, struct cx_view blob,
                    struct cx_view session_id, const char *alg_name)
{
    uint8_t body[1024], data[1200], signature[CX_SIGNATURE_MAX];
    const struct cx_sign_alg *alg = cx_sign_alg_find(cx_view_text("ssh-ed25519"));
    size_t len = sizeof signature;
    uint32_t blob_len = (uint32_t)blob.len, id_len = (uint32_t)session_id.len;
    size_t n = inject_build(body, sizeof body, "bsssbsur", MUX_MSG_USERAUTH_REQUEST, user, "ssh-connection", "publickey", 1,
                            alg_name, blob_len, &blob);
    struct cx_view covered = cx_view(body, n);
    n = inject_build(data, sizeof data, "urr", id_len, &session_id, &covered);
    cr_assert_eq(cx_private_key_sign(key, alg, cx_view(data, n), signature, &len), CX_OK);
    struct cx_view made = cx_view(signature, len);
    inject(p, &p->client, "rur", &covered, (uint32_t)len, &made);
}

struct attempt {
    bool verified, known_alg;
};

/* Feeds what was injected to the server without its application. */
static struct attempt judge(struct pair *p)
{
    struct mux_event ev[PAIR_EVENTS];
    size_t used, count = PAIR_EVENTS;
    enum mux_err err = mux_session_feed(p->server.session, p->now_ns, (struct cx_span){ p->server.inbox, p->server.inbox_len },
                                        &used, ev, &count, NULL);
    cr_assert_eq(err, MUX_OK);
    cr_assert_eq(used, p->server.inbox_len);
    cr_assert_eq(count, 1);
    cr_assert_eq(ev[0].kind, MUX_EV_AUTH);
    p->server.inbox_len = 0;
    return (struct attempt){ ev[0].auth.verified, ev[0].auth.alg != NULL };
}

Test(auth, signature_of_this_session_key_and_user_verifies)
{
    struct pair *p = at_auth(true);
    request(p, "alice", p->user_private, cx_private_key_blob(p->user_private), mux_session_id(p->server.session), "ssh-ed25519");
    cr_assert(judge(p).verified);
    pair_free(p);
}

Test(auth, signature_of_another_session_fails)
{
    struct pair *p = at_auth(true), *other = pair_new(NULL, NULL, NULL, CX_KEY_ED25519);
    other->client.shared.random = cx_random_from_seed(&other->client.seeded, 99);
    cr_assert(inject_reach(other, &other->server, PH_AUTH));
    cr_assert_not(cx_view_equal(mux_session_id(p->server.session), mux_session_id(other->server.session)));
    request(p, "alice", p->user_private, cx_private_key_blob(p->user_private), mux_session_id(other->server.session),
            "ssh-ed25519");
    cr_assert_not(judge(p).verified);
    pair_free(other);
    pair_free(p);
}

Test(auth, signature_with_another_key_fails)
{
    struct pair *p = at_auth(true);
    request(p, "alice", p->user_private, cx_private_key_blob(p->host_private), mux_session_id(p->server.session), "ssh-ed25519");
    struct attempt a = judge(p);
    cr_assert(a.known_alg);
    cr_assert_not(a.verified);
    pair_free(p);
}

Test(auth, algorithm_that_is_unknown_or_of_another_key_type_has_none)
{
    static const char *const names[] = { "ssh-rsa", "ssh-dss", "", "rsa-sha2-256", "ecdsa-sha2-nistp256", "ssh-ed25519 " };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct pair *p = at_auth(true);
        request(p, "alice", p->user_private, cx_private_key_blob(p->user_private), mux_session_id(p->server.session), names[i]);
        struct attempt a = judge(p);
        cr_assert_not(a.known_alg || a.verified, "%s", names[i]);
        mux_session_auth_answer(p->server.session, MUX_AUTH_FAILURE, "publickey");
        cr_assert(mux_session_owes(p->server.session));
        pair_free(p);
    }
}

Test(auth, pipelined_requests_are_judged_one_by_one)
{
    struct pair *p = at_auth(true);

    inject(p, &p->client, "bsss", MUX_MSG_USERAUTH_REQUEST, "alice", "ssh-connection", "none");
    inject(p, &p->client, "bsss", MUX_MSG_USERAUTH_REQUEST, "alice", "ssh-connection", "gssapi-with-mic");
    inject(p, &p->client, "bsss", MUX_MSG_USERAUTH_REQUEST, "alice", "ssh-connection", "");
    (void)pair_feed(p, &p->server);
    cr_assert_eq(p->auth_tries, 1);
    cr_assert(mux_session_blocked(p->server.session));
    cr_assert(pair_produce(p, &p->server));
    (void)pair_feed(p, &p->server);
    cr_assert_eq(p->auth_tries, 2);
    cr_assert(pair_produce(p, &p->server));
    (void)pair_feed(p, &p->server);
    cr_assert_eq(p->auth_tries, 3);
    cr_assert_eq(p->server.err, MUX_OK);
    pair_free(p);
}

Test(auth, other_services_end_the_connection_with_their_reason)
{
    struct pair *p = at_auth(true);
    inject(p, &p->client, "bsss", MUX_MSG_USERAUTH_REQUEST, "alice", "ssh-userauth", "none");
    (void)pair_feed(p, &p->server);
    cr_assert_eq(p->server.err, MUX_E_SERVICE);
    cr_assert(inject_disconnects(p, &p->server));
    pair_free(p);
    p = pair_new(NULL, NULL, NULL, CX_KEY_ED25519);
    cr_assert(inject_reach(p, &p->server, PH_SERVICE));
    inject(p, &p->client, "bs", MUX_MSG_SERVICE_REQUEST, "ssh-connection");
    (void)pair_feed(p, &p->server);
    cr_assert_eq(p->server.err, MUX_E_SERVICE);
    cr_assert(inject_disconnects(p, &p->server));
    pair_free(p);
}

Test(auth, the_service_may_be_asked_for_again_in_front_of_each_method)
{
    struct pair *p = at_auth(true);
    inject(p, &p->client, "bs", MUX_MSG_SERVICE_REQUEST, "ssh-userauth");
    (void)pair_feed(p, &p->server);
    cr_assert_eq(p->server.err, MUX_OK);
    cr_assert(p->server.session->service_owed);
    inject(p, &p->client, "bsss", MUX_MSG_USERAUTH_REQUEST, "alice", "ssh-connection", "none");
    (void)pair_feed(p, &p->server);
    cr_assert_eq(p->auth_tries, 1);
    pair_free(p);
}

Test(auth, requests_behind_success_are_passed_over)
{
    struct pair *p = pair_new(NULL, NULL, NULL, CX_KEY_ED25519);
    cr_assert(pair_handshake(p, SIZE_MAX));
    unsigned tries = p->auth_tries;
    inject(p, &p->client, "bsss", MUX_MSG_USERAUTH_REQUEST, "root", "ssh-connection", "none");
    cr_assert_eq(inject_run(p, &p->server), MUX_OK);
    cr_assert_eq(p->auth_tries, tries);
    pair_free(p);
}

Test(auth, names_longer_than_the_limit_are_malformed)
{
    for (uint32_t over = 0; over < 2; over++) {
        struct pair *p = at_auth(true);
        inject(p, &p->client, "bzss", MUX_MSG_USERAUTH_REQUEST, MUX_USER_NAME_MAX + over, "ssh-connection", "none");
        (void)pair_feed(p, &p->server);
        cr_assert_eq(p->server.err, over ? MUX_E_MALFORMED : MUX_OK);
        pair_free(p);
    }
}
