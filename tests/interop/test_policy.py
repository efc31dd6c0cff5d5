# SPDX-License-Identifier: MIT
"""Which requests reach what, how refusals look to the client, and what log and audit say of them."""
import re
import socket

import pytest

from support.backends import echo
from support.keys import fingerprint
from support.process import free_port

ADDRESS = re.compile(rb"\d+\.\d+\.\d+\.\d+|::1")


def refusal(one, target):
    """What ssh says of a refused -W: the gateway's own words."""
    result = one.run("-W", target, "gw")
    assert result.returncode == 255, result
    (said,) = re.findall(rb"open failed: (.*?)\r?\n", result.stderr)
    return said


def test_unknown_and_forbidden_queues_look_alike(gateway, client):
    gateway.start("Queue secret\n Target builtin:echo\n Allow bob\nQueue nobody\n Target builtin:echo")
    one = client(gateway)
    answers = {refusal(one, target) for target in ("secret:1", "nobody:1", "nosuchqueue:1", "10.1.2.3:22")}
    assert answers == {b"administratively prohibited: not available"}
    reasons = [gateway.wait_for_audit(event="tunnel_refused", host=host)[0]["reason"] for host in ("secret", "nosuchqueue")]
    assert reasons[0] != reasons[1], "the audit record has the truth"


def test_detailed_queue_errors_tell_them_apart(gateway, client):
    gateway.start("Queue secret\n Target builtin:echo\n Allow bob", "QueueErrors detailed")
    one = client(gateway)
    secret, unknown = refusal(one, "secret:1"), refusal(one, "nosuchqueue:1")
    assert secret != unknown
    assert secret.startswith(b"administratively prohibited: ") and unknown.startswith(b"administratively prohibited: ")


def test_a_backend_that_refuses_is_connect_failed_without_address(gateway, client):
    port = free_port()
    gateway.start(f"Queue dead\n Target 127.0.0.1:{port}\n Allow alice")
    said = refusal(client(gateway), "dead:1")
    assert said.startswith(b"connect failed") and not ADDRESS.search(said)
    (record,) = gateway.wait_for_audit(event="tunnel_refused", queue="dead")
    assert "refused" in record["reason"].lower()


def test_a_name_that_does_not_resolve_is_connect_failed(gateway, client):
    gateway.start("Queue lost\n Target nosuchhost.invalid:1\n Allow alice\n ConnectTimeout 5s")
    assert refusal(client(gateway), "lost:1").startswith(b"connect failed")


