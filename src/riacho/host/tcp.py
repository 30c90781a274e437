"""How connections between processes behave."""

from __future__ import annotations

import socket
from contextlib import suppress

_LOOPBACK = ("127.", "::1", "::ffff:127.")


def tune(sock: socket.socket, peer: str) -> None:
    """Send small messages at once; to a `peer`, an IP address, within this machine also without pacing.

    Some systems choose BBR for every connection, which spaces packets by a timer for each, so as not to fill the
    queue of the slowest link. Loopback has no link, and the timers took an eighth of a broker's CPU time.
    """
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_CONGESTION") and peer.startswith(_LOOPBACK):
        with suppress(OSError):  # where the system lets us choose none, its own stays
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"reno")
