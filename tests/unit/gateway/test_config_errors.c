/* SPDX-License-Identifier: MIT */
/* Everything that a configuration can say wrong, and what its author is told. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/config/config.h"

#define X12 "xxxxxxxxxxxx"
#define X60 X12 X12 X12 X12 X12
#define X124 X60 X60 "xxxx"

/* The whole text of errors: people, and their editors, rely on its form. */
static const struct {
    const char *text, *error;
} exact[] = {
    { "\nLogLevl INFO", "test.conf line 2: LogLevl: no such keyword; the nearest one is LogLevel" },
    { "LogLevel LOUD", "test.conf line 1: LogLevel: 'LOUD' is not understood; accepted: QUIET, FATAL, ERROR, INFO, VERBOSE, DEBUG "
                       "(DEBUG1 to DEBUG3 mean it too)" },
    { "Port", "test.conf line 1: Port: has no value; accepted: 1 to 65535" },
    { "Port 1 2", "test.conf line 1: Port: has more than one value; accepted: 1 to 65535" },
    { "port 65536", "test.conf line 1: Port: '65536' is not understood; accepted: 1 to 65535" },
    { "Queue web\nTarget a:1\nLogLevel INFO", "test.conf line 3: LogLevel: does not belong to a queue, but stands in the block of "
                                              "Queue web, which goes on to the next Queue or "
                                              "the end of the file; accepted: in front of the first Queue" },
    { "Target a:1", "test.conf line 1: Target: belongs to a queue; accepted: below a line Queue NAME" },
    { "\nQueue web\nTarget a:1\n\nQueue Web",
      "test.conf line 5: Queue: queue 'web' is defined already, at test.conf line 2; accepted: "
      "one definition" },
    { "Group g a\nGroup g b",
      "test.conf line 2: Group: group 'g' is defined already, at test.conf line 1; accepted: one definition" },
    { "Queue web\nAllow *",
      "test.conf line 1: Queue: 'web' has no Target; accepted: at least one, AcceptReverse, or HoldForConsumer yes" },
    { "Queue a\nTarget dial\nQueue b\nTarget h:1",
      "test.conf line 1: Queue: 'a' has Target dial and no Route that says what may be dialled; accepted: at least one Route" },
    { "Queue a\nTarget dial\nTarget h:1\nRoute *:*",
      "test.conf line 1: Queue: 'a' has Target dial beside another; accepted: dial alone" },
    { "Queue a\nTarget h:1\nAcceptReverse bob",
      "test.conf line 1: Queue: 'a' has AcceptReverse and a Target; accepted: one of them, or both with MixReverse yes" },
    { "Queue a\nTarget dial\nRoute *:*\nAcceptReverse bob\nMixReverse yes",
      "test.conf line 1: Queue: 'a' has AcceptReverse and Target dial; accepted: one of them" },
    { "Queue a\nTarget h:1\nAllow bob @dev",
      "test.conf line 3: Allow: there is no group 'dev'; accepted: a group that a line Group dev MEMBER... defines" },
    { "Port 1\nListenAddress 127.0.0.1\nListenAddress 127.0.0.1:1 proxy-from 10.0.0.1",
      "ListenAddress: 127.0.0.1:1 stands there twice with different proxy-from; accepted: each once" },
    { "Queue a\nTarget h:1 inter 3", "test.conf line 2: Target: 'h:1' has options of a check; accepted: check in front of them" },
    { "Queue a\nTarget builtin:echo check",
      "test.conf line 2: Target: 'builtin:echo' cannot be checked; accepted: check for a service that is connected" },
    { "Queue a\nTarget h:1 check check-path /x",
      "test.conf line 2: Target: 'h:1' has options of a check by HTTP; accepted: check-type http in front of them" },
    { "Queue a\nTarget h:1 slowstart 3",
      "test.conf line 2: Target: 'h:1' has slowstart; accepted: beside check, which tells when it is up again" },
    { "Queue a\nTarget builtin:echo timeout 3",
      "test.conf line 2: Target: 'builtin:echo' is not connected; accepted: timeout for a service that is" },
    { "Queue a\nTarget dial send-proxy-v2\nRoute *:*",
      "test.conf line 2: Target: 'dial' cannot be sent a PROXY header; accepted: send-proxy-v2 for a service that expects one" },
    { "Queue a\nTarget unix /run/x", "test.conf line 2: Target: 'unix' has no path; accepted: unix:PATH, in one word" },
    { "Queue a\nTarget dial\nRoute h:1 unix:/run/x",
      "test.conf line 1: Queue: 'a' has Target dial and Route unix:/run/x; accepted: another queue for sockets" },
    { "Queue a\nTarget dial\nRoute unix:/\xf5\\\\x",
      "test.conf line 1: Queue: 'a' has Target dial and Route unix:/\\365\\134x; accepted: another queue for sockets" },
    { "Queue a\nTarget unix:/\xf5\nTarget unix:/\xf5", "test.conf line 3: Target: 'unix:/\\365' stands in the queue already; "
                                                       "accepted: each once, with weight N for a larger share" },
    { "Port " X124 "123", "test.conf line 1: Port: '" X124 "123' is not understood; accepted: 1 to 65535" },
    { "Port " X124 X12, "test.conf line 1: Port: '" X124 "...' is not understood; accepted: 1 to 65535" },
    { X124 " 1", "test.conf line 1: " X60 "...: no such keyword; accepted: " },
    { "Include x", "test.conf line 1: Include: cannot stand here; accepted: in a configuration that is read from files" },
    { "HostKey key", "test.conf line 1: HostKey: 'key' is not understood; accepted: an absolute path" },
    { "Banner \"x", "test.conf line 1: a quote is not closed" },
    { "Banner /x\x1b[1m", "test.conf line 1: a control character stands in the line" },
    { "Ciphers +3des-cbc", "test.conf line 1: Ciphers: '3des-cbc' is not understood; accepted: " },
    { "Ciphers -*", "test.conf line 1: Ciphers: nothing is left of the list; accepted: at least one of aes128-gcm@openssh.com," },
};

