/* SPDX-License-Identifier: MIT */
/* See options.h. What has a keyword in the configuration becomes one of its options, so that -T shows it and a reload keeps it. */
#include "gateway/monitor/options.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char gw_options_help[] = "usage: sluiced [-DdehTtV] [-C specification] [-E log_file] [-f config_file] [-o option] [-p port]\n"
                               "  -f FILE    the configuration; without it /etc/sluice/sluice.conf\n"
                               "  -t         test the configuration and the host keys, then exit\n"
                               "  -T         print the effective configuration, then exit\n"
                               "  -C SPEC    with -T: user=NAME,addr=ADDRESS,... of the connection to print it for\n"
                               "  -D         stay in the foreground\n"
                               "  -d         debug: foreground, LogLevel DEBUG, log on standard error\n"
                               "  -E FILE    append the log to FILE (needed without -D)\n"
                               "  -e         log on standard error (what -D does without -E)\n"
                               "  -o OPTION  a configuration line, such as -o 'LogLevel VERBOSE'; goes before the file's\n"
                               "  -p PORT    the port of every ListenAddress that names none\n"
                               "  -V         print the version, and the kernel that serves each cipher\n"
                               "environment: SLUICE_TIER=portable|avx2|avx512 caps the instruction set\n"
                               "signals: HUP reloads, TERM drains, a second TERM (or INT) ends at once\n";

struct parse {
    struct gw_command_line *out;
    char **options;
    size_t option_count;
    const char *config_path;
    bool test, print, foreground, debug, log_to_stderr;
    const char *specification;
};

__attribute__((format(printf, 2, 3))) static void wrong(struct gw_command_line *out, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(out->error, sizeof out->error, format, args);
    va_end(args);
    out->action = GW_ACTION_WRONG;
}

/* Option "KEYWORD VALUE"; the text is the list's. */
static void add_option(struct parse *p, const char *keyword, const char *value)
{
    char *text;
    if (asprintf(&text, "%s%s%s", keyword, *keyword ? " " : "", value) < 0)
        abort();
    p->options[p->option_count++] = text;
}

/* The keys that sshd's -C knows, each with a value, separated by commas. */
static bool specification_valid(const char *text)
{
    static const char *const keys[] = { "user", "host", "addr", "laddr", "lport", "rdomain" };
    while (*text) {
        size_t key = strcspn(text, "=,"), item = strcspn(text, ","), i = 0;
        while (i < sizeof keys / sizeof *keys && (strlen(keys[i]) != key || strncmp(text, keys[i], key) != 0))
            i++;
        if (i == sizeof keys / sizeof *keys || text[key] != '=' || item <= key + 1)
            return false;
        text += item + (text[item] == ',');
    }
    return true;
}

static void take(struct parse *p, int letter, const char *program)
{
    switch (letter) {
    case 'f':
        p->config_path = optarg;
        break;
    case 't':
        p->test = true;
        break;
    case 'T':
        p->print = true;
        break;
    case 'C':
        p->specification = optarg;
        break;
    case 'D':
        p->foreground = true;
        break;
    case 'd':
        p->foreground = p->debug = true;
        add_option(p, "LogLevel", "DEBUG");
        break;
    case 'E':
        p->out->monitor.log_path = optarg;
        break;
    case 'e':
        p->log_to_stderr = true;
        break;
    case 'o':
        add_option(p, "", optarg);
        break;
    case 'p':
        add_option(p, "Port", optarg);
        break;
    case 'V':
        p->out->action = GW_ACTION_VERSION;
        break;
    case 'h':
        p->out->action = GW_ACTION_HELP;
        break;
    default:
        wrong(p->out, "unknown option or missing value: see %s -h", program);
        break;
    }
}

static void judge(struct parse *p)
{
    struct gw_command_line *out = p->out;
    if (out->action != GW_ACTION_RUN)
        return;
    if (p->specification && !p->print)
        wrong(out, "-C goes with -T");
    else if (p->specification && !specification_valid(p->specification))
        wrong(out, "-C takes user=NAME,host=NAME,addr=ADDRESS,laddr=ADDRESS,lport=PORT,rdomain=NAME");
    else if (p->print || p->test)
        out->action = p->print ? GW_ACTION_PRINT : GW_ACTION_TEST;
    else if (!p->foreground && (p->log_to_stderr || !out->monitor.log_path))
        wrong(out, "in the background the log needs a file: -E FILE; or stay in the foreground: -D");
    else
        out->monitor.background = !p->foreground;
    if (p->log_to_stderr || p->debug)
        out->monitor.log_path = NULL;
}

void gw_options_parse(int argc, char **argv, struct gw_command_line *out)
{
    *out = (struct gw_command_line){ .action = GW_ACTION_RUN };
    struct parse p = { .out = out, .config_path = "/etc/sluice/sluice.conf" };
    p.options = calloc((size_t)argc, sizeof *p.options); /* an argument makes one at most, but for one -d in front */
    if (!p.options)
        abort();
    opterr = 0;
    int letter;
    while (out->action == GW_ACTION_RUN && (letter = getopt(argc, argv, "f:tTC:DdeE:o:p:Vh")) != -1)
        if (letter != 'd' || !p.debug)
            take(&p, letter, argv[0]);
    if (out->action == GW_ACTION_RUN && optind < argc)
        wrong(out, "extra argument %.64s: see %s -h", argv[optind], argv[0]);
    judge(&p);
    out->monitor.options = p.options;
    out->monitor.option_count = p.option_count;
    /* absolute, so that a reload finds it from the background too; what does not exist is said by the loader */
    char *absolute = realpath(p.config_path, NULL);
    out->monitor.config_path = absolute ? absolute : strdup(p.config_path);
}

void gw_options_deinit(struct gw_command_line *c)
{
    for (size_t i = 0; i < c->monitor.option_count; i++)
        free(c->monitor.options[i]);
    free(c->monitor.options);
    free(c->monitor.config_path);
    *c = (struct gw_command_line){ 0 };
}
