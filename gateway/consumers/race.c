/* SPDX-License-Identifier: MIT */
/* Happy Eyeballs: both families are asked for at once, their addresses take turns with IPv6 first, a further one is tried every
 * 250 ms as long as none has answered, or at once where one has failed, and the first connection that stands wins.
 *
 *   both families asked --> one has come --(AAAA, or 50 ms later)--> attempts begin, one by one --> won
 *                                                                     none is left, or time is over --> lost
 *
 * Within a family the order is c-ares's (RFC 6724). A host without IPv6 loses a system call by it, no time: the kernel
 * says so at once. Every step is made in progress: answers, the timer and readiness only wake the consumer. */
#include "gateway/consumers/race.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/consumers/stream.h"
#include "gateway/net/host.h"

enum { ATTEMPTS_AT_ONCE = 8 };

static const uint64_t attempt_delay_ns = 250ull * 1000000;   /* RFC 8305 section 5 */
static const uint64_t resolution_delay_ns = 50ull * 1000000; /* section 3: A waits for AAAA */

struct attempt {
    struct gw_watch watch; /* fd -1: none */
    struct gw_race *race;
    struct gw_addr address;
    uint64_t began_ns;
};

/* Its addresses are the candidates. */
struct lookup {
    struct gw_dns_query query; /* first */
    struct gw_race *race;
};

struct gw_race {
    struct gw_consumer *consumer;
    struct gw_loop *loop;
    bool (*permits)(void *owner, const struct gw_addr *address);
    struct lookup *lookup;        /* NULL: the literal is all there is */
    struct gw_addr literal;       /* family 0: it was tried */
    size_t next[GW_DNS_FAMILIES]; /* candidate */
    unsigned turn;                /* the family that is next */
    struct gw_timer timer;
    uint64_t deadline_ns; /* 0: none */
    uint64_t v4_came_ns;
    uint64_t next_attempt_ns; /* not before */
    struct gw_addr last;
    int error; /* of the last attempt */
    bool any_refused, any_permitted, is_short;
    unsigned attempts_at_once;
    struct attempt attempts[]; /* one for a literal */
};

_Static_assert(sizeof(struct gw_race) + sizeof(struct attempt) <= 256, "a burst of dials to literals holds many of them at once");

static void wake(struct gw_race *r)
{
    r->consumer->wake(r->consumer);
}

static void on_answered(struct gw_dns_query *q)
{
    struct gw_race *r = ((struct lookup *)q)->race;
    if (q->answer[GW_DNS_V4].is_there && r->v4_came_ns == 0)
        r->v4_came_ns = gw_loop_now_ns(r->loop);
    wake(r);
}

static void on_timer(struct gw_timer *t, uint64_t now_ns)
{
    (void)now_ns;
    wake((struct gw_race *)((char *)t - offsetof(struct gw_race, timer)));
}

static void on_ready(struct gw_watch *w)
{
    wake(((struct attempt *)((char *)w - offsetof(struct attempt, watch)))->race);
}

/* ---- attempts ---- */

static void end_attempt(struct attempt *a)
{
    gw_loop_close(a->race->loop, &a->watch);
}

/* Of ours: another address is no remedy. That no local address is to be had may mean that IPv6 is off. */
static bool is_shortage(const struct gw_race *r)
{
    return gw_stream_is_shortage(r->error) && !(r->error == EADDRNOTAVAIL && r->last.family == AF_INET6);
}

/* One to begin with: where all are under way, the oldest, which the kernel has asked twice by now, gives way. */
static struct attempt *place(struct gw_race *r)
{
    struct attempt *oldest = &r->attempts[0];
    for (size_t i = 0; i < r->attempts_at_once; i++) {
        if (r->attempts[i].watch.fd < 0)
            return &r->attempts[i];
        if (r->attempts[i].began_ns < oldest->began_ns)
            oldest = &r->attempts[i];
    }
    end_attempt(oldest);
    return oldest;
}

