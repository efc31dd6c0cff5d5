# SPDX-License-Identifier: MIT
"""sluicectl while there is traffic: a drain that loses nothing, and counters that tell the truth and come back to zero."""
import concurrent.futures
import contextlib
import signal
import threading
import time

import pytest

from support.backends import echo
from support.client import connect, read_exactly, read_to_end
from support.gateway import is_sanitized
from support.process import free_port
from support.waiting import wait_until

CLIENTS = 6
MESSAGE = bytes(range(256)) * 16


def all_of(ctl):
    return {queue["queue"]: queue for queue in ctl.json("queues")["queues"]}


def member_of(ctl, queue, name):
    (found,) = [member for member in all_of(ctl)[queue]["members"] if member["member"] == name]
    return found


def exchange(tunnel):
    tunnel.sendall(MESSAGE)
    assert read_exactly(tunnel, len(MESSAGE)) == MESSAGE


class Traffic:
    """Short tunnels through each path, one behind the other, until stopped; none may fail."""

    def __init__(self, paths):
        self.stopped = threading.Event()
        self.count = 0
        self.pool = concurrent.futures.ThreadPoolExecutor(len(paths))
        self.running = [self.pool.submit(self._run, path) for path in paths]

    def _run(self, path):
        count = 0
        while not self.stopped.is_set():
            with connect(path) as tunnel:
                exchange(tunnel)
            count += 1
            self.count += 1  # an estimate, for who waits for progress
        return count

    def wait_for(self, more):
        goal = self.count + more
        wait_until(lambda: self.count >= goal or any(one.done() for one in self.running), f"{more} more tunnels")

    def stop(self):
        self.stopped.set()
        with self.pool:
            return sum(one.result() for one in self.running)


@pytest.mark.parametrize("settings", ["", " maxconn 4"], ids=["fast", "waiting"])
def test_a_member_is_drained_under_traffic_and_its_tunnels_finish(gateway, client, backend, ctl, settings):
    """Its service is then stopped as an operator would, and nobody notices."""
    old, new = backend(echo), backend(echo)
    gateway.start(f"Queue web\n Target {old.address}{settings}\n Target {new.address}\n Retries 0\n Allow *", ctl.setting)
    paths = [client(gateway).forward("web:1")[1][0] for _ in range(CLIENTS)]
    with contextlib.ExitStack() as stack:
        long_lived = [stack.enter_context(connect(path)) for path in paths]
        for tunnel in long_lived:
            exchange(tunnel)
        kept = member_of(ctl, "web", old.address)["active"]
        assert kept > 0
        traffic = Traffic(paths)
        stack.callback(traffic.stop)
        traffic.wait_for(50)
        ctl.run("drain", "web", old.address)
        wait_until(lambda: member_of(ctl, "web", old.address)["active"] == kept, "the end of the short tunnels")
        drained = member_of(ctl, "web", old.address)
        assert drained["state"] == "draining"
        traffic.wait_for(100)
        assert member_of(ctl, "web", old.address)["served"] == drained["served"]
        for tunnel in long_lived:
            exchange(tunnel)
            tunnel.close()
        wait_until(lambda: member_of(ctl, "web", old.address)["active"] == 0, "the end of the long tunnels")
        old.stop()
        traffic.wait_for(100)
        ended = traffic.stop()
    web = all_of(ctl)["web"]
    assert (web["failed"], web["served"]) == (0, ended + CLIENTS)
    assert sum(member["served"] for member in web["members"]) == web["served"]


def test_a_drained_member_is_enabled_under_traffic(gateway, client, backend, ctl):
    one, two = backend(echo), backend(echo)
    gateway.start(f"Queue web\n Target {one.address}\n Target {two.address}\n Allow *", ctl.setting)
    traffic = Traffic([client(gateway).forward("web:1")[1][0] for _ in range(CLIENTS)])
    try:
        for _ in range(5):
            ctl.run("drain", "web", one.address)
            traffic.wait_for(20)
            ctl.run("enable", "web", one.address)
            before = member_of(ctl, "web", one.address)["served"]
            traffic.wait_for(20)
            assert member_of(ctl, "web", one.address)["served"] > before
        ctl.run("drain", "web", one.address)
        ctl.run("drain", "web", two.address)  # nobody is left: who comes is told so
        path = client(gateway).forward("web:1")[1][0]
        with connect(path) as tunnel:
            assert read_to_end(tunnel) == b""
    finally:
        traffic.stopped.set()
        for running in traffic.running:
            with contextlib.suppress(AssertionError, OSError):
                running.result()
    assert all_of(ctl)["web"]["refused_no_consumer"] > 0


