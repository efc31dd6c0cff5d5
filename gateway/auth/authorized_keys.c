/* SPDX-License-Identifier: MIT */
/* A file of keys, line by line, until one line admits. */
#include "gateway/auth/authorized_keys.h"

#include "gateway/auth/options_priv.h"

/* A broken file is told of in its first lines; a flood of them would drown the log. */
enum { COMPLAINTS_MAX = 32 };

struct complaints {
    void (*complain)(void *ctx, unsigned line, const char *text);
    void *ctx;
    unsigned count;
};

static void complain(struct complaints *c, unsigned line, const char *text)
{
    if (++c->count < COMPLAINTS_MAX)
        c->complain(c->ctx, line, text);
    else if (c->count == COMPLAINTS_MAX)
        c->complain(c->ctx, line, "further lines are wrong");
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

static struct cx_view skip_blanks(struct cx_view v)
{
    while (v.len > 0 && is_blank(v.data[0]))
        v = cx_view(v.data + 1, v.len - 1);
    return v;
}

/* Takes the next line off *text, without its ending. */
static struct cx_view next_line(struct cx_view *text)
{
    const uint8_t *newline = memchr(text->data, '\n', text->len);
    struct cx_view line = { text->data, newline ? (size_t)(newline - text->data) : text->len };
    size_t taken = line.len + (newline != NULL);
    *text = cx_view(text->data + taken, text->len - taken);
    if (line.len > 0 && line.data[line.len - 1] == '\r')
        line.len--;
    return line;
}

/* A line without options starts with the name of a key type: a family's prefix, up to a blank, and nothing that options are made
 * of. No option is called so. */
static bool starts_with_key(struct cx_view line)
{
    static const char *const families[] = { "ssh-", "ecdsa-", "sk-" };
    size_t word = 0;
    while (word < line.len && !is_blank(line.data[word])) {
        if (line.data[word] == '=' || line.data[word] == ',' || line.data[word] == '"')
            return false;
        word++;
    }
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++)
        if (word > strlen(families[i]) && memcmp(line.data, families[i], strlen(families[i])) == 0)
            return true;
    return false;
}

/* Whether the line admits; then options are the caller's to free. */
static bool match_line(struct cx_view line, const struct gw_key_query *q, struct gw_key_match *out, struct complaints *c,
                       unsigned number)
{
    struct gw_line_options options = { .expiry_unix = UINT64_MAX };
    char complaint[GW_COMPLAINT_MAX];
    if (!starts_with_key(line) && !gw_line_options_take(&line, &options, complaint)) {
        complain(c, number, complaint);
        return false;
    }
    uint8_t blob[CX_KEY_BLOB_MAX];
    size_t blob_len;
    struct cx_view comment;
    enum cx_err err = cx_key_line_parse(line, blob, &blob_len, &comment);
    if (err != CX_OK) {
        complain(c, number, err == CX_E_UNSUPPORTED ? "a key of a type that is not supported" : "this is no public key");
        return false;
    }
    if (!cx_view_equal(cx_view(blob, blob_len), q->blob))
        return false;
    const char *refusal = gw_line_options_refuse(&options, q);
    struct gw_key_options *granted = refusal ? NULL : gw_line_options_grant(&options);
    if (!granted) {
        complain(c, number, refusal ? refusal : "out of memory");
        return false;
    }
    out->found = true;
    out->proves_name = q->file_names_user || options.has_user;
    out->line = number;
    out->options = granted;
    return true;
}

void gw_authorized_keys_match(struct cx_view text, const struct gw_key_query *q, struct gw_key_match *out,
                              void (*on_complaint)(void *ctx, unsigned line, const char *text), void *ctx)
{
    struct complaints complaints = { on_complaint, ctx, 0 };
    *out = (struct gw_key_match){ .found = false };
    for (unsigned number = 1; text.len > 0; number++) {
        struct cx_view line = skip_blanks(next_line(&text));
        if (line.len == 0 || line.data[0] == '#')
            continue;
        if (line.len > GW_KEY_LINE_MAX)
            complain(&complaints, number, "the line is too long");
        else if (memchr(line.data, 0, line.len))
            complain(&complaints, number, "the line holds a NUL byte");
        else if (match_line(line, q, out, &complaints, number))
            return;
    }
}
