/* SPDX-License-Identifier: MIT */
/* Logins by each method, client against server: what one side's application says is what the other's is told. The pair's own
 * applications stand aside; each test speaks for both. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "inject.h"
#include "mux/auth/auth_priv.h"

static struct mux_event server_answers(struct pair *p, enum mux_auth_answer answer, const char *methods)
{
    mux_session_auth_answer(p->server.session, answer, methods);
    return inject_pass(p, &p->server);
}

/* The client's "none" has failed. */
static struct pair *refused_none(void)
{
    struct pair *p = pair_new(NULL, NULL, NULL, CX_KEY_ED25519);
    p->server.hold_auth = true;
    cr_assert(pair_run(p, 100));
    struct mux_event ev = server_answers(p, MUX_AUTH_FAILURE, "publickey,password,keyboard-interactive");
    cr_assert_eq(ev.kind, MUX_EV_AUTH_FAILURE);
    cr_assert_not(ev.auth_failure.partial);
    return p;
}

static void logs_in(struct pair *p)
{
    cr_assert_eq(server_answers(p, MUX_AUTH_SUCCESS, "").kind, MUX_EV_AUTH_SUCCESS);
    cr_assert(mux_session_authenticated(p->client.session) && mux_session_authenticated(p->server.session));
    p->server.hold_auth = false;
    cr_assert_eq(pair_open(p), 0);
    cr_assert(pair_run(p, 100) && p->server.stream[0].open);
    pair_free(p);
}

/* ---- password ---- */

Test(auth_methods, password_logs_in)
{
    struct pair *p = refused_none();
    mux_client_auth_password(p->client.session, "alice", cx_view_text("correct horse"));
    struct mux_event ev = inject_pass(p, &p->client);
    cr_assert(ev.kind == MUX_EV_AUTH && cx_view_is(ev.auth.method, "password") && cx_view_is(ev.auth.user, "alice"));
    cr_assert(cx_view_is(ev.auth.password, "correct horse"));
    cr_assert(!ev.auth.changes && ev.auth.new_password.len == 0);
    logs_in(p);
}

Test(auth_methods, password_that_has_expired_is_changed_until_it_does)
{
    struct pair *p = refused_none();
    mux_client_auth_password(p->client.session, "alice", cx_view_text("old"));
    cr_assert_eq(inject_pass(p, &p->client).kind, MUX_EV_AUTH);
    for (int tries = 0; tries < 2; tries++) {
        const char *wish = tries == 0 ? "short" : "long enough";
        cr_assert(mux_session_auth_ask_change(p->server.session, "Choose another."));
        struct mux_event ev = inject_pass(p, &p->server);
        cr_assert(ev.kind == MUX_EV_AUTH_CHANGE && cx_view_is(ev.text, "Choose another."));
        mux_client_auth_change_password(p->client.session, "alice", cx_view_text("old"), cx_view_text(wish));
        ev = inject_pass(p, &p->client);
        cr_assert(ev.kind == MUX_EV_AUTH && cx_view_is(ev.auth.method, "password"));
        cr_assert(ev.auth.changes && cx_view_is(ev.auth.password, "old") && cx_view_is(ev.auth.new_password, wish));
    }
    logs_in(p);
}

Test(auth_methods, password_failures_and_other_methods_may_follow_a_change_request)
{
    struct pair *p = refused_none();
    mux_client_auth_password(p->client.session, "alice", cx_view_text("old"));
    (void)inject_pass(p, &p->client);
    cr_assert(mux_session_auth_ask_change(p->server.session, "Choose another."));
    (void)inject_pass(p, &p->server);
    mux_client_auth_none(p->client.session, "alice");
    struct mux_event ev = inject_pass(p, &p->client);
    cr_assert(ev.kind == MUX_EV_AUTH && cx_view_is(ev.auth.method, "none"));
    cr_assert_eq(server_answers(p, MUX_AUTH_FAILURE, "password").kind, MUX_EV_AUTH_FAILURE);
    pair_free(p);
}

