/* SPDX-License-Identifier: MIT */
/* Log lines and what peers may not smuggle into them. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/observe/log.h"

/* What one call wrote. */
static const char *captured(int fd)
{
    static char text[8192];
    ssize_t n = read(fd, text, sizeof text - 1);
    text[n > 0 ? n : 0] = '\0';
    return text;
}

static int capture(enum gw_log_level level)
{
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    gw_log_init(ends[1], level, "sluiced-engine");
    return ends[0];
}

Test(log, a_line_has_time_process_and_text)
{
    int fd = capture(GW_LOG_INFO);
    gw_log(GW_LOG_INFO, "Server listening on %s port %d.", "127.0.0.1", 2222);
    regex_t form;
    cr_assert_eq(regcomp(&form,
                         "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{6}Z sluiced-engine\\[[0-9]+\\]: "
                         "Server listening on 127\\.0\\.0\\.1 port 2222\\.\n$",
                         REG_EXTENDED | REG_NOSUB),
                 0);
    const char *line = captured(fd);
    cr_assert_eq(regexec(&form, line, 0, NULL, 0), 0, "%s", line);
    regfree(&form);
}

Test(log, levels_above_the_set_one_are_silent)
{
    int fd = capture(GW_LOG_ERROR);
    gw_log(GW_LOG_INFO, "no");
    gw_log(GW_LOG_ERROR, "yes");
    cr_assert(strstr(captured(fd), ": yes\n"));
    gw_log_set_level(GW_LOG_DEBUG);
    cr_assert(gw_log_enabled(GW_LOG_DEBUG));
    gw_log_set_level(GW_LOG_QUIET);
    cr_assert_not(gw_log_enabled(GW_LOG_FATAL));
    cr_assert_not(gw_log_enabled(GW_LOG_QUIET));
}

Test(log, long_lines_are_cut_and_still_end)
{
    int fd = capture(GW_LOG_INFO);
    char text[5000];
    memset(text, 'x', sizeof text);
    gw_log(GW_LOG_INFO, "%.*s", (int)sizeof text, text);
    const char *line = captured(fd);
    cr_assert_leq(strlen(line), 2048);
    cr_assert_geq(strlen(line), 2000);
    cr_assert_eq(strchr(line, '\n'), line + strlen(line) - 1);
}

Test(log, a_forgotten_escape_forges_no_line)
{
    int fd = capture(GW_LOG_INFO);
    gw_log(GW_LOG_INFO, "user %s", "a\nforged\x1b[1m\x7f");
    cr_assert(strstr(captured(fd), ": user a?forged?[1m?\n"));
}

/* All that is there now. */
static const char *drained(int fd)
{
    static char text[1024 * 1024];
    size_t used = 0;
    ssize_t n;
    fcntl(fd, F_SETFL, O_NONBLOCK);
    while ((n = read(fd, text + used, sizeof text - 1 - used)) > 0)
        used += (size_t)n;
    text[used] = '\0';
    return text;
}

static void assert_never_waits(int reader)
{
    enum { LINES = 5000 };
    for (int i = 0; i < LINES; i++)
        gw_log(GW_LOG_INFO, "line %d of many that nobody reads, about as long as the line of a login is", i);
    unsigned arrived = 0, told = 0;
    for (const char *at = drained(reader); (at = strchr(at, '\n')); at++)
        arrived++;
    cr_assert(arrived > 0 && arrived < LINES, "%u", arrived);
    gw_log(GW_LOG_INFO, "room again");
    const char *text = drained(reader), *losses = strstr(text, "]: ");
    cr_assert(losses && sscanf(losses, "]: %u log lines were lost", &told) == 1, "%s", text);
    cr_assert_eq(arrived + told, LINES);
    cr_assert(strstr(text, ": room again\n"), "%s", text);
    gw_log(GW_LOG_INFO, "once");
    cr_assert_not(strstr(drained(reader), "lost"));
}

