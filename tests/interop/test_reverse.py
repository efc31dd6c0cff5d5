# SPDX-License-Identifier: MIT
"""Clients that join a queue with ssh -R, and clients that are served by them: stock ssh on both sides, on two workers."""
import collections
import concurrent.futures
import hashlib
import pathlib
import re
import signal
import socket
import struct
import threading
import time
import types

import pytest

from support.backends import Stalled, digest, echo, greeting, pattern, pattern_digest, source
from support.client import connect, read_exactly, read_to_end
from support.gateway import is_sanitized
from support.keys import public_line
from support.process import free_port, resident_bytes, stopped
from support.reverse import refused
from support.transfer import MIB, download, transfer_bytes, upload
from support.waiting import wait_until
from support.wire import Spoken, string

EXAMPLE = pathlib.Path(__file__).parents[2] / "deploy/examples/reverse.conf"
BUILDS = "Queue builds\n AcceptReverse alice\n Allow *"
SIZE = transfer_bytes(16)
GLOBAL_REQUEST, CHANNEL_OPEN, CHANNEL_OPEN_FAILURE = 80, 90, 92


@pytest.fixture
def join(gateway, client):
    """join(service, …): an ssh -R of its own that has joined the queue."""

    def start(*services, name="builds:0", user="alice", options=()):
        before = gateway.log().count("joins queue")
        words = [word for service in services for word in ("-R", f"{name}:{service.address}")]
        running = client(gateway, user=user, options=options).start("-N", *words, "gw")
        gateway.wait_for_log("joins queue", before + len(services))
        return running

    return start


def ask(path):
    """What a tunnel through the socket says to its end."""
    with connect(path) as tunnel:
        return read_to_end(tunnel)


def end(running):
    running.send_signal(signal.SIGKILL)
    running.wait()


# ---- joining ----


def test_a_member_serves_under_the_name_it_asked_for(gateway, client, backend, join):
    gateway.start(BUILDS)
    join(backend(greeting(b"zero")))
    join(backend(greeting(b"fixed")), name="Builds:8080")
    one = client(gateway, user="bob")
    said = {one.run("-W", "builds:1", "gw").stdout for _ in range(4)}
    assert said == {b"zero", b"fixed"}
    (record, *_) = gateway.wait_for_audit(event="tunnel", queue="builds", user="bob")
    assert re.fullmatch(r"alice#[0-9a-f]{12}:\d+", record["member"])
    (far, *_) = gateway.wait_for_audit(event="reverse_tunnel", queue="builds", user="alice")
    assert far["host"] in ("builds", "Builds") and far["address"].startswith("127.0.0.1:")


class Spoiler(Spoken):
    """A member that refuses a tunnel behind a message for which its connection ends; the gateway reads both at once."""

    def _spoil(self, message):
        message.get_text()
        channel = message.get_int()
        with stopped(self.engine):
            self.send(bytes([CHANNEL_OPEN]) + string("direct-tcpip") + struct.pack(">III", 7, 1 << 20, 1 << 15))  # host and port are missing
            self.send(bytes([CHANNEL_OPEN_FAILURE]) + struct.pack(">II", channel, 1) + string("no") + string(""))

    _handler_table = {**Spoken._handler_table, CHANNEL_OPEN: _spoil}


def test_a_refusal_behind_the_end_of_its_connection_is_heard(gateway, client):
    gateway.start(BUILDS)
    member = Spoiler(gateway).log_in(gateway)
    member.engine = gateway.engine()
    member.send(bytes([GLOBAL_REQUEST]) + string("tcpip-forward") + b"\1" + string("builds") + struct.pack(">I", 0))
    gateway.wait_for_log("joins queue")
    result = client(gateway, user="bob").run("-W", "builds:1", "gw")
    assert b"connect failed" in result.stderr or b"no consumer" in result.stderr, result.stderr
    gateway.wait_for_audit(event="reverse_tunnel_refused", user="alice")
    assert gateway.wait_for_audit(event="tunnel_refused", user="bob")


