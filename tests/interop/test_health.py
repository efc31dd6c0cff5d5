# SPDX-License-Identifier: MIT
"""Members that are checked: out of rotation when they die, back with a slow start when they live again."""
import collections
import signal
import socket
import time

import pytest

from support.backends import Backend, greeting
from support.client import connect, read_to_end
from support.process import free_port
from support.waiting import wait_until

CHECK = "check inter 1s fall 2 rise 2"


class Mortal:
    """A service on one port that can die and live again. It says its name and closes."""

    def __init__(self, name: bytes):
        self.name = name
        self.port = free_port()
        self.live()

    def live(self):
        self.listener = Backend(greeting(self.name), port=self.port)

    def die(self):
        if self.listener:
            self.listener.stop()
        self.listener = None


@pytest.fixture
def mortal(cleanup):
    def make(name):
        made = Mortal(name)
        cleanup.callback(made.die)
        return made

    return make


def who(path):
    with connect(path) as tunnel:
        return read_to_end(tunnel)


def shares(path, count):
    return collections.Counter(who(path) for _ in range(count))


def test_a_member_that_dies_is_out_of_rotation_and_comes_back_slowly(gateway, client, mortal):
    one, two = mortal(b"one"), mortal(b"two")
    gateway.start(
        f"Queue web\n Target 127.0.0.1:{one.port} {CHECK} slowstart 8s\n Target 127.0.0.1:{two.port} {CHECK}\n Allow *\n Retries 0\n"
    )
    _, (path,) = client(gateway).forward("web:80")
    assert set(shares(path, 10)) == {b"one", b"two"}
    one.die()
    died = time.monotonic()
    gateway.wait_for_log(rf"Member 127\.0\.0\.1:{one.port} of queue web is down: Connection refused")
    assert time.monotonic() - died < 2.5 + 20  # two checks; the rest is for a machine that is busy
    assert shares(path, 20) == {b"two": 20}  # without retries: nobody is sent to it
    assert gateway.log().count("is down") == 1
    one.live()
    gateway.wait_for_log(rf"Member 127\.0\.0\.1:{one.port} of queue web is up again")
    early = shares(path, 40)
    assert 0 < early[b"one"] < 15, early
    time.sleep(9)
    late = shares(path, 40)
    assert 18 <= late[b"one"] <= 22, late


def test_one_that_is_dead_at_the_start_goes_down_with_its_first_check(gateway, client, backend):
    dead = free_port()
    gateway.start(f"Queue web\n Target 127.0.0.1:{dead} check inter 60s\n Target {backend(greeting(b'x')).address}\n Allow *\n Retries 0\n")
    gateway.wait_for_log(rf"Member 127\.0\.0\.1:{dead} of queue web is down")
    _, (path,) = client(gateway).forward("web:80")
    assert shares(path, 10) == {b"x": 10}


def test_requests_wait_for_the_one_that_comes_back(gateway, client, mortal):
    one = mortal(b"one")
    one.die()
    gateway.start(f"Queue web\n Target 127.0.0.1:{one.port} check inter 1s rise 1\n HoldForConsumer yes\n QueueTimeout 60s\n Allow *\n")
    gateway.wait_for_log("is down")
    _, (path,) = client(gateway).forward("web:80")
    with connect(path) as tunnel:
        time.sleep(0.5)
        one.live()
        assert read_to_end(tunnel) == b"one"


def test_a_name_that_does_not_resolve_is_down_and_said_once(gateway):
    gateway.start("Queue web\n Target nowhere.invalid:80 check inter 1s\n Target builtin:echo\n Allow *\n")
    gateway.wait_for_log(r"Member nowhere\.invalid:80 of queue web is down: ")
    time.sleep(2.5)
    assert gateway.log().count("is down") == 1


def answers(text: bytes, asked=None):
    def serve(connection):
        if asked is not None:
            asked.append(connection.recv(4096))
        connection.sendall(text)
        connection.recv(4096)

    return serve


