# SPDX-License-Identifier: MIT
"""sluice-bench compare: servers of this machine are started, measured and ended, and nothing of them stays."""
import html.parser
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time
import xml.etree.ElementTree

import pytest

from support.waiting import wait_until

PROGRAM = os.environ["SLUICE_BENCH"]
SHORT = ("--rounds", "1", "--seconds", "0.4")


def own_processes(directory):
    """Command lines of processes that name something in this directory."""
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes()
        except OSError:
            continue
        if str(directory).encode() in words:
            found.append(words)
    return found


def start(directory, *arguments):
    return subprocess.Popen([PROGRAM, "compare", "--sluiced", os.environ["SLUICED"], *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            text=True, env=os.environ | {"TMPDIR": str(directory)})


def run(directory, *arguments):
    running = start(directory, *arguments)
    out, err = running.communicate(timeout=300)
    assert list(directory.iterdir()) == [] and own_processes(directory) == []
    assert "Sanitizer" not in err and "runtime error" not in err, err
    return running.returncode, out, err


def rows_of(out):
    report = json.loads(out)
    return report, {(row["measure"], row["figure"]): row for row in report["rows"]}


def test_servers_are_measured_beside_each_other(tmp_path):
    status, out, err = run(tmp_path, "--json", *SHORT, "--only", "bulk-up-chacha20,connection,channel")
    assert status == 0, err
    report, rows = rows_of(out)
    servers = {server["name"]: server for server in report["servers"]}
    assert list(servers) == ["sluiced", "sshd", "dropbear", "haproxy", "bare"]
    assert report["schema"] == 1 and report["run"]["rounds"] == 1
    assert report["machine"]["tcp"].startswith("tcp_rmem ")
    for name in ("sluiced", "sshd", "bare"):
        assert servers[name]["missing"] is None
    for name, package in (("dropbear", "dropbear-bin"), ("haproxy", "haproxy")):
        if not shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin"):
            assert package in servers[name]["missing"]
    for row in (rows["bulk-up-chacha20-poly1305", "cpu_s"], rows["connection", "cpu_s"], rows["channel", "cpu_s"]):
        for name in ("sluiced", "sshd", "bare"):
            assert row["median"][name] is not None and row["median"][name] > 0, (row, report["faults"])
        assert row["ratio_peer"] > 0 and row["ratio_floor"] > 0
        assert row["rounds"]["sluiced"] == [row["median"]["sluiced"]]
    assert rows["channel", "per_second"]["median"]["bare"] is None


def test_memory_is_that_of_a_channel_or_a_connection(tmp_path):
    if os.geteuid() != 0:
        status, out, err = run(tmp_path, "--json", *SHORT, "--only", "idle-channel")
        assert "root alone" in out
        return
    status, out, err = run(tmp_path, "--json", *SHORT, "--only", "idle")
    assert status == 0, err
    report, rows = rows_of(out)
    assert set(rows) == {("idle-connection", "memory_bytes"), ("idle-channel", "memory_bytes")}
    memory = {measure: row["median"] for (measure, _), row in rows.items()}
    assert 100 << 10 < memory["idle-connection"]["sshd"] < 10 << 20, "a process a connection"
    assert memory["idle-channel"]["sshd"] < 100 << 10
    assert memory["idle-connection"]["sluiced"] > 0, report["faults"]


def test_a_long_path_takes_its_time(tmp_path):
    status, out, err = run(tmp_path, "--json", *SHORT, "--only", "far-up")
    assert status == 0, err
    _, rows = rows_of(out)
    median = rows["far-up", "per_second"]["median"]
    assert 0 < median["sshd"] < 64 / 1024, "OpenSSH's window of 2 MiB a round trip of 100 ms, and what was on its way at the border"
    assert median["sluiced"] > 0


def test_the_page_has_the_table_and_charts(tmp_path):
    page = tmp_path / "report.html"
    places = tmp_path / "places"
    places.mkdir()
    status, out, err = run(places, *SHORT, "--only", "echo-100,echo-beside", "--html", str(page))
    assert status == 0, err
    assert "an echo beside bulk" in out and "/ best SSH" in out
    text = page.read_text()
    html.parser.HTMLParser().feed(text)
    charts = re.findall(r"<svg.*?</svg>", text, re.S)
    assert len(charts) >= 2, "CPU, latency, and rates if there are any"
    for chart in charts:
        xml.etree.ElementTree.fromstring(chart)
    assert "sluiced" in text and "src=" not in text and "<script" not in text


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_is_cut_short_is_ended_and_told(tmp_path, number):
    running = start(tmp_path, "--seconds", "60", "--only", "echo-100")
    wait_until(lambda: len(own_processes(tmp_path)) >= 2, "servers")
    time.sleep(1)
    running.send_signal(number)
    out, err = running.communicate(timeout=60)
    assert running.returncode == 130 and "an echo, 100 channels" in out, err
    assert list(tmp_path.iterdir()) == [] and own_processes(tmp_path) == []


def test_servers_do_not_outlive_a_kill(tmp_path):
    running = start(tmp_path, "--seconds", "60", "--only", "echo-100")
    wait_until(lambda: len(own_processes(tmp_path)) >= 2, "servers")
    time.sleep(1)
    running.kill()
    running.communicate(timeout=60)
    wait_until(lambda: own_processes(tmp_path) == [], "the end of all servers")


def test_a_server_that_does_not_start_is_named_with_its_reason(tmp_path):
    places = tmp_path / "places"
    places.mkdir()
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\necho no such luck >&2\nexit 1\n")
    broken.chmod(0o755)
    status, out, err = run(places, *SHORT, "--only", "channel", "--peer", f"bad={broken},gone=/nowhere/at/all")
    assert status == 0, err
    assert "bad: it does not start: no such luck" in out and "gone: there is no /nowhere/at/all" in out


@pytest.mark.parametrize("arguments, said", [
    (["--only", "nothing-has-this"], "nothing has such a name"),
    (["--html", "page.txt"], "ends in .html"),
    (["--peer", "x"], "--peer takes"),
    (["--peer", "../x=/bin/true"], "--peer takes"),
    (["--peer", "sshd=/bin/true"], "there is a 'sshd' already"),
    (["--sluiced", "/nowhere/at/all"], "--sluiced PATH says where it is"),
])
def test_a_wrong_command_line_is_told(tmp_path, arguments, said):
    status, _, err = run(tmp_path, *arguments)
    assert status == 255 and said in err


def test_help_and_list():
    result = subprocess.run([PROGRAM, "compare", "--help"], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0 and max(map(len, result.stdout.splitlines())) <= 100
    result = subprocess.run([PROGRAM, "compare", "--list"], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0 and "echo-beside-bulk" in result.stdout
