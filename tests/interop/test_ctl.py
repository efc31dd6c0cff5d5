# SPDX-License-Identifier: MIT
"""sluicectl against a running gateway: what it shows, what it changes, and that nobody who can connect to its socket can hurt."""
import os
import pathlib
import re
import select
import shutil
import signal
import socket
import stat
import subprocess
import time

import pytest

from support.backends import greeting
from support.client import connect, read_exactly
from support.keys import public_line
from support.process import free_port
from support.waiting import wait_until

ECHO = "Queue echo\n Target builtin:echo\n Allow *"


def queue_of(ctl, name):
    return next(queue for queue in ctl.json("queues")["queues"] if queue["queue"] == name)


def members_of(ctl, name, **fields):
    """Those of the queue's members that have all these fields."""
    return [member for member in queue_of(ctl, name)["members"] if all(member[field] == value for field, value in fields.items())]


def echo_once(path):
    with connect(path) as tunnel:
        tunnel.sendall(b"x")
        assert read_exactly(tunnel, 1) == b"x"


def test_queues_and_members_are_counted(gateway, client, ctl):
    gateway.start(f"{ECHO}\n MaxConn 7\nQueue full\n Target builtin:echo maxconn 1 weight 2\n QueueTimeout 0\n Allow *", ctl.setting)
    path = client(gateway).forward("full:1")[1][0]
    with connect(path) as first, connect(path):
        first.sendall(b"x")
        read_exactly(first, 1)
        wait_until(lambda: queue_of(ctl, "full")["waiting"] == 1, "one that waits")
        full = queue_of(ctl, "full")
        assert (full["active"], full["served"], full["limit"]) == (1, 1, None)
        (member,) = members_of(ctl, "full")
        assert (member["member"], member["state"], member["active"], member["limit"], member["weight"]) == ("builtin:echo", "up", 1, 1, 2)
    assert queue_of(ctl, "echo")["limit"] == 7
    wait_until(lambda: queue_of(ctl, "full")["waiting"] == queue_of(ctl, "full")["active"] == 0, "an empty queue")
    table = ctl.run("queues")
    assert re.search(r"^full +0 +0 ", table, re.MULTILINE) and re.search(r"^  builtin:echo +up +0/1 ", table, re.MULTILINE)
    assert max(map(len, table.splitlines())) <= 80


def test_a_drained_member_takes_nothing_until_it_is_enabled(gateway, client, backend, ctl):
    one, two = backend(greeting(b"1")), backend(greeting(b"2"))
    gateway.start(f"Queue both\n Target {one.address}\n Target {two.address}\n Allow *", ctl.setting)
    path = client(gateway).forward("both:1")[1][0]

    def answers(count=6):
        said = set()
        for _ in range(count):
            with connect(path) as tunnel:
                said.add(read_exactly(tunnel, 1))
        return said

    assert answers() == {b"1", b"2"}
    ctl.run("drain", "Both", one.address)
    assert [member["state"] for member in members_of(ctl, "both")] == ["draining", "up"]
    assert answers() == {b"2"}
    ctl.run("enable", "both", one.address)
    assert answers() == {b"1", b"2"}
    gateway.wait_for_log(rf"Operator uid {os.getuid()} pid \d+: drain both {re.escape(one.address)}")
    assert "no member of that name" in ctl.run("drain", "both", "10.9.9.9:1", status=1)
    assert "no queue of that name" in ctl.run("drain", "nosuch", one.address, status=1)
    assert [queue["queue"] for queue in ctl.json("queues")["queues"]] == ["both"]


