# SPDX-License-Identifier: MIT
"""Signals, reloads, dead engines, keepalives."""
import base64
import os
import re
import signal
import socket
import time

import pytest

from support.backends import echo
from support.client import connect, read_exactly, read_to_end
from support.process import children
from support.waiting import wait_until
from support.wire import Spoken

ECHO = "Queue echo\n Target builtin:echo\n Allow alice"


def echoes(one, queue="echo"):
    return one.run("-W", f"{queue}:1", "gw", input=b"hello").stdout == b"hello"


def refuses_connections(gateway):
    with socket.socket() as probe:
        probe.settimeout(5)
        return probe.connect_ex(("127.0.0.1", gateway.port)) != 0


def test_an_idle_client_stays_up_beyond_the_keepalive_time(gateway, client):
    gateway.start(ECHO, "ClientAliveInterval 1\nClientAliveCountMax 2")
    ssh, (path,) = client(gateway).forward("echo:1")
    time.sleep(5)
    assert ssh.poll() is None
    with connect(path) as tunnel:
        tunnel.sendall(b"still here")
        assert read_exactly(tunnel, 10) == b"still here"


def test_a_stopped_client_is_dropped(gateway, client):
    gateway.start(ECHO, "ClientAliveInterval 1\nClientAliveCountMax 2")
    ssh, _ = client(gateway).forward("echo:1")
    ssh.send_signal(signal.SIGSTOP)
    gateway.wait_for_log(r"Timeout, client not responding from user alice 127\.0\.0\.1 port \d+")
    assert echoes(client(gateway))


def test_term_drains(gateway, client, backend):
    service = backend(echo)
    gateway.start(f"{ECHO}\nQueue tcp\n Target {service.address}\n Allow alice", "HardStopAfter 60s")
    _, (path, other) = client(gateway).forward("tcp:1", "echo:1")
    idle = client(gateway).start("-N", "gw")
    gateway.wait_for_log("Accepted publickey for alice", count=2)
    tunnel = connect(path)
    tunnel.sendall(b"before")
    assert read_exactly(tunnel, 6) == b"before"
    gateway.signal(signal.SIGTERM)
    wait_until(lambda: refuses_connections(gateway), "closed listener")
    wait_until(lambda: idle.poll() is not None, "end of the client without tunnels")
    with connect(other) as refused:
        assert refused.recv(1) == b"", "no new channels"
    tunnel.sendall(b"after" * 10_000)
    assert read_exactly(tunnel, 50_000) == b"after" * 10_000
    assert gateway.process.poll() is None
    tunnel.shutdown(socket.SHUT_WR)
    assert read_to_end(tunnel) == b""
    assert gateway.process.wait(60) == 0


@pytest.mark.parametrize("queue", ("echo", "tcp"))
def test_a_drain_ends_with_the_last_channel_that_the_client_closes(gateway, backend, queue):
    service = backend(echo)
    gateway.start(f"{ECHO}\nQueue tcp\n Target {service.address}\n Allow alice", "HardStopAfter 600s")
    peer = Spoken(gateway).log_in(gateway)
    channel = peer.open_channel("direct-tcpip", (queue, 1), ("127.0.0.1", 1))
    channel.sendall(b"x")
    assert channel.recv(1) == b"x"
    gateway.signal(signal.SIGTERM)
    wait_until(lambda: refuses_connections(gateway), "closed listener")
    channel.close()
    assert gateway.process.wait(60) == 0
    peer.close()


def test_a_second_term_ends_at_once(gateway, client):
    gateway.start(ECHO, "HardStopAfter 600s")
    ssh, (path,) = client(gateway).forward("echo:1")
    with connect(path) as tunnel:
        tunnel.sendall(b"x")
        assert read_exactly(tunnel, 1) == b"x"
        gateway.signal(signal.SIGTERM)
        wait_until(lambda: refuses_connections(gateway), "closed listener")
        assert gateway.process.poll() is None
        gateway.signal(signal.SIGTERM)
        assert gateway.process.wait(60) == 0
        wait_until(lambda: ssh.poll() is not None, "end of the client")


def test_hard_stop_ends_a_drain(gateway, client):
    gateway.start(ECHO, "HardStopAfter 1s")
    _, (path,) = client(gateway).forward("echo:1")
    with connect(path) as tunnel:
        tunnel.sendall(b"x")
        assert read_exactly(tunnel, 1) == b"x"
        gateway.signal(signal.SIGTERM)
        assert gateway.process.wait(60) == 0


def test_an_idle_gateway_ends_on_term(gateway):
    gateway.start(ECHO)
    gateway.signal(signal.SIGTERM)
    assert gateway.process.wait(60) == 0


