/* SPDX-License-Identifier: MIT */
/* A round looks at every client, since there are few; each has a bounded turn. The listener waits while all places are taken:
 * whoever is slow has lost his after GW_ADMIN_CLIENT_SECONDS.
 *
 * Threads and their ends: the workers are asked by mail whose nodes stand in gw_admin.asks, and answer by the same nodes into our
 * inbox. A worker that has ended does not answer, which the time limit of a question makes up for. At the end of the engine the
 * thread stops first, so that nobody posts into the inbox of a worker that is freed; the object goes last, since a worker may have
 * had a node until then. */
#include "gateway/admin/admin_priv.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

static const uint64_t MS = 1000000;

enum { PAUSE_MS = 100 };

static void noted(struct gw_watch *w)
{
    (void)w; /* every round looks at the bits */
}

static void go_on(struct gw_timer *t, uint64_t now_ns)
{
    (void)now_ns;
    struct gw_admin *a = (struct gw_admin *)((char *)t - offsetof(struct gw_admin, pause));
    a->listener.ready |= GW_READABLE;
}

static void on_stop(struct gw_mail *m, void *receiver)
{
    (void)m;
    struct gw_admin *a = receiver;
    a->stopping = true;
}

static bool set_up(struct gw_admin *a)
{
    a->wake = (struct gw_watch){ .fd = a->inbox.wake_fd, .on_ready = noted };
    a->loop = gw_loop_new();
    return a->loop && gw_loop_add_reader(a->loop, &a->wake) && gw_loop_add(a->loop, &a->listener);
}

struct gw_admin *gw_admin_new(const struct gw_admin_setup *setup)
{
    struct gw_admin *a = calloc(1, sizeof *a + setup->worker_count * sizeof a->asks[0]);
    if (!a || !gw_inbox_init(&a->inbox)) {
        free(a);
        close(setup->listener);
        return NULL;
    }
    a->listener = (struct gw_watch){ .fd = setup->listener, .on_ready = noted };
    a->registry = setup->registry;
    a->workers = setup->workers;
    a->worker_count = setup->worker_count;
    a->stop_mail.deliver = on_stop;
    a->pause.fire = go_on;
    gw_admin_ask_init(a);
    if (set_up(a)) {
        a->started_ns = gw_loop_now_ns(a->loop);
        return a;
    }
    int why = errno;
    gw_admin_free(a);
    errno = why;
    return NULL;
}

/* ---- who comes in ---- */

static struct gw_admin_client **free_place(struct gw_admin *a)
{
    for (unsigned i = 0; i < GW_ADMIN_CLIENTS_MAX; i++)
        if (!a->clients[i])
            return &a->clients[i];
    return NULL;
}

static void accept_some(struct gw_admin *a)
{
    struct gw_admin_client **place;
    while (a->listener.ready & GW_READABLE && (place = free_place(a))) {
        int fd = accept4(a->listener.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            *place = gw_admin_client_new(a, fd);
        } else if (errno != EINTR && errno != ECONNABORTED) {
            a->listener.ready &= (uint8_t)~GW_READABLE;
            if (errno != EAGAIN) /* no descriptors or no memory: others may give some back */
                gw_timer_set(a->loop, &a->pause, gw_loop_now_ns(a->loop) + PAUSE_MS * MS);
        }
    }
}

/* ---- the thread ---- */

/* True: somebody's turn was over before his work. */
static bool serve_clients(struct gw_admin *a)
{
    bool more = false;
    for (unsigned i = 0; i < GW_ADMIN_CLIENTS_MAX; i++) {
        struct gw_admin_client *c = a->clients[i];
        if (c && c->state == GW_ADMIN_WAITS)
            gw_admin_ask_begin(c);
        if (c)
            more |= gw_admin_client_serve(c);
        if (c && c->state == GW_ADMIN_OVER) {
            gw_admin_client_free(c);
            a->clients[i] = NULL;
            more = true; /* a place is free, or a turn to ask */
        }
    }
    return more;
}

static void *run(void *arg)
{
    struct gw_admin *a = arg;
    bool more = false;
    while (!a->stopping) {
        gw_loop_round(a->loop, !more);
        if (a->wake.ready & GW_READABLE) {
            a->wake.ready = 0;
            gw_inbox_serve(&a->inbox, a);
        }
        accept_some(a);
        more = serve_clients(a);
    }
    gw_admin_ask_finish(a);
    serve_clients(a); /* who killed the last session of a gateway that drains still gets his answer */
    for (unsigned i = 0; i < GW_ADMIN_CLIENTS_MAX; i++) {
        if (a->clients[i])
            gw_admin_client_free(a->clients[i]);
        a->clients[i] = NULL;
    }
    return NULL;
}

bool gw_admin_start(struct gw_admin *a)
{
    int err = pthread_create(&a->thread, NULL, run, a);
    errno = err;
    if (err == 0)
        pthread_setname_np(a->thread, "admin");
    return err == 0;
}

void gw_admin_stop(struct gw_admin *a)
{
    if (!a)
        return;
    gw_inbox_send(&a->inbox, &a->stop_mail);
    pthread_join(a->thread, NULL);
}

void gw_admin_free(struct gw_admin *a)
{
    if (!a)
        return;
    gw_admin_ask_deinit(a);
    if (a->loop)
        gw_loop_free(a->loop);
    close(a->listener.fd);
    gw_inbox_deinit(&a->inbox);
    free(a);
}
