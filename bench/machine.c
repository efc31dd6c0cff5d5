/* SPDX-License-Identifier: MIT */
#include "bench/machine.h"

#include <nettle/version.h>
#include <openssl/crypto.h>
#include <sodium.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "crypto/cpu.h"

#ifdef __clang__
#define COMPILER "clang " __clang_version__
#else
#define COMPILER "gcc " __VERSION__
#endif

/* "model name	: AMD EPYC"; other architectures may have no such line. */
static void read_processor(char *out, size_t room)
{
    char line[256];
    FILE *f = fopen("/proc/cpuinfo", "re");
    snprintf(out, room, "unknown");
    while (f && fgets(line, sizeof line, f)) {
        char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) != 0 || !colon)
            continue;
        line[strcspn(line, "\n")] = 0;
        snprintf(out, room, "%.*s", (int)room - 1, colon + 1 + strspn(colon + 1, " "));
        break;
    }
    if (f)
        fclose(f);
}

/* Behind what stands there: the name and the numbers of a file of net.ipv4, which tabs part. */
static void add_sysctl(char *out, size_t room, const char *name)
{
    char path[64], line[64] = "";
    size_t len = strlen(out);
    snprintf(path, sizeof path, "/proc/sys/net/ipv4/%s", name);
    FILE *f = fopen(path, "re");
    if (f && fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = 0;
        for (char *tab; (tab = strchr(line, '\t'));)
            *tab = ' ';
        snprintf(out + len, room - len, "%s%s %s", len > 0 ? ", " : "", name, line);
    }
    if (f)
        fclose(f);
}

void bench_machine_read(struct bench_machine *m)
{
    struct utsname system;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    memset(m, 0, sizeof *m);
    read_processor(m->processor, sizeof m->processor);
    if (uname(&system) == 0)
        snprintf(m->system, sizeof m->system, "%s %s %s", system.sysname, system.release, system.machine);
    snprintf(m->compiler, sizeof m->compiler, "%s", COMPILER);
    snprintf(m->openssl, sizeof m->openssl, "%s", OpenSSL_version(OPENSSL_FULL_VERSION_STRING));
    snprintf(m->nettle, sizeof m->nettle, "%d.%d", nettle_version_major(), nettle_version_minor());
    snprintf(m->sodium, sizeof m->sodium, "%s", sodium_version_string());
    add_sysctl(m->tcp, sizeof m->tcp, "tcp_rmem");
    add_sysctl(m->tcp, sizeof m->tcp, "tcp_wmem");
    add_sysctl(m->tcp, sizeof m->tcp, "tcp_congestion_control");
    m->cores = cores > 0 ? (unsigned)cores : 1;
}

void bench_machine_json(const struct bench_machine *m, uint32_t cpu, double clock_ghz, struct bench_json *j)
{
    bench_json_object(j, "machine");
    bench_json_text(j, "processor", m->processor);
    bench_json_count(j, "cores", m->cores);
    bench_json_real(j, "clock_ghz", clock_ghz);
    bench_json_list(j, "cpu_features");
    for (size_t i = 0; cx_cpu_bit_name(i); i++)
        if (cpu >> i & 1)
            bench_json_text(j, NULL, cx_cpu_bit_name(i));
    bench_json_end(j);
    bench_json_text(j, "system", m->system);
    bench_json_end(j);
    bench_json_object(j, "build");
    bench_json_text(j, "version", SLUICE_VERSION);
    bench_json_text(j, "compiler", m->compiler);
    bench_json_text(j, "openssl", m->openssl);
    bench_json_text(j, "nettle", m->nettle);
    bench_json_text(j, "sodium", m->sodium);
    bench_json_end(j);
}