def test_a_killed_engine_is_replaced(gateway, client):
    gateway.start(ECHO)
    assert echoes(client(gateway))
    for _ in range(2):
        engine = gateway.engine()
        os.kill(engine, signal.SIGKILL)
        wait_until(lambda: gateway.engine() != engine, "new engine")
        wait_until(lambda: echoes(client(gateway)), "service by the new engine")
    assert gateway.process.poll() is None


def test_a_killed_signer_is_replaced(gateway, client):
    gateway.start(ECHO)
    engine = gateway.engine()
    signers = [pid for pid in children(gateway.process.pid) if pid != engine]
    assert signers
    for pid in signers:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: echoes(client(gateway)), "service by new signers")
    assert gateway.engine() == engine


def test_nothing_is_left_when_the_monitor_is_killed(gateway, client):
    gateway.start(ECHO)
    family = children(gateway.process.pid)
    assert family
    gateway.process.kill()
    gateway.process.wait()
    wait_until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in family), "end of engine and signers")


def test_hup_switches_to_the_new_configuration(gateway, client):
    gateway.start(ECHO)
    running, (old, new) = client(gateway).forward("echo:1", "fresh:1")
    held = connect(old)
    held.sendall(b"a")
    assert read_exactly(held, 1) == b"a"
    with connect(new) as tunnel:
        assert tunnel.recv(1) == b""
    gateway.configure("Queue fresh\n Target builtin:echo\n Allow alice")
    gateway.signal(signal.SIGHUP)

    def fresh_serves():
        with connect(new) as tunnel:
            try:
                tunnel.sendall(b"b")
                return tunnel.recv(1) == b"b"
            except OSError:
                return False

    wait_until(fresh_serves, "service by the new queue over the old connection")
    with connect(old) as tunnel:
        assert tunnel.recv(1) == b"", "the old queue is gone for new tunnels"
    held.sendall(b"c")
    assert read_exactly(held, 1) == b"c", "an open tunnel lives on"
    held.close()
    assert running.poll() is None


def test_hup_changes_what_windows_may_grow_by(gateway):
    queue = "Queue discard\n Target builtin:discard\n Allow alice"
    gateway.start(queue, "WindowBudget 1\n")
    connection = Spoken(gateway).log_in(gateway)
    channel = connection.open_channel("direct-tcpip", ("discard", 1), ("127.0.0.1", 1))
    initial = channel.out_window_size

    def grows():
        channel.sendall(bytes(4 * initial))
        return channel.out_window_size > initial

    assert not grows()
    gateway.configure(queue, "WindowBudget 64M\n")
    gateway.signal(signal.SIGHUP)
    wait_until(grows, "larger window")
    connection.close()


def test_hup_with_a_faulty_configuration_keeps_the_old_one(gateway, client):
    gateway.start(ECHO)
    gateway.configure("Queue echo\n Target builtin:nonsense\n Allow alice")
    gateway.signal(signal.SIGHUP)
    gateway.wait_for_log(r"sluice\.conf line \d+: Target")
    assert echoes(client(gateway))


@pytest.mark.parametrize("number", (signal.SIGTERM, signal.SIGINT))
def test_signals_while_logins_are_open(gateway, number):
    gateway.start(ECHO, "HardStopAfter 1s")
    with socket.create_connection(("127.0.0.1", gateway.port)) as connection:
        connection.settimeout(60)
        assert connection.recv(4) == b"SSH-"
        gateway.signal(number)
        assert gateway.process.wait(60) == 0


def test_the_engine_has_no_host_key(gateway, client, keys):
    """The private key's bytes are nowhere in the engine's memory."""
    if os.geteuid() != 0:
        pytest.skip("reading the memory of an undumpable process needs root")
    gateway.start(ECHO)
    assert echoes(client(gateway))
    secret = ed25519_seed(keys["host"])
    engine = gateway.engine()
    assert not memory_holds(engine, secret)
    signers = [pid for pid in children(gateway.process.pid) if pid != engine]
    assert any(memory_holds(pid, secret) for pid in signers), "the search itself works"


def ed25519_seed(path):
    text = "".join(path.read_text().splitlines()[1:-1])
    blob = base64.b64decode(text)
    public = blob[blob.index(b"ssh-ed25519") + 15 :][:32]
    return blob[blob.rindex(public) - 32 : blob.rindex(public)]


def memory_holds(pid, secret):
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            region = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw", line)
            if not region:
                continue
            start, end = (int(part, 16) for part in region.groups())
            if end - start > 1 << 30:
                continue  # a sanitizer's shadow
            try:
                memory.seek(start)
                if secret in memory.read(end - start):
                    return True
            except OSError:
                continue
    return False
