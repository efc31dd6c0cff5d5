/* SPDX-License-Identifier: MIT */
/* bench/load/report: figures made by hand, in each form. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/load/report.h"

static const struct load_settings settings = {
    .mode = LOAD_ECHO,
    .user = "alice",
    .target_host = { (const uint8_t *)"echo", 4 },
    .target_port = 7,
    .threads = 2,
    .connections = 10,
    .channels = 4,
    .payload_bytes = 64,
    .duration_s = 2,
    .server_pid = 1,
};

/* A thousand echoes of 1 to 1000 us in two seconds, for which the server took 10 ms. */
static struct load_figures *made(void)
{
    static struct load_figures figures;
    static struct load_totals series[3];
    struct load_figures *f = &figures;
    f->measured_s = 2;
    f->begin = (struct load_totals){ .at_s = 1, .works = 500 };
    f->end =
        (struct load_totals){ .at_s = 3, .works = 1500, .bytes_up = 64000, .bytes_down = 64000, .connected = 10, .opened = 40 };
    for (unsigned i = 1; i <= 1000; i++)
        bench_histogram_add(&f->latency_ns, i * 1000);
    bench_histogram_add(&f->login_ns, 2000000);
    f->peer = (struct load_peer){ "SSH-2.0-test", "SHA256:abc", "curve25519-sha256", "ssh-ed25519",
                                  "aes128-ctr",   "aes128-ctr", "hmac-sha2-256",     "hmac-sha2-256" };
    f->watched = true;
    f->server = (struct load_cpu){ .user_s = 0.004, .system_s = 0.006 };
    f->before = (struct bench_processes){ .count = 3, .pss_bytes = 1 << 20, .descriptors = 20, .whole = true };
    f->after = (struct bench_processes){ .count = 3, .pss_bytes = 3 << 20, .descriptors = 30, .whole = true };
    load_faults_add(&f->faults, LOAD_FAULT_REFUSED, cx_view_text("queue \"full\""), 3);
    f->series = series;
    f->series_count = 3;
    for (unsigned i = 0; i < 3; i++)
        f->series[i] = (struct load_totals){ .at_s = i, .works = 500 * i };
    return f;
}

static const struct load_figures nothing;
static char text[65536];

static FILE *begin_text(void)
{
    memset(text, 0, sizeof text);
    return fmemopen(text, sizeof text - 1, "w");
}

static const char *printed(const struct load_settings *s, const struct load_figures *f)
{
    FILE *out = begin_text();
    load_report_print(s, f, out, false);
    fclose(out);
    return text;
}

static void expect_line(const char *where, const char *line)
{
    cr_expect_not_null(strstr(where, line), "no '%s' in:\n%s", line, where);
}

Test(report, cpu_a_unit_of_work_comes_first)
{
    printed(&settings, made());
    expect_line(text, "server CPU      10.0 us an echo: user 0.00 s, system 0.01 s, 0 % of a core\n");
    cr_expect_lt(strstr(text, "server CPU"), strstr(text, "500.0 a second, 1000 in all"));
    expect_line(text, "latency         p50 502 us  p90 901 us  p99 991 us  p99.9 999 us  max 1.00 ms");
    expect_line(text, "3  refused: queue \"full\"");
}

Test(report, idle_tells_memory_a_connection)
{
    struct load_settings idle = settings;
    idle.mode = LOAD_IDLE;
    expect_line(printed(&idle, made()),
                "PSS 1.00 MiB before, 3.00 MiB with all connections: 205 KiB a connection with its 4 channels");
}

Test(report, what_is_not_known_is_not_made_up)
{
    printed(&settings, &nothing);
    expect_line(text, "nobody logged in");
    expect_line(text, "process 1 is not there to be read");
    expect_line(text, "errors          none");
}

static json_t *parsed(const struct load_figures *f)
{
    FILE *out = begin_text();
    json_error_t error;
    load_report_json(&settings, f, out);
    fclose(out);
    json_t *root = json_loads(text, 0, &error);
    cr_assert(root, "%s in\n%s", error.text, text);
    return root;
}

Test(report, json_says_the_same)
{
    json_t *root = parsed(made()), *errors = json_object_get(root, "errors"), *series = json_object_get(root, "series");
    json_t *server = json_object_get(root, "server"), *work = json_object_get(root, "work");
    cr_expect_str_eq(json_string_value(json_object_get(json_object_get(root, "settings"), "mode")), "echo");
    cr_expect_float_eq(json_real_value(json_object_get(server, "cpu_s_per_unit")), 10e-6, 1e-12);
    cr_expect_eq(json_number_value(json_object_get(work, "per_second")), 500);
    cr_expect_eq(json_integer_value(json_object_get(json_object_get(root, "latency_ns"), "max")), 1000000);
    cr_expect_str_eq(json_string_value(json_object_get(json_array_get(errors, 0), "text")), "queue \"full\"");
    cr_expect_eq(json_array_size(series), 2);
    cr_expect_eq(json_number_value(json_object_get(json_array_get(series, 1), "count")), 500);
    json_decref(root);
}

Test(report, json_without_figures_has_nulls)
{
    json_t *root = parsed(&nothing);
    cr_expect(json_is_null(json_object_get(root, "server")));
    cr_expect(json_is_null(json_object_get(json_object_get(root, "peer"), "ident")));
    cr_expect(json_is_null(json_object_get(json_object_get(root, "work"), "per_second")));
    json_decref(root);
}

static void expect_chart(const struct load_figures *f, unsigned curves)
{
    char path[] = "/tmp/sluice-test-XXXXXX";
    int fd = mkstemp(path);
    cr_assert(fd >= 0 && load_report_plot(&settings, f, path));
    FILE *in = fdopen(fd, "r");
    text[fread(text, 1, sizeof text - 1, in)] = 0;
    fclose(in);
    remove(path);
    cr_expect_not_null(strstr(text, "</svg>\n"));
    cr_expect_null(strstr(text, "nan"));
    cr_expect_null(strstr(text, "inf"));
    for (const char *at = text; (at = strstr(at, "<polyline")); at++)
        curves--;
    cr_expect_eq(curves, 0);
}

Test(report, the_chart_has_what_there_is)
{
    struct load_figures *f = made();
    expect_chart(f, 2);
    f->latency_ns.count = 0;
    expect_chart(f, 1);
    f->series_count = 1;
    expect_chart(f, 0);
}
