# SPDX-License-Identifier: MIT
"""The ways in which a stock ssh asks for a tunnel."""
import os
import socket
import subprocess
import threading

from support.backends import echo, greeting
from support.client import connect, read_exactly, read_to_end
from support.process import free_port
from support.waiting import wait_until

ECHO = "Queue echo\n Target builtin:echo\n Allow alice"


def test_stdio_forward_echoes(gateway, client):
    gateway.start(ECHO)
    sent = os.urandom(300_000)
    result = client(gateway).run("-W", "echo:7", "gw", input=sent)
    assert result.returncode == 0, result.stderr
    assert result.stdout == sent


def test_local_forward_reaches_a_tcp_backend(gateway, client, backend):
    gateway.start(f"Queue tcp\n Target {backend(echo).address}\n Allow alice")
    _, (path,) = client(gateway).forward("tcp:1")
    with connect(path) as tunnel:
        tunnel.sendall(b"x" * 100_000)
        assert read_exactly(tunnel, 100_000) == b"x" * 100_000
        tunnel.shutdown(socket.SHUT_WR)
        assert read_to_end(tunnel) == b""


def test_queue_names_ignore_case_port_and_a_trailing_dot(gateway, client):
    gateway.start(ECHO)
    for name in ("ECHO:1", "Echo.:65535"):
        assert client(gateway).run("-W", name, "gw", input=b"hello").stdout == b"hello"


def test_dynamic_forward_carries_http(gateway, client):
    gateway.start("Queue web\n Target builtin:http\n Allow alice")
    port = free_port()
    ssh = client(gateway).start("-N", "-D", f"127.0.0.1:{port}", "gw")

    def listening():
        assert ssh.poll() is None
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    wait_until(listening, "SOCKS port")
    for _ in range(3):
        command = ["curl", "-sS", "--max-time", "60", "--noproxy", "", "--socks5-hostname", f"127.0.0.1:{port}", "-i", "http://web/"]
        result = subprocess.run(command, capture_output=True)
        assert result.returncode == 0, result.stderr
        head, _, body = result.stdout.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        assert f"content-length: {len(body)}" in head.decode().lower()


def test_jump_to_a_real_sshd(gateway, client, sshd):
    gateway.start(f"Queue box\n Route 127.0.0.1:{sshd.port}\n Target dial\n Allow alice")
    jump = client(gateway, box=sshd)
    sent = os.urandom(1 << 20)
    result = jump.run("-J", "gw", "box", "cat; exit 7", input=sent)
    assert result.stdout == sent, result.stderr
    assert result.returncode == 7


def test_jump_through_a_named_queue(gateway, client, sshd):
    gateway.start(f"Queue box\n Target 127.0.0.1:{sshd.port}\n Allow alice")
    sshd.name = "box"
    result = client(gateway, box=sshd).run("-J", "gw", "box", "echo $SSH_CONNECTION")
    assert result.stdout.split()[-1:] == [str(sshd.port).encode()], result.stderr


def test_control_master_carries_a_hundred_tunnels_at_once(gateway, client, backend):
    service = backend(echo)
    gateway.start(f"{ECHO}\nQueue tcp\n Target {service.address}\n Allow alice")
    one = client(gateway, options=(f"ControlPath {gateway.directory}/master",))
    master = one.start("-M", "-N", "gw")
    wait_until(lambda: os.path.exists(gateway.directory / "master") or master.poll() is not None, "master")
    tunnels = []
    for number in range(100):
        target = "tcp:1" if number % 2 else "echo:1"
        tunnels.append(one.start("-W", target, "gw", stdin=subprocess.PIPE, stdout=subprocess.PIPE))
    sent = [os.urandom(50_000 + number) for number in range(100)]
    for number in range(100):
        tunnels[number].stdin.write(sent[number][:100])
        tunnels[number].stdin.flush()
    # the first bytes of each came back: from here on all hundred are open at once
    for number in range(100):
        assert tunnels[number].stdout.read(100) == sent[number][:100]
    got = [b""] * 100

    def finish(number):
        got[number], _ = tunnels[number].communicate(sent[number][100:], timeout=120)

    threads = [threading.Thread(target=finish, args=(number,)) for number in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(got[number] == sent[number][100:] for number in range(100))
    assert len(gateway.wait_for_log("Accepted publickey for alice")) == 1, "one connection carries them all"


def test_targets_take_turns(gateway, client, backend):
    first, second = backend(greeting(b"one")), backend(greeting(b"two"))
    gateway.start(f"Queue pool\n Target {first.address}\n Target {second.address}\n Allow alice")
    reached = [client(gateway).run("-W", "pool:1", "gw").stdout for _ in range(4)]
    assert sorted(reached) == [b"one", b"one", b"two", b"two"]


def test_a_dead_target_is_passed_over(gateway, client, backend):
    alive = backend(greeting(b"alive"))
    gateway.start(f"Queue pool\n Target 127.0.0.1:{free_port()}\n Target {alive.address}\n Allow alice")
    assert [client(gateway).run("-W", "pool:1", "gw").stdout for _ in range(3)] == [b"alive"] * 3


def test_ipv6_backend(gateway, client, backend):
    service = backend(echo, family=socket.AF_INET6, host="::1")
    gateway.start(f"Queue six\n Target {service.address}\n Allow alice")
    assert client(gateway).run("-W", "six:1", "gw", input=b"hello").stdout == b"hello"


def test_backend_named_by_a_name_is_resolved(gateway, client, backend):
    service = backend(echo)
    gateway.start(f"Queue named\n Target localhost:{service.port}\n Allow alice")
    assert client(gateway).run("-W", "named:1", "gw", input=b"hello").stdout == b"hello"


def test_a_session_is_refused_with_advice_and_the_connection_lives(gateway, client):
    gateway.start(ECHO)
    one = client(gateway, options=(f"ControlPath {gateway.directory}/master",))
    one.start("-M", "-N", "gw")
    wait_until(lambda: os.path.exists(gateway.directory / "master"), "master")
    refused = one.run("gw", "true")
    assert refused.returncode == 255
    assert one.run("-W", "echo:1", "gw", input=b"still here").stdout == b"still here"


def test_remote_forward_is_refused(gateway, client):
    gateway.start(ECHO)
    result = client(gateway).run("-N", "-R", "8080:localhost:80", "gw")
    assert result.returncode == 255
    assert b"remote port forwarding failed" in result.stderr
