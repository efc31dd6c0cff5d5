/* SPDX-License-Identifier: MIT */
/* What log and audit say of a tunnel. The log has the truth that the client is not told; peer strings are escaped in both. */
#include <assert.h>
#include <stdio.h>
#include <time.h>

#include "gateway/tunnel/tunnel_priv.h"

enum {
    HOST_MAX = 255, /* mux/connection/forward.h */
    LOG_HOST_MAX = 4 * HOST_MAX + 1,
    JSON_HOST_MAX = 6 * HOST_MAX + 1,
    JSON_NAME_MAX = 1024,
    TIME_TEXT = 32,
};

uint64_t gw_tunnel_wall_us(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (uint64_t)ts.tv_sec * 1000000u + (uint64_t)ts.tv_nsec / 1000u;
}

static const char *time_text(uint64_t us, char out[TIME_TEXT])
{
    time_t seconds = (time_t)(us / 1000000u);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    size_t n = strftime(out, TIME_TEXT, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out + n, TIME_TEXT - n, ".%06uZ", (unsigned)(us % 1000000u));
    return out;
}

/* NULL: none was granted. */
static const char *member_of(const struct gw_tunnel *t)
{
    if (t->member)
        return gw_member_destination(t->member)->text;
    return t->ends && t->ends->destination ? t->ends->destination->text : NULL;
}

static const char *queue_of(const struct gw_tunnel *t)
{
    const struct gw_queue *queue = gw_tunnel_queue(t);
    return queue ? gw_queue_name(queue) : NULL;
}

/* What the consumer said that was tried last; NULL: nothing. */
static const char *why_of(const struct gw_tunnel *t)
{
    return t->ends ? t->ends->why : NULL;
}

/* What the consumer is connected to, or, where it was not, what was tried last. family 0: none. */
static struct gw_addr address_of(const struct gw_tunnel *t)
{
    bool has_consumer = t->consumer && (t->accepted || t->outgoing);
    return has_consumer ? gw_consumer_address(t->consumer) : t->ends ? t->ends->resolved : (struct gw_addr){ 0 };
}

/* "tunnel 3 of alice from 10.0.0.1:4711 to web:80 (queue web, 10.0.0.10:80)", or
 * "reverse tunnel 3 to carol at 10.0.0.2:4712 for web:49152 (queue web, carol#… from 10.0.0.1:4711)" */
static const char *describe(const struct gw_tunnel *t, char *out, size_t room)
{
    const struct gw_identity *who = gw_conn_identity(t->conn);
    char host[LOG_HOST_MAX], peer[GW_ADDR_TEXT], address[GW_ADDR_TEXT];
    struct gw_addr at = address_of(t);
    gw_log_escape(host, sizeof host, cx_view(t->host, t->host_len), true);
    bool reverse = t->outgoing;
    char port[16] = "";
    if (!t->is_path)
        snprintf(port, sizeof port, ":%u", t->port);
    int n = snprintf(out, room, "%stunnel %u %s %s %s %s %s %s%s", reverse ? "reverse " : "", t->number, reverse ? "to" : "of",
                     who->user, reverse ? "at" : "from", gw_addr_port_text(&who->peer, peer), reverse ? "for" : "to", host, port);
    if (queue_of(t) && n > 0 && (size_t)n < room)
        n += snprintf(out + n, room - (size_t)n, " (queue %s%s%s%s%s)", queue_of(t), member_of(t) ? ", " : "",
                      member_of(t) ? member_of(t) : "", at.family ? (reverse ? " from " : " at ") : "",
                      at.family ? gw_addr_port_text(&at, address) : "");
    return out;
}

enum { DESCRIPTION_MAX = LOG_HOST_MAX + 700 };

void gw_tunnel_log_open(const struct gw_tunnel *t)
{
    char text[DESCRIPTION_MAX];
    if (gw_log_enabled(GW_LOG_VERBOSE))
        gw_log(GW_LOG_VERBOSE, "Opened %s on conn=%s", describe(t, text, sizeof text), gw_conn_identity(t->conn)->id);
}

void gw_tunnel_log_failed(const struct gw_tunnel *t)
{
    char text[DESCRIPTION_MAX];
    if (gw_log_enabled(GW_LOG_INFO))
        gw_log(GW_LOG_INFO, "Could not connect %s: %s on conn=%s", describe(t, text, sizeof text), why_of(t),
               gw_conn_identity(t->conn)->id);
}

