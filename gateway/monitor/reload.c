/* SPDX-License-Identifier: MIT */
/* See reload.h. */
#include "gateway/monitor/reload.h"

static bool listeners_differ(const struct gw_config *a, const struct gw_config *b)
{
    if (a->listen_count != b->listen_count)
        return true;
    for (size_t i = 0; i < a->listen_count; i++)
        if (!gw_addr_equal(&a->listen[i].address, &b->listen[i].address) || a->listen[i].address.port != b->listen[i].address.port)
            return true;
    return false;
}

static bool paths_differ(char *const *a, size_t a_count, char *const *b, size_t b_count)
{
    if (a_count != b_count)
        return true;
    for (size_t i = 0; i < a_count; i++)
        if (strcmp(a[i], b[i]) != 0)
            return true;
    return false;
}

static bool texts_differ(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") != 0;
}

void gw_reload_say_restarts(const struct gw_config *old, const struct gw_config *new_config)
{
    const struct {
        bool differs;
        const char *keyword;
    } kept[] = {
        { listeners_differ(old, new_config), "ListenAddress" },
        { paths_differ(old->host_keys, old->host_key_count, new_config->host_keys, new_config->host_key_count), "HostKey" },
        { paths_differ(old->host_certificates, old->host_certificate_count, new_config->host_certificates,
                       new_config->host_certificate_count),
          "HostCertificate" },
        { old->workers != new_config->workers, "Workers" },
        { texts_differ(old->user, new_config->user), "User" },
        { texts_differ(old->pid_file, new_config->pid_file), "PidFile" },
        { texts_differ(old->control_socket, new_config->control_socket), "ControlSocket" },
    };
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        if (kept[i].differs)
            gw_log(GW_LOG_INFO, "%s changed: takes effect when sluiced is started again", kept[i].keyword);
}
