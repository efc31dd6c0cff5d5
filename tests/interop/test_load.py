# SPDX-License-Identifier: MIT
"""sluice-bench load against a gateway and against a real sshd, through its own target and the gateway's built-in services."""
import os
import resource
import signal
import subprocess
import threading
import time
import xml.etree.ElementTree

import pytest

from support.load import QUEUES, assert_clean, load, program
from support.process import free_port

TARGETS = {"handshake": "echo", "churn": "echo", "echo": "echo", "bulk-up": "discard", "bulk-down": "source", "idle": "echo"}


@pytest.mark.parametrize("mode", TARGETS)
def test_each_mode_works_through_a_gateway(gateway, keys, mode):
    gateway.start(QUEUES)
    channels = [] if mode == "handshake" else ["-m", 3]
    report = load(mode, gateway, keys["alice"], TARGETS[mode], "-c", 4, *channels, "--pid", gateway.process.pid)
    assert_clean(report)
    work, run = report["work"], report["run"]
    assert report["peer"]["ident"].startswith("SSH-2.0-sluice")
    assert report["server"]["cpu_user_s"] + report["server"]["cpu_system_s"] >= 0
    if mode == "idle":
        assert (run["connected"], run["opened"]) == (4, 12)
        return
    assert work["count"] > 0
    if mode.startswith("bulk"):
        assert work["bytes_up" if mode == "bulk-up" else "bytes_down"] > 1 << 20
    else:
        assert report["latency_ns"]["count"] > 0
        assert report["latency_ns"]["p50"] <= report["latency_ns"]["p99"] <= report["latency_ns"]["max"]
    if mode == "echo":
        assert work["bytes_down"] >= 64 * (work["count"] - 12)


@pytest.mark.parametrize("mode, service", [("handshake", "echo"), ("churn", "echo"), ("echo", "echo"), ("bulk-up", "sink"), ("bulk-down", "source")])
def test_each_mode_works_through_sshd(sshd, target, mode, service):
    channels = [] if mode == "handshake" else ["-m", 2]
    report = load(mode, sshd, sshd.key, target[service], "-c", 2, *channels, "--duration", 3, user=sshd.user)
    assert_clean(report)
    assert report["peer"]["ident"].startswith("SSH-2.0-OpenSSH")
    assert report["work"]["count"] > 0


def test_algorithms_payloads_rekeys_and_slow_readers(gateway, keys, target):
    gateway.start(f"Queue echo\n Target {target['echo']}\n Allow alice")
    report = load("echo", gateway, keys["alice"], "echo", "-c", 4, "-m", 2, "--payload", "100000", "--cipher", "aes256-ctr", "--mac", "umac-128-etm",
                  "--kex", "sntrup761x25519-sha512", "--rekey-every", "1M", "--slow-readers", "25%", "--duration", 3)
    assert_clean(report)
    assert report["peer"]["cipher_up"] == report["peer"]["cipher_down"] == "aes256-ctr"
    assert report["peer"]["mac_up"] == "umac-128-etm@openssh.com" and report["peer"]["kex"].startswith("sntrup761x25519-sha512")
    assert report["run"]["rekeys"] > 0
    assert 0 < report["latency_ns"]["count"] <= report["work"]["count"]


@pytest.mark.parametrize("mode, queue, counted", [("bulk-up", "discard", "bytes_up"), ("bulk-down", "source", "bytes_down")])
def test_its_bytes_are_those_that_the_gateway_counted(gateway, keys, mode, queue, counted):
    gateway.start(QUEUES)
    report = load(mode, gateway, keys["alice"], queue, "-c", 2, "-m", 2, "--warmup", 0, "--duration", 2)
    assert_clean(report)
    carried = sum(record[counted] for record in gateway.wait_for_audit(count=4, event="tunnel"))
    on_their_way = 4 * 16 << 20  # at the end, in windows, buffers and what ends behind the measurement
    assert report["work"][counted] > 1 << 20
    assert abs(carried - report["work"][counted]) < 0.05 * carried + on_their_way
    assert mode == "bulk-up" or report["work"][counted] <= carried, "nothing arrives that was not carried"


def test_bulk_moves_beside_what_is_counted(gateway, keys, target):
    gateway.start(f"Queue echo\n Target {target['echo']}\n Allow alice")
    report = load("echo", gateway, keys["alice"], "echo", "-m", 3, "--bulk-payload", "1M", "--rate", 100)
    assert_clean(report)
    work = report["work"]
    assert 0 < work["count"] < 200
    assert work["bytes_down"] > 1 << 20


def test_what_fails_is_counted_and_named(gateway, keys):
    gateway.start(QUEUES)
    refused = load("echo", gateway, keys["stranger"], "echo", "-c", 2)
    assert refused["status"] == 1
    assert {error["kind"] for error in refused["errors"]} == {"login"}
    no_queue = load("churn", gateway, keys["alice"], "nothing", "-c", 2)
    assert {error["kind"] for error in no_queue["errors"]} == {"refused"}
    assert "not available" in no_queue["errors"][0]["text"]
    other_host = load("echo", gateway, keys["alice"], "echo", "--host-key", "SHA256:AAAA")
    assert other_host["status"] == 1 and "another host key" in other_host["errors"][0]["text"]
    wrong_bytes = load("bulk-down", gateway, keys["alice"], "echo", "-m", 2)
    assert wrong_bytes["error_count"] == 0 and wrong_bytes["work"]["count"] == 0


def test_what_comes_back_is_compared(gateway, keys):
    gateway.start(QUEUES)
    report = load("echo", gateway, keys["alice"], "source", "-c", 2)
    assert {error["kind"] for error in report["errors"]} == {"wrong-bytes"}