Test(log, a_full_pipe_stops_nobody_and_the_losses_are_told, .timeout = 10)
{
    assert_never_waits(capture(GW_LOG_INFO));
}

Test(log, a_full_socket_stops_nobody_and_the_losses_are_told, .timeout = 10)
{
    int ends[2];
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    gw_log_init(ends[1], GW_LOG_INFO, "sluiced-engine");
    assert_never_waits(ends[0]);
}

Test(log, a_pipe_stays_as_it_was_for_those_who_share_it)
{
    int ends[2], theirs;
    cr_assert(pipe(ends) == 0 && (theirs = dup(ends[1])) >= 0);
    gw_log_init(ends[1], GW_LOG_INFO, "sluiced-engine");
    cr_assert_eq(fcntl(theirs, F_GETFL) & O_NONBLOCK, 0);
    cr_assert_neq(fcntl(ends[1], F_GETFL) & O_NONBLOCK, 0);
}

static void assert_escaped(const char *text, size_t len, size_t room, bool spaces, const char *want)
{
    char out[64];
    cr_assert_str_eq(gw_log_escape(out, room, cx_view(text, len), spaces), want, "%s, not %s", out, want);
}

Test(escape, printable_bytes_stay_and_others_become_octal)
{
    assert_escaped("plain text", 10, 64, false, "plain text");
    assert_escaped("plain text", 10, 64, true, "plain\\040text");
    assert_escaped("a\\b", 3, 64, false, "a\\134b");
    assert_escaped("\0\x01\n\x7f\xff", 5, 64, false, "\\000\\001\\012\\177\\377");
    assert_escaped("", 0, 64, true, "");
}

Test(escape, what_does_not_fit_ends_in_dots)
{
    assert_escaped("abcdefgh", 8, 9, false, "abcdefgh");
    assert_escaped("abcdefgh", 8, 8, false, "abcd...");
    assert_escaped("abcdefgh", 8, 4, false, "...");
    assert_escaped("a\n\n", 3, 9, false, "a\\012...");
    assert_escaped("a\n\n", 3, 8, false, "a...");
    assert_escaped("a\n\n", 3, 10, false, "a\\012\\012");
}

static void assert_json(const char *text, size_t len, const char *want)
{
    char out[128];
    cr_assert_str_eq(gw_json_escape(out, sizeof out, cx_view(text, len)), want, "%s, not %s", out, want);
}

Test(json, strings_are_valid_utf8_whatever_comes_in)
{
    assert_json("say \"hi\" \\ there", 16, "say \\\"hi\\\" \\\\ there");
    assert_json("\n\t\0\x7f", 4, "\\u000a\\u0009\\u0000\\u007f");
    assert_json("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80", 15, "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80");
    assert_json("\xff\xc3", 2, "\\u00ff\\u00c3");
    assert_json("\xc0\x80", 2, "\\u00c0\\u0080");                       /* overlong NUL */
    assert_json("\xe0\x80\xaf", 3, "\\u00e0\\u0080\\u00af");            /* overlong slash */
    assert_json("\xed\xa0\x80", 3, "\\u00ed\\u00a0\\u0080");            /* surrogate */
    assert_json("\xf4\x90\x80\x80", 4, "\\u00f4\\u0090\\u0080\\u0080"); /* past U+10FFFF */
    assert_json("\xf0\x8f\xbf\xbf", 4, "\\u00f0\\u008f\\u00bf\\u00bf"); /* overlong */
    assert_json("\xe2\x82", 2, "\\u00e2\\u0082");                       /* cut short */
    assert_json("\xe2(\xa1", 3, "\\u00e2(\\u00a1");
}

Test(json, sequences_are_never_cut_in_two)
{
    char out[8];
    cr_assert_str_eq(gw_json_escape(out, 7, cx_view("ab\xe2\x82\xac\xe2\x82\xac", 8)), "ab...");
    cr_assert_str_eq(gw_json_escape(out, 8, cx_view("a\n\n", 3)), "a...");
}
