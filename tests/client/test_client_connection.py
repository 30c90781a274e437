"""A connection's frames, however the network cuts them."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riacho.client.config import ClientConfig
from riacho.client.connection import READ_AHEAD, WOKEN_FOR, Connection, Wake
from riacho.client.errors import UnreachableError

DEADLINE_S = 60.0
VERSIONS = struct.pack(">hb", 0, 3) + struct.pack(">hhhb", 18, 0, 4, 0) + struct.pack(">hhhb", 3, 0, 12, 0)
"""ApiVersions 4 without its throttle time: two APIs."""

SIZES = [0, 1, 100, READ_AHEAD - 8, READ_AHEAD, 3 * READ_AHEAD + 1, 2 * WOKEN_FOR + READ_AHEAD, 5 * WOKEN_FOR - 3]


@contextmanager
def peer(script: Callable[[socket.socket], None]) -> Iterator[str]:
    """The port of a server that agrees on versions and then does what the script says."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            accepted, _ = server.accept()
            with accepted:
                read_request(accepted)
                body = struct.pack(">i", 1) + VERSIONS + struct.pack(">ib", 0, 0)
                accepted.sendall(struct.pack(">i", len(body)) + body)
                script(accepted)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"127.0.0.1:{server.getsockname()[1]}"
        finally:
            thread.join(DEADLINE_S)


def read_request(accepted: socket.socket) -> None:
    (size,) = struct.unpack(">i", accepted.recv(4, socket.MSG_WAITALL))
    accepted.recv(size, socket.MSG_WAITALL)


def connect(address: str, **options: int) -> Connection:
    host, _, port = address.rpartition(":")
    return Connection(host, int(port), ClientConfig(address, **options))


@settings(max_examples=30)
@given(
    st.lists(st.sampled_from(SIZES), min_size=1, max_size=5),
    st.lists(st.integers(1, 4 * READ_AHEAD) | st.integers(1, 2 * WOKEN_FOR), max_size=8),
)
def test_frames_arrive_whole_and_in_order_however_they_are_cut(sizes: Sequence[int], cuts: Sequence[int]) -> None:
    frames = [struct.pack(">i", number) + bytes([number + 1]) * size for number, size in enumerate(sizes)]
    stream = b"".join(struct.pack(">i", len(frame)) + frame for frame in frames)
    read = threading.Event()

    def script(accepted: socket.socket) -> None:
        rest = stream
        for cut in cuts:
            accepted.sendall(rest[:cut])
            rest = rest[cut:]
        accepted.sendall(rest)
        if not read.wait(DEADLINE_S):  # whoever waits for more than there is loses what has arrived
            accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with peer(script) as address:
        connection = connect(address, request_timeout_ms=int(2 * DEADLINE_S * 1000))
        wake = Wake()
        try:
            for number, frame in enumerate(frames):
                assert connection.wait(wake, DEADLINE_S * 1000), "a response is there, in the socket or read ahead"
                response = connection.receive()
                assert (response.correlation, response.frame.tobytes()) == (number, frame)
            assert not connection.wait(wake, 0)
        finally:
            read.set()
            connection.close()
            wake.close()


def test_a_broker_that_stops_answering_is_given_up_after_the_time_out() -> None:
    read = threading.Event()

    def script(accepted: socket.socket) -> None:
        accepted.sendall(struct.pack(">ii", 100, 7))
        read.wait(DEADLINE_S)

    with peer(script) as address:
        connection = connect(address)
        try:
            with pytest.raises(UnreachableError, match="does not answer"):
                connection.receive(50)
        finally:
            read.set()


def test_a_connection_that_breaks_within_a_response_is_unreachable() -> None:
    with peer(lambda accepted: accepted.sendall(struct.pack(">ii", 100, 7))) as address:
        connection = connect(address)
        with pytest.raises(UnreachableError, match="closed the connection"):
            connection.receive()