def test_connections_that_are_lost_come_back(gateway, keys):
    gateway.start(QUEUES)
    engine = gateway.engine()

    def kill_once_all_are_there():
        gateway.wait_for_audit(count=3, event="auth")
        time.sleep(2)  # past the warm-up
        os.kill(engine, signal.SIGKILL)

    killer = threading.Thread(target=kill_once_all_are_there)
    killer.start()
    report = load("echo", gateway, keys["alice"], "echo", "-c", 3, "-m", 2, "--duration", 10)
    killer.join()
    assert report["status"] == 0
    assert {error["kind"] for error in report["errors"]} <= {"lost", "connect", "turned-away"} and report["error_count"] >= 3
    assert (report["run"]["connected"], report["run"]["opened"]) == (3, 6)


def test_nobody_listens(keys):
    class Nobody:
        port = free_port()

    report = load("echo", Nobody, keys["alice"], "echo:1")
    assert report["status"] == 1
    assert report["errors"][0]["kind"] == "connect" and report["errors"][0]["text"] == "Connection refused"


def test_an_interrupt_ends_it_early_with_a_report(gateway, keys, tmp_path):
    gateway.start(QUEUES)
    chart = tmp_path / "chart.svg"
    argv = [program(), "load", "echo", "-i", str(keys["alice"]), "--target", "echo", "--duration", "600", "--plot", str(chart), f"alice@127.0.0.1:{gateway.port}"]
    running = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    gateway.wait_for_audit(event="auth")
    time.sleep(2)
    running.send_signal(signal.SIGINT)
    text, _ = running.communicate(timeout=60)
    assert running.returncode == 0
    assert "echoes" in text and "errors          none" in text
    assert xml.etree.ElementTree.parse(chart).getroot().tag.endswith("svg")


@pytest.mark.parametrize("arguments, said", [
    (["echo"], "it takes a mode and a server"),
    (["shout", "a@127.0.0.1"], "'shout' is no mode"),
    (["echo", "a@127.0.0.1"], "--target HOST:PORT"),
    (["echo", "--target", "x:1", "-i", "/nothing", "a@127.0.0.1"], "/nothing: No such file"),
    (["idle", "--rate", "5", "--target", "x:1", "-i", "KEY", "a@127.0.0.1"], "--rate is for echo"),
    (["handshake", "-m", "2", "--target", "x:1", "-i", "KEY", "a@127.0.0.1"], "a handshake has one channel"),
    (["echo", "--bulk-payload", "1M", "--target", "x:1", "-i", "KEY", "a@127.0.0.1"], "--bulk-payload is for echo, with --channels 2"),
    (["echo", "--cipher", "rot13", "--target", "x:1", "-i", "KEY", "a@127.0.0.1"], "there is no 'rot13', but aes128-gcm"),
    (["echo", "--plot", "a.png", "--target", "x:1", "-i", "KEY", "a@127.0.0.1"], "ends in .svg"),
])
def test_a_wrong_command_line_is_told(keys, arguments, said):
    argv = [str(keys["alice"]) if word == "KEY" else word for word in arguments]
    result = subprocess.run([program(), "load", *argv], capture_output=True, text=True, timeout=60)
    assert result.returncode == 255 and said in result.stderr, result.stderr


def test_help_is_wide_enough_for_a_terminal():
    result = subprocess.run([program(), "load", "--help"], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0 and max(map(len, result.stdout.splitlines())) <= 100


def test_connections_that_are_cut_off_are_no_errors_and_come_back(gateway, keys):
    gateway.start(QUEUES)
    report = load("echo", gateway, keys["alice"], "echo", "-c", 8, "-m", 2, "--cut-rate", 20, "--rekey-every", "1M", "--payload", "2000")
    assert_clean(report)
    assert report["run"]["cuts"] > 5 and report["run"]["connected"] > 2


def test_connections_begin_at_the_rate_that_was_asked_for(gateway, keys):
    gateway.start(QUEUES)
    report = load("idle", gateway, keys["alice"], "echo", "-c", 21, "--connect-rate", 20)
    assert_clean(report)
    assert report["run"]["connected"] == 21 and report["run"]["ramp_s"] >= 0.9


def test_a_server_that_limits_logins_is_not_run_over(new_sshd):
    sshd = new_sshd(settings="PerSourceMaxStartups 5")
    carefully = load("idle", sshd, sshd.key, "127.0.0.1:1", "-c", 6, "-m", 1, "--connect-parallel", 1, user=sshd.user)
    assert {error["kind"] for error in carefully["errors"]} == {"refused"}, "nobody listens there, but all logged in"
    assert carefully["run"]["connected"] == 6
    at_once = load("handshake", sshd, sshd.key, "127.0.0.1:1", "-c", 20, user=sshd.user)
    assert "turned-away" in {error["kind"] for error in at_once["errors"]}


def test_descriptors_that_are_not_to_be_had_are_errors_of_its_own(gateway, keys):
    gateway.start(QUEUES)
    few = 30
    report = load("idle", gateway, keys["alice"], "echo", "-c", 40, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (few, few)))
    assert {(error["kind"], error["text"]) for error in report["errors"]} == {("own", "Too many open files")}
    assert report["status"] == 0 and few - 15 < report["run"]["connected"] < few


def test_connections_come_from_the_addresses_that_were_named(gateway, keys):
    gateway.start(QUEUES)
    assert_clean(load("idle", gateway, keys["alice"], "echo", "-c", 4, "--source", "127.0.0.2,127.0.0.3"))
    from_them = [record["peer"].partition(":")[0] for record in gateway.audit() if record["event"] == "auth"]
    assert sorted(from_them) == ["127.0.0.2", "127.0.0.2", "127.0.0.3", "127.0.0.3"]
