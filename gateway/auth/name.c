/* SPDX-License-Identifier: MIT */
/* The form of user names. It is narrow so that a name can stand in a path, a log line and a rule without being quoted. */
#include "gateway/auth/authorized_keys.h"

enum { NAME_BYTES_MAX = 64 };

bool gw_user_name_valid(struct cx_view name)
{
    if (name.len == 0 || name.len > NAME_BYTES_MAX || name.data[0] == '.' || name.data[0] == '-')
        return false;
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !(c >= '0' && c <= '9') && c != '.' && c != '_' && c != '-')
            return false;
    }
    return true;
}
