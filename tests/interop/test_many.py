# SPDX-License-Identifier: MIT
"""200 connections of 10 channels each, all echoing at once on 2 workers."""
import os
import selectors
import socket

from support.backends import echo
from support.process import is_listening, thread_ticks
from support.waiting import wait_until

CONNECTIONS = 200
CHANNELS = 10
BYTES = 24 * 1024
LAUNCH_AT_ONCE = 10


class Echo:
    """One tunnel: sends its bytes as they are taken, compares what comes back."""

    def __init__(self, path):
        self.sent = os.urandom(BYTES)
        self.written = self.read = 0
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.socket.setblocking(False)

    def step(self, limit, readable, writable):
        """Moves what it can, of the first `limit` bytes; true once they are all back."""
        if writable and self.written < limit:
            try:
                self.written += self.socket.send(self.sent[self.written : limit])
            except BlockingIOError:
                pass
        if readable:
            try:
                data = self.socket.recv(65536)
            except BlockingIOError:
                return False
            assert data, f"the tunnel ended after {self.read} bytes"
            assert data == self.sent[self.read : self.read + len(data)]
            self.read += len(data)
        return self.read == limit


def echo_all(tunnels, limit):
    with selectors.DefaultSelector() as selector:
        for tunnel in tunnels:
            selector.register(tunnel.socket, selectors.EVENT_READ | selectors.EVENT_WRITE, tunnel)
        while selector.get_map():
            ready = selector.select(120)
            assert ready, f"{len(selector.get_map())} tunnels stand still"
            for key, events in ready:
                tunnel = key.data
                if tunnel.step(limit, events & selectors.EVENT_READ, events & selectors.EVENT_WRITE):
                    selector.unregister(tunnel.socket)
                elif tunnel.written == limit:
                    selector.modify(tunnel.socket, selectors.EVENT_READ, tunnel)


def test_two_thousand_channels_echo_at_once(gateway, client, backend):
    service = backend(echo)
    gateway.start(f"Queue builtin\n Target builtin:echo\n Allow alice\nQueue tcp\n Target {service.address}\n Allow alice")
    one = client(gateway)
    paths = []
    for first in range(0, CONNECTIONS, LAUNCH_AT_ONCE):
        batch = [str(gateway.directory / f"s{number}") for number in range(first, first + LAUNCH_AT_ONCE)]
        started = [one.start("-N", "-L", f"{path}b:builtin:1", "-L", f"{path}t:tcp:1", "gw") for path in batch]
        wait_until(lambda: all(is_listening(path + kind) for path in batch for kind in "bt") or any(ssh.poll() is not None for ssh in started), "logins")
        assert all(ssh.poll() is None for ssh in started), (gateway.directory / "ssh.stderr").read_text()
        paths += batch
    before = thread_ticks(gateway.engine())
    tunnels = [Echo(path + kind) for path in paths for kind in "bt" for _ in range(CHANNELS // 2)]
    assert len(tunnels) == CONNECTIONS * CHANNELS
    echo_all(tunnels, 1)  # each has carried a byte: all are open at once
    echo_all(tunnels, BYTES)
    after = thread_ticks(gateway.engine())
    busy = [name for name, ticks in after.items() if "worker" in name and ticks > before.get(name, 0)]
    assert len(busy) == 2, f"both workers serve: {before} {after}"
    for tunnel in tunnels:
        tunnel.socket.close()
    records = gateway.wait_for_audit(count=len(tunnels), event="tunnel")
    assert len(records) == len(tunnels)
    assert all(record["bytes_up"] == record["bytes_down"] == BYTES for record in records)
    assert len({record["connection"] for record in records}) == CONNECTIONS
    assert not service.errors
