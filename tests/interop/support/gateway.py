# SPDX-License-Identifier: MIT
"""A gateway of a test's own: configuration, keys, log and audit records in one directory, on a free loopback port."""
import json
import os
import pathlib
import re
import signal
import subprocess

from . import process
from .keys import public_line
from .waiting import wait_until

FAULT = re.compile(r"AddressSanitizer|LeakSanitizer|ThreadSanitizer|runtime error:|Assertion .* failed")
READY = re.compile(r"Server listening on 127\.0\.0\.1 port (\d+)\.")
PORT_IN_USE_TRIES = 5


def program() -> str:
    return os.environ["SLUICED"]


def is_sanitized() -> bool:
    return os.environ.get("SLUICE_SANITIZED") == "1"


class Gateway:
    """directory: this gateway's own. keys: what ssh-keygen made for the whole run (conftest.py)."""

    def __init__(self, directory: pathlib.Path, keys: dict):
        self.directory = directory
        self.keys = keys
        self.port = 0
        self.process = None
        self.log_path = directory / "log"
        self.audit_path = directory / "audit.jsonl"
        self.config_path = directory / "sluice.conf"
        self.key_directory = directory / "keys"
        self.key_directory.mkdir()
        self.admit("alice", public_line(keys["alice"]))
        self.admit("bob", public_line(keys["bob"]))
        self.known_hosts = directory / "known_hosts"

    def admit(self, user: str, *lines: str):
        """Writes the user's authorized_keys."""
        path = self.key_directory / user
        path.write_text("".join(line + "\n" for line in lines))
        path.chmod(0o600)

    def configure(self, queues: str, settings: str = ""):
        """Writes the configuration. `settings` come first, so they win over the defaults given here."""
        engine_user = "User nobody\n" if os.geteuid() == 0 else ""
        self.config_path.write_text(
            f"{settings}\n"
            f"ListenAddress 127.0.0.1:{self.port}\n"
            f"HostKey {self.keys['host']}\n"
            f"AuthorizedKeysFile {self.key_directory}/%u\n"
            f"AuditLog {self.audit_path}\n"
            f"{engine_user}"
            "LogLevel VERBOSE\nWorkers 2\nMaxStartups 1000:30:2000\nMaxChannelsPerUser 10000\n"
            f"{queues}\n"
        )

    def start(self, queues: str, settings: str = "", arguments=()):
        for _ in range(PORT_IN_USE_TRIES):
            self.port = process.free_port()
            self.configure(queues, settings)
            with open(self.log_path, "ab") as log:
                self.process = subprocess.Popen(
                    [program(), "-D", "-e", "-f", str(self.config_path), *arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log
                )
            wait_until(lambda: READY.search(self.log()) or self.process.poll() is not None, "ready line")
            if self.process.poll() is None:
                self.known_hosts.write_text(f"[127.0.0.1]:{self.port} {public_line(self.keys['host'])}\n")
                return self
            if "in use" not in self.log():
                break
        raise AssertionError("the gateway did not start:\n" + self.log())

    def log(self) -> str:
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def wait_for_log(self, pattern: str, count: int = 1):
        """Waits until the log matches pattern count times; returns the matches."""

        def matches():
            found = list(re.finditer(pattern, self.log(), re.MULTILINE))
            return found if len(found) >= count else None

        try:
            return wait_until(matches, f"log line {pattern!r}")
        except AssertionError as error:
            raise AssertionError(f"{error}; the log:\n{self.log()[-8000:]}") from None

    def audit(self) -> list[dict]:
        """Every audit record so far; each line must be JSON by itself. A reader may meet the last one half written."""
        if not self.audit_path.exists():
            return []
        whole, _, _ = self.audit_path.read_text().rpartition("\n")
        return [json.loads(line) for line in whole.splitlines()]

    def wait_for_audit(self, count: int = 1, **fields):
        """Waits for count records with all these fields; returns them."""

        def matching():
            found = [record for record in self.audit() if all(record.get(key) == value for key, value in fields.items())]
            return found if len(found) >= count else None

        try:
            return wait_until(matching, f"audit record {fields}")
        except AssertionError as error:
            raise AssertionError(f"{error}; the records: {self.audit()[-20:]}; the log:\n{self.log()[-4000:]}") from None

    def engine(self) -> int:
        """The engine's process id, once there is one."""

        def find():
            return next((pid for pid in process.children(self.process.pid) if "--engine" in process.command_line(pid)), 0)

        return wait_until(find, "engine process")

    def signal(self, number: int):
        self.process.send_signal(number)

    def stop(self):
        """Ends the gateway. It must end by itself and cleanly, and no sanitizer may have spoken."""
        if self.process is None or self.process.returncode is not None:
            self.check()
            return
        self.signal(signal.SIGTERM)
        try:
            self.process.wait(2)
        except subprocess.TimeoutExpired:
            self.signal(signal.SIGTERM)
        try:
            status = self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError("the gateway did not end after two TERM:\n" + self.log()[-8000:]) from None
        self.check()
        assert status == 0, f"the gateway ended with status {status}:\n" + self.log()[-8000:]

    def check(self):
        fault = FAULT.search(self.log())
        assert not fault, "the gateway's log has a fault:\n" + self.log()[max(0, fault.start() - 500) : fault.start() + 8000]