Test(auth_methods, secrets_beyond_the_limit_end_the_connection)
{
    for (uint32_t over = 0; over < 2; over++) {
        struct pair *p = refused_none();
        inject(p, &p->client, "bsssbz", MUX_MSG_USERAUTH_REQUEST, "alice", "ssh-connection", "password", 0,
               MUX_AUTH_SECRET_MAX + over);
        (void)inject_take(p, &p->server);
        cr_assert_eq(p->server.err, over ? MUX_E_LIMIT : MUX_OK);
        pair_free(p);
    }
}

/* ---- keyboard-interactive ---- */

/* The client has asked for the method, and the server has been told. */
static struct pair *asked_interactive(void)
{
    struct pair *p = refused_none();
    mux_client_auth_interactive(p->client.session, "alice", "pam,otp");
    struct mux_event ev = inject_pass(p, &p->client);
    cr_assert(ev.kind == MUX_EV_AUTH && cx_view_is(ev.auth.method, "keyboard-interactive"));
    cr_assert(cx_view_is(ev.auth.submethods, "pam,otp"));
    return p;
}

/* A round of `count` prompts, and the responses to them. */
static void play_round(struct pair *p, uint32_t count)
{
    static char text[MUX_AUTH_PROMPTS_MAX][16];
    struct mux_auth_prompt prompt[MUX_AUTH_PROMPTS_MAX], seen;
    struct cx_view response[MUX_AUTH_PROMPTS_MAX];
    for (uint32_t i = 0; i < count; i++) {
        (void)snprintf(text[i], sizeof text[i], "prompt %u", i % 1000);
        prompt[i] = (struct mux_auth_prompt){ cx_view_text(text[i]), i % 2 };
        response[i] = cx_view(text[i], i % sizeof text[i]);
    }
    cr_assert(mux_session_auth_prompt(p->server.session, "Login", "Look at your token.", prompt, count));
    struct mux_event ev = inject_pass(p, &p->server);
    cr_assert_eq(ev.kind, MUX_EV_AUTH_PROMPTS);
    cr_assert(cx_view_is(ev.prompts.name, "Login") && cx_view_is(ev.prompts.instruction, "Look at your token."));
    cr_assert_eq(ev.prompts.count, count);
    for (uint32_t i = 0; i < count; i++) {
        cr_assert(mux_auth_prompt_next(&ev.prompts.list, &seen));
        cr_assert(cx_view_is(seen.text, text[i]) && seen.echo == i % 2);
    }
    cr_assert_not(mux_auth_prompt_next(&ev.prompts.list, &seen));
    mux_client_auth_respond(p->client.session, response, count);
    ev = inject_pass(p, &p->client);
    cr_assert(ev.kind == MUX_EV_AUTH_RESPONSES && ev.responses.match && ev.responses.count == count);
    for (uint32_t i = 0; i < count; i++) {
        struct cx_view said;
        cr_assert(mux_auth_response_next(&ev.responses.list, &said));
        cr_assert(cx_view_equal(said, response[i]), "response %u", i);
    }
    cr_assert_not(mux_auth_response_next(&ev.responses.list, response));
}

Test(auth_methods, interactive_login_takes_any_number_of_prompts_and_rounds)
{
    static const uint32_t rounds[] = { 2, 0, 1, MUX_AUTH_PROMPTS_MAX };
    struct pair *p = asked_interactive();
    for (size_t i = 0; i < sizeof rounds / sizeof rounds[0]; i++)
        play_round(p, rounds[i]);
    logs_in(p);
}

