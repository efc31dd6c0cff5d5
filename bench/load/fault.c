/* SPDX-License-Identifier: MIT */
#include "bench/load/fault.h"

#include <stdio.h>

#include "gateway/observe/log.h"

const char *load_fault_name(enum load_fault_kind kind)
{
    static const char *const names[LOAD_FAULT_KIND_COUNT] = {
        [LOAD_FAULT_CONNECT] = "connect",
        [LOAD_FAULT_TURNED_AWAY] = "turned-away",
        [LOAD_FAULT_LOGIN] = "login",
        [LOAD_FAULT_TIMEOUT] = "timeout",
        [LOAD_FAULT_LOST] = "lost",
        [LOAD_FAULT_PROTOCOL] = "protocol",
        [LOAD_FAULT_REFUSED] = "refused",
        [LOAD_FAULT_CLOSED] = "closed",
        [LOAD_FAULT_WRONG_BYTES] = "wrong-bytes",
        [LOAD_FAULT_OWN] = "own",
    };
    return names[kind];
}

static struct load_fault *find(struct load_faults *f, enum load_fault_kind kind, const char *text)
{
    for (size_t i = 0; i < f->different; i++)
        if (f->fault[i].kind == kind && strcmp(f->fault[i].text, text) == 0)
            return &f->fault[i];
    return NULL;
}

void load_faults_add(struct load_faults *f, enum load_fault_kind kind, struct cx_view text, uint64_t count)
{
    char safe[LOAD_FAULT_TEXT];
    gw_log_escape(safe, sizeof safe, text, false);
    struct load_fault *one = find(f, kind, safe);
    f->total += count;
    if (!one && f->different < LOAD_FAULTS_MAX) {
        one = &f->fault[f->different++];
        one->kind = kind;
        snprintf(one->text, sizeof one->text, "%s", f->different < LOAD_FAULTS_MAX ? safe : "others");
    }
    if (!one)
        one = &f->fault[LOAD_FAULTS_MAX - 1];
    one->count += count;
}

void load_faults_merge(struct load_faults *into, const struct load_faults *from)
{
    for (size_t i = 0; i < from->different; i++)
        load_faults_add(into, from->fault[i].kind, cx_view_text(from->fault[i].text), from->fault[i].count);
}
