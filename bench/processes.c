/* SPDX-License-Identifier: MIT */
/* The tree is found by the parents that /proc/PID/stat names. A process that lost its parent is a child of init and no longer ours.
 */
#include "bench/processes.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct process {
    pid_t pid, parent;
    unsigned long long user, system; /* ticks, with those of children that ended and were waited for */
    bool ours;
};

struct list {
    struct process *process;
    size_t count, room;
};

/* The name in the second field may hold blanks and parentheses: what follows its last one counts. */
static bool read_stat(pid_t pid, struct process *out)
{
    char path[64], line[1024];
    unsigned long long user, system;
    long long children_user, children_system;
    int parent;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *f = fopen(path, "re");
    if (!f)
        return false;
    const char *behind = fgets(line, sizeof line, f) ? strrchr(line, ')') : NULL;
    fclose(f);
    if (!behind || sscanf(behind, ") %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %lld %lld", &parent, &user, &system,
                          &children_user, &children_system) != 5)
        return false;
    *out = (struct process){ pid, parent, user + (unsigned long long)children_user, system + (unsigned long long)children_system,
                             false };
    return true;
}

static bool add(struct list *l, const struct process *p)
{
    if (l->count == l->room) {
        size_t room = l->room ? 2 * l->room : 256;
        struct process *grown = reallocarray(l->process, room, sizeof *grown);
        if (!grown)
            return false;
        l->process = grown;
        l->room = room;
    }
    l->process[l->count++] = *p;
    return true;
}

static bool read_all(struct list *l)
{
    struct dirent *e;
    bool good = true;
    DIR *d = opendir("/proc");
    if (!d)
        return false;
    while (good && (e = readdir(d))) {
        struct process p;
        if (isdigit((unsigned char)e->d_name[0]) && read_stat((pid_t)atoi(e->d_name), &p))
            good = add(l, &p);
    }
    closedir(d);
    return good;
}

static bool is_ours(const struct list *l, pid_t pid)
{
    for (size_t i = 0; i < l->count; i++)
        if (l->process[i].pid == pid)
            return l->process[i].ours;
    return false;
}

/* Children of ours are ours, until none is found any more: as many passes as the tree is deep. */
static void mark_tree(struct list *l, pid_t root)
{
    bool found = true;
    for (size_t i = 0; i < l->count; i++)
        l->process[i].ours = l->process[i].pid == root;
    while (found) {
        found = false;
        for (size_t i = 0; i < l->count; i++) {
            if (l->process[i].ours || !is_ours(l, l->process[i].parent))
                continue;
            l->process[i].ours = found = true;
        }
    }
}

static uint64_t read_pss(pid_t pid)
{
    char path[64], line[256];
    unsigned long long kib = 0;
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof line, f) && sscanf(line, "Pss: %llu kB", &kib) != 1)
        ;
    if (f)
        fclose(f);
    return kib * 1024;
}

static uint64_t read_rss(pid_t pid)
{
    char path[64];
    unsigned long long pages = 0;
    snprintf(path, sizeof path, "/proc/%d/statm", (int)pid);
    FILE *f = fopen(path, "re");
    if (f && fscanf(f, "%*u %llu", &pages) != 1)
        pages = 0;
    if (f)
        fclose(f);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static unsigned count_descriptors(pid_t pid)
{
    char path[64];
    unsigned count = 0;
    struct dirent *e;
    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *d = opendir(path);
    while (d && (e = readdir(d)))
        count += e->d_name[0] != '.';
    if (d)
        closedir(d);
    return count;
}

static void sum_up(const struct list *l, bool memory, struct bench_processes *out)
{
    double tick_s = 1.0 / (double)sysconf(_SC_CLK_TCK);
    out->whole = memory;
    for (size_t i = 0; i < l->count; i++) {
        const struct process *p = &l->process[i];
        if (!p->ours)
            continue;
        out->count++;
        out->user_s += (double)p->user * tick_s;
        out->system_s += (double)p->system * tick_s;
        if (!memory)
            continue;
        uint64_t pss = read_pss(p->pid);
        out->pss_bytes += pss;
        out->rss_bytes += read_rss(p->pid);
        out->descriptors += count_descriptors(p->pid);
        out->whole &= pss > 0;
    }
}

bool bench_processes_read(pid_t root, bool memory, struct bench_processes *out)
{
    struct list l = { 0 };
    *out = (struct bench_processes){ 0 };
    if (read_all(&l)) {
        mark_tree(&l, root);
        sum_up(&l, memory, out);
    }
    free(l.process);
    return out->count > 0;
}
