# SPDX-License-Identifier: MIT
"""sluice-bench load with the machine to itself: times that are compared, and as many connections as it is made for."""
import os
import resource
import signal
import threading
import time

import pytest

from support.load import QUEUES, assert_clean, load


def stall(gateway, logins):
    """Half a second behind the login the engine stands still for a second: well within the two that are measured."""
    engine = gateway.engine()
    gateway.wait_for_audit(event="auth", count=logins)
    time.sleep(0.5)
    os.kill(engine, signal.SIGSTOP)
    time.sleep(1)
    os.kill(engine, signal.SIGCONT)


def test_a_stall_counts_for_all_that_was_due_in_it(gateway, keys):
    """In the closed loop it is one slow echo a channel, in the open loop half of all."""
    gateway.start(QUEUES)
    quantiles = []
    for rate in ([], ["--rate", "400"]):
        stalling = threading.Thread(target=stall, args=(gateway, len(quantiles) + 1))
        stalling.start()
        report = load("echo", gateway, keys["alice"], "echo", "-c", 1, "-m", 4, "--duration", 2, *rate)
        stalling.join()
        assert_clean(report)
        quantiles.append(report["latency_ns"])
    closed, due = quantiles
    assert closed["p90"] < 100e6 and closed["max"] > 500e6
    assert due["p90"] > 400e6
    assert 500 < due["count"] <= 900


def test_ten_thousand_connections_with_ten_channels_each(gateway, keys):
    if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < 11000:
        pytest.skip("too few descriptors")
    gateway.start(QUEUES, "MaxChannelsPerUser 1000000\nAuditLog none\nLogLevel INFO")
    report = load("echo", gateway, keys["alice"], "echo", "-c", 10000, "-m", 10, "--duration", 5, "--pid", gateway.process.pid)
    assert_clean(report)
    assert (report["run"]["connected"], report["run"]["opened"]) == (10000, 100000)
    assert report["work"]["count"] > 0
    assert report["own"]["after"]["rss_bytes"] < 300 << 20


def test_two_hundred_connections_with_ten_channels_each_to_sshd(sshd, target):
    report = load("echo", sshd, sshd.key, target["echo"], "-c", 200, "-m", 10, "--duration", 3, user=sshd.user)
    assert_clean(report)
    assert (report["run"]["connected"], report["run"]["opened"]) == (200, 2000)
    assert report["work"]["count"] > 0