def is_at_rest(ctl):
    queues = ctl.json("queues")["queues"]
    counted = [(counted["active"], counted.get("waiting", 0)) for queue in queues for counted in (queue, *queue["members"])]
    return all(pair == (0, 0) for pair in counted)


def test_all_counters_are_zero_after_load(gateway, client, backend, ctl):
    """Queues that serve at once, that make wait, that refuse and that fail; clients that end well and clients that are killed."""
    service = backend(echo)
    gateway.start(
        f"Queue plain\n Target {service.address}\n Allow *\n"
        f"Queue narrow\n Target {service.address} maxconn 2\n MaxConn 3\n MaxQueue 1000\n QueueTimeout 60s\n PerUserMaxConn 2\n Allow *\n"
        "Queue joined\n AcceptReverse alice\n HoldForConsumer yes\n Allow *\n"
        f"Queue late\n Target builtin:echo maxconn 1\n MaxQueue 2\n QueueTimeout 1s\n Allow *\n"
        f"Queue dead\n Target 127.0.0.1:{free_port()}\n Allow *",
        ctl.setting,
    )
    names = ("plain", "narrow", "joined", "late", "dead")
    joined = [client(gateway).start("-N", "-R", f"joined:0:{service.address}", "gw") for _ in range(2)]
    wait_until(lambda: len(all_of(ctl)["joined"]["members"]) == 2, "two members")
    users = ("alice", "bob", "alice", "bob")
    running = [client(gateway, user=user).forward(*(f"{name}:1" for name in names)) for user in users]
    killed = [client(gateway, user=user).forward(*(f"{name}:1" for name in names)) for user in users]

    def use(path):
        """True: it was served. Its client may have been killed."""
        try:
            with connect(path) as tunnel:
                tunnel.sendall(MESSAGE)
                return read_exactly(tunnel, len(MESSAGE)) == MESSAGE
        except (AssertionError, OSError):
            return False

    rounds = 3 if is_sanitized() else 12
    with concurrent.futures.ThreadPoolExecutor(40) as pool, contextlib.ExitStack() as stack:
        asked = {name: [pool.submit(use, paths[at]) for _, paths in running for _ in range(rounds)] for at, name in enumerate(names)}
        lost = [pool.submit(use, path) for _, paths in killed for path in paths for _ in range(rounds)]
        for _, paths in killed:  # these are open, or wait, when their clients die
            for path in paths:
                tunnel = stack.enter_context(connect(path))
                with contextlib.suppress(OSError):  # some are refused
                    tunnel.sendall(MESSAGE)
        time.sleep(0.5)
        assert not is_at_rest(ctl)
        for process, _ in killed:
            process.send_signal(signal.SIGKILL)
        joined[0].kill()
        served = {name: sum(one.result() for one in answers) for name, answers in asked.items()}
        for one in lost:
            one.result()
    assert served["plain"] == served["narrow"] == len(running) * rounds and served["dead"] == 0
    wait_until(lambda: is_at_rest(ctl), "counters at zero")
    queues = all_of(ctl)
    assert all(queues[name]["served"] >= served[name] for name in names)
    assert queues["late"]["refused_queue_full"] + queues["late"]["refused_timed_out"] > 0
    assert queues["dead"]["failed"] == queues["dead"]["refused_failed"] > 0
    wait_until(lambda: {session["channels"] for session in ctl.json("sessions")["sessions"]} == {0}, "sessions without channels")
    for process in (*(process for process, _ in running), joined[1]):
        process.terminate()
    wait_until(lambda: ctl.run("sessions") == "no sessions\n", "the last session's end")
    assert ctl.json("info")["connections"] == 0 and all_of(ctl)["joined"]["members"] == []
