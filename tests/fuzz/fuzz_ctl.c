/* SPDX-License-Identifier: MIT */
/* Fuzzes both sides of the control protocol: byte 0 picks the gateway's line (0) or the answer that sluicectl prints. What is
 * printed holds nothing but plain ASCII, whatever came. */
#include <string.h>

#include "fuzz.h"
#include "gateway/admin/admin_priv.h"
#include "gateway/ctl/table.h"

static void parse_line(char *line)
{
    const char *words[GW_ADMIN_WORDS_MAX] = { 0 };
    char error[GW_ADMIN_ERROR_MAX] = "";
    const char *end = line + strlen(line);
    const struct gw_admin_command *c = gw_admin_command_parse(line, words, error);
    require((c == NULL) == (*error != '\0'));
    if (!c)
        return;
    require(strcmp(words[0], c->name) == 0 && c->words < GW_ADMIN_WORDS_MAX);
    for (unsigned i = 0; i <= c->words; i++)
        require(words[i] >= line && words[i] <= end);
}

static void print_with(const struct gw_ctl_reply *r, void (*print)(const struct gw_ctl_reply *, FILE *), bool is_plain)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    require(out != NULL);
    print(r, out);
    require(fclose(out) == 0);
    for (size_t i = 0; is_plain && i < len; i++)
        require(text[i] == '\n' || (text[i] >= ' ' && text[i] <= '~'));
    free(text);
}

static void print_answer(char *text)
{
    struct gw_ctl_reply r;
    char error[GW_CTL_ERROR_MAX] = "";
    if (!gw_ctl_reply_parse(text, &r, error)) {
        require(*error != '\0');
        return;
    }
    print_with(&r, gw_ctl_table_queues, true);
    print_with(&r, gw_ctl_table_sessions, true);
    print_with(&r, gw_ctl_table_info, true);
    print_with(&r, gw_ctl_json_queues, false);
    print_with(&r, gw_ctl_json_one, false);
    gw_ctl_reply_deinit(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    char *text = malloc(size); /* as long as it is */
    require(text != NULL);
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    if (data[0] == 0) {
        parse_line(text);
        free(text);
    } else {
        print_answer(text); /* which frees it */
    }
    return 0;
}