Test(auth_methods, prompts_beyond_the_limit_are_not_asked)
{
    static char text[MUX_CHANNEL_PACKET_MAX];
    struct mux_auth_prompt prompt[MUX_AUTH_PROMPTS_MAX + 1] = { { cx_view(text, sizeof text), false } };
    struct pair *p = asked_interactive();
    cr_assert_not(mux_session_auth_prompt(p->server.session, "", "", prompt, MUX_AUTH_PROMPTS_MAX + 1));
    cr_assert_not(mux_session_auth_prompt(p->server.session, "", "", prompt, 1));
    cr_assert_not(mux_session_owes(p->server.session));
    cr_assert_eq(server_answers(p, MUX_AUTH_FAILURE, "password").kind, MUX_EV_AUTH_FAILURE);
    pair_free(p);
}

Test(auth_methods, too_few_and_too_many_responses_are_a_failed_try)
{
    for (uint32_t count = 0; count <= 3; count++) {
        struct pair *p = asked_interactive();
        struct mux_auth_prompt prompt[2] = { { cx_view_text("a"), false }, { cx_view_text("b"), false } };
        cr_assert(mux_session_auth_prompt(p->server.session, "", "", prompt, 2));
        (void)inject_pass(p, &p->server);
        struct cx_view none = cx_view("\0\0\0\0\0\0\0\0\0\0\0", 4 * count);
        inject(p, &p->client, "bur", MUX_MSG_USERAUTH_INFO_RESPONSE, count, &none);
        struct mux_event ev = inject_take(p, &p->server);
        cr_assert_eq(ev.kind, MUX_EV_AUTH_RESPONSES);
        cr_assert_eq(ev.responses.match, count == 2, "%u", count);
        struct cx_view said;
        cr_assert_eq(mux_auth_response_next(&ev.responses.list, &said), count == 2);
        pair_free(p);
    }
}

Test(auth_methods, responses_that_nobody_awaits_are_illegal)
{
    static const char *const situations[] = { "never asked", "asked already answered", "another request came" };
    for (size_t i = 0; i < sizeof situations / sizeof situations[0]; i++) {
        struct pair *p = asked_interactive();
        if (i > 0) {
            cr_assert(mux_session_auth_prompt(p->server.session, "", "", NULL, 0));
            (void)inject_pass(p, &p->server);
        }
        if (i == 1)
            inject(p, &p->client, "bu", MUX_MSG_USERAUTH_INFO_RESPONSE, 0);
        else if (i == 2)
            inject(p, &p->client, "bsss", MUX_MSG_USERAUTH_REQUEST, "alice", "ssh-connection", "none");
        if (i > 0)
            (void)inject_take(p, &p->server);
        (void)server_answers(p, MUX_AUTH_FAILURE, "password");
        inject(p, &p->client, "bu", MUX_MSG_USERAUTH_INFO_RESPONSE, 0);
        (void)inject_take(p, &p->server);
        cr_assert_eq(p->server.err, MUX_E_ILLEGAL, "%s", situations[i]);
        pair_free(p);
    }
}

Test(auth_methods, client_ends_endless_rounds)
{
    struct pair *p = asked_interactive();
    for (int i = 0; i < MUX_AUTH_ROUNDS_MAX; i++)
        play_round(p, 0);
    cr_assert(mux_session_auth_prompt(p->server.session, "", "", NULL, 0));
    (void)inject_pass(p, &p->server);
    cr_assert_eq(p->client.err, MUX_E_LIMIT);
    pair_free(p);
}

/* ---- publickey that is bound to the host ---- */

static struct mux_event send_key(struct pair *p)
{
    const struct cx_sign_alg *alg = cx_sign_alg_find(cx_view_text("ssh-ed25519"));
    struct cx_view blob = cx_private_key_blob(p->user_private);
    struct cx_view data = mux_client_auth_publickey(p->client.session, "alice", alg, blob, false);
    uint8_t signature[CX_SIGNATURE_MAX];
    size_t len = sizeof signature;
    cr_assert_eq(cx_private_key_sign(p->user_private, alg, data, signature, &len), CX_OK);
    mux_client_auth_signature(p->client.session, cx_view(signature, len));
    return inject_pass(p, &p->client);
}

