# SPDX-License-Identifier: MIT
"""What a newcomer types first."""
import pathlib
import signal
import socket
import subprocess

from support.process import free_port
from support.waiting import wait_until

QUICKSTART = pathlib.Path(__file__).parents[2] / "deploy/quickstart"
COMPARE = QUICKSTART.with_name("compare")


def test_the_demonstration_succeeds():
    result = subprocess.run([QUICKSTART, "--once", "--port", str(free_port())], capture_output=True, text=True, timeout=500)
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.count("  ok: ") == 4


def test_a_taken_port_is_told():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = subprocess.run([QUICKSTART, "--once", "--port", str(taken.getsockname()[1])], capture_output=True, text=True, timeout=60)
    assert result.returncode == 1
    assert "is taken" in result.stderr


def test_it_serves_until_it_is_stopped(tmp_path):
    """What it prints for the other terminal works as it stands, and nothing is left behind."""
    port = free_port()
    with open(tmp_path / "out", "wb") as out:
        running = subprocess.Popen([QUICKSTART, "--port", str(port)], stdout=out, stderr=out)
    try:
        wait_until(lambda: "From another terminal" in (tmp_path / "out").read_text(), "advice", seconds=400)
        command = next(line for line in (tmp_path / "out").read_text().splitlines() if "echo hello |" in line)
        assert subprocess.run(command, shell=True, capture_output=True, timeout=60).stdout == b"hello\n"
        command_of_operators = next(line for line in (tmp_path / "out").read_text().splitlines() if line.endswith("control queues"))
        assert b"builtin:echo" in subprocess.run(command_of_operators, shell=True, capture_output=True, timeout=60).stdout
        state = pathlib.Path(command.split("-F ")[1].split()[0]).parent
        assert state.exists()
    finally:
        running.send_signal(signal.SIGTERM)
        running.wait(60)
    assert not state.exists()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_the_comparison_is_one_command():
    result = subprocess.run([COMPARE, "--rounds", "1", "--seconds", "0.3", "--only", "echo-100"], capture_output=True, text=True, timeout=500)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "an echo, 100 channels" in result.stdout
