"""One client's connection: frames in, answers out in the order of the requests.

The socket is ours and non-blocking; the loop only tells when it is readable or writable. Requests are served where
they lie in the receive buffer. Every request takes an answer slot; answers leave in the order of the slots, so a
later request may be served while an earlier one waits for the disk or for records, as far as memory is bounded:
a connection whose answers are not read, or whose requests wait, is not read from until that has changed.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import struct
from collections import deque
from collections.abc import Callable
from typing import Protocol

from riacho.broker import page_cache
from riacho.broker.errors import CloseConnectionError
from riacho.broker.group_commit import DiskThreads
from riacho.broker.openings import NotYetError
from riacho.broker.refusals import Refusals
from riacho.broker.wire import MalformedRequestError
from riacho.log.partition import Slice

logger = logging.getLogger(__name__)

Part = bytes | bytearray | Slice
"""A piece of an answer: bytes, or a range of a segment file that goes to the socket without passing through us."""

FIRST_BUFFER = 4 * 1024
"""What a connection begins with, and goes back to when it is idle: enough for consumers, and there may be thousands."""
SMALLEST_BUFFER = 64 * 1024
"""The receive buffer of a connection that has filled its first one."""
LARGEST_KEPT_BUFFER = 4 << 20
"""A receive buffer that had to grow beyond this is given back as soon as it is empty."""
ANSWER_SLOTS = 256
"""Requests of one connection that may wait for their answers; clients pipeline 5 to some dozens."""
UNSENT_BYTES = 1 << 20
"""Answers held in memory for one connection before it is read from again."""
UNANSWERED_BYTES = 16 << 20
"""Requests in work for one connection before it is read from again: their batches may be held until a sync ends."""
SEND_CHUNK = 1 << 20
"""How much of a file goes to a socket at once, so that one fast consumer does not keep the loop from the others."""
TURN_FRAMES = 64
"""Requests of one connection served in one turn of the loop, so that a flood of them does not keep the others."""
TURN_ANSWERED_BYTES = 32 * 1024
"""Answers made for one connection in one turn: making them takes some 5 ms, a single larger one aside."""
BUFFER_GROWTH = 4
"""By how much a receive buffer grows at once, when half of it is taken by a request that is not yet whole: what a
client announces costs nothing, only what it sends."""
MOST_BUFFERS = 64
"""Pieces per `sendmsg`, well under the kernel's limit of 1024."""
IDLE_CHECK_SECONDS = 30.0

_SIZE = struct.Struct(">i")
_MAPPED = "::ffff:"
"""How an IPv6 socket names a client's IPv4 address, in which not every client would recognise it."""


class AnswerSlot:
    """A request's place in the order of answers."""

    __slots__ = ("_connection", "abandon", "answered", "correlation_id", "parts", "request_size")

    def __init__(self, connection: Connection, correlation_id: int, request_size: int) -> None:
        self._connection = connection
        self.correlation_id = correlation_id
        self.request_size = request_size
        self.answered = False
        self.parts: list[Part] = []
        self.abandon: Callable[[], None] | None = None
        """Called when the connection ends while the request waits."""

    def answer(self, *parts: Part) -> None:
        """Give the whole answer, length first; no parts where the request is to have none (`acks=0`)."""
        assert not self.answered, "a request is answered once"
        self.parts = list(parts)
        self.answered = True
        self._connection.answered(self)

    def mute(self) -> None:
        """Serve no further request of this connection until `unmute`."""
        self._connection.mute()

    def unmute(self) -> None:
        """Go on with the requests that came after this one."""
        self._connection.unmute()

    @property
    def closed(self) -> bool:
        """Nobody waits for the answer any more."""
        return self._connection.closed

    def close(self, reason: str) -> None:
        """There can be no answer: close the connection."""
        self._connection.close(reason)


class Dispatches(Protocol):
    """Who serves requests: see `riacho.broker.dispatcher`."""

    def serve(self, connection: Connection, buffer: bytearray, begin: int, end: int) -> None:
        """Serve the frame `[begin, end)`, which is the buffer's only until this returns."""
        ...


class Listener(Protocol):
    """What a connection was accepted by: see `riacho.broker.server`."""

    loop: asyncio.AbstractEventLoop
    threads: DiskThreads
    refusals: Refusals
    largest_request: int
    max_idle_seconds: float

    @property
    def dispatcher(self) -> Dispatches:
        """Who serves its requests."""
        ...

    def forget(self, connection: Connection) -> None:
        """A connection has ended."""
        ...