def test_forwards_of_one_connection_are_members_each(gateway, client, backend, join):
    gateway.start(BUILDS)
    join(backend(greeting(b"a")), backend(greeting(b"b")), backend(greeting(b"c")))
    _, (path,) = client(gateway, user="bob").forward("builds:1")
    assert collections.Counter(ask(path) for _ in range(30)) == {b"a": 10, b"b": 10, b"c": 10}


def test_a_port_that_was_made_up_is_told(gateway, client, backend):
    gateway.start(BUILDS)
    service = backend(echo)
    one = client(gateway)
    one.start("-N", "-R", f"builds:0:{service.address}", "gw")
    gateway.wait_for_log("joins queue builds")
    said = wait_until(lambda: re.search(r"Allocated port (\d+) for remote forward", (gateway.directory / "ssh.stderr").read_text()),
                      "allocated port")
    assert int(said[1]) >= 49152


def test_who_may_not_join(gateway, client):
    gateway.start(f"{BUILDS}\nQueue fixed\n Target builtin:echo\n Allow *")
    refused(gateway, client, "nowhere:0:localhost:1", "no queue has that name")
    refused(gateway, client, "builds:0:localhost:1", "AcceptReverse does not admit", user="bob")
    refused(gateway, client, "fixed:0:localhost:1", "AcceptReverse does not admit")
    refused(gateway, client, "12345:8080:localhost:1", "no queue has that name")
    for name in ("*", "localhost", "127.0.0.1", ""):
        refused(gateway, client, f"{name}:8080:localhost:1", "PermitListen does not permit it")


def test_what_a_key_may_not_join(gateway, client, backend, join):
    gateway.start(BUILDS)
    line = public_line(gateway.keys["alice"])
    gateway.admit("alice", f'permitlisten="builds:8080" {line}')
    refused(gateway, client, "builds:0:localhost:1", "the key's options do not permit it")
    join(backend(greeting(b"permitted")), name="builds:8080")
    assert client(gateway, user="bob").run("-W", "builds:1", "gw").stdout == b"permitted"
    gateway.admit("alice", f"restrict {line}")
    refused(gateway, client, "builds:8080:localhost:1", "the key's options do not permit it")


def test_the_first_owner_keeps_a_name(gateway, client, backend, join):
    gateway.start("Queue builds\n AcceptReverse alice bob\n ReverseOwner first\n Allow *")
    first = join(backend(greeting(b"alice")))
    refused(gateway, client, "builds:0:localhost:1", "another user's", user="bob")
    join(backend(greeting(b"alice")))
    end(first)
    refused(gateway, client, "builds:0:localhost:1", "another user's", user="bob")


def test_a_user_leaves_places_for_others(gateway, client, backend, join):
    gateway.start("Queue builds\n AcceptReverse alice bob\n Allow *")
    hers, his = backend(greeting(b"hers")), backend(greeting(b"his"))
    forwards = [word for port in range(1, 65) for word in ("-R", f"builds:{port}:{hers.address}")]
    for count in (64, 128):
        client(gateway).start("-N", *forwards, "gw")
        gateway.wait_for_log("joins queue", count)
    refused(gateway, client, f"builds:0:{hers.address}", "of the user's as many as it has places left")
    join(his, user="bob")
    _, (path,) = client(gateway, user="bob").forward("builds:1")
    assert {ask(path) for _ in range(129)} == {b"hers", b"his"}


def test_members_beside_targets(gateway, client, backend, join):
    target = backend(greeting(b"target"))
    gateway.start(f"Queue builds\n Target {target.address}\n AcceptReverse alice\n MixReverse yes\n Allow *")
    join(backend(greeting(b"member")))
    _, (path,) = client(gateway, user="bob").forward("builds:1")
    assert collections.Counter(ask(path) for _ in range(10)) == {b"target": 5, b"member": 5}


# ---- leaving ----


