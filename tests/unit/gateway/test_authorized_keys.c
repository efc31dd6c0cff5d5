/* SPDX-License-Identifier: MIT */
/* authorized_keys: which line admits whom, and which admits nobody; test_key_options.c has what the options of a line permit. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "key_lines.h"

static void assert_admits(const char *text, bool admits, const char *complaint)
{
    struct key_outcome o = key_lines_ask_alice(text);
    cr_assert_eq(o.match.found, admits, "%s: %s", text, o.last);
    cr_assert_str_eq(o.last, complaint, "%s: %s", text, o.last);
    gw_key_options_free(o.match.options);
}

Test(user_name, has_a_narrow_form)
{
    static const char *const valid[] = { "a", "alice", "A.b-c_9", "_x", "0", "alice.", "root" };
    static const char *const wrong[] = { "", ".a", "-a", "a b", "a/b", "a%u", "a:b", "a@b", "a+b", "\xc3\xa4", "a\n", "..", "*" };
    for (size_t i = 0; i < sizeof valid / sizeof valid[0]; i++)
        cr_assert(gw_user_name_valid(cx_view_text(valid[i])), "%s", valid[i]);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        cr_assert_not(gw_user_name_valid(cx_view_text(wrong[i])), "%s", wrong[i]);
    char name[65];
    memset(name, 'a', sizeof name);
    cr_assert(gw_user_name_valid(cx_view(name, 64)));
    cr_assert_not(gw_user_name_valid(cx_view(name, 65)));
    cr_assert_not(gw_user_name_valid(cx_view("a\0", 2)));
}

Test(authorized_keys, a_plain_line_admits_its_key)
{
    assert_admits(KEY_A, true, "");
    assert_admits(KEY_A " alice@laptop with words\n", true, "");
    assert_admits("  \t" KEY_A "\r\n", true, "");
    assert_admits("# comment\n\n" KEY_B " other\n" KEY_A "\n", true, "");
    assert_admits(KEY_B "\n", false, "");
    assert_admits("", false, "");
    assert_admits("#" KEY_A "\n", false, "");
}

Test(authorized_keys, the_first_line_that_admits_wins)
{
    struct key_outcome o = key_lines_ask_alice(KEY_B "\nfrom=\"192.0.2.1\" " KEY_A "\nrestrict " KEY_A "\n" KEY_A "\n");
    cr_assert(o.match.found);
    cr_assert_eq(o.match.line, 3);
    cr_assert(o.match.options->no_forwarding);
    cr_assert_eq(o.complaints, 1);
    cr_assert_str_eq(o.last, "the key is right, but not from this address");
    gw_key_options_free(o.match.options);
}

Test(authorized_keys, names_are_proved_by_the_path_or_by_user)
{
    static const struct {
        const char *text, *user;
        bool file_names_user, found, proves;
    } rows[] = {
        { KEY_A, "alice", true, true, true },
        { KEY_A, "alice", false, true, false },
        { "user=\"alice,bob\" " KEY_A, "bob", false, true, true },
        { "user=\"alice,bob\" " KEY_A, "carol", false, false, false },
        { "user=\"alice,bob\" " KEY_A, "Alice", false, false, false },
        { "user=\"bob\" " KEY_A, "alice", true, false, false },
        { "user=\"alice\",restrict " KEY_A, "alice", false, true, true },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct key_outcome o = key_lines_ask(cx_view_text(rows[i].text), rows[i].user, "10.1.2.3", rows[i].file_names_user);
        cr_assert_eq(o.match.found, rows[i].found, "row %zu", i);
        cr_assert_eq(o.match.proves_name, rows[i].proves, "row %zu", i);
        gw_key_options_free(o.match.options);
    }
}

Test(authorized_keys, from_takes_blocks_patterns_and_negation)
{
    static const struct {
        const char *from, *peer;
        bool admitted;
    } rows[] = {
        { "10.1.2.3", "10.1.2.3", true },
        { "10.1.2.3", "10.1.2.4", false },
        { "10.0.0.0/8", "10.1.2.3", true },
        { "10.1.*", "10.1.2.3", true },
        { "10.1.?.3", "10.1.2.3", true },
        { "10.2.*", "10.1.2.3", false },
        { "192.0.2.1,10.0.0.0/8", "10.1.2.3", true },
        { "10.0.0.0/8,!10.1.2.3", "10.1.2.3", false },
        { "!10.1.2.3,10.0.0.0/8", "10.1.2.4", true },
        { "!10.1.2.3", "10.1.2.4", false },
        { "10.1.2.3", "::ffff:10.1.2.3", true },
        { "2001:db8::/32", "2001:db8::1", true },
        { "2001:DB8:*", "2001:db8::1", true },
        { "*", "2001:db8::1", true },
        { "*,!2001:db8::/32", "2001:db8::1", false },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[512];
        snprintf(text, sizeof text, "from=\"%s\" " KEY_A, rows[i].from);
        struct key_outcome o = key_lines_ask(cx_view_text(text), "alice", rows[i].peer, true);
        cr_assert_eq(o.match.found, rows[i].admitted, "%s for %s: %s", rows[i].from, rows[i].peer, o.last);
        gw_key_options_free(o.match.options);
    }
}

Test(authorized_keys, expiry_is_a_date_in_local_time_or_utc)
{
    setenv("TZ", "XXX-2", 1); /* two hours east of UTC */
    tzset();
    static const struct {
        const char *value;
        long long at; /* -1: malformed */
    } rows[] = {
        { "20270115Z", 1799971200 },
        { "202701150801Z", 1800000060 },
        { "20270115080001Z", 1800000001 },
        { "202701151001", 1800000060 },
        { "20270115", 1799964000 },
        { "20280229Z", 1835395200 },
        { "99991231235959Z", 253402300799 },
        { "20270229Z", -1 },
        { "20271301Z", -1 },
        { "20270100Z", -1 },
        { "202701152401Z", -1 },
        { "202701150860Z", -1 },
        { "2027011508006", -1 },
        { "2027", -1 },
        { "", -1 },
        { "Z", -1 },
        { "2027011 Z", -1 },
        { "20270115z", -1 },
        { "20270115ZZ", -1 },
        { "-2027011", -1 },
        { "19000101Z", -1 },
        { "20270115080061Z", -1 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[512];
        snprintf(text, sizeof text, "expiry-time=\"%s\" " KEY_A, rows[i].value);
        struct key_outcome o = key_lines_ask_alice(text);
        cr_assert_eq(o.match.found, rows[i].at > NOW, "%s: %s", rows[i].value, o.last);
        if (rows[i].at > NOW)
            cr_assert_eq(o.match.options->expiry_unix, (uint64_t)rows[i].at, "%s: %llu", rows[i].value,
                         (unsigned long long)o.match.options->expiry_unix);
        else
            cr_assert_str_eq(o.last, rows[i].at < 0 ? "option expiry-time: its value is wrong, or there is one too many"
                                                    : "the key is right, but has expired");
        gw_key_options_free(o.match.options);
    }
}

