/* SPDX-License-Identifier: MIT */
/* Lines of a configuration into words, by sshd_config's rules. */
#include "gateway/config/reader_priv.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static char *skip_blanks(char *at)
{
    while (is_blank(*at))
        at++;
    return at;
}

/* A carriage return at the end is a foreign editor's; any other control byte is an accident that nobody would see. */
static const char *refuse_control_bytes(char *text)
{
    size_t len = strlen(text);
    if (len > 0 && text[len - 1] == '\r')
        text[--len] = '\0';
    for (size_t i = 0; i < len; i++)
        if (((unsigned char)text[i] < 0x20 && text[i] != '\t') || text[i] == 0x7f)
            return "a control character stands in the line";
    return NULL;
}

/* Takes one word off *at, unquoted in place. */
static const char *take_word(char **at, char **word)
{
    char *from = *at, *to = *at;
    char quote = '\0';
    *word = to;
    for (; *from && (quote || !is_blank(*from)); from++) {
        char next = from[1];
        if (*from == '\\' && (next == '"' || next == '\'' || next == '\\' || (!quote && next == ' ')))
            *to++ = *++from;
        else if (quote ? *from == quote : *from == '"' || *from == '\'')
            quote = quote ? '\0' : *from;
        else
            *to++ = *from;
    }
    if (quote)
        return "a quote is not closed";
    *at = *from ? from + 1 : from;
    *to = '\0';
    return NULL;
}

const char *gw_lex_line(char *text, struct gw_line *out)
{
    out->keyword = NULL;
    out->count = 0;
    const char *wrong = refuse_control_bytes(text);
    if (wrong)
        return wrong;
    char *at = skip_blanks(text);
    if (*at == '\0' || *at == '#')
        return NULL;

    out->keyword = at;
    at += strcspn(at, " \t=");
    char *keyword_end = at;
    at = skip_blanks(at);
    if (*at == '=')
        at = skip_blanks(at + 1);
    bool has_values = *at != '\0';
    *keyword_end = '\0';

    while (has_values && *(at = skip_blanks(at)) != '\0' && *at != '#') {
        if (out->count == GW_LINE_WORDS_MAX)
            return "more than 1024 words stand in the line";
        wrong = take_word(&at, &out->words[out->count++]);
        if (wrong)
            return wrong;
    }
    return NULL;
}

void gw_lex_print(const char *word, FILE *out)
{
    if (*word != '\0' && !strpbrk(word, " \t\"'#\\=")) {
        fputs(word, out);
        return;
    }
    fputc('"', out);
    for (; *word; word++) {
        if (*word == '"' || *word == '\\')
            fputc('\\', out);
        fputc(*word, out);
    }
    fputc('"', out);
}
