/* SPDX-License-Identifier: MIT */
/* What can be asked. Orders are written down with the user who gave them. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "gateway/admin/admin_priv.h"
#include "gateway/observe/log.h"

enum { MEMBERS_A_PART = 4, LOGGED_NAME_MAX = 400, KILL_ID_LEAST = 8 };

/* ---- info, queues ---- */

static void begin_info(struct gw_admin_client *c)
{
    gw_admin_say_info(c);
}

/* The next one that the configuration names, or that has something left to do. */
static struct gw_queue *next_shown(const struct gw_admin *a, const struct gw_queue *q)
{
    struct gw_queue_stats s;
    struct gw_queue *next = gw_registry_next(a->registry, q);
    while (next && (gw_queue_stats(next, &s), !s.is_named && s.active == 0 && s.waiting == 0))
        next = gw_registry_next(a->registry, next);
    return next;
}

static void begin_queues(struct gw_admin_client *c)
{
    c->queue = next_shown(c->admin, NULL);
    c->member_at = SIZE_MAX;
}

/* The queue's own line, then its members', a few at a time. */
static bool more_queues(struct gw_admin_client *c)
{
    if (!c->queue)
        return false;
    if (c->member_at == SIZE_MAX) {
        gw_admin_say_queue(c, c->queue);
        c->member_at = 0;
        return true;
    }
    struct gw_member_stats members[MEMBERS_A_PART];
    size_t count = gw_queue_members(c->queue, gw_loop_now_ns(c->admin->loop), &c->member_at, members, MEMBERS_A_PART);
    for (size_t i = 0; i < count; i++)
        gw_admin_say_member(c, c->queue, &members[i]);
    if (count == 0) {
        c->queue = next_shown(c->admin, c->queue);
        c->member_at = SIZE_MAX;
    }
    return true;
}

/* ---- sessions, kill ---- */

static void begin_sessions(struct gw_admin_client *c)
{
    c->question = GW_ADMIN_LIST;
    c->state = GW_ADMIN_WAITS;
}

static bool more_sessions(struct gw_admin_client *c)
{
    if (c->session_at == c->session_count)
        return false;
    gw_admin_say_session(c, &c->sessions[c->session_at++]);
    return true;
}

static void log_order(const struct gw_admin_client *c, const char *queue)
{
    char what[LOGGED_NAME_MAX];
    gw_log_escape(what, sizeof what, cx_view_text(c->words[c->command->words]), false);
    gw_log(GW_LOG_INFO, "Operator uid %u pid %d: %s %s%s%s", (unsigned)c->who.uid, (int)c->who.pid, c->command->name, queue,
           *queue ? " " : "", what);
}

static void begin_kill(struct gw_admin_client *c)
{
    size_t len = strlen(c->words[1]);
    if (len < KILL_ID_LEAST || len >= GW_CONN_ID_TEXT || strspn(c->words[1], "0123456789abcdef") != len) {
        gw_admin_say_error(c, "a session is named by its id, or by the first %d digits of it or more", KILL_ID_LEAST);
        return;
    }
    log_order(c, "");
    c->question = GW_ADMIN_KILL;
    c->state = GW_ADMIN_WAITS;
}

static bool more_kill(struct gw_admin_client *c)
{
    if (c->killed == 0 && c->silent_workers == 0)
        gw_admin_say_error(c, "there is no session of that id");
    else
        gw_admin_say_killed(c);
    return false;
}

/* ---- drain, enable ---- */

/* Does not make one, unlike gw_registry_queue. */
static struct gw_queue *find_queue(const struct gw_registry *r, const char *name)
{
    struct gw_queue *q = NULL;
    while ((q = gw_registry_next(r, q)) != NULL)
        if (strcasecmp(gw_queue_name(q), name) == 0)
            return q;
    return NULL;
}

static void set_drain(struct gw_admin_client *c, bool on)
{
    struct gw_queue *q = find_queue(c->admin->registry, c->words[1]);
    if (!q)
        gw_admin_say_error(c, "there is no queue of that name");
    else if (!gw_member_drain(q, c->words[2], on))
        gw_admin_say_error(c, "queue %s has no member of that name", gw_queue_name(q));
    else
        log_order(c, gw_queue_name(q));
}

static void begin_drain(struct gw_admin_client *c)
{
    set_drain(c, true);
}

static void begin_enable(struct gw_admin_client *c)
{
    set_drain(c, false);
}

static const struct gw_admin_command commands[] = {
    { "info", 0, begin_info, NULL },   { "queues", 0, begin_queues, more_queues }, { "sessions", 0, begin_sessions, more_sessions },
    { "drain", 2, begin_drain, NULL }, { "enable", 2, begin_enable, NULL },        { "kill", 1, begin_kill, more_kill },
};

static const struct gw_admin_command *find_command(const char *name)
{
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

/* ---- the line ---- */

/* Tabs separate, so that a member's name may hold spaces. Returns how many words there are; those behind the last are one too many.
 */
static unsigned split(char *line, const char *words[GW_ADMIN_WORDS_MAX])
{
    unsigned count = 0;
    for (char *word; (word = strsep(&line, "\t")) != NULL; count++) {
        if (count == GW_ADMIN_WORDS_MAX)
            return count + 1;
        words[count] = word;
    }
    return count;
}

const struct gw_admin_command *gw_admin_command_parse(char *line, const char *words[GW_ADMIN_WORDS_MAX],
                                                      char error[GW_ADMIN_ERROR_MAX])
{
    const char *all[GW_ADMIN_WORDS_MAX] = { 0 };
    unsigned count = split(line, all);
    if (count < 2 || strcmp(all[0], "1") != 0) {
        snprintf(error, GW_ADMIN_ERROR_MAX, "this gateway speaks version %d of its control protocol", GW_ADMIN_PROTOCOL);
        return NULL;
    }
    const struct gw_admin_command *command = find_command(all[1]);
    if (!command) {
        snprintf(error, GW_ADMIN_ERROR_MAX, "this gateway knows no such command");
        return NULL;
    }
    if (count - 2 != command->words) {
        snprintf(error, GW_ADMIN_ERROR_MAX, "behind %s stand %u words", command->name, command->words);
        return NULL;
    }
    for (unsigned i = 0; i <= command->words; i++)
        words[i] = all[i + 1];
    return command;
}
