/* SPDX-License-Identifier: MIT */
/* The keys are for programs to rely on: bench/cipher/help.c says what each holds. What changes a key's meaning raises the schema.
 */
#include "bench/cipher/cipher.h"

enum { SCHEMA = 1 };

static void write_counts(struct bench_json *j, const struct bench_result *r)
{
    bench_json_count(j, "samples", r->samples);
    bench_json_count(j, "rejected", r->rejected);
    bench_json_bool(j, "noisy", r->noisy);
}

static double ns_of(const struct bench_cell *c)
{
    return c ? c->result.ns : 0;
}

static void write_packets(struct bench_json *j, const struct bench_group *g, const struct bench_cell *c, double clock_ghz)
{
    const struct bench_cell *evp = bench_group_reference(g, c->operation), *copy = bench_group_memcpy(g);
    double ns = c->result.ns, size = (double)g->size;
    bench_json_object(j, NULL);
    bench_json_text(j, "suite", g->name);
    bench_json_text(j, "kernel", c->kernel);
    bench_json_text(j, "tier", c->tier);
    bench_json_bool(j, "picked", c->picked);
    bench_json_count(j, "size", g->size);
    bench_json_count(j, "batch", g->batch);
    bench_json_text(j, "direction", c->operation);
    bench_json_real_or_null(j, "ns_packet", ns);
    bench_json_real_or_null(j, "gbps", ns > 0 ? size / ns : 0);
    bench_json_real_or_null(j, "cycles_byte", ns * clock_ghz / size);
    bench_json_real_or_null(j, "ns_evp", ns_of(evp));
    bench_json_real_or_null(j, "ns_memcpy", ns_of(copy));
    bench_json_real_or_null(j, "ratio_evp", bench_ratio(c, evp));
    bench_json_real_or_null(j, "ratio_memcpy", bench_ratio(c, copy));
    write_counts(j, &c->result);
    bench_json_end(j);
}

static void write_operation(struct bench_json *j, const char *what, const struct bench_group *g, const struct bench_cell *c)
{
    const struct bench_cell *openssl = bench_group_reference(g, c->operation);
    double ns = c->result.ns;
    bench_json_object(j, NULL);
    bench_json_text(j, what, g->name);
    bench_json_text(j, "kernel", c->kernel);
    bench_json_text(j, "tier", c->tier);
    bench_json_bool(j, "picked", c->picked);
    bench_json_text(j, "operation", c->operation);
    bench_json_real_or_null(j, "ns", ns);
    bench_json_real_or_null(j, "per_second", ns > 0 ? 1e9 / ns : 0);
    bench_json_real_or_null(j, "ns_openssl", ns_of(openssl));
    bench_json_real_or_null(j, "ratio_openssl", bench_ratio(c, openssl));
    write_counts(j, &c->result);
    bench_json_end(j);
}

static void write_rows(struct bench_json *j, const struct bench_cipher_run *run, enum bench_kind kind, const char *key,
                       const char *what)
{
    const struct bench_cell *c;
    bench_json_list(j, key);
    for (size_t i = 0; i < run->plan.count; i++) {
        const struct bench_group *g = &run->plan.group[i];
        for (size_t k = 0; g->kind == kind && (c = bench_group_ours(g, NULL, k)); k++) {
            if (kind == BENCH_CIPHER)
                write_packets(j, g, c, run->canary.clock_ghz);
            else
                write_operation(j, what, g, c);
        }
    }
    bench_json_end(j);
}

void bench_cipher_json(const struct bench_cipher_run *run, FILE *out)
{
    struct bench_json j = bench_json(out);
    struct bench_totals total = bench_cipher_totals(&run->plan);
    bench_json_object(&j, NULL);
    bench_json_text(&j, "program", "sluice-bench cipher");
    bench_json_count(&j, "schema", SCHEMA);
    bench_machine_json(&run->machine, run->kernels.cpu, run->canary.clock_ghz, &j);
    bench_json_object(&j, "run");
    bench_json_real(&j, "seconds", run->seconds);
    bench_json_real(&j, "canary_ns", run->canary.full_ns);
    bench_json_real(&j, "canary_tolerance", BENCH_CANARY_TOLERANCE);
    bench_json_count(&j, "samples", total.samples);
    bench_json_count(&j, "rejected", total.rejected);
    bench_json_count(&j, "noisy", total.noisy);
    bench_json_end(&j);
    write_rows(&j, run, BENCH_CIPHER, "cipher", "suite");
    write_rows(&j, run, BENCH_KEX, "kex", "method");
    write_rows(&j, run, BENCH_SIGN, "sign", "algorithm");
    bench_json_end(&j);
}
