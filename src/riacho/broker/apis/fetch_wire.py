"""Fetch's messages, read and written by hand: an answer is bytes and ranges of files in turn."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from riacho.broker.errors import ErrorCode
from riacho.broker.fetch_sessions import FINAL_EPOCH, PartitionKey, Wanted
from riacho.broker.wire import (
    MalformedRequestError,
    TopicRef,
    put_topic,
    put_unsigned_varint,
    skip_tags,
    unsigned_varint,
)

if TYPE_CHECKING:
    from riacho.broker.connection import Part
    from riacho.log.partition import Slice

_FIRST_WITH_LOG_START = 5
_FIRST_WITH_SESSIONS = 7
_FIRST_WITH_LEADER_EPOCH = 9
_FIRST_WITH_RACK = 11
_FIRST_FLEXIBLE = 12
_FIRST_WITH_TOPIC_IDS = 13
_FIRST_WITHOUT_REPLICA_ID = 15

_SHORT = struct.Struct(">h")
_INT = struct.Struct(">i")
_LIMITS = struct.Struct(">iiib")
_SESSION = struct.Struct(">ii")
_ASKED = struct.Struct(">iqi")
_ASKED_WITH_LOG_START = struct.Struct(">iqqi")
_ASKED_WITH_LEADER_EPOCH = struct.Struct(">iiqqi")
_ASKED_FLEXIBLE = struct.Struct(">iiqiqi")
_PARTITION = struct.Struct(">ihqq")
_PARTITION_WITH_LOG_START = struct.Struct(">ihqqq")
_ERROR_SESSION = struct.Struct(">hi")
_FRAME = struct.Struct(">ii")

NO_REPLICA = struct.pack(">i", -1)
_EPOCH_END = struct.Struct(">iq")


class FetchRequest(NamedTuple):
    """A request of any version."""

    max_wait_ms: int
    min_bytes: int
    max_bytes: int
    read_committed: bool
    session_id: int
    session_epoch: int
    wanted: dict[PartitionKey, Wanted]
    forgotten: list[PartitionKey]


class PartitionAnswer(NamedTuple):
    """What is told of one partition."""

    topic: TopicRef
    partition: int
    code: ErrorCode
    high_watermark: int = -1
    log_start_offset: int = -1
    part: Slice | None = None
    diverging: tuple[int, int] | None = None
    """The epoch, and its end, at which the reader's log parts from ours (KIP-595)."""

    @property
    def size(self) -> int:
        return self.part.length if self.part is not None else 0


def parse(buffer: bytearray, position: int, end: int, version: int) -> FetchRequest:
    """Read a request's body, from the end of its client id. Raises `MalformedRequestError`."""
    try:
        request, position = _Reader(buffer, end, version).request(position)
    except (struct.error, UnicodeDecodeError, IndexError, ValueError) as error:
        raise MalformedRequestError(f"Fetch version {version}: {error}") from error
    if position > end:
        raise MalformedRequestError(f"Fetch version {version}: the request reaches past its frame")
    return request


class _Reader:
    """Reads the parts of one request at its version."""

    __slots__ = ("_buffer", "_end", "_flexible", "_version")

    def __init__(self, buffer: bytearray, end: int, version: int) -> None:
        self._buffer = buffer
        self._end = end
        self._version = version
        self._flexible = version >= _FIRST_FLEXIBLE

    def request(self, position: int) -> tuple[FetchRequest, int]:
        buffer, version = self._buffer, self._version
        position = self._tags(position)
        if version < _FIRST_WITHOUT_REPLICA_ID:
            position += 4
        max_wait_ms, min_bytes, max_bytes, isolation = _LIMITS.unpack_from(buffer, position)
        position += _LIMITS.size
        session_id, session_epoch = 0, FINAL_EPOCH
        if version >= _FIRST_WITH_SESSIONS:
            session_id, session_epoch = _SESSION.unpack_from(buffer, position)
            position += _SESSION.size
        wanted: dict[PartitionKey, Wanted] = {}
        count, position = self._count(position)
        for _ in range(count):
            topic, position = self._topic(position)
            partitions, position = self._count(position)
            for _ in range(partitions):
                index, asked, position = self._partition(position)
                wanted[topic, index] = asked
            position = self._tags(position)
        forgotten: list[PartitionKey] = []
        if version >= _FIRST_WITH_SESSIONS:
            position = self._forgotten(position, forgotten)
        if version >= _FIRST_WITH_RACK:
            _, position = self._text(position)
        position = self._tags(position)
        request = FetchRequest(
            max_wait_ms, min_bytes, max_bytes, isolation == 1, session_id, session_epoch, wanted, forgotten
        )
        return request, position

    def _partition(self, position: int) -> tuple[int, Wanted, int]:
        buffer, version = self._buffer, self._version
        leader_epoch = last_fetched_epoch = -1
        if version >= _FIRST_FLEXIBLE:
            asked = _ASKED_FLEXIBLE
            index, leader_epoch, offset, last_fetched_epoch, _, max_bytes = asked.unpack_from(buffer, position)
        elif version >= _FIRST_WITH_LEADER_EPOCH:
            asked = _ASKED_WITH_LEADER_EPOCH
            index, leader_epoch, offset, _, max_bytes = asked.unpack_from(buffer, position)
        elif version >= _FIRST_WITH_LOG_START:
            asked = _ASKED_WITH_LOG_START
            index, offset, _, max_bytes = asked.unpack_from(buffer, position)
        else:
            asked = _ASKED
            index, offset, max_bytes = asked.unpack_from(buffer, position)
        position = self._tags(position + asked.size)
        return index, Wanted(leader_epoch, offset, last_fetched_epoch, max_bytes), position

    def _forgotten(self, position: int, forgotten: list[PartitionKey]) -> int:
        count, position = self._count(position)
        for _ in range(count):
            topic, position = self._topic(position)
            partitions, position = self._count(position)
            for _ in range(partitions):
                (index,) = _INT.unpack_from(self._buffer, position)
                forgotten.append((topic, index))
                position += 4
            position = self._tags(position)
        return position

    def _topic(self, position: int) -> tuple[TopicRef, int]:
        if self._version >= _FIRST_WITH_TOPIC_IDS:
            return bytes(self._buffer[position : position + 16]), position + 16
        return self._text(position)

    def _text(self, position: int) -> tuple[str, int]:
        if self._flexible:
            length, position = unsigned_varint(self._buffer, position, self._end)
            length -= 1
        else:
            (length,) = _SHORT.unpack_from(self._buffer, position)
            position += 2
        if length < 0:
            raise ValueError("a name is null")
        return self._buffer[position : position + length].decode(), position + length

    def _count(self, position: int) -> tuple[int, int]:
        if self._flexible:
            count, position = unsigned_varint(self._buffer, position, self._end)
            count -= 1
        else:
            (count,) = _INT.unpack_from(self._buffer, position)
            position += 4
        if count < 0:
            raise ValueError("an array is null")
        return count, position

    def _tags(self, position: int) -> int:
        return skip_tags(self._buffer, position, self._end) if self._flexible else position


