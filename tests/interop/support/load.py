# SPDX-License-Identifier: MIT
"""sluice-bench load, its reports, and the gateway's own services for it."""
import json
import os
import subprocess

from .process import free_port

QUEUES = "\n".join(f"Queue {name}\n Target builtin:{name}\n Allow alice" for name in ("echo", "discard", "source"))
SHORT = ("--duration", "1", "--warmup", "0.2")


def program() -> str:
    return os.environ["SLUICE_BENCH"]


def load(mode, server, key, target, *arguments, user="alice", **process):
    """Runs a measurement; returns its JSON."""
    argv = [program(), "load", mode, "--json", *SHORT, "-i", str(key), "--target", target, *map(str, arguments), f"{user}@127.0.0.1:{server.port}"]
    result = subprocess.run(argv, capture_output=True, text=True, timeout=200, **process)
    assert result.stdout, result.stderr
    report = json.loads(result.stdout)
    report["status"] = result.returncode
    report["stderr"] = result.stderr
    return report


def assert_clean(report):
    assert report["status"] == 0 and report["error_count"] == 0, report["errors"]
    assert "Sanitizer" not in report["stderr"] and "runtime error" not in report["stderr"], report["stderr"]


def serve_target(cleanup):
    """The target that sluice-bench serves itself, until cleanup; the address of a service by its name."""
    for _ in range(5):
        running = subprocess.Popen([program(), "load", "--serve-target", str(free_port())], stdout=subprocess.PIPE, text=True)
        services = dict(line.split(" on ") for line in (running.stdout.readline() for _ in range(3)) if line)
        if services:
            break
        running.wait()

    def stop():
        running.terminate()
        assert running.wait(60) == 0

    cleanup.callback(stop)
    return {name.strip(): address.strip() for name, address in services.items()}