def test_queue_times_are_what_was_waited(gateway, client, ctl):
    gateway.start("Queue one\n Target builtin:echo maxconn 1\n QueueTimeout 60s\n Allow *", ctl.setting)
    path = client(gateway).forward("one:1")[1][0]
    began = time.monotonic()
    with connect(path) as first, connect(path) as second:
        first.sendall(b"x")
        second.sendall(b"x")
        read_exactly(first, 1)
        assert queue_of(ctl, "one")["queue_time_p99_us"] == 0
        wait_until(lambda: queue_of(ctl, "one")["waiting"] == 1, "one that waits")
        time.sleep(1)
        first.close()
        read_exactly(second, 1)
        waited = time.monotonic() - began
    one = queue_of(ctl, "one")
    assert one["queue_time_p50_us"] == 0 and 1e6 * 7 / 8 <= one["queue_time_p99_us"] <= waited * 1e6
    assert re.search(r"^one .* 0us +[0-9.]+m?s$", ctl.run("queues"), re.MULTILINE)


def test_a_member_that_is_down_says_why_and_comes_back_slowly(gateway, ctl, backend):
    port = free_port()
    gateway.start(
        f"Queue web\n Target 127.0.0.1:{port} weight 4 check inter 1s rise 1 slowstart 60s\n Target builtin:echo backup\n Allow *", ctl.setting
    )
    (down,) = wait_until(lambda: members_of(ctl, "web", state="down"), "a member that is down")
    assert (down["reason"], down["backup"]) == ("Connection refused", False)
    assert re.search(rf"^  127\.0\.0\.1:{port} down  .*\n    Connection refused\n  builtin:echo +backup ", ctl.run("queues"), re.MULTILINE)
    backend(greeting(b"x"), port=port)
    (up,) = wait_until(lambda: members_of(ctl, "web", state="up", backup=False), "a member that is up")
    assert up["weight"] == 4 and 10 <= up["slowstart_percent"] < 100 and up["reason"] is None
    assert re.search(rf"^  127\.0\.0\.1:{port} slow [1-9][0-9]% ", ctl.run("queues"), re.MULTILINE)


def test_a_queue_that_a_reload_drops_is_shown_until_it_is_empty(gateway, client, ctl):
    def listed():
        return [(queue["queue"], queue["leaving"]) for queue in ctl.json("queues")["queues"]]

    gateway.start(f"Queue old\n Target builtin:echo\n Allow *\n{ECHO}\nQueue never\n Target builtin:echo", ctl.setting)
    path = client(gateway).forward("old:1")[1][0]
    with connect(path) as tunnel:
        tunnel.sendall(b"x")
        read_exactly(tunnel, 1)
        assert listed() == [("old", False), ("echo", False), ("never", False)]
        gateway.configure(ECHO, ctl.setting)
        gateway.signal(signal.SIGHUP)
        wait_until(lambda: listed() == [("old", True), ("echo", False)], "the reload")
        assert members_of(ctl, "old", state="leaving", active=1)
        tunnel.sendall(b"y")
        assert read_exactly(tunnel, 1) == b"y"
    wait_until(lambda: listed() == [("echo", False)], "the last tunnel's end")


def test_refusals_are_counted_by_their_reasons(gateway, client, ctl):
    gateway.start(
        f"Queue full\n Target builtin:echo maxconn 1\n MaxQueue 0\n Allow *\nQueue empty\n AcceptReverse alice\n Allow *\n"
        f"Queue late\n Target builtin:echo maxconn 1\n QueueTimeout 1s\n Allow *\n"
        f"Queue dead\n Target 127.0.0.1:{free_port()}\n Allow *",
        ctl.setting,
    )
    one = client(gateway)
    full, late = one.forward("full:1", "late:1")[1]
    with connect(full) as first, connect(late) as second:
        for tunnel in (first, second):
            tunnel.sendall(b"x")
            read_exactly(tunnel, 1)
        for name in ("full", "empty", "late", "dead"):
            assert one.run("-W", f"{name}:1", "gw").returncode == 255
        queues = {queue["queue"]: queue for queue in ctl.json("queues")["queues"]}
    reasons = {"full": "refused_queue_full", "empty": "refused_no_consumer", "late": "refused_timed_out", "dead": "refused_failed"}
    for name, queue in queues.items():
        assert {reason: queue[reason] for reason in reasons.values()} == {reason: int(reason == reasons[name]) for reason in reasons.values()}
        assert (queue["served"], queue["failed"]) == (int(name in ("full", "late")), int(name == "dead"))
    table = ctl.run("queues")
    assert re.search(r"^full .*\n  refused: 1 queue full\n", table, re.MULTILINE)
    assert re.search(r"^empty .*\n  refused: 1 no consumer\n", table, re.MULTILINE)
    assert re.search(r"^late .*\n  refused: 1 waited too long\n", table, re.MULTILINE)
    assert re.search(r"^dead .*\n  127", table, re.MULTILINE)


