/* SPDX-License-Identifier: MIT */
/* authorized_keys: what the options of a line permit and demand, once it has admitted its key. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "key_lines.h"

static struct gw_key_options *options_of(const char *options)
{
    char text[16 * 1024];
    snprintf(text, sizeof text, "%s " KEY_A, options);
    struct key_outcome o = key_lines_ask_alice(text);
    cr_assert(o.match.found, "%s: %s", options, o.last);
    return o.match.options;
}

Test(key_options, forwards_are_permitted_as_the_line_says)
{
    static const struct {
        const char *options, *host;
        uint32_t port;
        bool permitted;
    } rows[] = {
        { "no-pty", "anything", 1, true },
        { "NO-PTY,no-agent-forwarding,no-X11-forwarding,no-user-rc", "anything", 1, true },
        { "restrict", "web", 80, false },
        { "no-port-forwarding", "web", 80, false },
        { "restrict,port-forwarding", "web", 80, true },
        { "port-forwarding,restrict", "web", 80, false },
        { "permitopen=\"web:80\"", "web", 80, true },
        { "permitopen=\"web:80\"", "WEB.", 80, true },
        { "permitopen=\"Web:80\"", "web", 80, true },
        { "permitopen=\"web:80\"", "web", 81, false },
        { "permitopen=\"web:80\"", "webx", 80, false },
        { "permitopen=\"web:80\"", "we", 80, false },
        { "permitopen=\"web:*\"", "web", 65535, true },
        { "permitopen=\"*:80\"", "any.name", 80, true },
        { "permitopen=\"*:80\"", "10.0.0.1", 80, true },
        { "permitopen=\"*:80\"", "any.name", 81, false },
        { "permitopen=\"a:1\",permitopen=\"b:2\"", "b", 2, true },
        { "permitopen=\"a:1\",permitopen=\"b:2\"", "a", 2, false },
        { "permitopen=\"[2001:DB8::1]:80\"", "2001:db8:0::1", 80, true },
        { "permitopen=\"[2001:db8::1]:80\"", "[2001:db8::1]", 80, true },
        { "permitopen=\"10.0.0.1:80\"", "::ffff:10.0.0.1", 80, true },
        { "permitopen=\"10.0.0.1:80\"", "10.0.0.2", 80, false },
        { "permitopen=\"web:80\"", "127.1", 80, false },
        { "permitopen=\"web:80\",restrict", "web", 80, false },
        { "restrict,permitopen=\"web:80\",port-forwarding", "web", 80, true },
        { "restrict,permitopen=\"web:80\",port-forwarding", "db", 80, false },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct gw_key_options *o = options_of(rows[i].options);
        cr_assert_eq(gw_key_options_permit(o, cx_view_text(rows[i].host), rows[i].port), rows[i].permitted, "%s: %s:%u",
                     rows[i].options, rows[i].host, rows[i].port);
        gw_key_options_free(o);
    }
    cr_assert(gw_key_options_permit(NULL, cx_view_text("web"), 80));
    gw_key_options_free(NULL);
}

Test(key_options, paths_are_permitted_where_nothing_limits_forwards)
{
    static const struct {
        const char *options;
        bool permitted;
    } rows[] = {
        { "no-pty", true },
        { "permitlisten=\"80\"", true },
        { "restrict", false },
        { "restrict,port-forwarding", true },
        { "permitopen=\"web:*\"", false },
        { "permitopen=\"*:*\"", false },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct gw_key_options *o = options_of(rows[i].options);
        cr_assert_eq(gw_key_options_permit_path(o), rows[i].permitted, "%s", rows[i].options);
        gw_key_options_free(o);
    }
    cr_assert(gw_key_options_permit_path(NULL));
}

Test(key_options, permitlisten_limits_what_a_client_may_have_forwarded)
{
    static const struct {
        const char *options, *host;
        uint32_t port;
        bool permitted;
    } rows[] = {
        { "no-pty", "web", 0, true },
        { "permitopen=\"web:80\"", "any", 1, true }, /* each limits its own direction */
        { "permitlisten=\"web:80\"", "web", 80, true },
        { "permitlisten=\"web:80\"", "WEB", 80, true },
        { "permitlisten=\"web:80\"", "web", 0, false },
        { "permitlisten=\"web:80\"", "web2", 80, false },
        { "permitlisten=\"web:*\"", "web", 0, true },
        { "permitlisten=\"8080\"", "web", 8080, true },
        { "permitlisten=\"8080\"", "", 8080, true },
        { "permitlisten=\"8080\"", "web", 8081, false },
        { "permitlisten=\"[::1]:8080\"", "::1", 8080, true },
        { "permitlisten=\"*\"", "*", 1, true },
        { "permitlisten=\"1\",permitlisten=\"web:2\"", "web", 2, true },
        { "restrict", "web", 80, false },
        { "restrict,port-forwarding,permitlisten=\"80\"", "web", 80, true },
        { "no-port-forwarding,permitlisten=\"80\"", "web", 80, false },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct gw_key_options *o = options_of(rows[i].options);
        cr_assert_eq(gw_key_options_permit_listen(o, cx_view_text(rows[i].host), rows[i].port), rows[i].permitted, "%s: %s:%u",
                     rows[i].options, rows[i].host, rows[i].port);
        gw_key_options_free(o);
    }
    cr_assert(gw_key_options_permit_listen(NULL, cx_view_text("web"), 80));
}

