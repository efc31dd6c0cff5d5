# SPDX-License-Identifier: MIT
"""Unix sockets on both sides: members that are one, clients that ask for one (ssh -L PORT:/PATH), and clients that offer one
(ssh -R /PATH:…)."""
import hashlib
import os
import pathlib
import re
import shutil
import signal
import socket
import stat
import tempfile

import pytest

from support.backends import Backend, digest, echo, greeting, pattern, pattern_digest, source
from support.client import connect, read_exactly, read_to_end
from support.keys import public_line
from support.waiting import wait_until


@pytest.fixture
def place(cleanup):
    """A directory that the gateway's engine may look into, whoever it runs as; its name is short."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="sluice-"))
    cleanup.callback(shutil.rmtree, path)
    path.chmod(0o755)
    return path


@pytest.fixture
def service(backend, place):
    """service(name, serve): a backend at a Unix socket."""

    def make(name, serve):
        made = backend(serve, path=place / name)
        (place / name).chmod(0o777)
        return made

    return make


def test_a_member_at_a_unix_socket_echoes(gateway, client, service):
    gateway.start(f"Queue app\n Target {service('app', echo).address}\n Allow alice")
    _, (path,) = client(gateway).forward("app:1")
    with connect(path) as tunnel:
        tunnel.sendall(b"x" * 100_000)
        assert read_exactly(tunnel, 100_000) == b"x" * 100_000
        tunnel.shutdown(socket.SHUT_WR)
        assert read_to_end(tunnel) == b""
    (record,) = gateway.wait_for_audit(event="tunnel", queue="app")
    assert record["member"].startswith("unix:/") and record["address"] is None


def test_large_transfers_are_whole_in_both_directions(gateway, client, service):
    size = 32 << 20
    up, down = service("up", digest), service("down", source(size))
    gateway.start(f"Queue up\n Target {up.address}\n Allow *\nQueue down\n Target {down.address}\n Allow *")
    one = client(gateway)
    sent = one.run("-W", "up:1", "gw", input=b"".join(pattern(size)))
    assert sent.stdout.decode() == pattern_digest(size), sent.stderr
    got = one.run("-W", "down:1", "gw")
    assert hashlib.sha256(got.stdout).hexdigest() == pattern_digest(size), got.stderr


def test_a_client_asks_for_a_path(gateway, client, service, backend):
    app, web = service("app", greeting(b"app")), backend(greeting(b"web"))
    gateway.start(
        f"Queue web\n Target {web.address}\n Allow alice\n"
        f"Queue app\n Route unix:/run/app/*.sock\n Target {app.address}\n Allow alice\n"
        "Queue any\n Route *:*\n Target dial\n Allow alice"
    )
    # by its path, and by the name of a queue behind a slash
    _, paths = client(gateway).forward("/run/app/a.sock", "/web", "/any", app.address[5:], "/run/app/none")
    said = [read_to_end(connect(path)) for path in paths]
    assert said == [b"app", b"web", b"", b"", b""]
    gateway.wait_for_log(r"Refused tunnel \d+ of alice from \S+ to /any: no queue takes it")
    gateway.wait_for_audit(event="tunnel", queue="app", host="/run/app/a.sock", port=0)


def test_permitopen_does_not_open_paths(gateway, client, service):
    gateway.start(f"Queue app\n Target {service('app', greeting(b'app')).address}\n Allow alice")
    gateway.admit("alice", f'permitopen="*:*" {public_line(gateway.keys["alice"])}')
    _, paths = client(gateway).forward("app:1", "/app")
    assert [read_to_end(connect(path)) for path in paths] == [b"app", b""]
    gateway.wait_for_log("to /app .*the key's options do not permit it")


def test_what_cannot_be_connected_says_so(gateway, client, service, place):
    missing, alive = place / "missing", service("alive", greeting(b"alive"))
    closed = place / "closed"
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(closed))
    closed.chmod(0o777)
    gateway.start(
        f"Queue app\n Target unix:{missing}\n Target unix:{closed}\n Target {alive.address} backup\n Allow *\n Retries 3"
    )
    assert client(gateway).run("-W", "app:1", "gw").stdout == b"alive"
    gateway.wait_for_log(r"Could not connect tunnel .*missing.*: No such file or directory")
    gateway.wait_for_log(r"Could not connect tunnel .*closed.*: Connection refused")


def test_a_full_backlog_is_waited_for_until_the_timeout(gateway, client, place):
    path = place / "full"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        path.chmod(0o777)
        listener.listen(0)
        filler = socket.socket(socket.AF_UNIX)
        filler.connect(str(path))
        gateway.start(f"Queue app\n Target unix:{path} timeout 1s\n Retries 0\n Allow *\nQueue slow\n Target unix:{path}\n Allow *")
        one = client(gateway)
        assert one.run("-W", "app:1", "gw").returncode != 0
        gateway.wait_for_log("Could not connect tunnel .*: Connection timed out")
        _, (waits,) = one.forward("slow:1")
        with connect(waits) as tunnel, filler:
            listener.settimeout(60)
            first, _ = listener.accept()  # there is room now
            second, _ = listener.accept()
            with first, second:
                second.sendall(b"hello")
                assert read_exactly(tunnel, 5) == b"hello"


def test_a_member_at_a_unix_socket_is_checked(gateway, client, service, place):
    app = Backend(greeting(b"app"), path=place / "app")
    (place / "app").chmod(0o777)
    gateway.start(f"Queue app\n Target {app.address} check inter 1s fall 1 rise 1\n Allow *")
    wait_until(lambda: len(app.connections) >= 2, "checks")
    app.stop()
    gateway.wait_for_log(r"Member unix:\S+ of queue app is down: Connection refused")
    os.unlink(place / "app")
    service("app", greeting(b"again"))
    gateway.wait_for_log("is up again")
    assert client(gateway).run("-W", "app:1", "gw").stdout == b"again"


# ---- ssh -R /PATH:… ----


@pytest.fixture
def sockets(place):
    """A directory in which the engine may make sockets."""
    path = place / "s"
    path.mkdir()
    if os.geteuid() == 0:
        shutil.chown(path, "nobody")
    return path


def offer(gateway, running_client, path, service):
    """An ssh -R of its own, whose socket listens."""
    before = gateway.log().count(f"{path} listens")
    running = running_client.start("-N", "-R", f"{path}:{service.address}", "gw")
    gateway.wait_for_log(f"Reverse forward of alice .*{path} listens", before + 1)
    return running


def say(path):
    with connect(str(path)) as tunnel:
        return read_to_end(tunnel)


def refused(gateway, running_client, path, reason):
    result = running_client.run("-N", "-R", f"{path}:localhost:1", "gw")
    assert result.returncode == 255 and b"remote port forwarding failed" in result.stderr, result.stderr
    gateway.wait_for_log(f"Refused reverse forward of alice .* to {re.escape(str(path))}: .*{reason}")


def test_a_client_offers_a_socket(gateway, client, backend, place, sockets):
    path, control = sockets / "app", place / "master"
    gateway.start("", f"StreamLocalBindDirectory {sockets}\nStreamLocalBindMask 0117")
    one = client(gateway, options=["ControlMaster auto", f"ControlPath {control}"])
    service = backend(echo)
    offer(gateway, one, path, service)
    assert stat.S_ISSOCK(path.stat().st_mode) and stat.S_IMODE(path.stat().st_mode) == 0o660
    sent = os.urandom(300_000)
    with connect(str(path)) as tunnel:
        tunnel.sendall(sent[:10])
        assert read_exactly(tunnel, 10) == sent[:10]
        one.run("-O", "cancel", "-R", f"{path}:{service.address}", "gw")
        wait_until(lambda: not path.exists(), "end of the socket")
        tunnel.sendall(sent)
        tunnel.shutdown(socket.SHUT_WR)
        assert read_to_end(tunnel) == sent, "what is open lives on"
    (record,) = gateway.wait_for_audit(event="reverse_tunnel", user="alice")
    assert (record["host"], record["queue"], record["bytes_up"]) == (str(path), None, len(sent) + 10)


def test_an_offered_socket_goes_with_its_client(gateway, client, backend, sockets):
    gateway.start("", f"StreamLocalBindDirectory {sockets}/")
    running = offer(gateway, client(gateway), sockets / "app", backend(greeting(b"served")))
    assert stat.S_IMODE((sockets / "app").stat().st_mode) == 0o600
    assert say(sockets / "app") == b"served"
    running.kill()
    wait_until(lambda: not (sockets / "app").exists(), "end of the socket")


def test_a_socket_that_a_client_offers_serves_a_queue(gateway, client, backend, sockets):
    gateway.start(f"Queue app\n Target unix:{sockets}/app\n Allow bob", f"StreamLocalBindDirectory {sockets}")
    offer(gateway, client(gateway), sockets / "app", backend(greeting(b"served")))
    assert client(gateway, user="bob").run("-W", "app:1", "gw").stdout == b"served"


def test_sockets_stand_in_their_directory_only(gateway, client, sockets, place):
    gateway.start("", f"StreamLocalBindDirectory {sockets}")
    one = client(gateway)
    for path in (place / "x", f"{sockets}/../x", f"{sockets}//x", f"{sockets}/.x", f"{sockets}/a/x", f"{sockets}x/x", "/x", f"{sockets}/{'n' * 65}"):
        refused(gateway, one, path, "it is no name in StreamLocalBindDirectory")
    gateway.admit("alice", f'permitlisten="8080" {public_line(gateway.keys["alice"])}')
    refused(gateway, one, sockets / "x", "the key's options do not permit it")
    assert not list(sockets.iterdir())


def test_by_default_no_socket_is_made(gateway, client, sockets):
    gateway.start("")
    refused(gateway, client(gateway), sockets / "x", "StreamLocalBindDirectory")


def test_what_is_in_the_way_of_a_socket(gateway, client, backend, sockets):
    """A socket that nobody has is replaced where StreamLocalBindUnlink says so; one that lives, and a file, never are."""
    settings = f"StreamLocalBindDirectory {sockets}"
    gateway.start("", settings)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(sockets / "app"))
    (sockets / "app").chmod(0o777)
    (sockets / "file").write_text("stays")
    one = client(gateway)
    refused(gateway, one, sockets / "app", "cannot be listened on")
    gateway.configure("", f"{settings}\nStreamLocalBindUnlink yes")
    gateway.signal(signal.SIGHUP)
    gateway.wait_for_log("Received SIGHUP; reloading")
    offer(gateway, one, sockets / "app", backend(greeting(b"first")))
    refused(gateway, one, sockets / "app", "cannot be listened on")
    refused(gateway, one, sockets / "file", "cannot be listened on")
    assert say(sockets / "app") == b"first"
    assert (sockets / "file").read_text() == "stays"
    assert len(gateway.wait_for_audit(event="reverse_tunnel", user="alice")) == 1, "whoever looked opened no tunnel"