def test_a_client_that_joined_is_a_member_like_others(gateway, client, backend, ctl):
    gateway.start("Queue builds\n AcceptReverse alice\n Allow *", ctl.setting)
    running = [client(gateway).start("-N", "-R", f"builds:0:{backend(greeting(text)).address}", "gw") for text in (b"1", b"2")]
    wait_until(lambda: len(members_of(ctl, "builds")) == 2, "two members")
    first, second = members_of(ctl, "builds")
    ids = {session["session"][:12] for session in ctl.json("sessions")["sessions"]}
    assert {re.fullmatch(r"alice#([0-9a-f]{12}):\d+", member["member"])[1] for member in (first, second)} == ids
    path = client(gateway, user="bob").forward("builds:1")[1][0]

    def answers():
        said = set()
        for _ in range(6):
            with connect(path) as tunnel:
                said.add(read_exactly(tunnel, 1))
        return said

    assert answers() == {b"1", b"2"}
    ctl.run("drain", "builds", first["member"])
    assert len(answers()) == 1
    assert [member["state"] for member in members_of(ctl, "builds")] == ["draining", "up"]
    assert max(map(len, ctl.run("queues").splitlines())) <= 80
    ctl.run("enable", "builds", first["member"])
    assert answers() == {b"1", b"2"}
    running[0].kill()
    wait_until(lambda: len(members_of(ctl, "builds")) == 1, "the one that is left")


def test_sessions_of_all_workers_are_listed_and_can_be_ended(gateway, client, ctl):
    gateway.start(ECHO, ctl.setting)
    people = ["alice", "bob", "alice", "bob"]
    paths = [client(gateway, user=user).forward("echo:1")[1][0] for user in people]
    with connect(paths[0]) as tunnel:
        tunnel.sendall(b"x" * 1000)
        read_exactly(tunnel, 1000)
        listed = ctl.json("sessions")
        assert (listed["omitted"], listed["silent_workers"]) == (0, 0)
        sessions = listed["sessions"]
        assert sorted(session["user"] for session in sessions) == sorted(people)
        assert {session["worker"] for session in sessions} == {0, 1}
        assert sorted(session["channels"] for session in sessions) == [0, 0, 0, 1]
        (busy,) = [session for session in sessions if session["channels"] == 1]
        assert busy["bytes_in"] > 1000 < busy["bytes_out"] and busy["address"].startswith("127.0.0.1:")
        table = ctl.run("sessions")
        assert len(table.splitlines()) == 5 and max(map(len, table.splitlines())) <= 80
        assert ctl.run("kill", busy["session"][:12]) == "1 disconnected\n"
        assert tunnel.recv(1) == b""
    gateway.wait_for_log(rf"Disconnected by an operator on conn={busy['session']}")
    wait_until(lambda: len(ctl.json("sessions")["sessions"]) == 3, "three that are left")
    assert "no session" in ctl.run("kill", busy["session"], status=1)
    assert "first 8 digits" in ctl.run("kill", "abc", status=1)
    assert ctl.json("info")["connections"] == 3


