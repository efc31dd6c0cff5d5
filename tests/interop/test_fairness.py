# SPDX-License-Identifier: MIT
"""Who asks for much at once makes nobody else wait for all of it."""
import re
import struct

from support.process import stopped
from support.waiting import wait_until
from support.wire import Spoken, string

OPEN = 90
BURST = 500


def ask(channel: int) -> bytes:
    """CHANNEL_OPEN to the queue `echo`."""
    return bytes([OPEN]) + string("direct-tcpip") + struct.pack(">III", channel, 1 << 20, 1 << 15) + string("echo") + struct.pack(">I", 1) + string("127.0.0.1") + struct.pack(">I", 1)


def test_a_burst_of_opens_lets_others_have_their_turn(gateway):
    gateway.start("Queue echo\n Target builtin:echo\n Allow alice", "Workers 1\nMaxChannels 1000\n")
    many, one = Spoken(gateway).log_in(gateway), Spoken(gateway).log_in(gateway)
    with stopped(gateway.engine()):
        for channel in range(BURST):
            many.send(ask(channel))
        one.send(ask(0))
    opened = re.compile(r"Opened tunnel .* on conn=(\w+)")
    wait_until(lambda: len(opened.findall(gateway.log())) == BURST + 1, "all channels")
    order = opened.findall(gateway.log())
    assert len(set(order)) == 2
    place = next(index for index, connection in enumerate(order) if order.count(connection) == 1)
    assert place < BURST / 2, f"{place} others came first"
    many.close()
    one.close()
