"""One connection among others: what it may take of a turn of the loop, and of memory."""

from __future__ import annotations

import asyncio
import socket
import struct
from types import SimpleNamespace
from typing import Any

import pytest

from riacho.broker.connection import FIRST_BUFFER, SMALLEST_BUFFER, TURN_ANSWERED_BYTES, TURN_FRAMES, Connection

DEADLINE_SECONDS = 60.0
FRAME = struct.pack(">i", 8) + b"8 bytes."


class _Dispatcher:
    """Answers each frame at once, and notes whose it was."""

    def __init__(self, answer: bytes) -> None:
        self.served: list[Connection] = []
        self._answer = answer

    def serve(self, connection: Connection, _buffer: bytearray, begin: int, end: int) -> None:
        self.served.append(connection)
        connection.new_slot(0, end - begin).answer(self._answer)


class _Listener:
    """What a connection needs of a server, with the clients' ends of its connections."""

    def __init__(self, dispatcher: _Dispatcher) -> None:
        self.dispatcher = dispatcher
        self.server: Any = SimpleNamespace(
            loop=asyncio.get_running_loop(),
            dispatcher=dispatcher,
            largest_request=100 << 20,
            max_idle_seconds=DEADLINE_SECONDS,
            forget=lambda _connection: None,
        )
        self._opened: list[tuple[Connection, socket.socket]] = []

    def connect(self) -> tuple[Connection, socket.socket]:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            client = socket.create_connection(listening.getsockname())
            ours, _ = listening.accept()
        ours.setblocking(False)
        connection = Connection(ours, self.server, ("test", 0))
        self._opened.append((connection, client))
        return connection, client

    async def until_served(self, frames: int) -> None:
        async with asyncio.timeout(DEADLINE_SECONDS):
            while len(self.dispatcher.served) < frames:
                await asyncio.sleep(0)

    def close(self) -> None:
        for connection, client in self._opened:
            connection.close("the test is over", expected=True)
            client.close()


@pytest.mark.parametrize(
    ("answer", "most_in_a_turn"),
    [(b"", TURN_FRAMES), (b"x" * (TURN_ANSWERED_BYTES // 4), 5)],
    ids=["many small requests", "large answers"],
)
def test_a_flood_of_requests_leaves_other_connections_their_turn(answer: bytes, most_in_a_turn: int) -> None:
    async def flood() -> list[str]:
        listener = _Listener(_Dispatcher(answer))
        flooding, flooder = listener.connect()
        flooder.setblocking(False)
        others = [listener.connect() for _ in range(3)]
        frames = 2 * TURN_FRAMES
        flooder.sendall(FRAME * frames)
        for _, client in others:
            client.sendall(FRAME)
        asyncio.get_running_loop().add_reader(flooder, lambda: flooder.recv(1 << 20))
        await listener.until_served(frames + len(others))
        asyncio.get_running_loop().remove_reader(flooder)
        listener.close()
        return ["flood" if connection is flooding else "other" for connection in listener.dispatcher.served]

    served = asyncio.run(flood())
    last_other = len(served) - served[::-1].index("other")
    assert served[:last_other].count("flood") <= most_in_a_turn


def test_every_frame_of_a_flood_is_served_in_the_end() -> None:
    async def flood() -> int:
        listener = _Listener(_Dispatcher(b""))
        _, client = listener.connect()
        client.sendall(FRAME * 1000)
        await listener.until_served(1000)
        listener.close()
        return len(listener.dispatcher.served)

    assert asyncio.run(flood()) == 1000


def test_a_frame_takes_memory_as_it_arrives_not_as_it_is_announced() -> None:
    async def announce() -> tuple[int, int, int]:
        listener = _Listener(_Dispatcher(b""))
        connection, client = listener.connect()
        client.setblocking(False)
        size = 8 << 20
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(client, struct.pack(">i", size))
        while connection._end < 4:
            await asyncio.sleep(0)
        at_first = len(connection._buffer)
        await loop.sock_sendall(client, b"x" * SMALLEST_BUFFER)
        while connection._end < SMALLEST_BUFFER:
            await asyncio.sleep(0)
        later = len(connection._buffer)
        await loop.sock_sendall(client, b"x" * (size - SMALLEST_BUFFER))
        await listener.until_served(1)
        in_the_end = len(connection._buffer)
        listener.close()
        return at_first, later, in_the_end

    at_first, later, in_the_end = asyncio.run(announce())
    assert at_first == FIRST_BUFFER
    assert later <= 16 * SMALLEST_BUFFER
    assert in_the_end == SMALLEST_BUFFER, "what is too large to keep is given back"