Test(authorized_keys, a_line_that_is_not_understood_admits_nobody)
{
    static const struct {
        const char *text, *complaint;
    } rows[] = {
        { "command=\"date\" " KEY_A, "option command is unknown" },
        { "cert-authority " KEY_A, "option cert-authority is unknown" },
        { "principals=\"a\" " KEY_A, "option principals is unknown" },
        { "environment=\"A=b\" " KEY_A, "option environment is unknown" },
        { "permitlisten=\"0\" " KEY_A, "option permitlisten: its value is wrong, or there is one too many" },
        { "permitlisten=\"a b:1\" " KEY_A, "option permitlisten: its value is wrong, or there is one too many" },
        { "permitlisten=\"\" " KEY_A, "option permitlisten: its value is wrong, or there is one too many" },
        { "tunnel=\"0\" " KEY_A, "option tunnel is unknown" },
        { "restrict,pty " KEY_A, "option pty is unknown" },
        { "bad\x1b[1moption " KEY_A, "option bad\\033[1moption is unknown" },
        { ",restrict " KEY_A, "option  is unknown" },
        { "restrict, " KEY_A, "option  is unknown" },
        { "restrict=\"x\" " KEY_A, "option restrict takes no value" },
        { "from " KEY_A, "option from needs a value in double quotes" },
        { "from=10.0.0.0/8 " KEY_A, "an option's value is not in double quotes" },
        { "from=\"10.0.0.0/8 " KEY_A, "an option's value is not in double quotes" },
        { "from=\"10.\\\"0\" " KEY_A, "an option's value holds a backslash" },
        { "from=\"10.0.0.0/8\"restrict " KEY_A, "options are not separated by commas" },
        { "from=\"\" " KEY_A, "option from: its value is wrong, or there is one too many" },
        { "from=\"10.0.0.1/8\" " KEY_A, "option from: its value is wrong, or there is one too many" },
        { "from=\"*.example.com\" " KEY_A, "option from: its value is wrong, or there is one too many" },
        { "from=\"10.1.2.3,\" " KEY_A, "option from: its value is wrong, or there is one too many" },
        { "from=\"*\",from=\"10.1.2.3\" " KEY_A, "option from: its value is wrong, or there is one too many" },
        { "user=\"\" " KEY_A, "option user: its value is wrong, or there is one too many" },
        { "user=\"alice,\" " KEY_A, "option user: its value is wrong, or there is one too many" },
        { "user=\"alice,b c\" " KEY_A, "option user: its value is wrong, or there is one too many" },
        { "user=\"*\" " KEY_A, "option user: its value is wrong, or there is one too many" },
        { "user=\"alice\",user=\"bob\" " KEY_A, "option user: its value is wrong, or there is one too many" },
        { "permitopen=\"web\" " KEY_A, "option permitopen: its value is wrong, or there is one too many" },
        { "permitopen=\"web:0\" " KEY_A, "option permitopen: its value is wrong, or there is one too many" },
        { "permitopen=\"web:65536\" " KEY_A, "option permitopen: its value is wrong, or there is one too many" },
        { "permitopen=\"web:\" " KEY_A, "option permitopen: its value is wrong, or there is one too many" },
        { "permitopen=\":80\" " KEY_A, "option permitopen: its value is wrong, or there is one too many" },
        { "permitopen=\"::1:80\" " KEY_A, "option permitopen: its value is wrong, or there is one too many" },
        { "permitopen=\"[web]:80\" " KEY_A, "option permitopen: its value is wrong, or there is one too many" },
        { "permitopen=\"*.web:80\" " KEY_A, "option permitopen: its value is wrong, or there is one too many" },
        { "permitopen=\"127.1:80\" " KEY_A, "option permitopen: its value is wrong, or there is one too many" },
        { "restrict", "there is no key behind the options" },
        { "restrict ssh-ed25519", "this is no public key" },
        { "restrict ssh-ed25519 AAAA", "this is no public key" },
        { "ssh-ed25519 !!!!", "this is no public key" },
        { "ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIMXvZgKQyTWulrioSrgB2BbYC+3VcJrTNOCX82YNmFvl", "this is no public key" },
        { "ssh-dss AAAA", "a key of a type that is not supported" },
        { "ssh-dss AAAA", "a key of a type that is not supported" },
        { "restrict sk-ssh-ed25519@openssh.com AAAA", "this is no public key" },
        { "restrict ssh-ed25519-cert-v01@openssh.com AAAA", "a key of a type that is not supported" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_admits(rows[i].text, false, rows[i].complaint);
}

Test(authorized_keys, nul_bytes_and_endless_lines_admit_nobody)
{
    static const char nul[] = KEY_A " a\0b\n";
    struct key_outcome o = key_lines_ask(cx_view(nul, sizeof nul - 1), "alice", "10.1.2.3", true);
    cr_assert_not(o.match.found);
    cr_assert_str_eq(o.last, "the line holds a NUL byte");
    char *text = malloc(GW_KEY_LINE_MAX + 256);
    int head = sprintf(text, KEY_A " ");
    memset(text + head, 'x', GW_KEY_LINE_MAX);
    strcpy(text + GW_KEY_LINE_MAX + 1, "\n" KEY_A "\n");
    o = key_lines_ask_alice(text);
    cr_assert(o.match.found);
    cr_assert_eq(o.match.line, 2);
    cr_assert_str_eq(o.last, "the line is too long");
    gw_key_options_free(o.match.options);
    free(text);
}

Test(authorized_keys, complaints_are_bounded_and_name_their_line)
{
    struct key_outcome o = key_lines_ask_alice("\nx y\n");
    cr_assert_eq(o.last_line, 2);
    char text[1001];
    for (size_t i = 0; i < 1000; i += 2)
        memcpy(text + i, "x\n", 2);
    text[1000] = '\0';
    o = key_lines_ask_alice(text);
    cr_assert_eq(o.complaints, 32);
    cr_assert_str_eq(o.last, "further lines are wrong");
}

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

Test(authorized_keys, random_bytes_never_break_the_parser, .timeout = 120)
{
    static const char *const pieces[] = { KEY_A,
                                          KEY_B,
                                          "\n",
                                          " ",
                                          ",",
                                          "=",
                                          "\"",
                                          "\\",
                                          "user=\"",
                                          "from=\"",
                                          "expiry-time=\"",
                                          "permitopen=\"",
                                          "restrict",
                                          "10.0.0.0/8",
                                          "!",
                                          "*",
                                          "alice",
                                          "20270115",
                                          "Z",
                                          "[::1]:",
                                          "80",
                                          ":",
                                          "#",
                                          "ssh-rsa",
                                          "\r",
                                          "AAAA",
                                          "ssh-ed25519 " };
    for (uint32_t seed = 1; seed <= 20000; seed++) {
        uint32_t state = seed;
        size_t used = 0;
        /* of its exact size on the heap, so that a read past its end is found */
        uint8_t *text = malloc(4096);
        for (unsigned n = next_random(&state) % 30; n > 0; n--) {
            const char *piece = pieces[next_random(&state) % (sizeof pieces / sizeof pieces[0])];
            size_t len = strlen(piece);
            if (next_random(&state) % 8 == 0)
                text[used++] = (uint8_t)next_random(&state);
            memcpy(text + used, piece, len);
            used += len;
        }
        text = realloc(text, used > 0 ? used : 1);
        struct key_outcome o = key_lines_ask(cx_view(text, used), "alice", "10.1.2.3", false);
        gw_key_options_free(o.match.options);
        free(text);
    }
}
