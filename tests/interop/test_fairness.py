# SPDX-License-Identifier: MIT
"""Who asks for much at once makes nobody else wait for all of it."""
import contextlib
import fcntl
import re
import select
import socket
import struct
import termios

import pytest

from support.backends import Stalled
from support.process import stopped
from support.waiting import wait_until
from support.wire import Spoken, string

GLOBAL_REQUEST, OPEN, DATA, CLOSE = 80, 90, 94, 97
BURST = 500


def ask(channel: int) -> bytes:
    """CHANNEL_OPEN to the queue."""
    return bytes([OPEN]) + string("direct-tcpip") + struct.pack(">III", channel, 1 << 20, 1 << 15) + string("service") + struct.pack(">I", 1) + string("127.0.0.1") + struct.pack(">I", 1)


def data(channel: int, text: str) -> bytes:
    return bytes([DATA]) + struct.pack(">I", channel) + string(text)


def close(channel: int) -> bytes:
    return bytes([CLOSE]) + struct.pack(">I", channel)


def has_left(connection) -> bool:
    """All that was sent has reached the other side's kernel."""
    return struct.unpack("i", fcntl.ioctl(connection, termios.TIOCOUTQ, bytes(4)))[0] == 0


def has_bytes(connection) -> bool:
    try:
        return bool(connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
    except BlockingIOError:
        return False


@pytest.fixture
def rivals(gateway, cleanup):
    """rivals(target): two connections to one worker, whose queue is called `service`: who asks for much, and who asks for little."""

    def log_in():
        connection = Spoken(gateway).log_in(gateway)
        connection.channels_seen.update(dict.fromkeys(range(BURST), True))  # answers about channels that it did not open itself
        cleanup.callback(connection.close)
        return connection

    def make(target="builtin:echo"):
        gateway.start(f"Queue service\n Target {target}\n Allow alice", "Workers 1\nMaxChannels 1000\n")
        return log_in(), log_in()

    return make


@pytest.fixture
def at_once(gateway):
    """with at_once(connections): what they send meanwhile the gateway finds all at once."""

    @contextlib.contextmanager
    def make(*connections):
        with stopped(gateway.engine()):
            yield
            wait_until(lambda: all(has_left(connection.raw) for connection in connections), "the messages to be there")

    return make


def assert_turns(order: list):
    """Of the two that stand there, the one that does so once had its turn before the other's burst was half over."""
    assert len(set(order)) == 2
    place = next(index for index, who in enumerate(order) if order.count(who) == 1)
    assert place < BURST / 2, f"{place} others came first"


def open_all(many, one):
    for channel in range(BURST):
        many.send(ask(channel))
    one.send(ask(0))


def test_a_burst_of_opens_lets_others_have_their_turn(gateway, rivals, at_once):
    many, one = rivals()
    with at_once(many, one):
        open_all(many, one)
    opened = gateway.wait_for_log(r"Opened tunnel .* on conn=(\w+)", BURST + 1)
    assert_turns([line[1] for line in opened])


def test_a_burst_of_closes_lets_others_have_their_turn(gateway, rivals, at_once):
    many, one = rivals()
    open_all(many, one)
    gateway.wait_for_log("Opened tunnel", BURST + 1)
    with at_once(many, one):
        for channel in range(BURST):
            many.send(close(channel))
        one.send(close(0))
    ended = gateway.wait_for_log(r"Ended tunnel .* on conn=(\w+)", BURST + 1)
    assert_turns([line[1] for line in ended])


def test_many_requests_let_others_have_their_turn(gateway, rivals, at_once):
    many, one = rivals()
    with at_once(many, one):
        for _ in range(BURST):
            many.send(bytes([GLOBAL_REQUEST]) + string("tcpip-forward") + b"\0" + string("x") + struct.pack(">I", 1))
        one.send(ask(0))
    done = gateway.wait_for_log("Refused reverse forward|Opened tunnel", BURST + 1)
    assert_turns([line[0] for line in done])


def test_many_small_writes_let_others_have_their_turn(gateway, backend, rivals, at_once):
    service = backend(Stalled())
    many, one = rivals(service.address)
    open_all(many, one)
    gateway.wait_for_log("Opened tunnel", BURST + 1)
    wait_until(lambda: len(service.connections) == BURST + 1, "all connections")
    arrivals = select.epoll()  # which tells them in the order that their bytes came in
    for connection in service.connections:
        arrivals.register(connection, select.EPOLLIN)
    with at_once(many, one):
        for channel in range(BURST):  # the gateway's numbers: the lowest is given first
            many.send(data(channel, "m"))
        one.send(data(0, "o"))
    wait_until(lambda: all(map(has_bytes, service.connections)), "all bytes")
    writers = {connection.fileno(): connection.recv(1, socket.MSG_PEEK) for connection in service.connections}
    assert_turns([writers[number] for number, _ in arrivals.poll(maxevents=BURST + 1)])
