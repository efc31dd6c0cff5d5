/* SPDX-License-Identifier: MIT */
/* Every message number, sent to either role in every phase, against a golden file. What is handled got an empty body and may
 * fail for that; what is illegal, or fails, must end in a DISCONNECT with its reason. A change of the grid is a change of what
 * peers may do to us: on a mismatch the new grid is printed, to be judged before it is copied. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "inject.h"

enum { PHASES = 6, COLUMNS = 2 * PHASES, TEXT_MAX = 16384 };

static const enum mux_phase phases[PHASES] = { PH_INIT, PH_KEX_FIRST, PH_SERVICE, PH_AUTH, PH_OPEN, PH_REKEY };

static struct pair *reach(bool server, enum mux_phase phase)
{
    struct pair *p = pair_new(NULL, NULL, NULL, CX_KEY_ED25519);
    struct pair_side *target = server ? &p->server : &p->client;
    cr_assert(inject_reach(p, target, phase), "server %d phase %d", server, phase);
    return p;
}

static char judge(const struct pair_side *target, uint32_t replies_before)
{
    if (target->err == MUX_E_ILLEGAL || target->err == MUX_E_STRICT_KEX)
        return '.';
    return target->session->reply_count > replies_before ? 'u' : 'x';
}

/* One cell; *pair is made anew when it did not survive, or is not in that phase any more. */
static char send_one(struct pair **pair, bool server, enum mux_phase phase, uint8_t number)
{
    if (!*pair)
        *pair = reach(server, phase);
    struct pair *p = *pair;
    struct pair_side *target = server ? &p->server : &p->client;
    uint32_t replies = target->session->reply_count;
    inject_bytes(p, inject_other(p, target), &number, 1);
    (void)pair_feed(p, target);
    char result = judge(target, replies);
    if (target->err != MUX_OK)
        cr_assert(inject_disconnects(p, target), "server %d phase %d message %d", server, phase, number);
    if (target->err != MUX_OK || mux_phase_of(target->session) != phase || target->session->reply_count > MUX_REPLIES_MAX / 2) {
        pair_free(p);
        *pair = NULL;
    }
    return result;
}

static void fill_column(char grid[MUX_MSG_COUNT][COLUMNS], size_t column)
{
    struct pair *p = NULL;
    for (unsigned number = 0; number < MUX_MSG_COUNT; number++)
        grid[number][column] = send_one(&p, column < PHASES, phases[column % PHASES], (uint8_t)number);
    pair_free(p);
}

/* Rows that are alike stand in one line. */
static void print(char grid[MUX_MSG_COUNT][COLUMNS], char text[TEXT_MAX])
{
    size_t n = (size_t)snprintf(text, TEXT_MAX,
                                "# . illegal   u answered by UNIMPLEMENTED   x handled\n"
                                "# columns: init, first kex, service, auth, open, rekey\n"
                                "#       server  client\n");
    for (unsigned first = 0, last; first < MUX_MSG_COUNT; first = last + 1) {
        for (last = first; last + 1 < MUX_MSG_COUNT && memcmp(grid[first], grid[last + 1], COLUMNS) == 0;)
            last++;
        char name[16];
        (void)snprintf(name, sizeof name, first == last ? "%u" : "%u-%u", first, last);
        n += (size_t)snprintf(text + n, TEXT_MAX - n, "%-8s%.6s  %.6s\n", name, grid[first], grid[first] + PHASES);
    }
}

Test(grid, every_message_in_every_phase_is_as_in_the_golden_file, .timeout = 200)
{
    static char grid[MUX_MSG_COUNT][COLUMNS], text[TEXT_MAX], golden[TEXT_MAX];
    for (size_t column = 0; column < COLUMNS; column++)
        fill_column(grid, column);
    print(grid, text);
    FILE *f = fopen(SLUICE_GRID, "r");
    cr_assert(f, "%s", SLUICE_GRID);
    golden[fread(golden, 1, sizeof golden - 1, f)] = 0;
    (void)fclose(f);
    cr_assert(strcmp(text, golden) == 0, "the grid is now:\n%s", text);
}