Test(key_options, permitlisten_admits_no_socket)
{
    static const struct {
        const char *options;
        bool permitted;
    } rows[] = {
        { "no-pty", true },    { "permitopen=\"web:80\"", true },    { "permitlisten=\"*\"", false },
        { "restrict", false }, { "restrict,port-forwarding", true },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct gw_key_options *o = options_of(rows[i].options);
        cr_assert_eq(gw_key_options_permit_listen_path(o), rows[i].permitted, "%s", rows[i].options);
        gw_key_options_free(o);
    }
    cr_assert(gw_key_options_permit_listen_path(NULL));
}

static const char presence[] = "user presence (authenticator touch) requirement not met";
static const char verification[] = "user verification requirement not met";

/* sshd's rules: the line may waive the touch, the configuration may forbid that; either may demand a verified user. */
Test(key_options, a_security_key_states_what_the_line_and_the_configuration_demand)
{
    static const struct {
        const char *options;
        bool present, verified, touch, verify;
        const char *unmet;
    } rows[] = {
        { "no-pty", true, false, false, false, NULL },
        { "no-pty", false, false, false, false, presence },
        { "no-pty", false, true, false, false, presence },
        { "no-touch-required", false, false, false, false, NULL },
        { "No-Touch-Required", true, false, true, false, NULL },
        { "no-touch-required", false, false, true, false, presence },
        { "no-touch-required", false, false, false, true, verification },
        { "no-touch-required,verify-required", false, true, false, false, NULL },
        { "verify-required", true, false, false, false, verification },
        { "verify-required", true, true, true, true, NULL },
        { "verify-required", false, true, false, false, presence },
        { "no-pty", true, false, false, true, verification },
        { "no-pty", true, true, false, true, NULL },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct gw_key_options *o = options_of(rows[i].options);
        struct cx_verified stated = { true, rows[i].present, rows[i].verified, 1 };
        cr_assert_eq(gw_key_options_unmet(o, &stated, rows[i].touch, rows[i].verify) != NULL, rows[i].unmet != NULL, "row %zu", i);
        if (rows[i].unmet)
            cr_assert_str_eq(gw_key_options_unmet(o, &stated, rows[i].touch, rows[i].verify), rows[i].unmet, "row %zu", i);
        gw_key_options_free(o);
    }
}

Test(key_options, of_other_keys_neither_touch_nor_verification_is_demanded)
{
    struct gw_key_options *o = options_of("verify-required");
    cr_assert_null(gw_key_options_unmet(o, &(struct cx_verified){ 0 }, true, true));
    gw_key_options_free(o);
}

Test(key_options, permits_are_counted)
{
    char text[16 * 1024], *at = text;
    at += sprintf(at, "no-pty");
    for (int i = 1; i <= GW_PERMIT_OPEN_MAX; i++)
        at += sprintf(at, ",permitopen=\"h%d.a:%d\"", i, i);
    struct gw_key_options *o = options_of(text);
    cr_assert_eq(o->permit_count, GW_PERMIT_OPEN_MAX);
    cr_assert(gw_key_options_permit(o, cx_view_text("h128.a"), 128));
    gw_key_options_free(o);
    sprintf(at, ",permitopen=\"one.more:1\" " KEY_A);
    cr_assert_not(key_lines_ask_alice(text).match.found);
}
