# SPDX-License-Identifier: MIT
"""What the end-to-end tests stand on: a gateway, backends, OpenSSH's programs, and raw SSH packets."""