def test_a_user_is_shown_only_once_he_is_authenticated(gateway, ctl):
    gateway.start(ECHO, ctl.setting)
    with socket.create_connection(("127.0.0.1", gateway.port)):
        wait_until(lambda: len(ctl.json("sessions")["sessions"]) == 1, "a session")
        (session,) = ctl.json("sessions")["sessions"]
        assert session["user"] is None and session["proves_name"] is False
        assert " -  " in ctl.run("sessions")


def test_a_name_that_no_key_proves_is_marked(gateway, client, backend, keys, ctl):
    shared = gateway.directory / "shared"
    shared.write_text(f"{public_line(keys['alice'])}\n")
    shared.chmod(0o600)
    gateway.start("Queue builds\n AcceptReverse *\n Allow *", f"{ctl.setting}\nAuthorizedKeysFile {gateway.key_directory}/%u {shared}")
    service = backend(greeting(b"x"))
    for count, user in enumerate(("alice", "root"), 1):  # the key is alice's own, and the shared file lets it in under any name
        client(gateway, user=user, key=keys["alice"]).start("-N", "-R", f"builds:0:{service.address}", "gw")
        gateway.wait_for_log("joins queue", count)
    assert {session["user"]: session["proves_name"] for session in ctl.json("sessions")["sessions"]} == {"alice": True, "root": False}
    assert re.findall(r"^[0-9a-f]{12} (alice\S*|root\S*) ", ctl.run("sessions"), re.MULTILINE) == ["alice", "root?"]
    names = {member["member"].partition("#")[0] for member in members_of(ctl, "builds")}
    assert names == {"alice", "root?"}


def test_only_the_gateways_user_and_group_may_connect(gateway, ctl):
    gateway.start(ECHO, ctl.setting)
    status = os.stat(ctl.path)
    assert stat.S_ISSOCK(status.st_mode) and stat.S_IMODE(status.st_mode) == 0o660
    if os.geteuid() == 0:
        copy = pathlib.Path(ctl.path).parent / "sluicectl"
        shutil.copy(os.environ["SLUICECTL"], copy)
        command = [copy, "-s", ctl.path, "info"]
        stranger = subprocess.run(command, capture_output=True, text=True, user=12345, group=12345, extra_groups=[])
        assert stranger.returncode == 1 and "you may not connect" in stranger.stderr
        member = subprocess.run(command, capture_output=True, text=True, user=12345, group=12345, extra_groups=[status.st_gid])
        assert member.returncode == 0, member.stderr


def test_what_is_wrong_is_said_for_people(gateway, new_gateway, ctl):
    assert "is sluiced running" in ctl.run("queues", status=1)
    gateway.start(ECHO, ctl.setting)
    assert "there is no command list" in ctl.run("list", status=2)
    assert "a queue and a member" in ctl.run("drain", "echo", status=2)
    os.kill(gateway.process.pid, signal.SIGKILL)
    gateway.process.wait()
    wait_until(lambda: "nobody answers" in ctl.try_to("queues").stderr, "the engine's end")  # until then it answers
    new_gateway().start(ECHO, ctl.setting)  # in the place of the socket that was left behind
    assert ctl.json("info")["workers"] == 2


def test_the_socket_goes_with_the_gateway_and_is_not_shared(gateway, new_gateway, ctl):
    gateway.start(ECHO, ctl.setting)
    other = new_gateway()
    with pytest.raises(AssertionError, match="another gateway answers there"):
        other.start(ECHO, ctl.setting)
    assert ctl.json("info")["workers"] == 2
    gateway.stop()
    assert not os.path.exists(ctl.path)


def test_a_file_that_is_no_socket_is_left_alone(gateway, ctl):
    pathlib.Path(ctl.path).write_text("mine")
    with pytest.raises(AssertionError, match="no socket"):
        gateway.start(ECHO, ctl.setting)
    assert pathlib.Path(ctl.path).read_text() == "mine"