Test(config_errors, say_file_line_keyword_and_what_is_accepted)
{
    for (size_t i = 0; i < sizeof exact / sizeof exact[0]; i++) {
        char error[GW_CONFIG_ERROR_MAX];
        cr_assert_null(gw_config_parse(exact[i].text, "test.conf", error), "%s", exact[i].text);
        size_t len = strlen(exact[i].error);
        bool prefix = exact[i].error[len - 1] == ' ' || exact[i].error[len - 1] == ',';
        cr_assert(prefix ? strncmp(error, exact[i].error, len) == 0 : strcmp(error, exact[i].error) == 0, "%s\nnot\n%s", error,
                  exact[i].error);
    }
}

/* One line each; those that start with a blank stand in a queue's block. */
static const char *const wrong_lines[] = {
    "ListenAddress localhost",
    "ListenAddress 127.0.0.1:0",
    "ListenAddress 127.0.0.1:65536",
    "ListenAddress 127.0.0.1:x",
    "ListenAddress ::1:2222:",
    "ListenAddress 127.1:22",
    "ListenAddress 127.0.0.1 10.0.0.0/8",
    "ListenAddress 127.0.0.1 proxy-from",
    "ListenAddress 127.0.0.1 proxy-from 10.0.0.1/8",
    "ListenAddress 127.0.0.1 proxy-from host",
    "ListenAddress \"\"",
    "Port 0",
    "Port +1",
    "Port 22x",
    "HostKey \"\"",
    "AuthorizedKeysFile /keys/%h",
    "AuthorizedKeysFile /keys/%",
    "AuthorizedKeysFile none /keys",
    "AuthorizedKeysFile keys/%u",
    "Workers 1025",
    "Workers -1",
    "LoginGraceTime 2x",
    "LoginGraceTime m",
    "LoginGraceTime 1h 2m",
    "LoginGraceTime 99999999999999999999",
    "LoginGraceTime 999999999w",
    "MaxAuthTries 0",
    "MaxAuthTries 1001",
    "RequiredRSASize 1024",
    "RequiredRSASize 8193",
    "MaxStartups 0",
    "MaxStartups 10:30",
    "MaxStartups 10:0:20",
    "MaxStartups 10:101:20",
    "MaxStartups 20:30:10",
    "MaxStartups 10:30:20:1",
    "MaxStartups ::",
    "PerSourceMaxStartups 0",
    "PerSourceMaxStartups some",
    "PerSourceNetBlockSize 33",
    "PerSourceNetBlockSize 32:129",
    "PerSourceNetBlockSize 32:",
    "ClientAliveInterval x",
    "ClientAliveCountMax 0",
    "RekeyLimit 1K",
    "RekeyLimit 99999999999G",
    "RekeyLimit 1G 1h 1h",
    "RekeyLimit 1G x",
    "RekeyLimit 1G 0",
    "RekeyLimit 1Gx",
    "Ciphers none",
    "Ciphers aes128-ctr,",
    "Ciphers ,aes128-ctr",
    "Ciphers aes128-ctr aes256-ctr",
    "Ciphers +",
    "Ciphers \"\"",
    "Ciphers -aes128-crt",
    "Ciphers nothing*",
    "MACs hmac-md5",
    "KexAlgorithms diffie-hellman-group1-sha1",
    "KexAlgorithms kex-strict-s-v00@openssh.com",
    "HostKeyAlgorithms ssh-rsa",
    "LogLevel 7",
    "QueueErrors yes",
    "Compression zlib",
    "PubkeyAuthOptions touch-required,verify-required",
    "PubkeyAuthOptions",
    "User -x",
    "User \"a b\"",
    "AuditLog relative",
    "MaxChannels 0",
    "MaxChannels 16385",
    "MaxChannelsPerUser 0",
    "PermitListen 8080 none",
    "PermitListen a:b",
    "PermitListen :80",
    "PermitListen 0",
    "PermitListen ::1:80",
    "GatewayPorts maybe",
    "StreamLocalBindDirectory run/s",
    "StreamLocalBindMask 0178",
    "StreamLocalBindMask 01000",
    "StreamLocalBindMask -1",
    "StreamLocalBindMask \"\"",
    "StreamLocalBindUnlink 1",
    "HardStopAfter forever",
    "WindowBudget 1T",
    "WindowBudget lots",
    "Group dev",
    "Group -dev a",
    "Group dev @ops",
    "Group dev a/b",
    "Queue localhost",
    "Queue LocalHost",
    "Queue *",
    "Queue \"\"",
    "Queue 80",
    "Queue 0x1f",
    "Queue web.1",
    "Queue 10.0.0.1",
    "Queue ::1",
    "Queue web.",
    "Queue .web",
    "Queue a b",
    "Queue a:b",
    "Queue a%b",
    "Queue aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    " Target a",
    " Target a:0",
    " Target a:65536",
    " Target :80",
    " Target ::1:80",
    " Target [a]:80",
    " Target [10.0.0.1]:80",
    " Target 127.1:80",
    " Target a_b c:80",
    " Target builtin:cat",
    " Target a:80 maxconn",
    " Target a:80 maxconn 0",
    " Target a:80 weight 257",
    " Target a:80 check inter 0",
    " Target a:80 check fall 0",
    " Target a:80 check rise 1001",
    " Target a:80 check check-type ftp",
    " Target a:80 check check-type http check-path x",
    " Target a:80 check check-type http check-path \"/a b\"",
    " Target a:80 check check-type http check-status 99",
    " Target a:80 check slowstart 2d",
    " Target a:80 timeout",
    " Target a:80 backup 1",
    " Target a:80 fast",
    " Target h:1",
    " Allow alice@",
    " Allow alice@10.0.0.1/8",
    " Allow alice@example",
    " Deny @@10.0.0.0/8",
    " Balance fair",
    " MaxConn 0",
    " MaxQueue none",
    " Retries 8",
    " HoldForConsumer maybe",
    " QueueTimeout 8d",
    " Target *.a:80",
    " Route a",
    " Route a:",
    " Route a:0",
    " Route a:0-9",
    " Route a:9-1",
    " Route a:1-65536",
    " Route a:1-2-3",
    " Route 10.0.0.1/8:22",
    " Route 10.0.*:22",
    " Route 10.?.0.1:22",
    " Route 127.1:22",
    " Route fd00::/8:22",
    " Route [fd00::/8:22",
    " Route fd00::/8]:22",
    " Route [10.0.0.0/8]:22",
    " Route a/b:22",
    " Route :22",
    " Route *.a:22 b",
    " Allow @",
    " Allow @*",
    " Allow a*",
    " Allow \"\"",
    " Allow .a",
    " ConnectTimeout 0",
    " ConnectTimeout 2h",
    "= 1",
    "Port \\",
    "Unheard of",
};

