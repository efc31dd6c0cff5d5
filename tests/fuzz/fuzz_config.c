/* SPDX-License-Identifier: MIT */
/* Fuzzes gw_config_parse. An error is one line of printable ASCII; what parses must print, read back and print the same. */
#include <stdio.h>
#include <string.h>

#include "fuzz.h"
#include "gateway/config/config.h"

static char *print(const struct gw_config *c)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    require(out != NULL);
    gw_config_print(c, out);
    require(fclose(out) == 0);
    return text;
}

static void check_routes(const struct gw_config *c)
{
    static const char *const hosts[] = { "", "web", "WEB.", "127.0.0.1", "::1", "a.example" };
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        const struct gw_queue_config *q = gw_config_route(c, cx_view_text(hosts[i]), 80);
        struct gw_addr source = { .family = AF_INET };
        if (q)
            (void)gw_config_allows(c, q, "alice", i & 1, &source);
    }
    static const char *const paths[] = { "", "/", "web", "/web", "/run/a.sock", "//" };
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        const struct gw_queue_config *q = gw_config_route_path(c, cx_view_text(paths[i]));
        require(!q || q->target_count == 0 || q->targets[0].kind != GW_TARGET_DIAL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char error[GW_CONFIG_ERROR_MAX] = "", *text = malloc(size + 1);
    require(text != NULL);
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    struct gw_config *c = gw_config_parse(text, "input", error);
    free(text);
    if (!c) {
        require(error[0] != '\0' && strlen(error) < sizeof error);
        for (const char *p = error; *p; p++)
            require(*p >= 0x20 && *p < 0x7f);
        return 0;
    }
    check_routes(c);
    char *first = print(c);
    struct gw_config *again = gw_config_parse(first, "printed", error);
    require(again != NULL);
    char *second = print(again);
    require(strcmp(first, second) == 0);
    free(first);
    free(second);
    gw_config_drop(again);
    gw_config_drop(c);
    return 0;
}
