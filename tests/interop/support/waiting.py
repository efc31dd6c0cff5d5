# SPDX-License-Identifier: MIT
"""Waiting for a condition, with a deadline so generous that only a fault reaches it."""
import time

DEADLINE_SECONDS = 60


def wait_until(condition, what, seconds=DEADLINE_SECONDS):
    """The first true value of condition(); fails with `what` when there is none in time."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"no {what} within {seconds} s")
        time.sleep(0.02)
