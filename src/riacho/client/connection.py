"""One connection to one broker: frames out, frames in, versions agreed on.

Blocking sockets and threads, not an event loop: a job is one synchronous loop, and what runs beside it (receiving,
checksums, decompression, kernels) runs without the GIL. Each system call gives the GIL away and waits for it again, so
there are few: time-outs are the kernel's (SO_RCVTIMEO; Python's own would ask first), and a small response is read
whole.
"""

from __future__ import annotations

import os
import select
import socket
import struct
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from riacho.client.config import CLIENT_SOFTWARE, ClientConfig
from riacho.client.errors import CANNOT_CONNECT, ProtocolError, UnreachableError, check
from riacho.client.frames import Frames
from riacho.client.messages import APIS, Message, decode_response, encode_request, request_header
from riacho.host import tcp

Bytes = NDArray[np.uint8]
Buffer = bytes | bytearray | memoryview

MAX_RESPONSE: Final = 1 << 30
"""Bytes of the largest frame that is believed; a fetch is asked for far less."""
MAX_FIRST_RESPONSE: Final = 1 << 20
"""The same for the first one, which tells whether the other side speaks Kafka's protocol at all."""
READ_AHEAD: Final = 1 << 14
"""Bytes that are read with a response's length: most responses whole, and little to copy of the others."""
WOKEN_FOR: Final = 1 << 20
"""Of a large response so many bytes wake the thread that waits for it: woken for each packet, it took the processor
from the broker that was to send the next one."""
_UNSUPPORTED_VERSION: Final = 35
_TIMEVAL: Final = struct.Struct("@ll")


@dataclass(frozen=True, slots=True)
class Response:
    """A response's frame, from its correlation id on."""

    correlation: int
    frame: Bytes

    @property
    def body(self) -> memoryview:
        """What follows response header version 1, the correlation id and no tagged fields."""
        return self.frame.data[5:]


