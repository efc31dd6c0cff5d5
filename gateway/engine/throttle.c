/* SPDX-License-Identifier: MIT */
/* The beginning and the end of a time of throttling are worth a line each, and so is a sum every five minutes in between; the
 * single drops are told at VERBOSE, except for the one behind such a line, as sshd does it. */
#include "gateway/engine/throttle.h"
#include "gateway/observe/log.h"

enum { SUM_INTERVAL_S = 5 * 60, EXHAUSTED_INTERVAL_S = 10, NOT_A_PROXY_INTERVAL_S = 10 };

void gw_throttle_dropped(struct gw_throttle *t, uint64_t now_s, unsigned startups, const struct gw_addr *peer,
                         const struct gw_addr *local)
{
    enum gw_log_level level = GW_LOG_VERBOSE;
    if (!t->dropping) {
        gw_log(GW_LOG_ERROR, "beginning MaxStartups throttling");
        t->dropping = true;
        t->began_s = t->said_s = now_s;
        t->dropped = 0;
        level = GW_LOG_INFO;
    } else if (now_s - t->said_s > SUM_INTERVAL_S) {
        gw_log(GW_LOG_ERROR, "in MaxStartups throttling for %llus, %u connections dropped",
               (unsigned long long)(now_s - t->began_s), t->dropped + 1);
        t->said_s = now_s;
        level = GW_LOG_INFO;
    }
    t->dropped++;
    char from[GW_ADDR_TEXT], on[GW_ADDR_TEXT];
    gw_log(level, "drop connection #%u from [%s]:%u on [%s]:%u past MaxStartups", startups, gw_addr_text(peer, from), peer->port,
           gw_addr_text(local, on), local->port);
}

void gw_throttle_admitted(struct gw_throttle *t, uint64_t now_s, bool relaxed)
{
    if (!t->dropping || !relaxed)
        return;
    gw_log(GW_LOG_INFO, "exited MaxStartups throttling after %llus, %u connections dropped",
           (unsigned long long)(now_s - t->began_s), t->dropped);
    t->dropping = false;
}

/* One line every few seconds, the rest at VERBOSE: whoever reaches such a listener can cause any number. */
void gw_throttle_not_a_proxy(struct gw_throttle *t, uint64_t now_s, const struct gw_addr *peer, const char *why)
{
    bool loud = !t->not_a_proxy_once || now_s - t->not_a_proxy_said_s >= NOT_A_PROXY_INTERVAL_S;
    if (loud) {
        t->not_a_proxy_once = true;
        t->not_a_proxy_said_s = now_s;
    }
    char from[GW_ADDR_TEXT];
    gw_log(loud ? GW_LOG_INFO : GW_LOG_VERBOSE, "drop connection from %s port %u: %s", gw_addr_text(peer, from), peer->port, why);
}

void gw_throttle_exhausted(struct gw_throttle *t, uint64_t now_s, const char *why)
{
    if (t->exhausted_once && now_s - t->exhausted_said_s < EXHAUSTED_INTERVAL_S)
        return;
    t->exhausted_once = true;
    t->exhausted_said_s = now_s;
    gw_log(GW_LOG_ERROR, "accept: %s; accepting pauses", why);
}
