/* SPDX-License-Identifier: MIT */
/* What is read ends at the first line that tells: the connection is then closed, whatever else the service has to say. */
#include "gateway/health/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/net/host.h"
#include "gateway/net/proxy_header.h"

enum {
    SEEN_BYTES = 2048, /* lines in front of an SSH identification included: RFC 4253 section 4.2 */
    REQUEST_BYTES = GW_CHECK_PATH_MAX + 512,
    STATUS_BYTES = 12, /* "HTTP/1.1 200" */
    AUTHORITY_BYTES = GW_HOST_MAX + 16,
};

struct gw_check {
    struct gw_check_setup setup;
    struct gw_consumer *consumer;
    char request[REQUEST_BYTES];
    size_t request_len, sent;
    char seen[SEEN_BYTES + 1];
    size_t seen_len;
};

static void on_wake(struct gw_consumer *consumer)
{
    struct gw_check *c = consumer->owner;
    c->setup.wake(c->setup.owner);
}

/* As RFC 9110 section 7.2 has it: servers refuse an IPv6 address without brackets, and some a port that is missing. */
static const char *authority(const struct gw_target *t, char out[AUTHORITY_BYTES])
{
    enum { PORT_OF_HTTP = 80 };
    if (t->kind != GW_TARGET_TCP)
        return "localhost";
    int n = snprintf(out, AUTHORITY_BYTES, strchr(t->host, ':') ? "[%s]" : "%s", t->host);
    if (t->port != PORT_OF_HTTP)
        snprintf(out + n, AUTHORITY_BYTES - (size_t)n, ":%u", t->port);
    return out;
}

static void write_request(struct gw_check *c)
{
    const struct gw_target *t = c->setup.target;
    if (t->check.type != GW_CHECK_HTTP)
        return;
    char host[AUTHORITY_BYTES];
    int n =
        snprintf(c->request, sizeof c->request, "GET %s HTTP/1.0\r\nHost: %s\r\nUser-Agent: sluice\r\nConnection: close\r\n\r\n",
                 t->check.path, authority(t, host));
    c->request_len = (size_t)n;
}

/* Who expects a header expects one of each connection. */
static size_t speak_for_myself(void *owner, struct cx_span room)
{
    (void)owner;
    return gw_proxy_header_write(room, NULL, NULL, NULL, 0);
}

static struct gw_consumer *new_consumer(struct gw_check *c)
{
    const struct gw_check_setup *s = &c->setup;
    struct gw_consumer_owner owner = { on_wake, c };
    gw_preface *preface = s->target->sends_proxy ? speak_for_myself : NULL;
    if (s->target->kind == GW_TARGET_UNIX)
        return gw_unix_new(owner, &(struct gw_unix_setup){ s->linger, s->target->host, s->connect_timeout_ns, preface });
    struct gw_tcp_setup tcp = {
        .dns = s->dns,
        .linger = s->linger,
        .host = s->target->host,
        .port = s->target->port,
        .timeout_ns = s->connect_timeout_ns,
        .preface = preface,
    };
    return gw_tcp_new(owner, &tcp);
}

struct gw_check *gw_check_new(const struct gw_check_setup *setup)
{
    struct gw_check *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->setup = *setup;
    write_request(c);
    c->consumer = new_consumer(c);
    if (!c->consumer) {
        free(c);
        return NULL;
    }
    return c;
}

void gw_check_free(struct gw_check *c)
{
    if (!c)
        return;
    c->consumer->ops->close(c->consumer, false);
    free(c);
}

/* ---- what it says ---- */

/* The first line that begins with "SSH-" is the identification. */
static enum gw_check_result judge_ssh(const struct gw_check *c, const char **why)
{
    const char *line = c->seen, *end;
    while ((end = strchr(line, '\n')) && strncmp(line, "SSH-", 4) != 0)
        line = end + 1;
    if (!end)
        return GW_CHECK_RUNNING;
    if (strncmp(line, "SSH-2.0-", 8) == 0 || strncmp(line, "SSH-1.99-", 9) == 0)
        return GW_CHECK_PASSED;
    *why = "it does not speak SSH 2";
    return GW_CHECK_FAILED;
}

static bool status_is_expected(const struct gw_check_config *check, unsigned status)
{
    return check->status > 0 ? status == check->status : status >= 200 && status < 400;
}

static enum gw_check_result judge_http(const struct gw_check *c, const char **why)
{
    unsigned status;
    int read = 0;
    if (c->seen_len < STATUS_BYTES)
        return GW_CHECK_RUNNING;
    if (sscanf(c->seen, "HTTP/1.%*1[01] %3u%n", &status, &read) == 1 && read == STATUS_BYTES &&
        status_is_expected(&c->setup.target->check, status))
        return GW_CHECK_PASSED;
    *why = "its HTTP status is not the expected one";
    return GW_CHECK_FAILED;
}

static enum gw_check_result judge(const struct gw_check *c, const char **why)
{
    switch (c->setup.target->check.type) {
    case GW_CHECK_TCP:
        return GW_CHECK_PASSED;
    case GW_CHECK_SSH:
        return judge_ssh(c, why);
    case GW_CHECK_HTTP:
        return judge_http(c, why);
    }
    return GW_CHECK_UNKNOWN;
}

/* ---- talking ---- */

static bool ask(struct gw_check *c)
{
    if (c->sent == c->request_len)
        return true;
    struct iovec rest = { c->request + c->sent, c->request_len - c->sent };
    ssize_t n = c->consumer->ops->write(c->consumer, &rest, 1);
    if (n > 0)
        c->sent += (size_t)n;
    return n >= 0;
}

/* Reads what has come. True: there may be more to come. */
static bool hear(struct gw_check *c)
{
    enum mux_pull more = MUX_PULL_MORE;
    while (more == MUX_PULL_MORE && c->seen_len < SEEN_BYTES && c->consumer->state == GW_CONSUMER_OPEN) {
        struct iovec room = { c->seen + c->seen_len, SEEN_BYTES - c->seen_len };
        size_t n = c->consumer->ops->pull(c->consumer, &room, 1, &more);
        /* lines are looked at as text: a NUL would hide what stands behind it */
        for (size_t i = 0; i < n; i++)
            if (c->seen[c->seen_len + i] == '\0')
                c->seen[c->seen_len + i] = '?';
        c->seen_len += n;
    }
    return more == MUX_PULL_DRY && c->seen_len < SEEN_BYTES && c->consumer->state == GW_CONSUMER_OPEN;
}

static enum gw_check_result talk(struct gw_check *c, const char **why)
{
    if (c->setup.target->check.type == GW_CHECK_TCP)
        return GW_CHECK_PASSED;
    bool goes_on = ask(c) && hear(c);
    enum gw_check_result result = judge(c, why);
    if (result != GW_CHECK_RUNNING || goes_on)
        return result;
    *why = c->consumer->state == GW_CONSUMER_BROKEN ? c->consumer->why : "it did not say what it should";
    return GW_CHECK_FAILED;
}

enum gw_check_result gw_check_progress(struct gw_check *c, const char **why)
{
    c->consumer->ops->progress(c->consumer);
    switch (c->consumer->state) {
    case GW_CONSUMER_CONNECTING:
        return GW_CHECK_RUNNING;
    case GW_CONSUMER_OPEN:
        return talk(c, why);
    case GW_CONSUMER_FAILED:
    case GW_CONSUMER_BROKEN:
        break;
    }
    *why = c->consumer->why;
    return c->consumer->failure == GW_FAILURE_RESOURCE ? GW_CHECK_UNKNOWN : GW_CHECK_FAILED;
}
