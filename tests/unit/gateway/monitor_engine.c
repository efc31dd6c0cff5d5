/* SPDX-License-Identifier: MIT */
/* The monitor against engines that are not ours: this program starts itself as the monitor, and the monitor executes it again as
 * the engine, which behaves as SLUICE_FAKE_ENGINE says (fake_engine.c). A plain program, since it must own its command line. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "crypto/keys/key.h"
#include "fake_engine.h"
#include "gateway/monitor/monitor.h"

static char dir[PATH_MAX];
static unsigned port;

static const char *at(const char *name)
{
    static char paths[4][PATH_MAX + 64];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", dir, name);
    return path;
}

static void write_file(const char *name, const char *text, mode_t mode)
{
    int fd = open(at(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
}

static unsigned count_in(const char *name, const char *text)
{
    static char content[256 * 1024];
    FILE *f = fopen(at(name), "re");
    content[f ? fread(content, 1, sizeof content - 1, f) : 0] = '\0';
    if (f)
        fclose(f);
    unsigned n = 0;
    for (const char *p = content; (p = strstr(p, text)); p++)
        n++;
    return n;
}

static void await(const char *name, const char *text, unsigned count)
{
    for (int i = 0; i < 3000; i++) {
        if (count_in(name, text) >= count)
            return;
        nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
    }
    fprintf(stderr, "%s never had %u of: %s\n", name, count, text);
    abort();
}

/* A port that was free just now. */
static unsigned free_port(void)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(bind(fd, (struct sockaddr *)&a, len) == 0 && getsockname(fd, (struct sockaddr *)&a, &len) == 0);
    close(fd);
    return ntohs(a.sin_port);
}

static void write_configuration(unsigned tries)
{
    char text[PATH_MAX * 4];
    snprintf(text, sizeof text,
             "ListenAddress 127.0.0.1:%u\nHostKey %s\nAuthorizedKeysFile %s/keys/%%u\nAuditLog %s\nWorkers 2\nUser nobody\n"
             "MaxAuthTries %u\nPidFile %s\n",
             port, at("host_key"), dir, at("audit"), tries, at("pid"));
    write_file("conf", text, 0600);
}

static void make_files(void)
{
    struct cx_private_key *key;
    char *text = NULL;
    snprintf(dir, sizeof dir, "%s/sluice-monitor-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    CHECK(mkdtemp(dir) != NULL);
    CHECK(cx_private_key_generate(CX_KEY_ED25519, &key) == CX_OK && cx_private_key_write(key, "", &text) == CX_OK);
    write_file("host_key", text, 0600);
    free(text);
    cx_private_key_free(key);
    CHECK(mkdir(at("keys"), 0755) == 0);
    port = free_port();
    write_file("keys/alice", "a key\n", 0644);
    write_configuration(6);
}

static pid_t start(const char *mode)
{
    unlink(at("audit"));
    unlink(at("log"));
    setenv("SLUICE_FAKE_ENGINE", mode, 1);
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves nothing behind */
    char *config = strdup(at("conf"));
    struct gw_monitor_options options = { .config_path = config, .log_path = at("log") };
    int status = gw_monitor_run(&options);
    free(config);
    exit(status);
}

static int status_of(pid_t pid)
{
    int status;
    while (waitpid(pid, &status, 0) < 0)
        CHECK(errno == EINTR);
    CHECK(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void an_honest_engine_is_served_reloaded_and_drained(void)
{
    pid_t pid = start("serve");
    await("audit", "{\"served\":1}\n", 1);
    await("log", "Server listening on 127.0.0.1 port ", 1);
    CHECK(count_in("pid", "\n") == 1);
    write_configuration(2);
    kill(pid, SIGHUP);
    await("audit", "{\"reloaded\":2}\n", 1);
    write_file("conf", "NoSuchKeyword 1\n", 0600);
    kill(pid, SIGHUP);
    await("log", "the configuration stays as it was: ", 1);
    write_configuration(6);
    kill(pid, SIGTERM);
    CHECK(status_of(pid) == 0);
    CHECK(count_in("audit", "{\"drained\":1}\n") == 1 && access(at("pid"), F_OK) != 0);
}

static void a_rush_of_signatures_waits_and_none_is_refused(void)
{
    pid_t pid = start("many");
    await("audit", "{\"many\":1}\n", 1);
    kill(pid, SIGTERM);
    CHECK(status_of(pid) == 0);
    CHECK(count_in("log", "signing") == 0 && count_in("log", "ended") == 0);
}

static void an_engine_that_dies_is_started_again_ever_later(void)
{
    pid_t pid = start("crash");
    await("audit", "{\"started\":1}\n", 4);
    CHECK(count_in("log", "ended (signal 9)") >= 3 && count_in("log", "starting another engine in 400 ms") == 1);
    CHECK(count_in("log", "that no engine of ours makes") == 0);
    kill(pid, SIGINT);
    CHECK(status_of(pid) == 0);
}

static void an_engine_that_asks_what_none_of_ours_asks_is_killed(void)
{
    static const char *const modes[] = { "garbage",     "name",        "key",         "line",
                                         "first twice", "proof twice", "no such key", "no certificate" };
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        pid_t pid = start(modes[i]);
        await("log", "is killed: a request that no engine of ours makes", 2);
        kill(pid, SIGINT);
        CHECK(status_of(pid) == 0);
        CHECK(count_in("audit", "forged") == 0 && count_in("audit", "{\"started\":1}\n") >= 2);
    }
}

static void an_engine_that_never_serves_ends_the_start(void)
{
    CHECK(status_of(start("mute")) == GW_EXIT_FAILURE);
    CHECK(count_in("log", "ended (exit 1)") == 1);
}

static void a_second_term_ends_an_engine_that_does_not_drain(void)
{
    pid_t pid = start("stubborn");
    await("audit", "{\"served\":1}\n", 1);
    kill(pid, SIGTERM);
    await("log", "Received signal 15; draining", 1);
    kill(pid, SIGTERM);
    CHECK(status_of(pid) == 0);
}

static void a_key_that_others_may_read_and_a_port_in_use_are_refused(void)
{
    pid_t pid = start("serve");
    await("log", "Server listening on", 1);
    struct gw_monitor_options options = { .config_path = strdup(at("conf")) };
    CHECK(gw_monitor_check(&options) == 0);
    CHECK(gw_monitor_run(&options) == GW_EXIT_FAILURE);
    kill(pid, SIGINT);
    CHECK(status_of(pid) == 0);
    CHECK(chmod(at("host_key"), 0640) == 0);
    CHECK(gw_monitor_check(&options) == GW_EXIT_FAILURE);
    CHECK(chmod(at("host_key"), 0600) == 0);
    free(options.config_path);
}

int main(int argc, char **argv)
{
    if (argc >= 2 && strcmp(argv[1], "--engine") == 0)
        return fake_engine(getenv("SLUICE_FAKE_ENGINE"));
    make_files();
    an_honest_engine_is_served_reloaded_and_drained();
    a_rush_of_signatures_waits_and_none_is_refused();
    an_engine_that_dies_is_started_again_ever_later();
    an_engine_that_asks_what_none_of_ours_asks_is_killed();
    an_engine_that_never_serves_ends_the_start();
    a_second_term_ends_an_engine_that_does_not_drain();
    a_key_that_others_may_read_and_a_port_in_use_are_refused();
    char command[PATH_MAX + 16];
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    return system(command);
}