def test_a_cancel_takes_one_member_away(gateway, client, backend, tmp_path):
    gateway.start(BUILDS)
    kept, gone = backend(greeting(b"kept")), backend(greeting(b"gone"))
    control = str(tmp_path / "master")
    one = client(gateway, options=["ControlMaster auto", f"ControlPath {control}"])
    one.start("-N", "-R", f"builds:8080:{kept.address}", "-R", f"builds:8081:{gone.address}", "gw")
    gateway.wait_for_log("joins queue builds", 2)
    one.run("-O", "cancel", "-R", f"builds:8081:{gone.address}", "gw")
    gateway.wait_for_log("Cancelled reverse forward of alice .*leaves queue builds")
    _, (path,) = client(gateway, user="bob").forward("builds:1")
    assert {ask(path) for _ in range(6)} == {b"kept"}


def test_requests_spread_evenly_and_none_is_lost_with_a_member(gateway, client, backend, join):
    """300 requests of 20 connections over three members; then one is killed in the middle of 300 more."""
    gateway.start(f"{BUILDS}\n MaxQueue 1000")
    members = [join(backend(greeting(b"%d" % number))) for number in range(3)]
    paths = [client(gateway, user="bob").forward("builds:1")[1][0] for _ in range(20)]
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        said = collections.Counter(pool.map(ask, paths * 15))
        assert sorted(said) == [b"0", b"1", b"2"]
        assert all(90 <= count <= 110 for count in said.values()), said
        answers = [pool.submit(ask, path) for path in paths * 15]
        wait_until(lambda: sum(answer.done() for answer in answers) > 60, "sixty answers")
        end(members[0])
        later = [answer.result() for answer in answers]
    # a tunnel that the killed one had confirmed may have ended with it; what it had not confirmed was served by another
    assert set(later) <= {b"", b"0", b"1", b"2"}
    assert sum(not word for word in later) <= 20
    assert not [record for record in gateway.audit() if record["event"] == "tunnel_refused"]


def test_with_all_members_gone_requests_are_refused(gateway, client, backend, join):
    gateway.start(BUILDS, "QueueErrors detailed")
    end(join(backend(greeting(b"x"))))
    one = client(gateway, user="bob")
    result = wait_until(lambda: (lambda r: r if b"no consumer" in r.stderr else None)(one.run("-W", "builds:1", "gw")), "refusal")
    assert result.returncode == 255
    join(backend(greeting(b"back")))
    assert one.run("-W", "builds:1", "gw").stdout == b"back"


def test_with_all_members_gone_requests_wait_where_the_queue_holds(gateway, client, backend, join):
    gateway.start(f"{BUILDS}\n HoldForConsumer yes\n QueueTimeout 0")
    end(join(backend(greeting(b"x"))))
    gateway.wait_for_log("Connection (closed|reset) by user alice")
    _, paths = client(gateway, user="bob").forward(*["builds:1"] * 5)
    with concurrent.futures.ThreadPoolExecutor(5) as pool:
        answers = [pool.submit(ask, path) for path in paths]
        time.sleep(0.5)
        assert not any(answer.done() for answer in answers)
        join(backend(greeting(b"back")))
        assert [answer.result(60) for answer in answers] == [b"back"] * 5


def test_a_member_that_refuses_gives_way_to_another(gateway, client, backend, join):
    gateway.start(BUILDS)
    join(types.SimpleNamespace(address=f"127.0.0.1:{free_port()}"))
    join(backend(greeting(b"alive")))
    _, (path,) = client(gateway, user="bob").forward("builds:1")
    assert {ask(path) for _ in range(8)} == {b"alive"}
    gateway.wait_for_log("Could not connect tunnel .*refused by the client")


def test_a_member_that_does_not_answer_gives_way_in_time(gateway, client, backend, join):
    gateway.start(f"{BUILDS}\n ConnectTimeout 1s")
    stopped = join(backend(greeting(b"never")))
    join(backend(greeting(b"alive")))
    stopped.send_signal(signal.SIGSTOP)
    try:
        _, (path,) = client(gateway, user="bob").forward("builds:1")
        assert [ask(path) for _ in range(2)] == [b"alive"] * 2
        gateway.wait_for_log("the client did not confirm it in time")
    finally:
        stopped.send_signal(signal.SIGCONT)


# ---- reloads ----


