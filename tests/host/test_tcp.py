"""Sockets between processes: no waiting for more to send, no pacing within the machine."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from riacho.host import tcp


@pytest.fixture
def connected() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()) as sock:
        yield sock


def _congestion_control(sock: socket.socket) -> bytes:
    return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16).rstrip(b"\0")


@pytest.mark.parametrize("peer", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_a_connection_within_the_machine_is_not_paced(connected: socket.socket, peer: str) -> None:
    tcp.tune(connected, peer)
    assert _congestion_control(connected) == b"reno"
    assert connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.parametrize("peer", ["192.0.2.1", "2001:db8::1"])
def test_a_connection_to_another_machine_keeps_what_the_system_chose(connected: socket.socket, peer: str) -> None:
    before = _congestion_control(connected)
    tcp.tune(connected, peer)
    assert _congestion_control(connected) == before
    assert connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
