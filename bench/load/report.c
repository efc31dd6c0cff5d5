/* SPDX-License-Identifier: MIT */
/* What holds best on a machine that does other things too comes first: the CPU time that a unit of work took of the server. */
#include "bench/load/report.h"

#include "bench/load/units.h"

static void label(FILE *out, const char *text, bool bold)
{
    fprintf(out, "%s%-16s%s", bold ? "\033[1m" : "", text, bold ? "\033[0m" : "");
}

static void print_head(const struct load_settings *s, const struct load_figures *f, FILE *out)
{
    char address[GW_ADDR_TEXT];
    fprintf(out, "%s: %u connection%s x %u channel%s", load_mode_words[s->mode].name, s->connections,
            s->connections == 1 ? "" : "s", s->channels, s->channels == 1 ? "" : "s");
    if (s->mode == LOAD_ECHO)
        fprintf(out, ", %zu bytes each", s->payload_bytes);
    if (s->echoes_per_second > 0)
        fprintf(out, ", %.0f due a second", s->echoes_per_second);
    if (s->slow_percent > 0)
        fprintf(out, ", %u %% slow readers", s->slow_percent);
    fprintf(out, ", %u thread%s, %.1f s\n", s->threads, s->threads == 1 ? "" : "s", f->measured_s);
    fprintf(out, "%s at %s\n", f->peer.kex ? f->peer.ident : "nobody logged in", gw_addr_port_text(&s->server, address));
    if (!f->peer.kex)
        return;
    fprintf(out, "%s, %s %s, ", f->peer.kex, f->peer.host_key_alg, f->peer.host_key);
    fprintf(out, "%s%s%s", f->peer.cipher_up, f->peer.mac_up ? " with " : "", f->peer.mac_up ? f->peer.mac_up : "");
    fprintf(out, "%s\n", s->host_key ? "" : " (the host key was not checked)");
}

static void print_cpu(const struct load_figures *f, const struct load_cpu *cpu, FILE *out)
{
    fprintf(out, "user %.2f s, system %.2f s, %.0f %% of a core\n", cpu->user_s, cpu->system_s,
            f->measured_s > 0 ? 100 * (cpu->user_s + cpu->system_s) / f->measured_s : 0);
}

/* Proportional where all of it can be read, else resident: an engine of sluice's is closed to all but root. */
static void print_memory(const struct load_settings *s, const struct load_figures *f, FILE *out)
{
    bool whole = f->before.whole && f->after.whole;
    double before = (double)(whole ? f->before.pss_bytes : f->before.rss_bytes);
    double after = (double)(whole ? f->after.pss_bytes : f->after.rss_bytes);
    char text[3][LOAD_UNIT_TEXT];
    fprintf(out, "%s %s before, %s with all connections", whole ? "PSS" : "RSS", load_bytes_text(before, text[0]),
            load_bytes_text(after, text[1]));
    if (s->mode == LOAD_IDLE && f->end.connected > 0 && after > before)
        fprintf(out, ": %s a connection with its %u channel%s",
                load_bytes_text((after - before) / (double)f->end.connected, text[2]), s->channels, s->channels == 1 ? "" : "s");
    fprintf(out, "\n");
    if (!whole)
        return;
    label(out, "", false);
    fprintf(out, "%u descriptors before, %u now, in %u processes\n", f->before.descriptors, f->after.descriptors, f->after.count);
}

static void print_server(const struct load_settings *s, const struct load_figures *f, FILE *out, bool bold)
{
    double works = load_figures_works(f, s->mode), cpu_s = f->server.user_s + f->server.system_s;
    char each[LOAD_UNIT_TEXT];
    if (s->server_pid == 0)
        return;
    label(out, "server CPU", bold);
    if (!f->watched) {
        fprintf(out, "process %d is not there to be read\n", (int)s->server_pid);
        return;
    }
    if (works > 0)
        fprintf(out, "%s %s: ", load_seconds_text(cpu_s / works, each), load_mode_words[s->mode].one);
    print_cpu(f, &f->server, out);
    label(out, "server memory", bold);
    print_memory(s, f, out);
}

