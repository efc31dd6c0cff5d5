/* SPDX-License-Identifier: MIT */
/* The pipe as one thread sees it; tests/stress/stress_pipe.c has two. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "mux/exchange/pipe.h"

enum { LENGTH = 100 * 1000 };

static struct mux_pipe *new_pipe(void)
{
    struct mux_pipe *p = calloc(1, sizeof *p);
    mux_pipe_init(p);
    return p;
}

/* Both ends let go. */
static void free_pipe(struct mux_pipe *p)
{
    cr_assert(!mux_pipe_drop(p));
    cr_assert(mux_pipe_drop(p));
    free(p);
}

static void fill(uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)(i * 31 + (i >> 8));
}

static void write_text(struct mux_pipe *p, unsigned e, const char *text)
{
    struct iovec iov = { (void *)(uintptr_t)text, strlen(text) };
    cr_assert(mux_pipe_write(p, e, &iov, 1));
}

Test(pipe, carries_the_same_bytes_whatever_the_pieces)
{
    static uint8_t sent[LENGTH], got[LENGTH];
    fill(sent, LENGTH);
    for (size_t piece = 1; piece < 3 * 16384; piece = piece * 3 + 1) {
        struct mux_pipe *p = new_pipe();
        for (size_t at = 0; at < LENGTH;) {
            size_t n = LENGTH - at < piece ? LENGTH - at : piece;
            struct iovec iov[2] = { { sent + at, n / 2 }, { sent + at + n / 2, n - n / 2 } };
            cr_assert(mux_pipe_write(p, 0, iov, 2));
            at += n;
        }
        size_t n = 0, more = 1;
        while (more > 0) {
            size_t room = LENGTH - n < 777 ? LENGTH - n : 777;
            struct iovec iov[2] = { { got + n, room / 3 }, { got + n + room / 3, room - room / 3 } };
            more = mux_pipe_read(p, 1, iov, 2);
            n += more;
        }
        cr_assert_eq(n, LENGTH, "pieces of %zu: %zu", piece, n);
        cr_assert_arr_eq(sent, got, LENGTH);
        cr_assert_eq(mux_pipe_next(p, 1), MUX_PIPE_NOTHING);
        cr_assert_eq(mux_pipe_credited(p, 0), LENGTH);
        cr_assert_eq(mux_pipe_credited(p, 0), 0);
        free_pipe(p);
    }
}

Test(pipe, says_eof_and_close_behind_the_bytes)
{
    struct mux_pipe *p = new_pipe();
    char room[16];
    struct iovec iov = { room, sizeof room };
    write_text(p, 1, "last");
    mux_pipe_eof(p, 1);
    mux_pipe_close(p, 1);
    cr_assert_eq(mux_pipe_next(p, 0), MUX_PIPE_BYTES);
    cr_assert_eq(mux_pipe_read(p, 0, &iov, 1), 4);
    cr_assert_eq(mux_pipe_next(p, 0), MUX_PIPE_EOF);
    cr_assert_eq(mux_pipe_read(p, 0, &iov, 1), 0);
    mux_pipe_take_eof(p, 0);
    cr_assert_eq(mux_pipe_next(p, 0), MUX_PIPE_CLOSE);
    cr_assert_eq(mux_pipe_next(p, 0), MUX_PIPE_CLOSE, "a close stays");
    cr_assert_eq(mux_pipe_next(p, 1), MUX_PIPE_NOTHING, "the other lane has nothing");
    free_pipe(p);
}

Test(pipe, credits_only_what_was_read)
{
    struct mux_pipe *p = new_pipe();
    char room[3];
    struct iovec iov = { room, sizeof room };
    write_text(p, 0, "0123456789");
    cr_assert_eq(mux_pipe_credited(p, 0), 0);
    cr_assert_eq(mux_pipe_read(p, 1, &iov, 1), 3);
    cr_assert_eq(mux_pipe_credited(p, 0), 3);
    cr_assert_eq(mux_pipe_credited(p, 1), 0);
    free_pipe(p); /* with seven bytes left in it */
}

Test(pipe, gathers_few_bytes_while_others_are_under_way)
{
    static uint8_t bytes[LENGTH];
    struct mux_pipe *p = new_pipe();
    struct iovec one = { bytes, 1 }, all = { bytes, LENGTH };
    size_t written = 0;
    for (; mux_pipe_takes(p, 0, 1); written++)
        cr_assert(mux_pipe_write(p, 0, &one, 1));
    cr_assert(written > 1000 && written <= 16 * 1024, "%zu blocks of a byte", written);
    cr_assert(mux_pipe_takes(p, 0, 4096), "many are worth a block");
    cr_assert(mux_pipe_takes(p, 1, 1), "the other lane is its own");
    cr_assert_eq(mux_pipe_read(p, 1, &all, 1), written);
    cr_assert(mux_pipe_takes(p, 0, 1));
    free_pipe(p);
}

Test(pipe, tells_what_nobody_will_read)
{
    struct mux_pipe *p = new_pipe();
    char room[3];
    struct iovec iov = { room, sizeof room };
    write_text(p, 0, "0123456789");
    cr_assert_eq(mux_pipe_read(p, 1, &iov, 1), 3);
    cr_assert(!mux_pipe_is_left(p, 0));
    write_text(p, 1, "last");
    mux_pipe_close(p, 1);
    cr_assert(mux_pipe_is_left(p, 0) && !mux_pipe_is_left(p, 1));
    cr_assert_eq(mux_pipe_next(p, 0), MUX_PIPE_BYTES, "what came before is still good");
    cr_assert_eq(mux_pipe_credited(p, 0), 3);
    cr_assert_eq(mux_pipe_lost(p, 0), 7);
    cr_assert_eq(mux_pipe_lost(p, 0), 0);
    write_text(p, 0, "ab"); /* before its source has heard of it */
    cr_assert_eq(mux_pipe_credited(p, 0), 0);
    cr_assert_eq(mux_pipe_lost(p, 0), 2);
    free_pipe(p);
}

Test(pipe, tells_the_other_end_once_for_many_records)
{
    struct mux_pipe *p = new_pipe();
    cr_assert(mux_pipe_ring(p, 0), "the first");
    cr_assert(!mux_pipe_ring(p, 0), "its word is under way");
    cr_assert(mux_pipe_ring(p, 1), "each end has its own");
    mux_pipe_answer(p, 1);
    cr_assert(mux_pipe_ring(p, 0), "it has answered");
    free_pipe(p);
}

Test(pipe, shows_an_abort_whatever_stands_in_it)
{
    struct mux_pipe *p = new_pipe();
    write_text(p, 0, "never read");
    cr_assert(!mux_pipe_is_aborted(p));
    mux_pipe_abort(p);
    cr_assert(mux_pipe_is_aborted(p));
    free_pipe(p);
}

Test(pipe, lives_until_the_last_hold_is_gone)
{
    struct mux_pipe *p = new_pipe();
    write_text(p, 0, "left");
    mux_pipe_eof(p, 0);
    mux_pipe_hold(p);
    cr_assert(!mux_pipe_drop(p));
    cr_assert(!mux_pipe_drop(p));
    cr_assert(mux_pipe_drop(p));
    free(p);
}

Test(pipe, takes_nothing_as_nothing)
{
    struct mux_pipe *p = new_pipe();
    struct iovec iov = { NULL, 0 };
    cr_assert(mux_pipe_write(p, 0, &iov, 1));
    cr_assert(mux_pipe_write(p, 0, NULL, 0));
    cr_assert_eq(mux_pipe_next(p, 1), MUX_PIPE_NOTHING);
    free_pipe(p);
}