def test_a_reload_takes_back_what_it_does_not_permit(gateway, client, backend, join):
    service = backend(greeting(b"served"))
    gateway.start(f"{BUILDS}\nQueue kept\n AcceptReverse alice\n Allow *", "QueueErrors detailed")
    join(service)
    join(service, name="kept:0")
    gateway.configure(f"{BUILDS.replace('alice', 'bob')}\nQueue kept\n AcceptReverse alice\n Allow *", "QueueErrors detailed")
    gateway.signal(signal.SIGHUP)
    gateway.wait_for_log("Ended reverse forward of alice .*AcceptReverse does not admit")
    one = client(gateway, user="bob")
    assert b"no consumer" in one.run("-W", "builds:1", "gw").stderr
    assert one.run("-W", "kept:1", "gw").stdout == b"served"


def test_a_reload_lets_a_member_take_more(gateway, client, backend, join):
    gateway.start(f"{BUILDS}\n ReverseMaxConn 1\n QueueTimeout 0")
    join(backend(echo))
    _, (path,) = client(gateway, user="bob").forward("builds:1")
    tunnels = [connect(path) for _ in range(3)]
    for tunnel in tunnels:
        tunnel.sendall(b"x")
    assert read_exactly(tunnels[0], 1) == b"x"
    gateway.configure(f"{BUILDS}\n ReverseMaxConn 3\n QueueTimeout 0")
    gateway.signal(signal.SIGHUP)
    assert [read_exactly(tunnel, 1) for tunnel in tunnels[1:]] == [b"x"] * 2


# ---- the example ----


def test_the_example_of_waiting_workers(gateway, client, backend, keys):
    """Each worker does one job at a time; jobs wait for a worker to be free, or to come; a name that is none is rejected."""
    gateway.admit("worker1", public_line(keys["ecdsa"]))
    text = re.sub(r"(?m)^(ListenAddress|HostKey|User|AuthorizedKeysFile|AuditLog) .*\n", "", EXAMPLE.read_text())
    gateway.start(text)
    running, most = [0], [0]
    lock = threading.Lock()

    def work(connection):
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        job = b""
        while data := connection.recv(1 << 16):
            job += data
        time.sleep(0.05)
        with lock:
            running[0] -= 1
        connection.sendall(job.upper())

    alice = client(gateway, user="alice")
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        results = [pool.submit(alice.run, "-W", "jobs:1", "gw", input=b"job %d" % number) for number in range(12)]
        wait_until(lambda: gateway.log().count("Accepted publickey for alice") == 12, "jobs")
        assert not any(result.done() for result in results)
        worker = client(gateway, user="worker1", key=keys["ecdsa"])
        for _ in range(2):
            worker.start("-N", "-R", f"jobs:0:{backend(work).address}", "gw")
        assert [result.result().stdout for result in results] == [b"JOB %d" % number for number in range(12)]
    assert most[0] <= 2
    assert worker.run("-N", "-R", "nojobs:0:localhost:1", "gw").returncode == 255
    rejected = alice.run("-W", "nojobs:1", "gw")
    assert rejected.returncode == 255 and b"not available" in rejected.stderr


# ---- bytes ----


@pytest.mark.parametrize("connections", range(2))  # of both workers: one of the two crosses
def test_every_byte_arrives_both_ways_at_once(gateway, client, backend, join, connections):
    gateway.start("Queue up\n AcceptReverse alice\n Allow *\nQueue down\n AcceptReverse alice\n Allow *")
    for _ in range(connections):
        client(gateway).start("-N", "gw")
        gateway.wait_for_log("Accepted publickey for alice")
    join(backend(digest), name="up:0", options=["RekeyLimit 4M"])
    join(backend(source(SIZE)), name="down:0")
    one = client(gateway, user="bob", options=["RekeyLimit 4M"])
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        ups = [pool.submit(upload, lambda **streams: one.start("-W", "up:1", "gw", **streams), SIZE) for _ in range(2)]
        downs = [pool.submit(download, lambda **streams: one.start("-W", "down:1", "gw", **streams)) for _ in range(2)]
        assert {answer.result() for answer in ups + downs} == {pattern_digest(SIZE)}
    for queue, field in (("up", "bytes_up"), ("down", "bytes_down")):
        records = gateway.wait_for_audit(count=2, event="tunnel", queue=queue)
        assert [record[field] for record in records] == [SIZE, SIZE]