Test(config_errors, every_wrong_value_is_refused_with_its_place)
{
    for (size_t i = 0; i < sizeof wrong_lines / sizeof wrong_lines[0]; i++) {
        char text[256], error[GW_CONFIG_ERROR_MAX];
        bool block = wrong_lines[i][0] == ' ';
        /* what would follow a good line is there, so that nothing but the line is wrong */
        snprintf(text, sizeof text, "%s\n%s\n%s", block ? "Queue q\nTarget h:1\nRoute h:1" : "\n\n", wrong_lines[i],
                 strncmp(wrong_lines[i], "Queue ", 6) == 0 ? "Target h:1\n" : "");
        cr_assert_null(gw_config_parse(text, "test.conf", error), "%s", wrong_lines[i]);
        cr_assert_eq(strncmp(error, "test.conf line 4: ", 18), 0, "%s: %s", wrong_lines[i], error);
        cr_assert(strstr(error, "; accepted: "), "%s: %s", wrong_lines[i], error);
        for (const char *c = error; *c; c++)
            cr_assert(*c >= 0x20 && *c < 0x7f, "%s", error);
    }
}

Test(config_errors, a_word_far_from_all_keywords_gets_their_list)
{
    char error[GW_CONFIG_ERROR_MAX];
    cr_assert_null(gw_config_parse("ZZZZZZZZ x", "f", error));
    cr_assert_eq(strncmp(error, "f line 1: ZZZZZZZZ: no such keyword; accepted: Include, ListenAddress, ", 71), 0, "%s", error);
    cr_assert(strstr(error, ", Balance"), "%s", error);
}

