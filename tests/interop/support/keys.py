# SPDX-License-Identifier: MIT
"""Keys made by ssh-keygen."""
import pathlib
import subprocess


def make_key(path: pathlib.Path, kind="ed25519", *arguments):
    """Makes a key pair without passphrase; returns the private file's path."""
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "test", "-f", str(path), *arguments], check=True)
    return path


def certify(path: pathlib.Path, ca: pathlib.Path, *arguments) -> pathlib.Path:
    """Has a CA certify the key; arguments: ssh-keygen's (-h for hosts, -n PRINCIPALS, -V TIME, -z SERIAL). The certificate's path."""
    subprocess.run(["ssh-keygen", "-q", "-s", str(ca), "-I", "badge", *arguments, str(path) + ".pub"], check=True)
    return path.with_name(path.name + "-cert.pub")


def public_line(path: pathlib.Path) -> str:
    """TYPE BASE64, as authorized_keys and known_hosts have it."""
    return " ".join(path.with_name(path.name + ".pub").read_text().split()[:2])


def fingerprint(path: pathlib.Path) -> str:
    """SHA256:… as logs and audit records name the key."""
    listed = subprocess.run(["ssh-keygen", "-l", "-f", str(path) + ".pub"], check=True, capture_output=True, text=True)
    return listed.stdout.split()[1]
