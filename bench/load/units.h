/* SPDX-License-Identifier: MIT */
/* Amounts with three or four digits and a unit that fits, for people. Any thread. */
#ifndef LOAD_UNITS_H
#define LOAD_UNITS_H

enum { LOAD_UNIT_TEXT = 24 };

/* "12.3 us", "1.04 s". Returns out. */
const char *load_seconds_text(double seconds, char out[LOAD_UNIT_TEXT]);
/* "512 B", "4.17 KiB", "1.00 GiB". Returns out. */
const char *load_bytes_text(double bytes, char out[LOAD_UNIT_TEXT]);

#endif