Test(auth_methods, key_is_bound_to_the_host_where_the_server_takes_that)
{
    for (int hostbound = 0; hostbound < 2; hostbound++) {
        struct pair *p = refused_none();
        p->client.session->peer_takes_hostbound = hostbound;
        struct mux_event ev = send_key(p);
        cr_assert(ev.kind == MUX_EV_AUTH && cx_view_is(ev.auth.method, "publickey") && ev.auth.verified);
        logs_in(p);
    }
}

Test(auth_methods, server_says_in_ext_info_that_it_takes_bound_keys)
{
    struct pair *p = refused_none();
    cr_assert(p->client.session->peer_takes_hostbound);
    p->client.session->peer_takes_hostbound = false;
    inject(p, &p->server, "buss", MUX_MSG_EXT_INFO, 1, "publickey-hostbound@openssh.com", "1");
    (void)inject_take(p, &p->client);
    cr_assert_not(p->client.session->peer_takes_hostbound);
    inject(p, &p->server, "bussss", MUX_MSG_EXT_INFO, 2, "no-flow-control", "s", "publickey-hostbound@openssh.com", "0");
    (void)inject_take(p, &p->client);
    cr_assert(p->client.err == MUX_OK && p->client.session->peer_takes_hostbound);
    pair_free(p);
}

Test(auth_methods, key_bound_to_another_host_ends_the_connection)
{
    struct pair *p = refused_none();
    cr_assert(cx_view_equal(mux_session_host_key(p->server.session), cx_private_key_blob(p->host_private)));
    cr_assert(cx_view_equal(mux_session_host_key(p->client.session), cx_private_key_blob(p->host_private)));
    p->client.session->peer_takes_hostbound = true;
    p->client.session->first_host_blob[p->client.session->first_host_blob_len - 1] ^= 1;
    (void)send_key(p);
    cr_assert_eq(p->server.err, MUX_E_HOST_KEY);
    cr_assert(inject_disconnects(p, &p->server));
    pair_free(p);
}

/* ---- what all methods share ---- */

Test(auth_methods, several_methods_may_be_needed)
{
    struct pair *p = refused_none();
    cr_assert(send_key(p).auth.verified);
    struct mux_event ev = server_answers(p, MUX_AUTH_PARTIAL, "keyboard-interactive");
    cr_assert(ev.kind == MUX_EV_AUTH_FAILURE && ev.auth_failure.partial);
    cr_assert(cx_view_is(ev.auth_failure.methods, "keyboard-interactive"));
    mux_client_auth_interactive(p->client.session, "alice", "");
    cr_assert_eq(inject_pass(p, &p->client).kind, MUX_EV_AUTH);
    play_round(p, 1);
    logs_in(p);
}

Test(auth_methods, changed_user_ends_the_connection)
{
    static const char *const methods[] = { "none", "gssapi-with-mic" };
    static const char *const users[] = { "bob", "", "alice2", "alic" };
    for (size_t m = 0; m < 2; m++) {
        for (size_t u = 0; u < sizeof users / sizeof users[0]; u++) {
            struct pair *p = refused_none();
            inject(p, &p->client, "bsss", MUX_MSG_USERAUTH_REQUEST, users[u], "ssh-connection", methods[m]);
            (void)inject_take(p, &p->server);
            cr_assert_eq(p->server.err, MUX_E_USER, "%s", users[u]);
            cr_assert(inject_disconnects(p, &p->server));
            pair_free(p);
        }
    }
}

/* A message of each method, for the one who reads it: prefixes and what goes on behind the end are malformed, and nobody is told.
 */
static const char *const messages[] = { "none", "publickey", "hostbound", "password", "change", "interactive", "responses" };

