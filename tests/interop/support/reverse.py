# SPDX-License-Identifier: MIT
"""What ssh -R asks for and does not get."""
import re


def refused(gateway, client, asked, reason, user="alice", **keywords):
    """ssh -R is refused, and says so; the log says why."""
    result = client(gateway, user=user, **keywords).run("-N", "-R", asked, "gw")
    assert result.returncode == 255
    assert b"remote port forwarding failed" in result.stderr, result.stderr
    gateway.wait_for_log(f"Refused reverse forward of {user} .*{re.escape(reason)}")
