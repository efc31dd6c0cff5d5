/* SPDX-License-Identifier: MIT */
/* Authentication's inside: what one session knows while it lasts, and what the files of this folder call of each other.
 *
 * server.c and client.c hold what all methods share: requests, answers, banner. Each method's own messages, of both roles, stand in
 * a file of its own: publickey.c, password.c, interactive.c. The messages 60 to 79 mean something else under each method, so
 * that what is in flight decides which of them reads one. */
#ifndef MUX_AUTH_PRIV_H
#define MUX_AUTH_PRIV_H

#include "mux/session_priv.h"

enum mux_auth_method { AUTH_OTHER, AUTH_PUBLICKEY, AUTH_PASSWORD, AUTH_INTERACTIVE };

/* Client: what the next answer is to. */
enum mux_auth_flight { AUTH_NOTHING, AUTH_QUERY, AUTH_REQUEST };

/* From the service request to success. */
struct mux_auth {
    enum mux_auth_method method; /* of the latest request */
    const struct cx_sign_alg *alg;
    uint32_t prompts; /* how many responses are awaited, while `prompted` */
    bool prompted;    /* server: responses may come; client: they are the application's to give */

    /* server */
    uint8_t *user; /* of the first request, and of all others */
    size_t user_len;
    uint8_t *blob; /* the request's key, for PK_OK */
    size_t blob_len;
    struct mux_note *question; /* owed in an answer's place */
    const char *methods;       /* of the answer owed */
    enum mux_auth_answer answer;
    bool answer_owed;
    bool only_failure; /* what was asked cannot be granted */
    bool banner_sent;

    /* client */
    enum mux_auth_flight in_flight;
    uint32_t rounds;  /* of prompts, in this request */
    uint8_t *to_sign; /* session id and request, as signed */
    size_t to_sign_len;
};

/* A method's fields in a USERAUTH_REQUEST, read to its end: r stands behind the method's name. */
enum mux_err mux_publickey_take(struct mux_session *s, struct cx_view payload, struct cx_reader *r, bool hostbound,
                                struct mux_event *ev);
enum mux_err mux_password_take(struct cx_reader *r, struct mux_event *ev);
enum mux_err mux_interactive_take(struct cx_reader *r, struct mux_event *ev);

/* Server: asks in an answer's place; the note is given away. Call only while an answer is awaited. */
void mux_auth_ask(struct mux_session *s, struct mux_note *question, const struct cx_writer *w);

/* Client: a USERAUTH_REQUEST as far as every method's is alike, with room for its own fields. NULL: the session has failed, or
 * asks for no authentication. */
struct mux_note *mux_auth_request_begin(struct mux_session *s, const char *user, const char *method, size_t room,
                                        struct cx_writer *w);
/* Owes it. */
void mux_auth_request_send(struct mux_session *s, struct mux_note *n, const struct cx_writer *w, enum mux_auth_method method,
                           enum mux_auth_flight kind);
/* Client: takes an answer to what is in flight; false: it cannot be one. */
bool mux_auth_answered(struct mux_session *s, bool possible);

/* Client: message 60 under each method. */
mux_handler mux_on_pk_ok, mux_on_passwd_changereq, mux_on_info_request;

#endif
