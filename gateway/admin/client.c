/* SPDX-License-Identifier: MIT */
/* One connection is one question: a line comes, its answer leaves part by part as the socket takes it, and the connection is
 * closed. All of it within GW_ADMIN_CLIENT_SECONDS, so that a place is never held for long. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/admin/admin_priv.h"

static const uint64_t SECOND = 1000000000;

enum { PARTS_A_TURN = 32 };

static void noted(struct gw_watch *w)
{
    (void)w;
}

static void on_deadline(struct gw_timer *t, uint64_t now_ns)
{
    (void)now_ns;
    struct gw_admin_client *c = (struct gw_admin_client *)((char *)t - offsetof(struct gw_admin_client, deadline));
    c->state = GW_ADMIN_OVER;
}

struct gw_admin_client *gw_admin_client_new(struct gw_admin *a, int fd)
{
    struct gw_admin_client *c = calloc(1, sizeof *c);
    socklen_t len = sizeof c->who;
    if (c) {
        c->admin = a;
        c->watch = (struct gw_watch){ .fd = fd, .on_ready = noted };
        c->deadline.fire = on_deadline;
    }
    if (!c || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c->who, &len) != 0 || !gw_loop_add(a->loop, &c->watch)) {
        free(c);
        close(fd);
        return NULL;
    }
    gw_timer_set(a->loop, &c->deadline, gw_loop_now_ns(a->loop) + GW_ADMIN_CLIENT_SECONDS * SECOND);
    return c;
}

void gw_admin_client_free(struct gw_admin_client *c)
{
    gw_admin_ask_cancel(c);
    gw_timer_cancel(c->admin->loop, &c->deadline);
    gw_loop_remove(c->admin->loop, &c->watch);
    close(c->watch.fd);
    free(c->sessions);
    free(c);
}

/* ---- the line ---- */

static void run_line(struct gw_admin_client *c)
{
    char error[GW_ADMIN_ERROR_MAX];
    c->state = GW_ADMIN_WRITES;
    gw_admin_say_hello(c);
    c->command = gw_admin_command_parse(c->line, c->words, error);
    if (c->command)
        c->command->begin(c);
    else
        gw_admin_say_error(c, "%s", error);
}

static void read_line(struct gw_admin_client *c)
{
    while (c->state == GW_ADMIN_READS && c->watch.ready & GW_READABLE) {
        size_t room = GW_ADMIN_LINE_MAX - c->line_len;
        if (room == 0) {
            c->state = GW_ADMIN_WRITES;
            gw_admin_say_hello(c);
            gw_admin_say_error(c, "the line is longer than %d bytes", GW_ADMIN_LINE_MAX - 1);
            return;
        }
        ssize_t n = recv(c->watch.fd, c->line + c->line_len, room, 0);
        if (n > 0) {
            c->line_len += (size_t)n;
            char *end = memchr(c->line, '\n', c->line_len);
            if (!end)
                continue;
            *end = '\0';
            run_line(c);
        } else if (n < 0 && errno == EAGAIN) {
            c->watch.ready &= (uint8_t)~GW_READABLE;
        } else if (n == 0 || errno != EINTR) {
            c->state = GW_ADMIN_OVER;
        }
    }
}

/* ---- the answer ---- */

/* False: the socket takes no more for now, or never. */
static bool send_out(struct gw_admin_client *c)
{
    while (c->out_sent < c->out_len) {
        ssize_t n = send(c->watch.fd, c->out + c->out_sent, c->out_len - c->out_sent, MSG_NOSIGNAL);
        if (n > 0) {
            c->out_sent += (size_t)n;
            continue;
        }
        if (errno == EINTR)
            continue;
        if (errno == EAGAIN)
            c->watch.ready &= (uint8_t)~GW_WRITABLE;
        else
            c->state = GW_ADMIN_OVER;
        return false;
    }
    c->out_sent = c->out_len = 0;
    return true;
}

static void fill_out(struct gw_admin_client *c)
{
    while (!c->ended && sizeof c->out - c->out_len >= GW_ADMIN_PART_MAX) {
        if (c->command->more && c->command->more(c))
            continue;
        if (!c->ended)
            gw_admin_say_end(c);
    }
}

static bool write_answer(struct gw_admin_client *c)
{
    for (unsigned i = 0; i < PARTS_A_TURN; i++) {
        if (!(c->watch.ready & GW_WRITABLE))
            return false;
        if (c->out_len == 0 && c->ended) {
            c->state = GW_ADMIN_OVER;
            return false;
        }
        if (c->out_sent == 0)
            fill_out(c);
        if (!send_out(c))
            return false;
    }
    return true;
}

bool gw_admin_client_serve(struct gw_admin_client *c)
{
    if (c->state == GW_ADMIN_READS)
        read_line(c);
    if (c->state == GW_ADMIN_WAITS)
        gw_admin_ask_begin(c);
    return c->state == GW_ADMIN_WRITES && write_answer(c);
}