def test_a_backend_that_never_answers_times_out(gateway, client):
    """A listener whose backlog is full lets connects hang."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        fillers = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
            fillers.append(filler)
        gateway.start(f"Queue slow\n Target 127.0.0.1:{port}\n Allow alice\n ConnectTimeout 1s")
        assert refusal(client(gateway), "slow:1").startswith(b"connect failed")
        (record,) = gateway.wait_for_audit(event="tunnel_refused", queue="slow")
        assert "time" in record["reason"].lower()
        for filler in fillers:
            filler.close()


def test_a_refused_tunnel_leaves_the_connection_alone(gateway, client):
    gateway.start("Queue echo\n Target builtin:echo\n Allow alice")
    running, (good, bad) = client(gateway).forward("echo:1", "nosuchqueue:1")
    for _ in range(3):
        with socket.socket(socket.AF_UNIX) as tunnel:
            tunnel.settimeout(60)
            tunnel.connect(bad)
            assert tunnel.recv(10) == b""
        with socket.socket(socket.AF_UNIX) as tunnel:
            tunnel.settimeout(60)
            tunnel.connect(good)
            tunnel.sendall(b"hello")
            assert tunnel.recv(5) == b"hello"
    assert running.poll() is None


def test_groups_admit_their_members(gateway, client):
    gateway.start("Queue dev\n Target builtin:echo\n Allow @dev", "Group dev carol alice")
    assert client(gateway).run("-W", "dev:1", "gw", input=b"x").stdout == b"x"
    assert refusal(client(gateway, user="bob"), "dev:1") == b"administratively prohibited: not available"


@pytest.mark.parametrize("routes,reached", [
    ("127.0.0.0/8:*", True), ("127.0.0.1:*", True), ("0.0.0.0/0:*", False), ("*:*", False), ("10.0.0.0/8:*", False), ("127.0.0.0/8:1", False),
])
def test_dial_reaches_loopback_only_where_a_route_says_so(gateway, client, backend, routes, reached):
    service = backend(echo)
    gateway.start(f"Queue out\n Route {routes}\n Target dial\n Allow alice")
    one = client(gateway)
    if reached:
        assert one.run("-W", service.address, "gw", input=b"x").stdout == b"x"
    else:
        assert refusal(one, service.address) == b"administratively prohibited: not available"


def test_dial_judges_what_a_name_resolves_to(gateway, client, backend):
    service = backend(echo)
    gateway.start("Queue out\n Route localhos?:* *.example:*\n Target dial\n Allow alice")
    assert client(gateway).run("-W", f"localhost:{service.port}", "gw").returncode == 255
    (record,) = gateway.wait_for_audit(event="tunnel_refused", host="localhost")
    assert record["queue"] == "out"
    assert not service.connections


def test_dial_by_name_where_the_range_is_routed_too(gateway, client, backend):
    service = backend(echo)
    gateway.start("Queue out\n Route localhost:* 127.0.0.0/8:* [::1]:*\n Target dial\n Allow alice")
    assert client(gateway).run("-W", f"localhost:{service.port}", "gw", input=b"x").stdout == b"x"


@pytest.mark.parametrize("host", ["127.1", "0x7f.0.0.1", "2130706433", "0177.0.0.1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "0.0.0.0", "::"])
def test_other_spellings_of_loopback_reach_nothing(gateway, client, backend, host):
    service = backend(echo)
    gateway.start("Queue out\n Route *:* 0.0.0.0/0:* [::/0]:*\n Target dial\n Allow alice")
    target = f"[{host}]:{service.port}" if ":" in host else f"{host}:{service.port}"
    assert client(gateway).run("-W", target, "gw").returncode == 255
    assert not service.connections


def test_the_gateways_own_listener_is_not_dialled(gateway, client):
    gateway.start("Queue out\n Route 127.0.0.0/8:*\n Target dial\n Allow alice")
    assert refusal(client(gateway), f"127.0.0.1:{gateway.port}") == b"administratively prohibited: not available"


def test_channels_of_a_user_are_limited_across_connections(gateway, client):
    gateway.start("Queue echo\n Target builtin:echo\n Allow alice bob", "MaxChannelsPerUser 3")
    held = []
    for _ in range(3):
        _, (path,) = client(gateway).forward("echo:1")
        tunnel = socket.socket(socket.AF_UNIX)
        tunnel.settimeout(60)
        tunnel.connect(path)
        tunnel.sendall(b"x")
        assert tunnel.recv(1) == b"x"
        held.append(tunnel)
    assert b"resource shortage" in refusal(client(gateway), "echo:1")
    assert client(gateway, user="bob").run("-W", "echo:1", "gw", input=b"x").stdout == b"x"
    held.pop().close()
    gateway.wait_for_audit(event="tunnel", user="alice")
    assert client(gateway).run("-W", "echo:1", "gw", input=b"x").stdout == b"x"


def test_a_tunnel_is_audited(gateway, client, keys, backend):
    service = backend(echo)
    gateway.start(f"Queue tcp\n Target {service.address}\n Allow alice")
    client(gateway).run("-W", "TCP.:77", "gw", input=b"0123456789")
    (record,) = gateway.wait_for_audit(event="tunnel")
    expected = {"user": "alice", "proves_name": True, "key": fingerprint(keys["alice"]), "queue": "tcp", "member": service.address,
                "host": "TCP.", "port": 77, "address": service.address, "bytes_up": 10, "bytes_down": 10,
                "content": "opaque"}
    assert {key: record.get(key) for key in expected} == expected
    (login,) = gateway.wait_for_audit(event="auth", result="success")
    assert record["connection"] == login["connection"]


def test_what_a_peer_sends_is_escaped_in_log_and_audit(gateway, client):
    gateway.start("Queue echo\n Target builtin:echo\n Allow alice")
    refusal(client(gateway), 'evil\x1b[31m"\\ü:1')
    (record,) = gateway.wait_for_audit(event="tunnel_refused")
    assert "\x1b" in record["host"], "JSON gives back what was sent"
    assert "\x1b" not in gateway.log() and "\x1b" not in gateway.audit_path.read_text()
