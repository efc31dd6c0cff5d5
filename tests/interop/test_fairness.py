# SPDX-License-Identifier: MIT
"""Who asks for much at once makes nobody else wait for all of it."""
import fcntl
import re
import select
import socket
import struct
import termios

from support.backends import Backend, Stalled
from support.process import stopped
from support.waiting import wait_until
from support.wire import Spoken, string

GLOBAL_REQUEST, OPEN, DATA = 80, 90, 94
BURST = 500


def ask(channel: int, queue="echo") -> bytes:
    """CHANNEL_OPEN to a queue."""
    return bytes([OPEN]) + string("direct-tcpip") + struct.pack(">III", channel, 1 << 20, 1 << 15) + string(queue) + struct.pack(">I", 1) + string("127.0.0.1") + struct.pack(">I", 1)


def data(channel: int, text: str) -> bytes:
    return bytes([DATA]) + struct.pack(">I", channel) + string(text)


def has_left(connection) -> bool:
    """All that was sent has reached the other side's kernel."""
    return struct.unpack("i", fcntl.ioctl(connection, termios.TIOCOUTQ, bytes(4)))[0] == 0


def has_bytes(connection) -> bool:
    try:
        return bool(connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
    except BlockingIOError:
        return False


def test_a_burst_of_opens_lets_others_have_their_turn(gateway):
    gateway.start("Queue echo\n Target builtin:echo\n Allow alice", "Workers 1\nMaxChannels 1000\n")
    many, one = Spoken(gateway).log_in(gateway), Spoken(gateway).log_in(gateway)
    with stopped(gateway.engine()):
        for channel in range(BURST):
            many.send(ask(channel))
        one.send(ask(0))
        wait_until(lambda: has_left(many.raw), "the opens to be there")
    opened = re.compile(r"Opened tunnel .* on conn=(\w+)")
    wait_until(lambda: len(opened.findall(gateway.log())) == BURST + 1, "all channels")
    order = opened.findall(gateway.log())
    assert len(set(order)) == 2
    place = next(index for index, connection in enumerate(order) if order.count(connection) == 1)
    assert place < BURST / 2, f"{place} others came first"
    many.close()
    one.close()


def test_many_requests_let_others_have_their_turn(gateway):
    gateway.start("Queue echo\n Target builtin:echo\n Allow alice", "Workers 1\n")
    many, one = Spoken(gateway).log_in(gateway), Spoken(gateway).log_in(gateway)
    with stopped(gateway.engine()):
        for _ in range(BURST):
            many.send(bytes([GLOBAL_REQUEST]) + string("tcpip-forward") + b"\0" + string("x") + struct.pack(">I", 1))
        one.send(ask(0))
        wait_until(lambda: has_left(many.raw), "the requests to be there")
    gateway.wait_for_log("Refused reverse forward", BURST)
    order = re.findall(r"(Refused reverse forward|Opened tunnel)", gateway.log())
    assert order.index("Opened tunnel") < BURST / 2, f"{order.index('Opened tunnel')} others came first"
    many.close()
    one.close()


def test_many_small_writes_let_others_have_their_turn(gateway):
    service = Backend(Stalled())
    gateway.start(f"Queue service\n Target {service.address}\n Allow alice", "Workers 1\nMaxChannels 1000\n")
    many, one = Spoken(gateway).log_in(gateway), Spoken(gateway).log_in(gateway)
    for channel in range(BURST):
        many.send(ask(channel, "service"))
    one.send(ask(0, "service"))
    gateway.wait_for_log("Opened tunnel", BURST + 1)
    wait_until(lambda: len(service.connections) == BURST + 1, "all connections")
    arrivals = select.epoll()  # which tells them in the order that their bytes came in
    for connection in service.connections:
        arrivals.register(connection, select.EPOLLIN)
    with stopped(gateway.engine()):
        for channel in range(BURST):  # the gateway's numbers: the lowest is given first
            many.send(data(channel, "m"))
        one.send(data(0, "o"))
        wait_until(lambda: has_left(many.raw), "the bytes to be there")
    wait_until(lambda: all(map(has_bytes, service.connections)), "all bytes")
    writers = {connection.fileno(): connection.recv(1, socket.MSG_PEEK) for connection in service.connections}
    order = [writers[number] for number, _ in arrivals.poll(maxevents=BURST + 1)]
    assert order.count(b"m") == BURST
    assert order.index(b"o") < BURST / 2, f"{order.index(b'o')} others came first"
    many.close()
    one.close()
    service.stop()