class Connection:
    """The sockets' side of a client: reading, framing, order of answers, writing."""

    def __init__(self, sock: socket.socket, server: Listener, peer: tuple[str, int]) -> None:
        self.peer = peer
        host, port = sock.getsockname()[:2]
        self.local_address: tuple[str, int] = host.removeprefix(_MAPPED), port
        self.closed = False
        self._socket = sock
        self._fd = sock.fileno()
        self._server = server
        self._loop = server.loop
        self._buffer = bytearray(FIRST_BUFFER)
        self._view = memoryview(self._buffer)
        self._start = 0
        self._end = 0
        self._any_frame = False
        self._ended: str | None = None
        """Why the client sends nothing more."""
        self._slots: deque[AnswerSlot] = deque()
        self._unanswered_bytes = 0
        self._out: deque[Part] = deque()
        self._unsent_bytes = 0
        self._answered_bytes = 0
        """Answers put into memory since the connection began."""
        self._serving = False
        self._turn_is_over = False
        """Other connections come first: this one goes on in the loop's next turn."""
        self._muted = False
        self._reading = True
        self._writing = False
        self._warming = False
        self._cached_bytes = 0
        """How much of the file range that is being sent is known to be in the page cache."""
        self._last_activity = self._loop.time()
        self._idle_timer = self._loop.call_later(self._idle_interval(), self._check_idle)
        self._loop.add_reader(self._fd, self._readable)

    @property
    def name(self) -> str:
        return f"{self.peer[0]}:{self.peer[1]}"

    # -- reading -------------------------------------------------------------------------------------------------

    def _readable(self) -> None:
        room = len(self._buffer) - self._end
        if room == 0:  # muted, with a full buffer: what else arrives waits in the kernel
            self._loop.remove_reader(self._fd)
            self._reading = False
            return
        try:
            received = self._socket.recv_into(self._view[self._end :], room)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._no_more_requests(f"it could not be read: {error.strerror}")
            return
        if received == 0:
            self._no_more_requests("the client closed it")
            return
        self._end += received
        self._last_activity = self._loop.time()
        if received == room and len(self._buffer) < SMALLEST_BUFFER:
            self._replace_buffer(SMALLEST_BUFFER)
        self._serve_frames()

    def _no_more_requests(self, reason: str) -> None:
        """The client has gone. As in Kafka, what it had sent is still served: with acks=0 one sends and goes."""
        self._ended = reason
        self._loop.remove_reader(self._fd)
        self._reading = False
        self._serve_frames()

    def _serve_frames(self) -> None:
        """Serve every whole frame in the buffer, unless the connection is held back."""
        if self._serving:
            return  # an answer given while a frame is being served must not begin with the next one
        self._serving = True
        frames_left = TURN_FRAMES
        answered_at_the_end = self._answered_bytes + TURN_ANSWERED_BYTES
        try:
            while True:
                available = self._end - self._start
                if available < _SIZE.size or self._held_back_after_sending():
                    break
                (size,) = _SIZE.unpack_from(self._buffer, self._start)
                if not 0 < size <= self._server.largest_request:
                    self._refuse_frame(size)
                    return
                if available < _SIZE.size + size:
                    self._make_room(_SIZE.size + size)
                    break
                if not frames_left or self._answered_bytes >= answered_at_the_end:
                    self._turn_is_over = True
                    self._loop.call_soon(self._next_turn)
                    break
                frames_left -= 1
                begin = self._start + _SIZE.size
                self._start = begin + size
                self._any_frame = True
                self._serve(begin, begin + size)
        finally:
            self._serving = False
        self._send_pending()
        if self.closed:
            return
        if self._ended is not None:
            if not self._has_frame():
                self.close(self._ended, expected=True)
            return
        if self._start == self._end:
            self._start = self._end = 0
            if len(self._buffer) > LARGEST_KEPT_BUFFER:
                self._replace_buffer(SMALLEST_BUFFER)
        elif self._end == len(self._buffer) and not self._held_back():
            self._make_room(self._end - self._start + 1)
        if not self._reading and self._end < len(self._buffer):
            self._reading = True
            self._loop.add_reader(self._fd, self._readable)

    def _has_frame(self) -> bool:
        """Whether a whole frame waits to be served."""
        available = self._end - self._start
        return available >= _SIZE.size and available >= _SIZE.size + _SIZE.unpack_from(self._buffer, self._start)[0]

    def _next_turn(self) -> None:
        self._turn_is_over = False
        if not self.closed:
            self._serve_frames()

    def _serve(self, begin: int, end: int) -> None:
        try:
            self._server.dispatcher.serve(self, self._buffer, begin, end)
        except NotYetError as error:
            self._take_back(begin - _SIZE.size)
            self.mute()
            error.ready.add_done_callback(lambda _: self.unmute())
        except (CloseConnectionError, MalformedRequestError) as error:
            self.close(str(error))
        except Exception:  # a defect in serving one request must not end the others
            logger.exception("a request from %s could not be served", self.name)
            self.close("its request could not be served")

    def _take_back(self, start: int) -> None:
        """Leave the frame that was just begun in the buffer, as if it had not been."""
        self._start = start
        self._unanswered_bytes -= self._slots.pop().request_size

    def _held_back_after_sending(self) -> bool:
        """Whether to serve no further frame for now; answers that could be sent at once are no reason."""
        if not self._held_back():
            return False
        self._send_pending()
        return self._held_back()

    def _held_back(self) -> bool:
        return (
            self.closed
            or self._muted
            or self._turn_is_over
            or self._unsent_bytes > UNSENT_BYTES
            or self._unanswered_bytes > UNANSWERED_BYTES
            or len(self._slots) >= ANSWER_SLOTS
        )

    def mute(self) -> None:
        """Serve no further request until `unmute`: what is being served must be seen by the next one."""
        self._muted = True

    def unmute(self) -> None:
        self._muted = False
        if not self.closed:
            self._serve_frames()

    def _refuse_frame(self, size: int) -> None:
        first = bytes(self._view[self._start : self._start + 8])
        if not self._any_frame and first[:2] == b"\x16\x03":
            self.close("it speaks TLS, and this port is plaintext: set security.protocol=PLAINTEXT in the client")
        elif not self._any_frame and _looks_like_http(first):
            self.close("it speaks HTTP, and this is a Kafka port: point a Kafka client at it")
        elif size <= 0:
            self.close(f"its frame says {size} bytes, which cannot be")
        else:
            limit = self._server.largest_request
            self.close(f"its frame of {size} bytes is larger than socket.request.max.bytes={limit}")

    def _make_room(self, size: int) -> None:
        """Have room for `size` bytes from the first unserved one on, or for more of them than there are so far."""
        capacity = len(self._buffer)
        if size <= capacity - self._start:
            return
        unserved = self._end - self._start
        if size > capacity and unserved >= capacity // 2:
            self._replace_buffer(min(-(-size // SMALLEST_BUFFER) * SMALLEST_BUFFER, capacity * BUFFER_GROWTH))
        elif self._start:
            self._view[:unserved] = self._view[self._start : self._end]
            self._start, self._end = 0, unserved

    def _replace_buffer(self, capacity: int) -> None:
        unserved = self._end - self._start
        buffer = bytearray(capacity)
        view = memoryview(buffer)
        view[:unserved] = self._view[self._start : self._end]
        self._buffer, self._view = buffer, view
        self._start, self._end = 0, unserved

    # -- answering -----------------------------------------------------------------------------------------------

    def new_slot(self, correlation_id: int, request_size: int) -> AnswerSlot:
        """Take the next place in the order of answers."""
        slot = AnswerSlot(self, correlation_id, request_size)
        self._slots.append(slot)
        self._unanswered_bytes += request_size
        return slot

    def answered(self, slot: AnswerSlot) -> None:
        """A slot has its answer: send what is next in order."""
        self._unanswered_bytes -= slot.request_size
        slots = self._slots
        if self.closed or slots[0] is not slot:
            return
        try:
            while slots and slots[0].answered:
                for part in slots.popleft().parts:
                    ready = page_cache.read_if_small(part) if isinstance(part, Slice) else part
                    if not isinstance(ready, Slice):
                        self._unsent_bytes += len(ready)
                        self._answered_bytes += len(ready)
                    self._out.append(ready)
        except OSError as error:
            self.close(f"its answer could not be read from the disk: {error.strerror}")
            return
        if self._serving:
            return  # what the other frames in the buffer are answered goes out in the same call
        self._send_pending()
        if not self.closed and self._start != self._end:
            self._serve_frames()

    def _send_pending(self) -> None:
        """Send what is answered, unless that waits for the socket or for the disk."""
        if self._out and not self._writing and not self._warming:
            self._send()

    def _send(self) -> None:
        out = self._out
        try:
            while out:
                part = out[0]
                if not isinstance(part, Slice):
                    self._send_bytes()
                elif self._cached_bytes > 0 or self._probe(part):
                    self._send_file(part)
                else:
                    self._warm(part)
                    return
        except (BlockingIOError, InterruptedError):
            if not self._writing:
                self._writing = True
                self._loop.add_writer(self._fd, self._writable)
            return
        except OSError as error:
            self.close(f"it could not be written to: {error.strerror}", expected=True)
            return
        if self._writing:
            self._writing = False
            self._loop.remove_writer(self._fd)

    def _send_bytes(self) -> None:
        """Send the pieces in memory up to the next file, in one call."""
        out = self._out
        pieces: list[bytes | bytearray | memoryview] = []
        flags = 0
        for part in out:
            if isinstance(part, Slice):
                flags = socket.MSG_MORE  # the file follows in the same packet
                break
            pieces.append(part)
            if len(pieces) == MOST_BUFFERS:
                break
        sent = self._socket.send(pieces[0], flags) if len(pieces) == 1 else self._socket.sendmsg(pieces, (), flags)
        self._unsent_bytes -= sent
        for piece in pieces:
            if sent < len(piece):
                out[0] = bytes(memoryview(piece)[sent:])
                return
            sent -= len(piece)
            out.popleft()

    def _probe(self, part: Slice) -> bool:
        """Whether the next chunk of a file is in the page cache; it is asked once a chunk, not once a packet."""
        length = min(part.length, SEND_CHUNK)
        if not page_cache.is_cached(part.fd, part.position, length):
            return False
        self._cached_bytes = length
        return True

    def _send_file(self, part: Slice) -> None:
        sent = os.sendfile(self._fd, part.fd, part.position, self._cached_bytes)
        if sent == 0:
            raise OSError(0, "a segment ended before the range that was promised of it")
        self._cached_bytes -= sent
        if sent == part.length:
            self._out.popleft()
        else:
            self._out[0] = part._replace(position=part.position + sent, length=part.length - sent)

    def _warm(self, part: Slice) -> None:
        """Have a disk thread read what is not in the page cache, so that sending it does not block the loop."""
        self._warming = True
        if self._writing:
            self._writing = False
            self._loop.remove_writer(self._fd)
        length = min(part.length, SEND_CHUNK)
        self._server.threads.run(lambda: page_cache.read_through(part.fd, part.position, length), self._warmed)

    def _warmed(self, error: OSError | None) -> None:
        self._warming = False
        if self.closed:
            return
        if error is not None:
            self.close(f"its answer could not be read from the disk: {error.strerror}")
            return
        self._send_after_waiting()

    def _writable(self) -> None:
        self._last_activity = self._loop.time()
        self._send_after_waiting()

    def _send_after_waiting(self) -> None:
        self._send()
        if not self.closed and self._start != self._end:
            self._serve_frames()

    # -- end -----------------------------------------------------------------------------------------------------

    def close(self, reason: str, *, expected: bool = False) -> None:
        """End the connection, and whatever waits on its behalf."""
        if self._serving and not self.closed:  # earlier requests of the same turn keep their answers
            self._serving = False
            self._send_pending()
        if self.closed:
            return
        self.closed = True
        if expected:
            logger.debug("closed the connection from %s: %s", self.name, reason)
        else:
            self._server.refusals.closed(*self.peer, reason)
        self._idle_timer.cancel()
        self._loop.remove_reader(self._fd)
        self._loop.remove_writer(self._fd)
        self._socket.close()
        for slot in self._slots:
            if slot.abandon is not None:
                slot.abandon()
        self._slots.clear()
        self._out.clear()
        self._server.forget(self)

    def _idle_interval(self) -> float:
        return min(self._server.max_idle_seconds, IDLE_CHECK_SECONDS)

    def _check_idle(self) -> None:
        idle = self._loop.time() - self._last_activity
        if idle >= self._server.max_idle_seconds:
            self.close(f"nothing passed for {idle:.0f} s (connections.max.idle.ms)", expected=True)
            return
        if idle >= IDLE_CHECK_SECONDS and self._start == self._end and len(self._buffer) > FIRST_BUFFER:
            self._replace_buffer(FIRST_BUFFER)
        self._idle_timer = self._loop.call_later(
            min(self._server.max_idle_seconds - idle, IDLE_CHECK_SECONDS), self._check_idle
        )


def _looks_like_http(first: bytes) -> bool:
    return first.startswith((b"GET ", b"POST", b"PUT ", b"HEAD", b"DELE", b"OPTI", b"PRI ", b"CONN", b"PATC"))
