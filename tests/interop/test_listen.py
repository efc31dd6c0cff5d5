# SPDX-License-Identifier: MIT
"""Ports of the gateway itself that stock ssh -R opens: where, for whom, and for how long."""
import concurrent.futures
import hashlib
import re
import signal
import socket

import pytest

from support.backends import echo, greeting, pattern_digest, source
from support.client import read_exactly, read_to_end
from support.process import free_port
from support.reverse import refused
from support.transfer import MIB
from support.waiting import wait_until


def listening(gateway, count=1):
    """The ports that forwards listen on, in order."""
    return [int(match[1]) for match in gateway.wait_for_log(r"Reverse forward of alice .*:(\d+) listens", count)]


def reach(host, port):
    with socket.create_connection((host, port), timeout=60) as connection:
        return read_to_end(connection)


def test_a_port_is_opened_where_it_is_permitted(gateway, client, backend):
    service, port = backend(greeting(b"served")), free_port()
    gateway.start("", f"PermitListen [::1]:1 localhost:{port}")
    one = client(gateway)
    one.start("-N", "-R", f"{port}:{service.address}", "gw")
    assert listening(gateway) == [port]
    assert reach("127.0.0.1", port) == b"served"
    refused(gateway, client, f"{free_port()}:localhost:1", "PermitListen does not permit it")
    refused(gateway, client, f"{port}:localhost:1", "cannot be listened on")
    (record,) = gateway.wait_for_audit(event="reverse_tunnel", user="alice")
    assert (record["host"], record["port"], record["queue"]) == ("localhost", port, None)
    one.stop()
    wait_until(lambda: socket.socket().connect_ex(("127.0.0.1", port)) != 0, "end of the listener")


def test_port_0_answers_the_port_that_was_chosen(gateway, client, backend):
    gateway.start("", "PermitListen any")
    services = [backend(greeting(b"%d" % number)) for number in range(2)]
    client(gateway).start("-N", *(word for one in services for word in ("-R", f"0:{one.address}")), "gw")
    ports = listening(gateway, 2)
    said = wait_until(lambda: (lambda found: found if len(found) == 2 else None)(
        re.findall(r"Allocated port (\d+) for", (gateway.directory / "ssh.stderr").read_text())), "allocated ports")
    assert sorted(map(int, said)) == sorted(ports)
    assert [reach("127.0.0.1", port) for port in ports] == [b"0", b"1"]


def own_address():
    """One of this machine that is not loopback; None: it has none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            return probe.getsockname()[0]
        except OSError:
            return None


@pytest.mark.parametrize("ports, asked, everywhere", [
    ("no", "", False), ("no", "*:", False), ("yes", "", True), ("yes", "localhost:", True),
    ("clientspecified", "", False), ("clientspecified", "*:", True), ("clientspecified", "127.0.0.1:", False),
])
def test_gateway_ports(gateway, client, backend, ports, asked, everywhere):
    service = backend(greeting(b"served"))
    gateway.start("", f"PermitListen any\nGatewayPorts {ports}")
    client(gateway).start("-N", "-R", f"{asked}0:{service.address}", "gw")
    (port,) = listening(gateway)
    assert reach("127.0.0.1", port) == b"served"
    address = own_address()
    if address and not address.startswith("127."):
        with socket.socket() as probe:
            assert (probe.connect_ex((address, port)) == 0) == everywhere


def test_a_listener_is_cancelled(gateway, client, backend, tmp_path):
    gateway.start("", "PermitListen any")
    service, port = backend(echo), free_port()
    one = client(gateway, options=["ControlMaster auto", f"ControlPath {tmp_path / 'master'}"])
    one.start("-N", "-R", f"{port}:{service.address}", "gw")
    listening(gateway)
    with socket.create_connection(("127.0.0.1", port)) as tunnel:
        tunnel.sendall(b"x")
        assert read_exactly(tunnel, 1) == b"x"
        one.run("-O", "cancel", "-R", f"{port}:{service.address}", "gw")
        gateway.wait_for_log("Cancelled reverse forward")
        assert socket.socket().connect_ex(("127.0.0.1", port)) != 0
        tunnel.sendall(b"y")
        assert read_exactly(tunnel, 1) == b"y", "what is open lives on"


def test_many_connect_to_a_listener_and_every_byte_arrives(gateway, client, backend):
    gateway.start("", "PermitListen any")
    client(gateway).start("-N", "-R", f"0:{backend(source(MIB)).address}", "gw")
    (port,) = listening(gateway)
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        digests = {hashlib.sha256(bytes).hexdigest() for bytes in pool.map(lambda _: reach("127.0.0.1", port), range(60))}
    assert digests == {pattern_digest(MIB)}


def test_a_reload_closes_what_it_does_not_permit(gateway, client, backend):
    port = free_port()
    gateway.start("", "PermitListen any")
    client(gateway).start("-N", "-R", f"{port}:{backend(greeting(b'served')).address}", "gw")
    assert listening(gateway) == [port]
    gateway.configure("")
    gateway.signal(signal.SIGHUP)
    gateway.wait_for_log("Ended reverse forward of alice .*PermitListen does not permit it")
    assert socket.socket().connect_ex(("127.0.0.1", port)) != 0


def test_a_drain_closes_what_listens_and_lets_tunnels_finish(gateway, client, backend):
    port = free_port()
    gateway.start("", "PermitListen any")
    client(gateway).start("-N", "-R", f"{port}:{backend(echo).address}", "gw")
    listening(gateway)
    with socket.create_connection(("127.0.0.1", port)) as tunnel:
        tunnel.sendall(b"x")
        assert read_exactly(tunnel, 1) == b"x"
        gateway.signal(signal.SIGTERM)
        wait_until(lambda: socket.socket().connect_ex(("127.0.0.1", port)) != 0, "end of the listener")
        tunnel.sendall(b"y")
        assert read_exactly(tunnel, 1) == b"y"
        tunnel.shutdown(socket.SHUT_WR)
        assert read_to_end(tunnel) == b""
    assert gateway.process.wait(60) == 0
