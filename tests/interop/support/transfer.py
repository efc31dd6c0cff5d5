# SPDX-License-Identifier: MIT
"""Bytes through one tunnel, whatever program carries them between its stdin and stdout: ssh -W, plink -nc, dbclient -B.
SLUICE_TRANSFER_MIB is the size of each transfer of every test; what each test takes by itself is less under a sanitizer."""
import hashlib
import os
import subprocess
import threading

from .backends import pattern, pattern_digest
from .gateway import is_sanitized

MIB = 1 << 20


def transfer_bytes(mib: int) -> int:
    """The size of a test's transfers: `mib` MiB, a quarter of it under a sanitizer."""
    return int(os.environ.get("SLUICE_TRANSFER_MIB", mib // 4 if is_sanitized() else mib)) * MIB


def upload(start, size: int) -> str:
    """start(stdin=…, stdout=…) begins the program, with a tunnel to the digest backend, and returns it. Sends the pattern;
    returns what the backend answered after the half-close."""
    running = start(stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def feed():
        try:
            for chunk in pattern(size):
                running.stdin.write(chunk)
            running.stdin.close()
        except BrokenPipeError:
            pass  # the program ended early: its answer and status say so

    feeder = threading.Thread(target=feed)
    feeder.start()
    answer = running.stdout.read()
    feeder.join()
    assert running.wait(60) == 0
    return answer.decode()


def download(start) -> str:
    """As upload, with a tunnel to the source backend; returns the digest of what came."""
    running = start(stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    seen = hashlib.sha256()
    while data := running.stdout.read(1 << 18):
        seen.update(data)
    assert running.wait(60) == 0
    return seen.hexdigest()


def carry(up, down, size: int):
    """Every byte arrives: up and down each begin the program, with a tunnel to digest and one to source(size)."""
    assert upload(up, size) == pattern_digest(size)
    assert download(down) == pattern_digest(size)
