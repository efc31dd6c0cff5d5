# SPDX-License-Identifier: MIT
"""A side that stops reading costs a bounded amount of memory, and the other channels of its connection go on."""
import os
import signal
import socket
import time

from support.backends import Stalled, echo, endless, pattern
from support.client import connect, read_exactly
from support.gateway import is_sanitized
from support.load import QUEUES, assert_clean, load
from support.process import resident_bytes
from support.waiting import wait_until

MIB = 1 << 20
CHANNELS = 20
# 64 MiB is the largest window of one channel (mux/limits.h); WindowBudget below bounds what all of them may hold together
BUDGET = 32 * MIB
GROWTH_MAX = BUDGET + 32 * MIB
QUIET_SECONDS = 2


def fill(tunnels):
    """Writes to all until nothing has been taken for a while; returns how much each took."""
    chunk = next(pattern(MIB))
    for tunnel in tunnels:
        tunnel.setblocking(False)
    taken = [0] * len(tunnels)
    last = time.monotonic()
    while time.monotonic() - last < QUIET_SECONDS:
        for index, tunnel in enumerate(tunnels):
            try:
                taken[index] += tunnel.send(chunk)
                last = time.monotonic()
            except BlockingIOError:
                pass
        time.sleep(0.001)
    return taken


def assert_growth_bounded(before, engine):
    if not is_sanitized():  # a sanitizer's allocator keeps freed memory and shadows all of it
        growth = resident_bytes(engine) - before
        assert growth < GROWTH_MAX, f"the engine grew by {growth / MIB:.0f} MiB"


def echo_goes_on(path):
    sent = os.urandom(256 * 1024)
    with connect(path) as tunnel:
        for _ in range(8):
            tunnel.sendall(sent)
            assert read_exactly(tunnel, len(sent)) == sent


def test_a_backend_that_stops_reading(gateway, client, backend):
    stalled = [Stalled() for _ in range(CHANNELS)]
    waiting = iter(stalled)
    service = backend(lambda connection: next(waiting)(connection))
    live = backend(echo)
    gateway.start(f"Queue stalled\n Target {service.address}\n Allow alice\nQueue live\n Target {live.address}\n Allow alice",
                  f"WindowBudget {BUDGET}")
    _, (stuck, good) = client(gateway).forward("stalled:1", "live:1")
    echo_goes_on(good)
    before = resident_bytes(gateway.engine())
    tunnels = [connect(stuck) for _ in range(CHANNELS)]
    taken = fill(tunnels)
    assert_growth_bounded(before, gateway.engine())
    echo_goes_on(good)
    for one in stalled:
        one.released.set()
    for tunnel in tunnels:
        tunnel.settimeout(120)
        tunnel.shutdown(socket.SHUT_WR)
    for one in stalled:
        assert one.ended.wait(120)
    assert sorted(one.count for one in stalled) == sorted(taken), "every byte that was taken arrives"
    for tunnel in tunnels:
        tunnel.close()


def test_a_client_channel_that_stops_reading(gateway, client, backend):
    service, live = backend(endless), backend(echo)
    gateway.start(f"Queue endless\n Target {service.address}\n Allow alice\nQueue live\n Target {live.address}\n Allow alice")
    _, (stuck, good) = client(gateway).forward("endless:1", "live:1")
    echo_goes_on(good)
    before = resident_bytes(gateway.engine())
    tunnels = [connect(stuck) for _ in range(CHANNELS)]
    for tunnel in tunnels:
        assert read_exactly(tunnel, 1)
    time.sleep(QUIET_SECONDS)
    assert_growth_bounded(before, gateway.engine())
    echo_goes_on(good)
    for tunnel in tunnels:
        read_exactly(tunnel, 4 * MIB)
        tunnel.close()


def test_a_client_whose_socket_stops_reading(gateway, client, backend):
    """The whole client stops: its backends are read no further, others are served."""
    service, live = backend(endless), backend(echo)
    gateway.start(f"Queue endless\n Target {service.address}\n Allow alice\nQueue live\n Target {live.address}\n Allow alice")
    ssh, (stuck,) = client(gateway).forward("endless:1")
    _, (good,) = client(gateway).forward("live:1")
    echo_goes_on(good)
    before = resident_bytes(gateway.engine())
    tunnels = [connect(stuck) for _ in range(CHANNELS)]
    for tunnel in tunnels:
        assert read_exactly(tunnel, 1)
    ssh.send_signal(signal.SIGSTOP)
    time.sleep(QUIET_SECONDS)
    assert_growth_bounded(before, gateway.engine())
    echo_goes_on(good)
    ssh.send_signal(signal.SIGCONT)
    for tunnel in tunnels:
        read_exactly(tunnel, 4 * MIB)
        tunnel.close()


def test_memory_comes_back(gateway, client, backend):
    """Windows and parked bytes of ended tunnels are given back: rounds of stalled tunnels do not add up."""
    stalled = Stalled()
    service = backend(stalled)
    gateway.start(f"Queue stalled\n Target {service.address}\n Allow alice", f"WindowBudget {BUDGET}")
    _, (stuck,) = client(gateway).forward("stalled:1")
    before = resident_bytes(gateway.engine())
    for done in range(1, 4):
        tunnels = [connect(stuck) for _ in range(CHANNELS)]
        assert all(taken > 0 for taken in fill(tunnels))
        for tunnel in tunnels:
            tunnel.close()
        for connection in service.connections:
            connection.close()
        gateway.wait_for_audit(count=CHANNELS * done, event="tunnel")
        service.connections.clear()
    assert_growth_bounded(before, gateway.engine())


def test_what_a_burst_of_connections_held_is_given_back(gateway, keys):
    gateway.start(QUEUES, "MaxChannelsPerUser 100000")
    assert_clean(load("idle", gateway, keys["alice"], "echo", "-c", 2, "-m", 2))
    before = resident_bytes(gateway.engine())
    assert_clean(load("idle", gateway, keys["alice"], "echo", "-c", 500, "-m", 40))
    if not is_sanitized():
        wait_until(lambda: resident_bytes(gateway.engine()) < before + 2 * MIB, "memory that comes back where nothing happens")