class Connection:
    """A TCP connection to a broker, after the versions were agreed. Not for several threads at a time.

    Raises `UnreachableError` where the connection cannot be made or breaks, `ProtocolError` where what answers is
    not Kafka or too old. After either the connection is closed.
    """

    def __init__(self, host: str, port: int, config: ClientConfig) -> None:
        self.address = f"{host}:{port}"
        self._config = config
        self._client_id = config.client_id.encode()
        self._correlation = 0
        try:
            self._socket = socket.create_connection((host, port), config.connect_timeout_ms / 1000)
        except OSError as error:
            raise UnreachableError(f"{CANNOT_CONNECT}{error.strerror or error}", where=self.address) from error
        peer = self._socket.getpeername()
        if self._socket.getsockname() == peer:
            # Where nobody listens at a port of the ephemeral range, TCP may connect a socket to itself.
            self._socket.close()
            raise UnreachableError(f"{CANNOT_CONNECT}nobody listens", where=self.address)
        tcp.tune(self._socket, peer[0])
        self._socket.settimeout(None)
        self._timeouts_ms: dict[int, float] = {}
        self._frames = Frames()
        self._ahead = bytearray(READ_AHEAD)
        self._ahead_start = self._ahead_end = 0
        self._versions: dict[int, tuple[int, int]] = {}
        self._agree()

    def fileno(self) -> int:
        return self._socket.fileno()

    def close(self) -> None:
        self._socket.close()

    def interrupt(self) -> None:
        """End the connection from another thread: one that waits for a response gets `UnreachableError`."""
        with suppress(OSError):  # it is closed already
            self._socket.shutdown(socket.SHUT_RDWR)

    def version(self, api_name: str) -> int:
        """The newest version of an API that both sides speak. Raises `ProtocolError`."""
        api = APIS[api_name]
        oldest, newest = self._versions.get(api.key, (0, -1))
        version = min(newest, api.newest)
        if version < max(oldest, api.oldest):
            offered = f"versions {oldest} to {newest}" if newest >= 0 else "no version"
            raise ProtocolError(
                f"the broker offers {offered} of {api_name}; versions {api.oldest} to {api.newest} are spoken",
                where=self.address,
                mend="Apache Kafka 3.0 and later will do",
            )
        return version

    def call(self, api_name: str, timeout_ms: float | None = None, **content: Any) -> Message:
        """Send a request and wait for its response, with no other request under way."""
        version = self.version(api_name)
        api = APIS[api_name]
        correlation = self.send(api_name, version, [encode_request(api, version, content)])
        response = self.receive(timeout_ms)
        self.expect(correlation, response)
        return decode_response(api, version, response.body)

    def send(self, api_name: str, version: int, body: Sequence[Buffer]) -> int:
        """Send a request whose body is these buffers, one after another; its correlation id."""
        self._correlation = (self._correlation + 1) & 0x7FFFFFFF
        header = request_header(APIS[api_name], version, self._correlation, self._client_id)
        size = len(header) + sum(len(part) for part in body)
        self._send_all([struct.pack(">i", size) + header, *body])
        return self._correlation

    def receive(self, timeout_ms: float | None = None, limit: int = MAX_RESPONSE) -> Response:
        """The next response. Raises `UnreachableError` after `timeout_ms`, by default the request time-out."""
        wait = self._config.request_timeout_ms if timeout_ms is None else timeout_ms
        self._set_timeout(socket.SO_RCVTIMEO, max(wait, 1))
        size = self._read_size()
        if not 4 <= size <= limit:
            self.close()
            raise ProtocolError("what answers there does not speak Kafka's protocol", where=self.address)
        frame = self._read(size)
        return Response(int.from_bytes(frame[:4].tobytes()), frame)

    def expect(self, correlation: int, response: Response) -> None:
        """Check that the response answers this request. Raises `ProtocolError`."""
        if response.correlation != correlation:
            self.close()
            raise ProtocolError(f"response {response.correlation} came where {correlation} was due", where=self.address)

    def wait(self, wake: Wake, timeout_ms: float) -> bool:
        """Wait until a response begins to arrive, `wake` is set, or the time is over: whether one arrives."""
        if self._ahead_start < self._ahead_end:
            return True
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        poll.register(wake, select.POLLIN)
        ready = {descriptor for descriptor, _ in poll.poll(max(timeout_ms, 0))}
        if wake.fileno() in ready:
            wake.clear()
        return self._socket.fileno() in ready

    def _agree(self) -> None:
        """Learn the broker's versions, at the oldest version of ApiVersions where it refuses ours (KIP-511)."""
        api = APIS["ApiVersions"]
        content = {
            "client_software_name": CLIENT_SOFTWARE,
            "client_software_version": self._config.software_version,
        }
        version = api.newest
        body = self._ask_versions(version, content)
        if int.from_bytes(body[:2]) == _UNSUPPORTED_VERSION:
            version = api.oldest
            body = self._ask_versions(version, {})
        answer = decode_response(api, version, body)
        check(answer.error_code, "the broker does not tell its versions", where=self.address)
        self._versions = {key.api_key: (key.min_version, key.max_version) for key in answer.api_keys}

    def _ask_versions(self, version: int, content: dict[str, str]) -> memoryview:
        api = APIS["ApiVersions"]
        correlation = self.send(api.name, version, [encode_request(api, version, content)])
        response = self.receive(limit=MAX_FIRST_RESPONSE)
        self.expect(correlation, response)
        return response.frame.data[4:]  # the header of this API's response has no tagged fields at any version

    def _send_all(self, buffers: Sequence[Buffer]) -> None:
        waiting = [memoryview(part) for part in buffers]
        self._set_timeout(socket.SO_SNDTIMEO, self._config.request_timeout_ms)
        while waiting:
            sent = self._io(partial(self._socket.sendmsg, waiting))
            while waiting and sent >= len(waiting[0]):
                sent -= len(waiting.pop(0))
            if sent:
                waiting[0] = waiting[0][sent:]

    def _read_size(self) -> int:
        """A frame's first four bytes; with them, what has arrived of the frame is read ahead."""
        held = self._ahead_end - self._ahead_start
        self._ahead[:held] = self._ahead[self._ahead_start : self._ahead_end]
        self._ahead_start, self._ahead_end = 4, held
        while self._ahead_end < 4:
            self._ahead_end += self._receive_into(memoryview(self._ahead)[self._ahead_end :])
        return int.from_bytes(self._ahead[:4], signed=True)

    def _read(self, size: int) -> Bytes:
        data = self._frames.take(size)
        view = data.data
        position = min(size, self._ahead_end - self._ahead_start)
        view[:position] = memoryview(self._ahead)[self._ahead_start : self._ahead_start + position]
        self._ahead_start += position
        if size - position > 2 * WOKEN_FOR:
            self._set_option(socket.SO_RCVLOWAT, WOKEN_FOR)
            position = self._fill(view, position, size - WOKEN_FOR)  # so many follow, whatever is left to wait for
            self._set_option(socket.SO_RCVLOWAT, 1)
        self._fill(view, position, size)
        return data

    def _fill(self, view: memoryview, position: int, end: int) -> int:
        """Receive what is between; `end`."""
        while position < end:
            position += self._receive_into(view[position:end], socket.MSG_WAITALL)
        return position

    def _receive_into(self, view: memoryview, flags: int = 0) -> int:
        received = self._io(partial(self._socket.recv_into, view, 0, flags))
        if not received:
            self.close()
            raise UnreachableError("the broker closed the connection", where=self.address)
        return received

    def _set_timeout(self, option: int, timeout_ms: float) -> None:
        """For receiving or for sending; only where it changes."""
        if timeout_ms == self._timeouts_ms.get(option) and self._socket.fileno() >= 0:
            return
        seconds, milliseconds = divmod(int(timeout_ms), 1000)
        self._set_option(option, _TIMEVAL.pack(seconds, milliseconds * 1000))
        self._timeouts_ms[option] = timeout_ms

    def _set_option(self, option: int, value: int | bytes) -> None:
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, option, value)
        except OSError as error:
            raise UnreachableError("the connection is closed", where=self.address) from error

    def _io(self, operation: Callable[[], int]) -> int:
        try:
            return operation()
        except BlockingIOError as error:  # so the kernel tells that the time is over
            self.close()
            raise UnreachableError("the broker does not answer", where=self.address) from error
        except OSError as error:
            self.close()
            raise UnreachableError(f"the connection broke: {error.strerror or error}", where=self.address) from error


class Wake:
    """Interrupts a thread that waits for a connection."""

    def __init__(self) -> None:
        self._descriptor = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def fileno(self) -> int:
        return self._descriptor

    def set(self) -> None:
        os.eventfd_write(self._descriptor, 1)

    def clear(self) -> None:
        os.eventfd_read(self._descriptor)

    def close(self) -> None:
        os.close(self._descriptor)
