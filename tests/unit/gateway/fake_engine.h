/* SPDX-License-Identifier: MIT */
/* An engine that is not ours, for the monitor to deal with; and what both sides of its test check with. */
#ifndef FAKE_ENGINE_H
#define FAKE_ENGINE_H

#include <stdbool.h>

#define CHECK(condition) fake_engine_check((condition), #condition, __FILE__, __LINE__)

/* Says what does not hold, and aborts. */
void fake_engine_check(bool holds, const char *what, const char *file, int line);
/* In the place of the engine's main. mode: how it behaves, as a test wants it. */
int fake_engine(const char *mode);

#endif