def test_another_engine_answers_on_the_same_socket(gateway, ctl):
    gateway.start(ECHO, ctl.setting)
    before = ctl.json("info")["pid"]
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: f"engine {before} ended" in gateway.log(), "its end")
    assert ctl.json("info")["pid"] != before


def test_it_answers_while_the_gateway_drains(gateway, client, ctl):
    gateway.start(ECHO, ctl.setting + "\nHardStopAfter 20s")
    path = client(gateway).forward("echo:1")[1][0]
    with connect(path) as tunnel:
        tunnel.sendall(b"x")
        read_exactly(tunnel, 1)
        gateway.signal(signal.SIGTERM)
        gateway.wait_for_log("draining for at most")
        (session,) = wait_until(lambda: ctl.json("sessions")["sessions"], "the session that is left")
        assert session["user"] == "alice"
        ctl.run("kill", session["session"])
    assert gateway.process.wait(15) == 0


@pytest.mark.parametrize("line", [b"\n", b"1\n", b"2\tqueues\n", b"GET / HTTP/1.0\r\n", b"1\tqueues\tmore\n", b"1\tdrain\n", b"1\tnosuch\n"])
def test_questions_that_make_no_sense_are_refused(gateway, ctl, line):
    gateway.start(ECHO, ctl.setting)
    hello, error = ctl.say(line)
    assert hello["protocol"] == 1 and set(error) == {"error"}


def test_endless_and_binary_lines_are_refused(gateway, ctl):
    gateway.start(ECHO, ctl.setting)
    assert "longer than" in ctl.say(b"x" * 1024)[1]["error"]
    assert "error" in ctl.say(b"1\tkill\t" + bytes(range(128, 256)) + b"\0\x1b\n")[1]
    assert "error" in ctl.say(b"1\tdrain\techo\t" + b"%s%n\"\\\n")[1]
    assert ctl.json("info")["workers"] == 2


def test_clients_that_are_silent_or_read_nothing_hold_up_nobody(gateway, client, ctl):
    queues = "\n".join(f"Queue q{i}\n" + "\n".join(f" Target 10.0.0.{j}:{1000 + i}" for j in range(1, 40)) for i in range(100))
    gateway.start(f"{ECHO}\n{queues}", ctl.setting)
    path = client(gateway).forward("echo:1")[1][0]
    silent = [ctl.connect() for _ in range(8)]
    greedy = [ctl.connect() for _ in range(8)]
    for connection in greedy:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(b"1\tqueues\n")
    began = time.monotonic()
    echo_once(path)
    assert not select.select(silent, [], [], 0)[0]  # none was ended to get there
    assert len(ctl.json("queues")["queues"]) == 101  # in the backlog until the slow ones' time is over
    assert 3 < time.monotonic() - began < 60
    for connection in silent:
        assert connection.recv(1) == b""
    for connection in greedy:
        while connection.recv(1 << 16):
            pass
    for connection in silent + greedy:
        connection.close()


def test_many_ask_at_once(gateway, client, ctl):
    gateway.start(ECHO, ctl.setting)
    path = client(gateway).forward("echo:1")[1][0]
    running = [
        subprocess.Popen([os.environ["SLUICECTL"], "-s", ctl.path, "--json", word], stdout=subprocess.DEVNULL)
        for _ in range(15)
        for word in ("sessions", "queues")
    ]
    echo_once(path)
    assert [process.wait(60) for process in running] == [0] * len(running)


def test_asking_and_a_drain_at_once(gateway, ctl):
    """Sanitizers and the exit status are the judges."""
    gateway.start(ECHO, ctl.setting)
    command = f"while {os.environ['SLUICECTL']} -s {ctl.path} sessions; do :; done"
    asking = [subprocess.Popen(["sh", "-c", command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in range(4)]
    time.sleep(0.5)
    gateway.stop()
    for process in asking:
        process.wait(30)
