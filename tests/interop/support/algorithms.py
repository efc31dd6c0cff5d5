# SPDX-License-Identifier: MIT
"""What PROTOCOL.md lists, so that it stays true, and what the installed OpenSSH speaks of it."""
import pathlib
import re
import subprocess

PROTOCOL = pathlib.Path(__file__).resolve().parents[3] / "PROTOCOL.md"


def _rows():
    """(kind, names) of each row of PROTOCOL.md's table of algorithms."""
    section = PROTOCOL.read_text().split("## Algorithms", 1)[1].split("\n## ", 1)[0]
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 2:
            # options, which are named too, have capitals
            yield cells[0], re.findall(r"`([a-z0-9@.-]+)`", cells[1])


def listed(kind: str) -> list[str]:
    """Names in the rows whose kind begins so: "key exchange", "ciphers", "MACs", "host and user keys", "host certificates"."""
    return [name for row, names in _rows() if row.startswith(kind) for name in names]


def spoken(kind: str, query: str) -> list[str]:
    """Those listed that the installed ssh speaks: `ssh -Q query`."""
    known = subprocess.run(["ssh", "-Q", query], capture_output=True, text=True, check=True).stdout.split()
    return [name for name in listed(kind) if name in known]


def plain(algorithm: str) -> str:
    """What a certificate's algorithm is without the certificate."""
    return algorithm.removesuffix("-cert-v01@openssh.com")


def key_arguments(algorithm: str) -> list[str]:
    """What ssh-keygen -t takes for a key that signs with this algorithm."""
    if algorithm.startswith("ecdsa-sha2-nistp"):
        return ["ecdsa", "-b", plain(algorithm).removeprefix("ecdsa-sha2-nistp")]
    return ["rsa", "-b", "3072"] if algorithm.startswith("rsa-") else ["ed25519"]