/* 0: under way (the registration reports its end, also where it came at once), else errno. */
static int begin(struct gw_race *r, const struct gw_addr *address, uint64_t now_ns)
{
    struct sockaddr_storage sa;
    socklen_t len = gw_addr_to_sockaddr(address, &sa);
    int fd = gw_stream_socket(sa.ss_family), error = 0;
    if (fd < 0)
        return errno;
    if (connect(fd, (struct sockaddr *)&sa, len) != 0 && errno != EINPROGRESS)
        error = errno;
    if (error == 0) {
        struct attempt *a = place(r);
        *a = (struct attempt){ .watch = { .fd = fd, .on_ready = on_ready }, .race = r, .address = *address, .began_ns = now_ns };
        if (gw_loop_add(r->loop, &a->watch))
            return 0;
        error = errno;
        a->watch.fd = -1;
    }
    close(fd);
    return error;
}

/* 0: it stands. A connect that has failed hangs up, so that the kernel need not be asked of one that has not. */
static int error_of(const struct attempt *a)
{
    int error = 0;
    socklen_t len = sizeof error;
    if ((a->watch.ready & GW_HUNG_UP) && getsockopt(a->watch.fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
        error = errno;
    return error;
}

/* An attempt that stands; those that have failed are ended, and let the next one begin at once. NULL: none. */
static struct attempt *winner(struct gw_race *r)
{
    for (size_t i = 0; i < r->attempts_at_once; i++) {
        struct attempt *a = &r->attempts[i];
        if (a->watch.fd < 0 || !(a->watch.ready & (GW_WRITABLE | GW_HUNG_UP)))
            continue;
        int error = error_of(a);
        if (error == 0)
            return a;
        r->error = error;
        r->last = a->address;
        r->next_attempt_ns = 0;
        end_attempt(a);
    }
    return NULL;
}

/* ---- candidates ---- */

static size_t left(const struct gw_race *r)
{
    if (!r->lookup)
        return r->literal.family != 0;
    size_t n = 0;
    for (size_t i = 0; i < GW_DNS_FAMILIES; i++)
        n += r->lookup->query.answer[i].count - r->next[i];
    return n;
}

/* There is one. */
static struct gw_addr take(struct gw_race *r)
{
    if (!r->lookup) {
        struct gw_addr literal = r->literal;
        r->literal.family = 0;
        return literal;
    }
    const struct gw_dns_answer *answer = r->lookup->query.answer;
    unsigned family = r->turn;
    if (r->next[family] == answer[family].count)
        family = !family;
    r->turn = !family;
    return answer[family].addresses[r->next[family]++];
}

static bool waits_for_v6(const struct gw_race *r, uint64_t now_ns)
{
    const struct gw_dns_answer *answer = r->lookup ? r->lookup->query.answer : NULL;
    return answer && !answer[GW_DNS_V6].is_there && answer[GW_DNS_V4].is_there && now_ns < r->v4_came_ns + resolution_delay_ns;
}

/* Less than usual where so many addresses would not find time before the end. */
static uint64_t delay_ns(const struct gw_race *r, uint64_t now_ns)
{
    if (r->deadline_ns == 0)
        return attempt_delay_ns;
    uint64_t share_ns = (r->deadline_ns - now_ns) / (left(r) + 1);
    return share_ns < attempt_delay_ns ? share_ns : attempt_delay_ns;
}

static void begin_due(struct gw_race *r, uint64_t now_ns)
{
    while (left(r) > 0 && !r->is_short && now_ns >= r->next_attempt_ns && !waits_for_v6(r, now_ns)) {
        r->last = take(r);
        if (r->permits && !r->permits(r->consumer->owner, &r->last)) {
            r->any_refused = true;
            continue;
        }
        r->any_permitted = true;
        int error = begin(r, &r->last, now_ns);
        if (error == 0) {
            r->next_attempt_ns = now_ns + delay_ns(r, now_ns);
            return;
        }
        r->error = error;
        r->is_short = is_shortage(r);
    }
}

/* ---- the end ---- */

static enum gw_race_state lose(struct gw_race_end *end, const struct gw_race *r, enum gw_consumer_failure failure, const char *why)
{
    *end = (struct gw_race_end){ .address = r->last, .failure = failure, .why = why };
    return GW_RACE_LOST;
}

static enum gw_race_state lose_without_address(const struct gw_race *r, struct gw_race_end *end)
{
    const struct gw_dns_answer *v4 = &r->lookup->query.answer[GW_DNS_V4], *v6 = &r->lookup->query.answer[GW_DNS_V6];
    return lose(end, r, v4->out_of_room || v6->out_of_room ? GW_FAILURE_RESOURCE : GW_FAILURE_CONNECT,
                v4->error ? v4->error : v6->error);
}

static enum gw_race_state lose_in_time(const struct gw_race *r, struct gw_race_end *end)
{
    if (r->last.family == 0)
        return lose_without_address(r, end);
    if (r->any_refused && !r->any_permitted)
        return lose(end, r, GW_FAILURE_PROHIBITED, "no address that may be connected to");
    return lose(end, r, r->is_short ? GW_FAILURE_RESOURCE : GW_FAILURE_CONNECT, strerrordesc_np(r->error));
}

static bool is_over(const struct gw_race *r)
{
    for (size_t i = 0; i < r->attempts_at_once; i++)
        if (r->attempts[i].watch.fd >= 0)
            return false;
    const struct gw_dns_answer *answer = r->lookup ? r->lookup->query.answer : NULL;
    bool all_came = !answer || (answer[GW_DNS_V6].is_there && answer[GW_DNS_V4].is_there);
    return r->is_short || (left(r) == 0 && all_came);
}

static void set_timer(struct gw_race *r, uint64_t now_ns)
{
    uint64_t at_ns = r->deadline_ns ? r->deadline_ns : UINT64_MAX, next_ns = UINT64_MAX;
    if (left(r) > 0 && !r->is_short)
        next_ns = waits_for_v6(r, now_ns) ? r->v4_came_ns + resolution_delay_ns : r->next_attempt_ns;
    if (next_ns < at_ns)
        at_ns = next_ns;
    if (at_ns < UINT64_MAX)
        gw_timer_set(r->loop, &r->timer, at_ns);
    else
        gw_timer_cancel(r->loop, &r->timer);
}

enum gw_race_state gw_race_progress(struct gw_race *r, struct gw_race_end *end)
{
    uint64_t now_ns = gw_loop_now_ns(r->loop);
    struct attempt *a = winner(r);
    if (a) {
        *end = (struct gw_race_end){ .watch = &a->watch, .address = a->address };
        return GW_RACE_WON;
    }
    if (r->deadline_ns > 0 && now_ns >= r->deadline_ns)
        return lose(end, r, GW_FAILURE_CONNECT, r->any_permitted ? strerrordesc_np(ETIMEDOUT) : "the name lookup took too long");
    begin_due(r, now_ns);
    if (is_over(r))
        return lose_in_time(r, end);
    set_timer(r, now_ns);
    return GW_RACE_RUNNING;
}

/* ---- life ---- */

static bool begin_lookup(struct gw_race *r, const struct gw_tcp_setup *setup)
{
    r->lookup = calloc(1, sizeof *r->lookup);
    if (!r->lookup)
        return false;
    r->lookup->race = r;
    r->lookup->query.answered = on_answered;
    gw_dns_resolve(setup->dns, &r->lookup->query, setup->host, setup->port);
    return true;
}

struct gw_race *gw_race_new(struct gw_consumer *c, const struct gw_tcp_setup *setup)
{
    struct gw_host host = gw_host_read(cx_view_text(setup->host));
    bool is_literal = host.kind == GW_HOST_LITERAL;
    unsigned attempts_at_once = is_literal ? 1 : ATTEMPTS_AT_ONCE;
    struct gw_race *r = calloc(1, sizeof *r + attempts_at_once * sizeof *r->attempts);
    if (!r)
        return NULL;
    r->consumer = c;
    r->loop = gw_linger_loop(setup->linger);
    r->permits = setup->permits;
    r->timer.fire = on_timer;
    r->deadline_ns = setup->timeout_ns ? gw_loop_now_ns(r->loop) + setup->timeout_ns : 0;
    r->attempts_at_once = attempts_at_once;
    for (size_t i = 0; i < r->attempts_at_once; i++)
        r->attempts[i].watch.fd = -1;
    if (is_literal) {
        r->literal = host.address;
        r->literal.port = setup->port;
    } else if (!begin_lookup(r, setup)) {
        free(r);
        return NULL;
    }
    return r;
}

void gw_race_free(struct gw_race *r)
{
    if (!r)
        return;
    if (r->lookup)
        gw_dns_cancel(&r->lookup->query);
    for (size_t i = 0; i < r->attempts_at_once; i++)
        if (r->attempts[i].watch.fd >= 0)
            end_attempt(&r->attempts[i]);
    gw_timer_cancel(r->loop, &r->timer);
    free(r->lookup);
    free(r);
}
