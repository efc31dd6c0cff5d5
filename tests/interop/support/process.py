# SPDX-License-Identifier: MIT
"""Free ports, and what /proc says of a process that a test started."""
import contextlib
import os
import pathlib
import random
import re
import signal
import socket

from .waiting import wait_until


def free_port() -> int:
    """A loopback port below the ephemeral range, so that no outgoing connection takes it before its server does."""
    while True:
        port = random.randrange(15000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def reserved_port() -> socket.socket:
    """A free port that nobody else takes while the socket is open, whose own servers (SO_REUSEADDR) may come and go: it is bound, and
    does not listen."""
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind(("127.0.0.1", free_port()))
    return holder


def children(pid: int) -> list[int]:
    try:
        return [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


def command_line(pid: int) -> str:
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def resident_bytes(pid: int) -> int:
    """Resident set: readable of an undumpable process too, which smaps is not."""
    return int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def thread_ticks(pid: int) -> dict[str, int]:
    """CPU clock ticks by thread, named COMM/TID."""
    ticks = {}
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        name, _, rest = (task / "stat").read_text().rpartition(")")
        fields = rest.split()
        ticks[f"{name.split('(', 1)[1]}/{task.name}"] = int(fields[11]) + int(fields[12])
    return ticks


def is_listening(path: str) -> bool:
    """Whether a local socket of that path takes connections: the path alone is there a moment before."""
    accepting = "00010000"
    with open("/proc/net/unix") as sockets:
        return any(line.split()[3] == accepting and line.split()[-1] == path for line in sockets)


@contextlib.contextmanager
def stopped(pid: int):
    """The process finds what happens meanwhile all at once."""
    os.kill(pid, signal.SIGSTOP)
    try:
        tasks = pathlib.Path(f"/proc/{pid}/task")
        wait_until(lambda: all(re.search(r"^State:\tT", (task / "status").read_text(), re.M) for task in tasks.iterdir()), "threads to stop")
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
