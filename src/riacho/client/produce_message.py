"""The Produce API, versions 9 to 11, framed by hand: record batches go from their buffers to the socket."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from riacho.client.cluster import TopicPartition
from riacho.client.cursor import Cursor, compact_string, unsigned_varint

_REQUEST: Final = struct.Struct(">hi")
_NUMBER: Final = struct.Struct(">i")
_ANSWER: Final = struct.Struct(">ihqqq")
_NO_TRANSACTION: Final = b"\x00"


class Produced(NamedTuple):
    """What a response says of one partition; `message` is empty where the broker gives none."""

    partition: TopicPartition
    error: int
    base_offset: int
    message: str


def encode_produce(
    batches: Mapping[TopicPartition, memoryview], *, acks: int, timeout_ms: int
) -> list[bytes | memoryview]:
    """A request with one batch a partition, as buffers to send one after another."""
    topics: dict[str, list[tuple[int, memoryview]]] = {}
    for partition, batch in batches.items():
        topics.setdefault(partition.topic, []).append((partition.partition, batch))
    parts: list[bytes | memoryview] = []
    between = _NO_TRANSACTION + _REQUEST.pack(acks, timeout_ms) + unsigned_varint(len(topics) + 1)
    for topic, entries in topics.items():
        between += compact_string(topic) + unsigned_varint(len(entries) + 1)
        for index, batch in entries:
            parts += (between + _NUMBER.pack(index) + unsigned_varint(len(batch) + 1), batch)
            between = b"\x00"  # the partition's tagged fields: none
        between += b"\x00"
    parts.append(between + b"\x00")
    return parts


def decode_produce(body: memoryview) -> Iterator[Produced]:
    """The partitions of a response. Raises `ProtocolError` while iterating."""
    cursor = Cursor(body)
    for _ in range(cursor.count()):
        topic = cursor.string()
        for _ in range(cursor.count()):
            index, error, base_offset, _, _ = cursor.numbers(_ANSWER)
            messages = []
            for _ in range(cursor.count()):
                cursor.numbers(_NUMBER)
                messages.append(cursor.string())
                cursor.skip_tags()
            message = cursor.string() or next(filter(None, messages), "")
            cursor.skip_tags()
            yield Produced(TopicPartition(topic, index), error, base_offset, message)
        cursor.skip_tags()