def encode(
    version: int,
    correlation_id: int,
    code: ErrorCode,
    session_id: int,
    answers: list[PartitionAnswer],
    *,
    read_committed: bool = False,
) -> list[Part]:
    """The whole answer, length first: bytes, and the ranges of segment files that come between them."""
    writer = _Writer(version)
    out = writer.out
    out += _FRAME.pack(0, correlation_id)
    writer.tags()
    out += b"\0\0\0\0"  # no throttling
    if version >= _FIRST_WITH_SESSIONS:
        out += _ERROR_SESSION.pack(code, session_id)
    groups = _by_topic(answers)
    writer.count(len(groups))
    for group in groups:
        writer.topic(group[0].topic)
        writer.count(len(group))
        for answer in group:
            writer.partition(answer, read_committed=read_committed)
        writer.tags()
    writer.tags()
    return writer.frame()


def _by_topic(answers: list[PartitionAnswer]) -> list[list[PartitionAnswer]]:
    groups: dict[TopicRef, list[PartitionAnswer]] = {}
    for answer in answers:
        groups.setdefault(answer.topic, []).append(answer)
    return list(groups.values())


class _Writer:
    """Writes the parts of one answer at its version."""

    __slots__ = ("_flexible", "_parts", "_size", "_version", "out")

    def __init__(self, version: int) -> None:
        self._version = version
        self._flexible = version >= _FIRST_FLEXIBLE
        self._parts: list[Part] = []
        self._size = 0
        self.out = bytearray()

    def partition(self, answer: PartitionAnswer, *, read_committed: bool) -> None:
        out, version = self.out, self._version
        # The last stable offset is the high watermark: there are no open transactions.
        index, code, end, start = answer.partition, answer.code, answer.high_watermark, answer.log_start_offset
        if version >= _FIRST_WITH_LOG_START:
            out += _PARTITION_WITH_LOG_START.pack(index, code, end, end, start)
        else:
            out += _PARTITION.pack(index, code, end, end)
        self.count(0 if read_committed else -1)  # aborted transactions: none, or not asked for
        if version >= _FIRST_WITH_RACK:
            out += NO_REPLICA
        size = answer.size
        if self._flexible:
            put_unsigned_varint(out, size + 1)
        else:
            out += _INT.pack(size)
        if answer.part is not None:
            self._parts.append(out)
            self._parts.append(answer.part)
            self._size += len(out) + size
            self.out = out = bytearray()
        if not self._flexible:
            return
        if answer.diverging is None:
            out.append(0)
        else:
            out += b"\x01\x00"  # one tagged field, number 0
            put_unsigned_varint(out, _EPOCH_END.size + 1)
            out += _EPOCH_END.pack(*answer.diverging)
            out.append(0)

    def topic(self, topic: TopicRef) -> None:
        put_topic(self.out, topic, flexible=self._flexible)

    def count(self, count: int) -> None:
        if self._flexible:
            put_unsigned_varint(self.out, count + 1)
        else:
            self.out += _INT.pack(count)

    def tags(self) -> None:
        if self._flexible:
            self.out.append(0)

    def frame(self) -> list[Part]:
        if self.out:
            self._parts.append(self.out)
            self._size += len(self.out)
        first = self._parts[0]
        assert isinstance(first, bytearray), "an answer begins with its header"
        _INT.pack_into(first, 0, self._size - 4)
        return self._parts