static size_t build_message(const struct pair *p, size_t which, uint8_t *out, size_t room)
{
    struct cx_view blob = cx_private_key_blob(p->user_private), host = cx_private_key_blob(p->host_private);
    uint32_t n = (uint32_t)blob.len, h = (uint32_t)host.len;
    static const char service[] = "ssh-connection";
    switch (which) {
    case 0:
        return inject_build(out, room, "bsss", 50, "alice", service, "none");
    case 1:
        return inject_build(out, room, "bsssbsurs", 50, "alice", service, "publickey", 1, "ssh-ed25519", n, &blob, "signature");
    case 2:
        return inject_build(out, room, "bsssbsurur", 50, "alice", service, "publickey-hostbound-v00@openssh.com", 0, "ssh-ed25519",
                            n, &blob, h, &host);
    case 3:
        return inject_build(out, room, "bsssbs", 50, "alice", service, "password", 0, "secret");
    case 4:
        return inject_build(out, room, "bsssbss", 50, "alice", service, "password", 1, "secret", "secreter");
    case 5:
        return inject_build(out, room, "bsssss", 50, "alice", service, "keyboard-interactive", "", "pam");
    default:
        return inject_build(out, room, "buss", 61, 2, "one", "two");
    }
}

static struct pair *ready_for(size_t which)
{
    if (which != 6)
        return refused_none();
    struct pair *p = asked_interactive();
    struct mux_auth_prompt prompt[2] = { { cx_view_text("a"), false }, { cx_view_text("b"), false } };
    cr_assert(mux_session_auth_prompt(p->server.session, "", "", prompt, 2));
    (void)inject_pass(p, &p->server);
    return p;
}

Test(auth_methods, every_prefix_of_a_request_and_a_longer_one_are_malformed, .timeout = 120)
{
    for (size_t which = 0; which < sizeof messages / sizeof messages[0]; which++) {
        uint8_t body[512] = { 0 };
        size_t len = 1;
        for (size_t cut = 1; cut <= len + 1; cut++) {
            struct pair *p = ready_for(which);
            len = build_message(p, which, body, sizeof body);
            inject_bytes(p, &p->client, body, cut);
            struct mux_event ev = inject_take(p, &p->server);
            cr_assert_eq(p->server.err, cut == len ? MUX_OK : MUX_E_MALFORMED, "%s cut at %zu of %zu", messages[which], cut, len);
            cr_assert_eq(ev.kind != MUX_EV_NONE, cut == len, "%s", messages[which]);
            pair_free(p);
        }
    }
}

Test(auth_methods, every_prefix_of_a_question_and_a_longer_one_are_malformed, .timeout = 120)
{
    for (int interactive = 0; interactive < 2; interactive++) {
        uint8_t body[128] = { 0 };
        size_t len = 1;
        for (size_t cut = 1; cut <= len + 1; cut++) {
            struct pair *p = refused_none();
            if (interactive)
                mux_client_auth_interactive(p->client.session, "alice", "");
            else
                mux_client_auth_password(p->client.session, "alice", cx_view_text("secret"));
            (void)inject_pass(p, &p->client);
            len = interactive ? inject_build(body, sizeof body, "bsssusbsb", 60, "name", "why", "", 2, "one", 0, "two", 1)
                              : inject_build(body, sizeof body, "bss", 60, "expired", "");
            inject_bytes(p, &p->server, body, cut);
            struct mux_event ev = inject_take(p, &p->client);
            cr_assert_eq(p->client.err, cut == len ? MUX_OK : MUX_E_MALFORMED, "%d cut at %zu of %zu", interactive, cut, len);
            cr_assert_eq(ev.kind != MUX_EV_NONE, cut == len);
            pair_free(p);
        }
    }
}

Test(auth_methods, client_takes_message_60_only_as_its_method_has_it)
{
    struct pair *p = refused_none();
    inject(p, &p->server, "bss", 60, "expired", ""); /* nothing in flight */
    (void)inject_take(p, &p->client);
    cr_assert_eq(p->client.err, MUX_E_ILLEGAL);
    pair_free(p);
    p = asked_interactive();
    inject(p, &p->server, "bsssuu", 60, "", "", "", UINT32_MAX, 0);
    (void)inject_take(p, &p->client);
    cr_assert_eq(p->client.err, MUX_E_LIMIT);
    pair_free(p);
}
