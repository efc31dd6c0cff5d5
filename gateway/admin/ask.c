/* SPDX-License-Identifier: MIT */
/* What only the workers know: their connections. A question is a round: every worker whose node is home gets it, fills the node in,
 * and sends it back. Who has not answered in time, or still has the node of an earlier round, is counted as silent; what it sends
 * later is dropped. So a node is never in two places, and a worker that hangs costs its own share of the answer only.
 *
 *   home --ask_begin--> out (the worker's) --delivered--> home, with rows until the round is over */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/admin/admin_priv.h"

static const uint64_t SECOND = 1000000000;

/* ---- in the worker ---- */

static void on_home(struct gw_mail *m, void *receiver);

static void list_sessions(struct gw_admin_ask *ask, const struct gw_worker *w)
{
    gw_sessions_list(w, NULL, 0, &ask->all);
    size_t room = ask->all < ask->room ? ask->all : ask->room;
    ask->rows = room > 0 ? malloc(room * sizeof *ask->rows) : NULL;
    if (ask->rows)
        ask->count = gw_sessions_list(w, ask->rows, room, &ask->all);
}

static void on_question(struct gw_mail *m, void *receiver)
{
    struct gw_admin_ask *ask = (struct gw_admin_ask *)m;
    if (ask->question == GW_ADMIN_LIST)
        list_sessions(ask, receiver);
    else
        ask->killed = gw_sessions_end(receiver, ask->id);
    m->deliver = on_home;
    gw_inbox_send(&ask->admin->inbox, m);
}

/* ---- in our thread ---- */

static void forget(struct gw_admin_ask *ask)
{
    free(ask->rows);
    ask->rows = NULL;
    ask->count = ask->all = 0;
    ask->killed = 0;
}

static int older_first(const void *a, const void *b)
{
    uint64_t x = ((const struct gw_session_row *)a)->age_ns, y = ((const struct gw_session_row *)b)->age_ns;
    return (x < y) - (x > y);
}

/* Who still had an older question when this one was asked has not. */
static bool has_answered(const struct gw_admin *a, const struct gw_admin_ask *ask)
{
    return !ask->is_out && ask->round == a->round;
}

/* Moves what the workers said into the client. */
static void gather(struct gw_admin *a, struct gw_admin_client *c)
{
    size_t count = 0;
    for (unsigned i = 0; i < a->worker_count; i++)
        count += has_answered(a, &a->asks[i]) ? a->asks[i].count : 0;
    c->sessions = count > 0 ? malloc(count * sizeof *c->sessions) : NULL;
    for (unsigned i = 0; i < a->worker_count; i++) {
        struct gw_admin_ask *ask = &a->asks[i];
        if (!has_answered(a, ask))
            continue;
        if (c->sessions && ask->count > 0)
            memcpy(c->sessions + c->session_count, ask->rows, ask->count * sizeof *ask->rows);
        c->session_count += c->sessions ? ask->count : 0;
        c->session_all += ask->all;
        c->killed += ask->killed;
        forget(ask);
    }
    if (c->sessions)
        qsort(c->sessions, c->session_count, sizeof *c->sessions, older_first);
}

static void finish(struct gw_admin *a)
{
    struct gw_admin_client *c = a->asker;
    a->asker = NULL;
    gw_timer_cancel(a->loop, &a->patience);
    for (unsigned i = 0; i < a->worker_count; i++)
        c->silent_workers += !has_answered(a, &a->asks[i]);
    gather(a, c);
    if (c->state == GW_ADMIN_WAITS) /* its own time may be over */
        c->state = GW_ADMIN_WRITES;
}

static void on_home(struct gw_mail *m, void *receiver)
{
    struct gw_admin *a = receiver;
    struct gw_admin_ask *ask = (struct gw_admin_ask *)m;
    ask->is_out = false;
    if (!a->asker || ask->round != a->round)
        forget(ask);
    else if (--a->pending == 0)
        finish(a);
}

static void on_patience(struct gw_timer *t, uint64_t now_ns)
{
    (void)now_ns;
    finish((struct gw_admin *)((char *)t - offsetof(struct gw_admin, patience)));
}

static void send_question(struct gw_admin *a, struct gw_admin_ask *ask, const struct gw_admin_client *c)
{
    ask->is_out = true;
    ask->round = a->round;
    ask->question = c->question;
    ask->room = GW_ADMIN_SESSIONS_MAX / a->worker_count;
    if (c->question == GW_ADMIN_KILL)
        memcpy(ask->id, c->words[1], strlen(c->words[1]) + 1);
    ask->mail.deliver = on_question;
    a->pending++;
    gw_inbox_send(ask->inbox, &ask->mail);
}

void gw_admin_ask_begin(struct gw_admin_client *c)
{
    struct gw_admin *a = c->admin;
    if (a->asker || a->stopping)
        return;
    a->asker = c;
    a->round++;
    a->pending = 0;
    for (unsigned i = 0; i < a->worker_count; i++)
        if (!a->asks[i].is_out)
            send_question(a, &a->asks[i], c);
    if (a->pending == 0)
        finish(a);
    else
        gw_timer_set(a->loop, &a->patience, gw_loop_now_ns(a->loop) + GW_ADMIN_ASK_SECONDS * SECOND);
}

void gw_admin_ask_finish(struct gw_admin *a)
{
    if (a->asker)
        finish(a);
}

void gw_admin_ask_cancel(struct gw_admin_client *c)
{
    struct gw_admin *a = c->admin;
    if (a->asker != c)
        return;
    a->asker = NULL;
    gw_timer_cancel(a->loop, &a->patience);
    for (unsigned i = 0; i < a->worker_count; i++)
        if (!a->asks[i].is_out)
            forget(&a->asks[i]);
}

void gw_admin_ask_init(struct gw_admin *a)
{
    a->patience.fire = on_patience;
    for (unsigned i = 0; i < a->worker_count; i++)
        a->asks[i] = (struct gw_admin_ask){ .admin = a, .inbox = gw_worker_inbox(a->workers[i]) };
}

void gw_admin_ask_deinit(struct gw_admin *a)
{
    for (unsigned i = 0; i < a->worker_count; i++)
        forget(&a->asks[i]);
}
