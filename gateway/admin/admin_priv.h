/* SPDX-License-Identifier: MIT */
/* The thread of ControlSocket, as its rooms share it: admin.c (the thread, who may come in), client.c (one connection: a line
 * comes, an answer leaves), command.c (what can be asked), answer.c (how it is said), ask.c (what only the workers know). One
 * thread, but for what travels by mail. */
#ifndef GW_ADMIN_PRIV_H
#define GW_ADMIN_PRIV_H

#include <pthread.h>
#include <sys/socket.h>

#include "gateway/admin/admin.h"
#include "gateway/engine/sessions.h"
#include "gateway/queues/stats.h"

enum {
    GW_ADMIN_PROTOCOL = 1,
    GW_ADMIN_CLIENTS_MAX = 16, /* further ones wait in the backlog */
    GW_ADMIN_LINE_MAX = 1024,
    GW_ADMIN_WORDS_MAX = 4, /* the version, and a command's */
    GW_ADMIN_ERROR_MAX = 256,
    GW_ADMIN_OUT_BYTES = 64 * 1024, /* what of an answer is ever in memory as text */
    GW_ADMIN_PART_MAX = 12 * 1024,  /* room that is free whenever a command is asked for more */
    GW_ADMIN_SESSIONS_MAX = 16384,  /* all workers' together */
    GW_ADMIN_CLIENT_SECONDS = 5,    /* for everything: a line, and the taking of its answer */
    GW_ADMIN_ASK_SECONDS = 2,       /* for the workers' answers */
};

struct gw_admin_client;

struct gw_admin_command {
    const char *name;
    unsigned words; /* behind the name */
    /* The line is complete: more follows, or ask. */
    void (*begin)(struct gw_admin_client *c);
    /* Appends at most GW_ADMIN_PART_MAX bytes. False: that was all, and the end's line is to follow. */
    bool (*more)(struct gw_admin_client *c);
};

/* ---- what the workers are asked: one node a worker, and one question at a time ---- */

enum gw_admin_question { GW_ADMIN_LIST, GW_ADMIN_KILL };

struct gw_admin_ask {
    struct gw_mail mail;
    struct gw_admin *admin;
    struct gw_inbox *inbox; /* the worker's */
    bool is_out;
    uint64_t round;
    /* the worker's while the mail is out */
    enum gw_admin_question question;
    char id[GW_CONN_ID_TEXT];
    size_t room;
    struct gw_session_row *rows; /* NULL: none, or out of memory */
    size_t count, all;
    unsigned killed;
};

enum gw_admin_state {
    GW_ADMIN_READS,
    GW_ADMIN_WAITS, /* for its turn to ask, or for the workers */
    GW_ADMIN_WRITES,
    GW_ADMIN_OVER, /* to be freed */
};

struct gw_admin_client {
    struct gw_watch watch;
    struct gw_timer deadline;
    struct gw_admin *admin;
    enum gw_admin_state state;
    bool ended; /* all is in out */
    struct ucred who;

    char line[GW_ADMIN_LINE_MAX + 1];
    size_t line_len;
    const char *words[GW_ADMIN_WORDS_MAX];
    const struct gw_admin_command *command;

    /* where the answer is */
    struct gw_queue *queue;
    size_t member_at;
    enum gw_admin_question question;
    struct gw_session_row *sessions;
    size_t session_count, session_at;
    size_t session_all;
    unsigned silent_workers, killed;

    char out[GW_ADMIN_OUT_BYTES];
    size_t out_len, out_sent;
};

struct gw_admin {
    struct gw_inbox inbox;
    struct gw_watch wake, listener;
    struct gw_loop *loop;
    struct gw_mail stop_mail;
    struct gw_timer pause; /* accepting goes on when it fires */
    bool stopping;
    struct gw_registry *registry;
    struct gw_worker *const *workers;
    unsigned worker_count;
    struct gw_admin_client *clients[GW_ADMIN_CLIENTS_MAX];
    pthread_t thread;
    uint64_t started_ns;

    struct gw_admin_client *asker; /* NULL: nobody waits for the workers */
    uint64_t round;
    unsigned pending;
    struct gw_timer patience;
    struct gw_admin_ask asks[]; /* one a worker */
};

/* ---- client.c ---- */

/* Takes fd over. NULL: it could not be served. */
struct gw_admin_client *gw_admin_client_new(struct gw_admin *a, int fd);
void gw_admin_client_free(struct gw_admin_client *c);
/* True: its turn was over before its work. */
bool gw_admin_client_serve(struct gw_admin_client *c);

/* ---- command.c ---- */

/* What a line asks, which is cut into words where it stands: the first is the command's name. NULL: error says why not. */
const struct gw_admin_command *gw_admin_command_parse(char *line, const char *words[GW_ADMIN_WORDS_MAX],
                                                      char error[GW_ADMIN_ERROR_MAX]);

/* ---- answer.c: lines of JSON into out, where there is room for them ---- */

void gw_admin_say_hello(struct gw_admin_client *c);
void gw_admin_say_end(struct gw_admin_client *c);
/* In the place of the end's line; nothing follows. */
__attribute__((format(printf, 2, 3))) void gw_admin_say_error(struct gw_admin_client *c, const char *format, ...);
void gw_admin_say_info(struct gw_admin_client *c);
void gw_admin_say_queue(struct gw_admin_client *c, const struct gw_queue *q);
void gw_admin_say_member(struct gw_admin_client *c, const struct gw_queue *q, const struct gw_member_stats *m);
void gw_admin_say_session(struct gw_admin_client *c, const struct gw_session_row *row);
void gw_admin_say_killed(struct gw_admin_client *c);

/* ---- ask.c ---- */

void gw_admin_ask_init(struct gw_admin *a);
/* Nobody asks, and the workers are gone. */
void gw_admin_ask_deinit(struct gw_admin *a);
/* The client, which waits, asks its question, unless another one is asking. It writes once all have answered, or long enough. */
void gw_admin_ask_begin(struct gw_admin_client *c);
/* Whoever asks gets what has come so far. */
void gw_admin_ask_finish(struct gw_admin *a);
/* The client asks no more. */
void gw_admin_ask_cancel(struct gw_admin_client *c);

#endif