@pytest.mark.parametrize(
    "options, said, is_well",
    [
        ("check-type ssh", b"SSH-2.0-x\r\n", True),
        ("check-type ssh", b"a line in front\r\nSSH-1.99-x\r\n", True),
        ("check-type ssh", b"SSH-1.5-x\r\n", False),
        ("check-type ssh", b"220 smtp\r\n", False),
        ("check-type http", b"HTTP/1.1 204 No Content\r\n\r\n", True),
        ("check-type http", b"HTTP/1.0 302 Found\r\n\r\n", True),
        ("check-type http", b"HTTP/1.1 500 No\r\n\r\n", False),
        ("check-type http check-status 500 check-path /health?a=b", b"HTTP/1.1 500 No\r\n\r\n", True),
        ("check-type http check-status 200", b"HTTP/1.1 204 No Content\r\n\r\n", False),
        ("check-type http", b"SSH-2.0-x\r\n\r\n", False),
    ],
)
def test_what_a_service_says_tells_how_it_is(gateway, backend, options, said, is_well):
    asked = []
    service = backend(answers(said, asked if "http" in options else None))
    gateway.start(f"Queue web\n Target {service.address} check inter 1s fall 1 {options}\n Target builtin:echo\n Allow *\n")
    if is_well:
        wait_until(lambda: len(service.connections) >= 3, "checks")
        assert "is down" not in gateway.log()
    else:
        gateway.wait_for_log(r"is down: its HTTP status is not the expected one|is down: it d(oes|id) not ")
    for request in asked:
        path = "/health?a=b" if "path" in options else "/"
        assert request.startswith(f"GET {path} HTTP/1.0\r\nHost: {service.address}\r\n".encode()), request


def test_a_service_is_asked_by_a_name_that_http_knows(gateway, backend):
    """An IPv6 address stands in brackets: without them servers answer 400, and a service that is well would be down."""
    asked = []
    service = backend(answers(b"HTTP/1.1 200 OK\r\n\r\n", asked), family=socket.AF_INET6, host="::1")
    gateway.start(f"Queue web\n Target {service.address} check inter 1s check-type http\n Allow *\n")
    wait_until(lambda: asked, "a check")
    assert f"\r\nHost: [::1]:{service.port}\r\n".encode() in asked[0]


def test_checks_do_not_come_all_at_once(gateway, backend):
    times = []
    services = [backend(lambda connection: times.append(time.monotonic())) for _ in range(30)]
    gateway.start("Queue q\n" + "".join(f" Target {one.address} check inter 2s\n" for one in services) + " Allow *\n")
    wait_until(lambda: len(times) >= 120, "four checks of each")
    later = sorted(times)[60:120]  # the third ones and the fourth ones
    most = max(sum(begin <= at < begin + 0.2 for at in later) for begin in later)
    assert most < 15, later


def test_one_that_says_nothing_is_down_once_the_interval_is_over(gateway, cleanup):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        gateway.start(f"Queue q\n Target 127.0.0.1:{listener.getsockname()[1]} check inter 1s fall 1 check-type ssh\n Allow *\n")
        gateway.wait_for_log("is down: it did not answer in time")


def test_a_reload_that_ends_the_check_ends_what_it_said(gateway, client, mortal):
    one = mortal(b"one")
    one.die()
    block = f"Queue web\n Target 127.0.0.1:{one.port} %s\n Allow *\n"
    gateway.start(block % CHECK)
    gateway.wait_for_log("is down")
    one.live()
    gateway.configure(block % "")
    gateway.signal(signal.SIGHUP)
    _, (path,) = client(gateway).forward("web:80")
    wait_until(lambda: who(path) == b"one", "the member without its check")


def test_a_members_own_timeout_is_shorter_than_the_queues(gateway, client, backend):
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        held = []
        while not held or not isinstance(held[-1], BaseException):  # its backlog is full: further ones get no answer
            probe = socket.socket()
            probe.settimeout(0.3)
            try:
                probe.connect(full.getsockname())
                held.append(probe)
            except TimeoutError as error:
                held.append(error)
        gateway.start(
            f"Queue web\n Target 127.0.0.1:{full.getsockname()[1]} timeout 1s\n Target {backend(greeting(b'x')).address} backup\n"
            " ConnectTimeout 60s\n Allow *\n"
        )
        _, (path,) = client(gateway).forward("web:80")
        began = time.monotonic()
        assert who(path) == b"x"
        assert 0.9 < time.monotonic() - began < 20