static const char *quoted_or_null(char *out, size_t room, const char *text)
{
    char inside[JSON_NAME_MAX];
    if (text)
        snprintf(out, room, "\"%s\"", gw_json_escape(inside, sizeof inside, cx_view_text(text)));
    else
        snprintf(out, room, "null");
    return out;
}

size_t gw_tunnel_record_text(const struct gw_tunnel *t, const struct gw_identity *who, const char *event, const char *reason,
                             uint64_t ended_us, char out[GW_TUNNEL_RECORD_MAX])
{
    char start[TIME_TEXT], stop[TIME_TEXT], peer[GW_ADDR_TEXT], address[GW_ADDR_TEXT];
    char host[JSON_HOST_MAX], user[6 * GW_USER_MAX + 1], queue[JSON_NAME_MAX + 3], member[JSON_NAME_MAX + 3], why[256];
    char resolved[GW_ADDR_TEXT + 3], proxy[GW_ADDR_TEXT + 3], proxy_address[GW_ADDR_TEXT];
    const char *through = who->proxy.family ? gw_addr_port_text(&who->proxy, proxy_address) : NULL;
    struct gw_addr at = address_of(t);
    const char *where = at.family ? gw_addr_port_text(&at, address) : NULL;
    int n = snprintf(
        out, GW_TUNNEL_RECORD_MAX,
        "{\"event\":\"%s\",\"start\":\"%s\",\"end\":\"%s\",\"connection\":\"%s\",\"channel\":%u,\"user\":\"%s\","
        "\"proves_name\":%s,\"key\":\"%s\",\"peer\":\"%s\",\"proxy\":%s,\"queue\":%s,\"member\":%s,\"host\":\"%s\",\"port\":%u,"
        "\"address\":%s,\"bytes_up\":%llu,\"bytes_down\":%llu,\"reason\":\"%s\",\"content\":\"opaque\"}",
        event, time_text(t->began_us, start), time_text(ended_us, stop), who->id, t->number,
        gw_json_escape(user, sizeof user, cx_view_text(who->user)), who->proves_name ? "true" : "false", who->fingerprint,
        gw_addr_port_text(&who->peer, peer), quoted_or_null(proxy, sizeof proxy, through),
        quoted_or_null(queue, sizeof queue, queue_of(t)), quoted_or_null(member, sizeof member, member_of(t)),
        gw_json_escape(host, sizeof host, cx_view(t->host, t->host_len)), t->port, quoted_or_null(resolved, sizeof resolved, where),
        (unsigned long long)t->bytes_up, (unsigned long long)t->bytes_down, gw_json_escape(why, sizeof why, cx_view_text(reason)));
    assert(n > 0 && n < GW_TUNNEL_RECORD_MAX);
    return (size_t)n;
}

static void audit(const struct gw_tunnel *t, const char *event, const char *reason)
{
    char json[GW_TUNNEL_RECORD_MAX];
    if (!gw_worker_keeps_audit(gw_conn_worker(t->conn)))
        return;
    gw_tunnel_record_text(t, gw_conn_identity(t->conn), event, reason, gw_tunnel_wall_us(), json);
    gw_worker_audit(gw_conn_worker(t->conn), json);
}

void gw_tunnel_record_end(const struct gw_tunnel *t, const char *reason)
{
    char text[DESCRIPTION_MAX];
    if (gw_log_enabled(GW_LOG_VERBOSE))
        gw_log(GW_LOG_VERBOSE, "Ended %s: %s, %llu bytes up, %llu down on conn=%s", describe(t, text, sizeof text), reason,
               (unsigned long long)t->bytes_up, (unsigned long long)t->bytes_down, gw_conn_identity(t->conn)->id);
    audit(t, t->outgoing ? "reverse_tunnel" : "tunnel", reason);
}

void gw_tunnel_record_refusal(const struct gw_tunnel *t, const char *reason)
{
    char text[DESCRIPTION_MAX], full[192];
    const char *why = why_of(t);
    snprintf(full, sizeof full, "%s%s%s", reason, why ? ": " : "", why ? why : "");
    if (gw_log_enabled(GW_LOG_INFO))
        gw_log(GW_LOG_INFO, "Refused %s: %s on conn=%s", describe(t, text, sizeof text), full, gw_conn_identity(t->conn)->id);
    audit(t, t->outgoing ? "reverse_tunnel_refused" : "tunnel_refused", full);
}
