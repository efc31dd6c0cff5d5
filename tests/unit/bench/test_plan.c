/* SPDX-License-Identifier: MIT */
/* bench/plan, bench/choice and bench/runner: what is measured, how often, and what it is compared with. */
#include <criterion/criterion.h>

#include "bench/cipher/choice.h"
#include "bench/cipher/repeat.h"
#include "bench/cipher/runner.h"
#include "bench/clock.h"

static char order[64];

/* Takes down its letter. */
static bool counted(void *state, double *ns)
{
    size_t used = strlen(order);
    const char *letter = state;
    if (used + 1 < sizeof order)
        memcpy(order + used, letter, 1);
    *ns = letter[0] == 'a' ? 10 : 40;
    return true;
}

static bool fails(void *state, double *ns)
{
    (void)state;
    (void)ns;
    return false;
}

static struct bench_cell cell_of(const char *kernel, enum bench_role role, bool (*pass)(void *, double *))
{
    static char letters[] = "abc";
    return (struct bench_cell){
        kernel, NULL, false, "seal", role, pass, &letters[role == BENCH_OURS ? 0 : role == BENCH_BOTH ? 1 : 2]
    };
}

static struct bench_plan two_kernels(void)
{
    struct bench_plan plan = { 0 };
    bench_plan_group(&plan, BENCH_CIPHER, "suite", 64, 8);
    bench_plan_cell(&plan, cell_of("fast", BENCH_OURS, counted));
    bench_plan_cell(&plan, cell_of("evp", BENCH_BOTH, counted));
    bench_plan_cell(&plan, cell_of("memcpy", BENCH_MEMCPY, counted));
    cr_assert_not(plan.failed);
    return plan;
}

static const struct bench_cell *run(struct bench_plan *plan, double seconds)
{
    struct bench_canary canary = { 0 };
    struct bench_progress progress = { 0 };
    return bench_run(plan, seconds, &canary, &progress);
}

Test(runner, the_cells_of_a_group_take_turns)
{
    struct bench_plan plan = two_kernels();
    cr_assert_null(run(&plan, 1e-6));
    cr_expect_arr_eq(order, "abcabcabcabc", 12, "%s", order);
    bench_plan_free(&plan);
}

Test(runner, however_short_the_time_each_cell_has_three_samples)
{
    struct bench_plan plan = two_kernels();
    cr_assert_null(run(&plan, 1e-6));
    for (size_t i = 0; i < 3; i++) {
        const struct bench_result *r = &plan.group[0].cell[i].result;
        cr_expect_geq(r->samples + r->rejected, 3);
        cr_expect_float_eq(r->ns, i == 0 ? 10 : 40, 1e-9);
    }
    bench_plan_free(&plan);
}

Test(runner, samples_are_enough_some_time_and_time_is_over_some_time)
{
    struct bench_plan plan = two_kernels();
    double start = bench_now_ns();
    cr_assert_null(run(&plan, 600));
    cr_expect_lt(bench_now_ns() - start, 60e9);
    cr_expect_geq(plan.group[0].cell[0].samples.count, 201);
    cr_expect_leq(plan.group[0].cell[0].samples.count, 1003);
    bench_plan_free(&plan);
}

Test(runner, a_cell_that_fails_ends_the_run)
{
    struct bench_plan plan = two_kernels();
    bench_plan_cell(&plan, cell_of("broken", BENCH_OURS, fails));
    const struct bench_cell *failed = run(&plan, 1);
    cr_assert_not_null(failed);
    cr_expect_str_eq(failed->kernel, "broken");
    bench_plan_free(&plan);
}

static bool takes_ten_microseconds(void *state)
{
    double end = bench_now_ns() + 10e3;
    while (bench_now_ns() < end)
        ;
    ++*(unsigned *)state;
    return true;
}

Test(repeat, what_is_short_is_done_more_often_than_once)
{
    unsigned done = 0;
    struct bench_repeat repeat = { takes_ten_microseconds, &done, 0 };
    double ns;
    cr_assert(bench_repeat_pass(&repeat, &ns));
    cr_expect_eq(done, 1);
    cr_expect_geq(ns, 10e3);
    for (unsigned i = 0; i < 100 && done <= 1 + i; i++) /* a slow moment makes it once */
        cr_assert(bench_repeat_pass(&repeat, &ns));
    cr_expect_geq(done, 3);
    cr_expect_geq(ns, 10e3);
}

Test(plan, ours_are_compared_with_the_reference)
{
    struct bench_plan plan = two_kernels();
    const struct bench_group *g = &plan.group[0];
    cr_assert_null(run(&plan, 1e-6));
    cr_expect_str_eq(bench_group_reference(g, "seal")->kernel, "evp");
    cr_expect_null(bench_group_reference(g, "open"));
    cr_expect_str_eq(bench_group_ours(g, "seal", 0)->kernel, "fast");
    cr_expect_str_eq(bench_group_ours(g, NULL, 1)->kernel, "evp");
    cr_expect_null(bench_group_ours(g, NULL, 2));
    cr_expect_str_eq(bench_group_memcpy(g)->kernel, "memcpy");
    cr_expect_float_eq(bench_ratio(bench_group_ours(g, "seal", 0), bench_group_reference(g, "seal")), 4, 1e-9);
    cr_expect_float_eq(bench_ratio(bench_group_ours(g, "seal", 0), NULL), 0, 0);
    bench_plan_free(&plan);
}

Test(choice, a_pattern_is_a_part_of_the_name_a_wildcard_takes_the_whole)
{
    static const struct {
        const char *pattern, *area, *name;
        bool taken;
    } cases[] = {
        { "aes128-gcm", "cipher", "aes128-gcm@openssh.com", true },
        { "umac", "cipher", "aes128-ctr+umac-64-etm@openssh.com", true },
        { "aes128-gcm", "cipher", "aes256-gcm@openssh.com", false },
        { "aes*", "cipher", "aes256-gcm@openssh.com", true },
        { "*256", "cipher", "aes256-ctr+hmac-sha2-256", true },
        { "*256", "cipher", "aes256-ctr+hmac-sha2-256-etm@openssh.com", false },
        { "kex", "kex", "curve25519-sha256", true },
        { "kex", "sign", "ssh-ed25519", false },
        { "sign", "sign", "ssh-ed25519", true },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bench_choice choice = { .only = { { cases[i].pattern }, 1 } };
        cr_expect_eq(bench_choice_takes(&choice, cases[i].area, cases[i].name), cases[i].taken, "%s of %s", cases[i].pattern,
                     cases[i].name);
    }
}

Test(choice, without_patterns_everything_is_taken)
{
    struct bench_choice choice = { 0 };
    cr_expect(bench_choice_takes(&choice, "kex", "curve25519-sha256"));
    cr_expect(bench_choice_takes_kernel(&choice, "vaes512"));
}
