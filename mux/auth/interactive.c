/* SPDX-License-Identifier: MIT */
/* The method keyboard-interactive, both roles: RFC 4256. A request is followed by rounds of prompts and responses, as many as the
 * server's application likes, and ends with an answer. A round may have no prompt at all: it shows its text, and is responded to.
 *
 * What is handed out as a list (prompts, responses) was read to its end before: stepping through it cannot fail. */
#include "mux/auth/auth_priv.h"

#include <assert.h>

bool mux_auth_prompt_next(struct cx_view *list, struct mux_auth_prompt *prompt)
{
    struct cx_reader r = cx_reader(*list);
    prompt->text = cx_reader_string(&r);
    prompt->echo = cx_reader_bool(&r);
    *list = r.left;
    return cx_reader_ok(&r);
}

bool mux_auth_response_next(struct cx_view *list, struct cx_view *response)
{
    struct cx_reader r = cx_reader(*list);
    *response = cx_reader_string(&r);
    *list = r.left;
    return cx_reader_ok(&r);
}

/* ---- server ---- */

enum mux_err mux_interactive_take(struct cx_reader *r, struct mux_event *ev)
{
    (void)cx_reader_string(r); /* the language tag: deprecated, and to be passed over */
    ev->auth.submethods = cx_reader_string(r);
    if (!cx_reader_done(r))
        return MUX_E_MALFORMED;
    return ev->auth.submethods.len <= MUX_NAME_LIST_MAX ? MUX_OK : MUX_E_LIMIT;
}

bool mux_session_auth_prompt(struct mux_session *s, const char *name, const char *instruction, const struct mux_auth_prompt *prompt,
                             size_t count)
{
    if (!s->waiting_auth || s->finished != MUX_OK)
        return true;
    assert(s->auth->method == AUTH_INTERACTIVE && !s->auth->only_failure);
    size_t room = 32 + strlen(name) + strlen(instruction);
    for (size_t i = 0; i < count && i < MUX_AUTH_PROMPTS_MAX; i++)
        room += 8 + prompt[i].text.len;
    struct cx_writer w;
    struct mux_note *n = count <= MUX_AUTH_PROMPTS_MAX ? mux_note_new(room, &w) : NULL;
    if (!n)
        return false;
    cx_writer_u8(&w, MUX_MSG_USERAUTH_INFO_REQUEST);
    cx_writer_text(&w, name);
    cx_writer_text(&w, instruction);
    cx_writer_text(&w, "");
    cx_writer_u32(&w, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        cx_writer_string(&w, prompt[i].text);
        cx_writer_bool(&w, prompt[i].echo);
    }
    s->auth->prompts = (uint32_t)count;
    s->auth->prompted = true;
    mux_auth_ask(s, n, &w);
    return true;
}

/* RFC 4256 section 3.4: another number of responses than of prompts is a failed try. */
enum mux_err mux_on_userauth_info_response(struct mux_session *s, struct cx_span payload, struct mux_event *ev)
{
    struct mux_auth *a = s->auth;
    if (!a->prompted)
        return MUX_E_ILLEGAL;
    struct cx_reader r = cx_reader(cx_span_view(payload));
    uint32_t count = cx_reader_u32(&r);
    struct cx_view list = r.left;
    for (uint32_t i = 0; i < count && cx_reader_ok(&r); i++)
        if (cx_reader_string(&r).len > MUX_AUTH_SECRET_MAX)
            return MUX_E_LIMIT;
    if (!cx_reader_done(&r))
        return MUX_E_MALFORMED;
    a->prompted = false;
    a->only_failure = count != a->prompts;
    s->waiting_auth = true;
    ev->kind = MUX_EV_AUTH_RESPONSES;
    ev->responses.match = !a->only_failure;
    ev->responses.count = a->only_failure ? 0 : count;
    ev->responses.list = a->only_failure ? cx_view("", 0) : list;
    return MUX_OK;
}

/* ---- client ---- */

void mux_client_auth_interactive(struct mux_session *s, const char *user, const char *submethods)
{
    struct cx_writer w;
    struct mux_note *n = mux_auth_request_begin(s, user, "keyboard-interactive", 16 + strlen(submethods), &w);
    if (!n)
        return;
    cx_writer_text(&w, "");
    cx_writer_text(&w, submethods);
    mux_auth_request_send(s, n, &w, AUTH_INTERACTIVE, AUTH_REQUEST);
}

enum mux_err mux_on_info_request(struct mux_session *s, struct cx_span payload, struct mux_event *ev)
{
    struct mux_auth *a = s->auth;
    struct cx_reader r = cx_reader(cx_span_view(payload));
    ev->prompts.name = cx_reader_string(&r);
    ev->prompts.instruction = cx_reader_string(&r);
    (void)cx_reader_string(&r);
    ev->prompts.count = cx_reader_u32(&r);
    struct cx_view list = ev->prompts.list = r.left;
    if (!cx_reader_ok(&r))
        return MUX_E_MALFORMED;
    if (ev->prompts.count > MUX_AUTH_PROMPTS_MAX || a->rounds == MUX_AUTH_ROUNDS_MAX)
        return MUX_E_LIMIT;
    struct mux_auth_prompt prompt;
    for (uint32_t i = 0; i < ev->prompts.count; i++)
        if (!mux_auth_prompt_next(&list, &prompt))
            return MUX_E_MALFORMED;
    if (list.len != 0)
        return MUX_E_MALFORMED;
    if (!mux_auth_answered(s, true))
        return MUX_E_ILLEGAL;
    a->rounds++;
    a->prompts = ev->prompts.count;
    a->prompted = true;
    ev->kind = MUX_EV_AUTH_PROMPTS;
    return MUX_OK;
}

void mux_client_auth_respond(struct mux_session *s, const struct cx_view *response, size_t count)
{
    struct mux_auth *a = s->auth;
    if (!a || !a->prompted || s->finished != MUX_OK)
        return;
    assert(count == a->prompts);
    size_t room = 8;
    for (size_t i = 0; i < count; i++)
        room += 4 + response[i].len;
    struct cx_writer w;
    struct mux_note *n = mux_note_new(room, &w);
    if (!n) {
        (void)mux_fail(s, MUX_E_RESOURCE, NULL);
        return;
    }
    cx_writer_u8(&w, MUX_MSG_USERAUTH_INFO_RESPONSE);
    cx_writer_u32(&w, (uint32_t)count);
    for (size_t i = 0; i < count; i++)
        cx_writer_string(&w, response[i]);
    mux_note_push(s, n, &w);
    a->prompted = false;
    a->in_flight = AUTH_REQUEST;
}
