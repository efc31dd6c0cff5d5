/* SPDX-License-Identifier: MIT */
/* Identification lines, good and bad. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "pair.h"

struct line {
    const char *bytes;
    size_t len;
    bool server_takes, client_takes;
};
#define LINE(text, server, client)                                                                                                 \
    {                                                                                                                              \
        text, sizeof text - 1, server, client                                                                                      \
    }
static const struct line lines[] = {
    LINE("SSH-2.0-x\r\n", true, true),
    LINE("SSH-2.0-x\n", true, true),
    LINE("SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n", true, true),
    LINE("SSH-2.0-\r\n", true, true),
    LINE("SSH-1.99-x\r\n", false, true),
    LINE("SSH-1.5-x\r\n", false, false),
    LINE("SSH-2.1-x\r\n", false, false),
    LINE("SSH-2.0\r\n", false, false),
    LINE("ssh-2.0-x\r\nSSH-2.0-x\r\n", false, true),
    LINE("welcome\r\n\r\nto this\nSSH-2.0-x\r\n", false, true),
    LINE("GET / HTTP/1.1\r\n", false, true),
    LINE("SSH-2.0-x\x80\r\n", false, false),
    LINE("SSH-2.0-x\0y\r\n", false, false),
    LINE("SSH-2.0-x\x1b[2J\r\n", false, false),
    LINE("\r\n", false, true),
};
#undef LINE
enum { LINES = sizeof lines / sizeof lines[0] };

/* Feeds bytes in chunks to a fresh session; what it ended with. */
static enum mux_err feed(struct pair *p, struct pair_side *side, const void *bytes, size_t len, size_t chunk)
{
    size_t start = 0, end = 0;
    enum mux_err err = MUX_OK;
    pair_start(p);
    while (err == MUX_OK && end < len) {
        struct mux_event ev[1];
        size_t used, count = 1, need;
        end = len - end < chunk ? len : end + chunk;
        uint8_t *exact = malloc(end - start);
        memcpy(exact, (const uint8_t *)bytes + start, end - start);
        err = mux_session_feed(side->session, p->now_ns, (struct cx_span){ exact, end - start }, &used, ev, &count, &need);
        free(exact);
        cr_assert_eq(count, 0);
        start += used;
    }
    return err;
}

Test(ident, lines_are_taken_or_end_in_version_not_supported_in_any_split)
{
    for (size_t i = 0; i < LINES; i++)
        for (size_t chunk = 1; chunk < 64; chunk += 13)
            for (int server = 0; server < 2; server++) {
                const struct line *l = &lines[i];
                struct pair *p = pair_new(NULL, NULL, NULL, CX_KEY_ED25519);
                struct pair_side *side = server ? &p->server : &p->client;
                enum mux_err err = feed(p, side, l->bytes, l->len, chunk);
                bool takes = server ? l->server_takes : l->client_takes;
                cr_assert_eq(err, takes ? MUX_OK : MUX_E_VERSION, "line %zu server %d chunk %zu", i, server, chunk);
                pair_free(p);
            }
}

Test(ident, is_kept_without_its_line_end)
{
    struct pair *p = pair_new(NULL, NULL, NULL, CX_KEY_ED25519);
    cr_assert_eq(feed(p, &p->client, "hello\r\nSSH-2.0-x y\r\n", 20, 3), MUX_OK);
    cr_assert(cx_view_is(mux_session_peer_ident(p->client.session), "SSH-2.0-x y"));
    pair_free(p);
}

Test(ident, line_of_the_greatest_length_is_taken_and_one_byte_more_is_not)
{
    for (size_t over = 0; over < 2; over++) {
        char line[MUX_IDENT_MAX + 2];
        memset(line, 'x', sizeof line);
        memcpy(line, "SSH-2.0-", 8);
        memcpy(line + MUX_IDENT_MAX - 2 + over, "\r\n", 2);
        struct pair *p = pair_new(NULL, NULL, NULL, CX_KEY_ED25519);
        cr_assert_eq(feed(p, &p->server, line, MUX_IDENT_MAX + over, 1), over ? MUX_E_VERSION : MUX_OK);
        pair_free(p);
    }
}

Test(ident, endless_line_is_given_up_at_its_bound)
{
    static char line[100000];
    struct pair *p = pair_new(NULL, NULL, NULL, CX_KEY_ED25519);
    cr_assert_eq(feed(p, &p->client, line, MUX_IDENT_MAX - 1, 1), MUX_OK);
    pair_free(p);
    p = pair_new(NULL, NULL, NULL, CX_KEY_ED25519);
    cr_assert_eq(feed(p, &p->client, line, sizeof line, sizeof line), MUX_E_VERSION);
    pair_free(p);
}

Test(ident, lines_in_front_are_bounded_in_number)
{
    static char lots[3 * (MUX_IDENT_PRELUDE_LINES + 1)];
    for (size_t i = 0; i < sizeof lots; i += 3)
        memcpy(lots + i, "a\r\n", 3);
    for (size_t over = 0; over < 2; over++) {
        struct pair *p = pair_new(NULL, NULL, NULL, CX_KEY_ED25519);
        cr_assert_eq(feed(p, &p->client, lots, 3 * (MUX_IDENT_PRELUDE_LINES + over), 5), over ? MUX_E_VERSION : MUX_OK);
        pair_free(p);
    }
}

Test(ident, refusal_names_its_reason_behind_our_own_line)
{
    struct pair *p = pair_new(NULL, NULL, NULL, CX_KEY_ED25519);
    cr_assert_eq(feed(p, &p->server, "SSH-1.5-x\r\n", 11, 11), MUX_E_VERSION);
    cr_assert(pair_produce(p, &p->server));
    cr_assert_not(mux_session_owes(p->server.session));
    (void)pair_feed(p, &p->client);
    cr_assert_eq(p->client.disconnect_reason, 8);
    pair_free(p);
}
