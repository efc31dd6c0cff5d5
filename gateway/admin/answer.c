/* SPDX-License-Identifier: MIT */
/* Answers are lines of JSON: a flat object each, so that a reader needs a line at a time, and no more of JSON than names and
 * values. What a client or a peer wrote is escaped. */
#include <assert.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "gateway/admin/admin_priv.h"
#include "gateway/observe/log.h"

enum { NAME_MAX_BYTES = 320, ESCAPED_NAME_MAX = 6 * NAME_MAX_BYTES, REASON_MAX = 256, LIMIT_TEXT = 12 };
static const uint64_t SECOND = 1000000000;

__attribute__((format(printf, 2, 3))) static void say(struct gw_admin_client *c, const char *format, ...)
{
    size_t room = sizeof c->out - c->out_len;
    va_list args;
    va_start(args, format);
    int n = vsnprintf(c->out + c->out_len, room, format, args);
    va_end(args);
    assert(n > 0 && (size_t)n < room); /* every value is capped, and more is asked for only when there is room */
    c->out_len += (size_t)n;
}

void gw_admin_say_hello(struct gw_admin_client *c)
{
    say(c, "{\"sluice\":\"%s\",\"protocol\":%d}\n", SLUICE_VERSION, GW_ADMIN_PROTOCOL);
}

void gw_admin_say_end(struct gw_admin_client *c)
{
    size_t omitted = c->session_all - c->session_count;
    say(c, "{\"end\":true,\"omitted\":%zu,\"silent_workers\":%u}\n", omitted, c->silent_workers);
    c->ended = true;
}

void gw_admin_say_error(struct gw_admin_client *c, const char *format, ...)
{
    char text[GW_ADMIN_ERROR_MAX], escaped[6 * GW_ADMIN_ERROR_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    say(c, "{\"error\":\"%s\"}\n", gw_json_escape(escaped, sizeof escaped, cx_view_text(text)));
    c->ended = true;
}

void gw_admin_say_info(struct gw_admin_client *c)
{
    const struct gw_admin *a = c->admin;
    unsigned connections = 0;
    for (unsigned i = 0; i < a->worker_count; i++)
        connections += atomic_load_explicit(&gw_worker_intake(a->workers[i])->connections, memory_order_relaxed);
    say(c, "{\"version\":\"%s\",\"pid\":%d,\"seconds\":%llu,\"workers\":%u,\"connections\":%u}\n", SLUICE_VERSION, (int)getpid(),
        (unsigned long long)((gw_loop_now_ns(a->loop) - a->started_ns) / SECOND), a->worker_count, connections);
}

static const char *limit_text(unsigned limit, char out[LIMIT_TEXT])
{
    snprintf(out, LIMIT_TEXT, "%u", limit);
    return limit == UINT_MAX ? "null" : out;
}

void gw_admin_say_queue(struct gw_admin_client *c, const struct gw_queue *q)
{
    struct gw_queue_stats s;
    char limit[LIMIT_TEXT];
    gw_queue_stats(q, &s);
    say(c,
        "{\"queue\":\"%s\",\"leaving\":%s,\"worker\":%u,\"active\":%u,\"limit\":%s,\"waiting\":%u,\"served\":%llu,\"failed\":%llu,"
        "\"refused_queue_full\":%llu,\"refused_timed_out\":%llu,\"refused_no_consumer\":%llu,\"refused_failed\":%llu,"
        "\"queue_time_p50_us\":%llu,\"queue_time_p99_us\":%llu}\n",
        gw_queue_name(q), s.is_named ? "false" : "true", gw_queue_home(q), s.active, limit_text(s.limit, limit), s.waiting,
        (unsigned long long)s.served, (unsigned long long)s.failed, (unsigned long long)s.refused[GW_ANSWER_QUEUE_FULL],
        (unsigned long long)s.refused[GW_ANSWER_TIMED_OUT], (unsigned long long)s.refused[GW_ANSWER_NO_CONSUMER],
        (unsigned long long)s.refused[GW_ANSWER_FAILED], (unsigned long long)s.queue_time_p50_us,
        (unsigned long long)s.queue_time_p99_us);
}

static const char *state_name(enum gw_member_state state)
{
    static const char *const names[] = {
        [GW_MEMBER_UP] = "up",
        [GW_MEMBER_DOWN] = "down",
        [GW_MEMBER_DRAINING] = "draining",
        [GW_MEMBER_LEAVING] = "leaving",
    };
    return names[state];
}

void gw_admin_say_member(struct gw_admin_client *c, const struct gw_queue *q, const struct gw_member_stats *m)
{
    char name[ESCAPED_NAME_MAX], limit[LIMIT_TEXT], reason[REASON_MAX + 3] = "null";
    if (m->down_reason) /* our words or the C library's, which need no escapes */
        snprintf(reason, sizeof reason, "\"%.*s\"", REASON_MAX, m->down_reason);
    _Static_assert(sizeof m->text <= NAME_MAX_BYTES, "its escapes have room");
    say(c,
        "{\"queue\":\"%s\",\"member\":\"%s\",\"state\":\"%s\",\"reason\":%s,\"backup\":%s,\"avoided\":%s,\"active\":%u,"
        "\"limit\":%s,\"weight\":%u,\"slowstart_percent\":%u,\"served\":%llu,\"failed\":%llu}\n",
        gw_queue_name(q), gw_json_escape(name, sizeof name, cx_view_text(m->text)), state_name(m->state), reason,
        m->backup ? "true" : "false", m->marked ? "true" : "false", m->active, limit_text(m->limit, limit),
        m->whole_weight / GW_WEIGHT_ONE, (m->weight * 100 + m->whole_weight - 1) / m->whole_weight, (unsigned long long)m->served,
        (unsigned long long)m->failed);
}

void gw_admin_say_session(struct gw_admin_client *c, const struct gw_session_row *row)
{
    char peer[GW_ADDR_TEXT], user[GW_USER_MAX + 3] = "null";
    if (*row->user) /* a valid name needs no escapes */
        snprintf(user, sizeof user, "\"%s\"", row->user);
    say(c,
        "{\"session\":\"%s\",\"user\":%s,\"proves_name\":%s,\"address\":\"%s\",\"seconds\":%llu,\"channels\":%u,\"bytes_in\":%llu,"
        "\"bytes_out\":%llu,\"worker\":%u}\n",
        row->id, user, row->proves_name ? "true" : "false", gw_addr_port_text(&row->peer, peer),
        (unsigned long long)(row->age_ns / SECOND), row->channels, (unsigned long long)row->bytes_in,
        (unsigned long long)row->bytes_out, row->worker);
}

void gw_admin_say_killed(struct gw_admin_client *c)
{
    say(c, "{\"killed\":%u}\n", c->killed);
}