def test_one_tunnel_carries_both_ways_at_once(gateway, client, backend, join):
    gateway.start(BUILDS)
    join(backend(echo))
    _, paths = client(gateway, user="bob").forward("builds:1", "builds:2")
    for path, size in zip(paths, (64 * 1024, SIZE)):
        seen = hashlib.sha256()
        with connect(path) as tunnel:

            def feed():
                for chunk in pattern(size):
                    tunnel.sendall(chunk)
                tunnel.shutdown(socket.SHUT_WR)

            feeder = threading.Thread(target=feed)
            feeder.start()
            while data := tunnel.recv(1 << 18):
                seen.update(data)
            feeder.join()
        assert seen.hexdigest() == pattern_digest(size)


def send_until_it_stands_still(tunnel):
    """How many bytes were taken."""
    sent = 0
    tunnel.settimeout(3)
    with pytest.raises(TimeoutError):
        for chunk in pattern(256 * MIB):
            sent += tunnel.send(chunk)
    return sent


def test_a_stalled_member_costs_a_window(gateway, client, backend, join):
    stalled = Stalled()
    gateway.start(BUILDS, "WindowBudget 16M")
    join(backend(stalled))
    _, (path,) = client(gateway, user="bob").forward("builds:1")
    before = resident_bytes(gateway.engine())
    with connect(path) as tunnel:
        sent = send_until_it_stands_still(tunnel)
        if not is_sanitized():
            assert resident_bytes(gateway.engine()) - before < 48 * MIB
        assert sent < 64 * MIB
        stalled.released.set()
        tunnel.settimeout(60)
        tunnel.shutdown(socket.SHUT_WR)
        assert stalled.ended.wait(60)
        assert stalled.count == sent


def test_a_tunnel_that_stands_still_both_ways_ends_with_its_client(gateway, client, backend, join):
    """An echo whose client reads nothing stands still in both directions: what it writes must not wait for who has gone."""
    gateway.start(BUILDS)
    join(backend(echo))
    one, (path,) = client(gateway, user="bob").forward("builds:1")
    with connect(path) as tunnel:
        send_until_it_stands_still(tunnel)
        end(one)
    began = time.monotonic()
    (record,) = gateway.wait_for_audit(event="reverse_tunnel")
    assert time.monotonic() - began < 20 and record["reason"] == "both sides have ended"


def test_a_stalled_member_is_not_waited_for_once_its_client_has_gone(gateway, client, backend, join):
    """What the client left behind is kept for a while, as for a service that is connected, and not for ever."""
    stalled = Stalled()
    gateway.start(BUILDS)
    join(backend(stalled))
    one, (path,) = client(gateway, user="bob").forward("builds:1")
    with connect(path) as tunnel:
        send_until_it_stands_still(tunnel)
        end(one)
    time.sleep(20)
    assert not [record for record in gateway.audit() if record["event"] == "reverse_tunnel"]
    (record,) = gateway.wait_for_audit(event="reverse_tunnel")
    assert record["reason"] == "the client took no more bytes"
    stalled.released.set()


def test_both_sides_may_go_at_any_time(gateway, client, backend, join):
    """Tunnels that are ended by either side, in the middle of bytes: all of them end, and the gateway drains."""
    gateway.start(BUILDS)
    member = join(backend(echo))
    _, (path,) = client(gateway, user="bob").forward("builds:1")
    tunnels = [connect(path) for _ in range(30)]
    for tunnel in tunnels:
        tunnel.sendall(b"x" * 100000)
    for tunnel in tunnels[:10]:
        assert read_exactly(tunnel, 1000) == b"x" * 1000
        tunnel.close()
    end(member)
    for tunnel in tunnels[10:]:
        try:
            read_to_end(tunnel)
        except ConnectionResetError:
            pass
        tunnel.close()
    wait_until(lambda: len([r for r in gateway.audit() if r["event"] in ("tunnel", "tunnel_refused")]) >= 30, "ends")
