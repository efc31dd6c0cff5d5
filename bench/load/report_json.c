/* SPDX-License-Identifier: MIT */
/* The keys are for programs to rely on: bench/load/help.c says what each holds. What changes a key's meaning raises the schema. */
#include "bench/load/report.h"

enum { SCHEMA = 1 };

static void write_settings(struct bench_json *j, const struct load_settings *s)
{
    char address[GW_ADDR_TEXT], target[MUX_HOST_MAX + 1];
    snprintf(target, sizeof target, "%.*s", (int)s->target_host.len, (const char *)s->target_host.data);
    bench_json_object(j, "settings");
    bench_json_text(j, "mode", load_mode_words[s->mode].name);
    bench_json_text(j, "server", gw_addr_port_text(&s->server, address));
    bench_json_text(j, "target", target);
    bench_json_count(j, "target_port", s->target_port);
    bench_json_count(j, "threads", s->threads);
    bench_json_count(j, "connections", s->connections);
    bench_json_count(j, "channels", s->channels);
    bench_json_count(j, "payload_bytes", s->payload_bytes);
    bench_json_real_or_null(j, "rate", s->echoes_per_second);
    bench_json_real(j, "duration_s", s->duration_s);
    bench_json_real(j, "warmup_s", s->warmup_s);
    bench_json_real_or_null(j, "cut_rate", s->cuts_per_second);
    bench_json_count(j, "slow_readers_percent", s->slow_percent);
    bench_json_count(j, "rekey_every_bytes", s->protocol.rekey_bytes);
    bench_json_end(j);
}

static void write_peer(struct bench_json *j, const struct load_settings *s, const struct load_peer *p)
{
    bench_json_object(j, "peer");
    bench_json_text(j, "ident", p->kex ? p->ident : NULL);
    bench_json_text(j, "host_key", p->kex ? p->host_key : NULL);
    bench_json_bool(j, "host_key_checked", s->host_key != NULL);
    bench_json_text(j, "host_key_algorithm", p->host_key_alg);
    bench_json_text(j, "kex", p->kex);
    bench_json_text(j, "cipher_up", p->cipher_up);
    bench_json_text(j, "cipher_down", p->cipher_down);
    bench_json_text(j, "mac_up", p->mac_up);
    bench_json_text(j, "mac_down", p->mac_down);
    bench_json_end(j);
}

static void write_work(struct bench_json *j, const struct load_settings *s, const struct load_figures *f)
{
    double works = load_figures_works(f, s->mode);
    bench_json_object(j, "work");
    bench_json_text(j, "unit", load_mode_words[s->mode].many);
    bench_json_real(j, "count", works);
    bench_json_real_or_null(j, "per_second", f->measured_s > 0 ? works / f->measured_s : 0);
    bench_json_count(j, "bytes_up", f->end.bytes_up - f->begin.bytes_up);
    bench_json_count(j, "bytes_down", f->end.bytes_down - f->begin.bytes_down);
    bench_json_end(j);
    bench_histogram_json(&f->latency_ns, j, "latency_ns");
    bench_histogram_json(&f->login_ns, j, "login_ns");
}

static void write_run(struct bench_json *j, const struct load_figures *f)
{
    bench_json_object(j, "run");
    bench_json_real(j, "ramp_s", f->ramp_s);
    bench_json_real(j, "measured_s", f->measured_s);
    bench_json_count(j, "connected", f->end.connected);
    bench_json_count(j, "opened", f->end.opened);
    bench_json_count(j, "rekeys", f->end.rekeys);
    bench_json_count(j, "cuts", f->end.cuts);
    bench_json_count(j, "behind", f->behind);
    bench_json_end(j);
}

static void write_memory(struct bench_json *j, const struct bench_processes *p, const char *key)
{
    bench_json_object(j, key);
    bench_json_count(j, "processes", p->count);
    bench_json_count(j, "rss_bytes", p->rss_bytes);
    bench_json_real_or_null(j, "pss_bytes", p->whole ? (double)p->pss_bytes : 0);
    bench_json_real_or_null(j, "descriptors", p->whole ? p->descriptors : 0);
    bench_json_end(j);
}

static void write_server(struct bench_json *j, const struct load_settings *s, const struct load_figures *f)
{
    double works = load_figures_works(f, s->mode);
    if (!f->watched) {
        bench_json_text(j, "server", NULL);
        return;
    }
    bench_json_object(j, "server");
    bench_json_real(j, "cpu_user_s", f->server.user_s);
    bench_json_real(j, "cpu_system_s", f->server.system_s);
    bench_json_real_or_null(j, "cpu_s_per_unit", works > 0 ? (f->server.user_s + f->server.system_s) / works : 0);
    write_memory(j, &f->before, "before");
    write_memory(j, &f->after, "after");
    bench_json_end(j);
}

static void write_lists(struct bench_json *j, const struct load_settings *s, const struct load_figures *f)
{
    bench_json_count(j, "error_count", f->faults.total);
    bench_json_list(j, "errors");
    for (size_t i = 0; i < f->faults.different; i++) {
        bench_json_object(j, NULL);
        bench_json_text(j, "kind", load_fault_name(f->faults.fault[i].kind));
        bench_json_text(j, "text", f->faults.fault[i].text);
        bench_json_count(j, "count", f->faults.fault[i].count);
        bench_json_end(j);
    }
    bench_json_end(j);
    bench_json_list(j, "series");
    for (size_t i = 1; i < f->series_count; i++) {
        const struct load_totals *t = &f->series[i];
        bench_json_object(j, NULL);
        bench_json_real(j, "s", t->at_s);
        bench_json_real(j, "count", load_totals_works(t - 1, t, s->mode));
        bench_json_count(j, "bytes_up", t->bytes_up - t[-1].bytes_up);
        bench_json_count(j, "bytes_down", t->bytes_down - t[-1].bytes_down);
        bench_json_count(j, "connected", t->connected);
        bench_json_end(j);
    }
    bench_json_end(j);
}

void load_report_json(const struct load_settings *s, const struct load_figures *f, FILE *out)
{
    struct bench_json j = bench_json(out);
    bench_json_object(&j, NULL);
    bench_json_text(&j, "program", "sluice-bench load");
    bench_json_count(&j, "schema", SCHEMA);
    write_settings(&j, s);
    write_peer(&j, s, &f->peer);
    write_run(&j, f);
    write_work(&j, s, f);
    write_server(&j, s, f);
    bench_json_object(&j, "own");
    bench_json_real(&j, "cpu_user_s", f->own.user_s);
    bench_json_real(&j, "cpu_system_s", f->own.system_s);
    write_memory(&j, &f->own_after, "after");
    bench_json_end(&j);
    write_lists(&j, s, f);
    bench_json_end(&j);
}
