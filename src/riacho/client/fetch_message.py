"""The Fetch API, version 12, framed by hand: record batches are found in the response, not copied out of it."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, NamedTuple

from riacho.client.cluster import TopicPartition
from riacho.client.cursor import Cursor, compact_string, unsigned_varint

VERSION: Final = 12

_REQUEST: Final = struct.Struct(">iiiibii")
_PARTITION: Final = struct.Struct(">iiqiqib")
_RESPONSE: Final = struct.Struct(">ihi")
_ANSWER: Final = struct.Struct(">ihqqq")
_ABORTED: Final = struct.Struct(">qq")
_NUMBER: Final = struct.Struct(">i")

_CONSUMER: Final = -1
_NO_SESSION: Final = 0
_FULL_FETCH: Final = -1
_UNKNOWN_EPOCH: Final = -1
_UNKNOWN_OFFSET: Final = -1


class FetchFrom(NamedTuple):
    """What to ask of one partition."""

    partition: TopicPartition
    leader_epoch: int
    offset: int
    max_bytes: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What a response says of one partition; its record batches are `frame[start:end]`."""

    partition: TopicPartition
    error: int
    high_watermark: int
    log_start_offset: int
    aborted: Sequence[tuple[int, int]]
    start: int
    end: int


def encode_fetch(
    partitions: Sequence[FetchFrom], *, max_wait_ms: int, min_bytes: int, max_bytes: int, read_committed: bool
) -> bytes:
    """A request outside of a fetch session. Partitions of a topic must stand together."""
    parts = [_REQUEST.pack(_CONSUMER, max_wait_ms, min_bytes, max_bytes, int(read_committed), _NO_SESSION, _FULL_FETCH)]
    topics = [(topic, list(asked)) for topic, asked in groupby(partitions, lambda asked: asked.partition.topic)]
    parts.append(unsigned_varint(len(topics) + 1))
    for topic, asked in topics:
        parts += (compact_string(topic), unsigned_varint(len(asked) + 1))
        parts += [
            _PARTITION.pack(
                one.partition.partition,
                one.leader_epoch,
                one.offset,
                _UNKNOWN_EPOCH,
                _UNKNOWN_OFFSET,
                one.max_bytes,
                0,
            )
            for one in asked
        ]
        parts.append(b"\x00")
    parts.append(b"\x01\x01\x00")  # no forgotten topics, no rack, no tagged fields
    return b"".join(parts)


def decode_fetch(frame: memoryview, position: int) -> tuple[int, Iterator[Answer]]:
    """The response's own error code, and its partitions. Raises `ProtocolError`, also while iterating."""
    cursor = Cursor(frame, position)
    _, error, _ = cursor.numbers(_RESPONSE)
    return error, _answers(cursor)


def _answers(cursor: Cursor) -> Iterator[Answer]:
    for _ in range(cursor.count()):
        topic = cursor.string()
        for _ in range(cursor.count()):
            index, error, high_watermark, _, log_start_offset = cursor.numbers(_ANSWER)
            aborted = []
            for _ in range(cursor.count()):
                producer_id, first_offset = cursor.numbers(_ABORTED)
                aborted.append((producer_id, first_offset))
                cursor.skip_tags()
            cursor.numbers(_NUMBER)  # the preferred read replica, which only a rack would bring
            start, end = cursor.span()
            cursor.skip_tags()
            yield Answer(
                TopicPartition(topic, index),
                error,
                high_watermark,
                log_start_offset,
                aborted,
                start,
                end,
            )
        cursor.skip_tags()