static void print_rates(const struct load_settings *s, const struct load_figures *f, FILE *out, bool bold)
{
    double works = load_figures_works(f, s->mode), seconds = f->measured_s > 0 ? f->measured_s : 1;
    double up = (double)(f->end.bytes_up - f->begin.bytes_up), down = (double)(f->end.bytes_down - f->begin.bytes_down);
    char text[2][LOAD_UNIT_TEXT];
    if (s->mode != LOAD_IDLE) {
        label(out, load_mode_words[s->mode].many, bold);
        fprintf(out, load_is_bulk(s->mode) ? "%.3f a second, %.2f in all\n" : "%.1f a second, %.0f in all\n", works / seconds,
                works);
    }
    if (up + down > 0) {
        label(out, "bytes", bold);
        fprintf(out, "%s/s up, %s/s down\n", load_bytes_text(up / seconds, text[0]), load_bytes_text(down / seconds, text[1]));
    }
    if (s->mode != LOAD_HANDSHAKE) {
        label(out, "at the end", bold);
        fprintf(out, "%llu of %u connections, %llu channels; they came up in %.1f s\n", (unsigned long long)f->end.connected,
                s->connections, (unsigned long long)f->end.opened, f->ramp_s);
    }
    if (f->end.cuts > 0) {
        label(out, "cut off", bold);
        fprintf(out, "%llu connections\n", (unsigned long long)f->end.cuts);
    }
    if (f->end.rekeys > 0) {
        label(out, "rekeys", bold);
        fprintf(out, "%llu\n", (unsigned long long)f->end.rekeys);
    }
}

static void print_histogram(const char *name, const struct bench_histogram *h, FILE *out, bool bold)
{
    static const struct {
        const char *name;
        double share;
    } quantiles[] = { { "p50", 0.5 }, { "p90", 0.9 }, { "p99", 0.99 }, { "p99.9", 0.999 }, { "max", 1 } };
    char text[LOAD_UNIT_TEXT];
    if (h->count == 0)
        return;
    label(out, name, bold);
    for (size_t i = 0; i < sizeof quantiles / sizeof *quantiles; i++)
        fprintf(out, "%s%s %s", i > 0 ? "  " : "", quantiles[i].name,
                load_seconds_text((double)bench_histogram_quantile(h, quantiles[i].share) / 1e9, text));
    fprintf(out, "\n");
}

static void print_faults(const struct load_figures *f, FILE *out, bool bold)
{
    label(out, "errors", bold);
    fprintf(out, f->faults.total > 0 ? "%llu\n" : "none\n", (unsigned long long)f->faults.total);
    for (size_t i = 0; i < f->faults.different; i++)
        fprintf(out, "%-16s%llu  %s: %s\n", "", (unsigned long long)f->faults.fault[i].count,
                load_fault_name(f->faults.fault[i].kind), f->faults.fault[i].text);
}

void load_report_print(const struct load_settings *s, const struct load_figures *f, FILE *out, bool colours)
{
    char text[LOAD_UNIT_TEXT];
    print_head(s, f, out);
    fprintf(out, "\n");
    print_server(s, f, out, colours);
    print_rates(s, f, out, colours);
    print_histogram("latency", &f->latency_ns, out, colours);
    print_histogram("login", &f->login_ns, out, colours);
    if (s->echoes_per_second > 0) {
        label(out, "behind", colours);
        fprintf(out, "%llu echoes were due and not back at the end\n", (unsigned long long)f->behind);
    }
    label(out, "own CPU", colours);
    print_cpu(f, &f->own, out);
    label(out, "own memory", colours);
    fprintf(out, "PSS %s, %u descriptors\n", load_bytes_text((double)f->own_after.pss_bytes, text), f->own_after.descriptors);
    print_faults(f, out, colours);
}
