/* SPDX-License-Identifier: MIT */
/* Numbers, times and sizes as sshd_config writes them (sshd_config(5), TIME FORMATS). */
#include "gateway/config/reader_priv.h"

/* Digits off the front of *text. False: none stand there, or they pass max. */
static bool take_digits(const char **text, uint64_t max, uint64_t *out)
{
    const char *at = *text;
    uint64_t value = 0;
    for (; *at >= '0' && *at <= '9'; at++) {
        unsigned digit = (unsigned)(*at - '0');
        if (digit > max || value > (max - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    if (at == *text)
        return false;
    *text = at;
    *out = value;
    return true;
}

bool gw_value_number(const char *text, uint64_t max, uint64_t *out)
{
    return take_digits(&text, max, out) && *text == '\0';
}

bool gw_value_seconds(const char *text, uint64_t max, uint64_t *out)
{
    uint64_t total = 0;
    do {
        uint64_t count, unit;
        if (!take_digits(&text, max, &count))
            return false;
        switch (*text) {
        case '\0':
        case 's':
        case 'S':
            unit = 1;
            break;
        case 'm':
        case 'M':
            unit = 60;
            break;
        case 'h':
        case 'H':
            unit = 60 * 60;
            break;
        case 'd':
        case 'D':
            unit = 24 * 60 * 60;
            break;
        case 'w':
        case 'W':
            unit = 7 * 24 * 60 * 60;
            break;
        default:
            return false;
        }
        if (*text)
            text++;
        if (count > (max - total) / unit)
            return false;
        total += count * unit;
    } while (*text);
    *out = total;
    return true;
}

bool gw_value_size(const char *text, uint64_t max, uint64_t *out)
{
    uint64_t count;
    unsigned shift = 0;
    if (!take_digits(&text, max, &count))
        return false;
    if (*text == 'K' || *text == 'k')
        shift = 10;
    else if (*text == 'M' || *text == 'm')
        shift = 20;
    else if (*text == 'G' || *text == 'g')
        shift = 30;
    else if (*text)
        return false;
    if (*text && text[1] != '\0')
        return false;
    if (count > max >> shift)
        return false;
    *out = count << shift;
    return true;
}

bool gw_value_host_port(char *text, char **host, char **port)
{
    char *colon = strrchr(text, ':');
    if (!colon || colon == text)
        return false;
    bool bracketed = text[0] == '[' && colon[-1] == ']';
    if (!bracketed && memchr(text, ':', (size_t)(colon - text)))
        return false;
    *colon = '\0';
    *host = text;
    *port = colon + 1;
    return true;
}