Test(config_errors, misspellings_find_their_keyword)
{
    static const char *const rows[][2] = { { "listenadress", "ListenAddress" },
                                           { "AuthorisedKeysFile", "AuthorizedKeysFile" },
                                           { "Cipher", "Ciphers" },
                                           { "Targets", "Target" },
                                           { "QueueName", "Queue" },
                                           { "kexalgoritms", "KexAlgorithms" } };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char line[64], error[GW_CONFIG_ERROR_MAX], want[64];
        snprintf(line, sizeof line, "%s x", rows[i][0]);
        snprintf(want, sizeof want, "the nearest one is %s", rows[i][1]);
        cr_assert_null(gw_config_parse(line, "f", error));
        cr_assert(strstr(error, want), "%s", error);
    }
}

Test(config_errors, carry_no_raw_bytes)
{
    static const char *const texts[] = { "Banner\xff x", "LogLevel \xc3\xa4\xff", "Queue \xe2\x80\xae", "\xff",
                                         "HostKey \"\xff\"" };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char error[GW_CONFIG_ERROR_MAX];
        cr_assert_null(gw_config_parse(texts[i], "bad\nname", error));
        for (const char *c = error; *c; c++)
            cr_assert(*c >= 0x20 && *c < 0x7f, "%s", error);
    }
}

Test(config_errors, too_many_words_are_told_of)
{
    char text[4096] = "Group g", error[GW_CONFIG_ERROR_MAX];
    for (int i = 0; i < 1024; i++)
        strcat(text, " a");
    cr_assert_null(gw_config_parse(text, "f", error));
    cr_assert_str_eq(error, "f line 1: more than 1024 words stand in the line");
}

/* A small generator, so that a failure can be repeated from its seed. */
static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

Test(config_errors, random_bytes_never_break_the_reader, .timeout = 120)
{
    static const char *const pieces[] = { "Queue ",
                                          "Target ",
                                          "Route ",
                                          "Allow ",
                                          "*",
                                          ":",
                                          "[",
                                          "]",
                                          "\"",
                                          "'",
                                          "\\",
                                          "#",
                                          "\n",
                                          "=",
                                          " ",
                                          "\t",
                                          "10.0.0.0/8",
                                          "a",
                                          "@g",
                                          "Group g a",
                                          "Ciphers ",
                                          "+",
                                          "-",
                                          "^",
                                          ",",
                                          "dial",
                                          "1",
                                          "%",
                                          "99999999999999999999",
                                          "h",
                                          "ListenAddress ",
                                          "HostKey ",
                                          "MaxStartups ",
                                          "RekeyLimit ",
                                          "\xff",
                                          "\x01",
                                          "\r" };
    for (uint32_t seed = 1; seed <= 20000; seed++) {
        uint32_t state = seed;
        char text[512] = "", error[GW_CONFIG_ERROR_MAX];
        size_t used = 0;
        for (unsigned n = next_random(&state) % 40; n > 0; n--) {
            const char *piece = pieces[next_random(&state) % (sizeof pieces / sizeof pieces[0])];
            char one[2] = { (char)(1 + next_random(&state) % 255), '\0' };
            if (next_random(&state) % 8 == 0)
                piece = one;
            if (used + strlen(piece) + 1 < sizeof text)
                used += (size_t)sprintf(text + used, "%s", piece);
        }
        struct gw_config *c = gw_config_parse(text, "f", error);
        cr_assert((c != NULL) == (error[0] == '\0'), "seed %u", seed);
        if (c)
            gw_config_drop(c);
    }
}
