"""The records of `__consumer_offsets`, byte for byte as Kafka writes them.

A key starts with its version, which is also its kind: 0 and 1 a committed offset, 2 a classic group. A value
starts with its own version. A null value (a tombstone) deletes what the key names. Written: OffsetCommitKey 1,
OffsetCommitValue 4 (1 when the client asked for its own retention), GroupMetadataKey 2, GroupMetadataValue 3, as
Kafka 4.1 and later do. Read: every version.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

_OFFSET_KEY_VERSION = 1
_GROUP_KEY_VERSION = 2
_OFFSET_VALUE_VERSION = 4
_OFFSET_VALUE_VERSION_WITH_EXPIRY = 1
_GROUP_VALUE_VERSION = 3
_FIRST_FLEXIBLE_VALUE_VERSION = 4
_NEWEST_VALUE_VERSION = 4
_TOPIC_ID_TAG = 0
_NO_TOPIC_ID = UUID(int=0)


class RecordFormatError(Exception):
    """Bytes that are no record of `__consumer_offsets`, or of a version newer than this broker."""


@dataclass(frozen=True, slots=True)
class CommittedOffset:
    """A position that a group has committed for one partition."""

    offset: int
    leader_epoch: int
    """-1 when the client gave none."""
    metadata: str
    commit_timestamp_ms: int
    expire_timestamp_ms: int | None = None
    """Set only where the client asked for its own retention (OffsetCommit 2–4)."""
    topic_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class StoredMember:
    """A member as the log keeps it: its subscription under the chosen protocol, and its assignment."""

    member_id: str
    group_instance_id: str | None
    client_id: str
    client_host: str
    rebalance_timeout_ms: int
    session_timeout_ms: int
    subscription: bytes
    assignment: bytes


@dataclass(frozen=True, slots=True)
class StoredGroup:
    """A classic group as the log keeps it."""

    protocol_type: str
    generation: int
    protocol_name: str | None
    leader: str | None
    state_timestamp_ms: int
    """When the group entered its state, or -1 (groups written by very old brokers)."""
    members: tuple[StoredMember, ...]


@dataclass(frozen=True, slots=True)
class OffsetRecord:
    """Sets the committed offset of a partition, or removes it (`value` is None)."""

    group_id: str
    topic: str
    partition: int
    value: CommittedOffset | None


@dataclass(frozen=True, slots=True)
class GroupRecord:
    """Sets the state of a group, or removes the group (`value` is None)."""

    group_id: str
    value: StoredGroup | None


Record = OffsetRecord | GroupRecord


def encode(record: Record) -> tuple[bytes, bytes | None]:
    """The record's key and value; the value of a tombstone is None.

    >>> encode(OffsetRecord("g", "t", 3, None))
    (b'\\x00\\x01\\x00\\x01g\\x00\\x01t\\x00\\x00\\x00\\x03', None)
    """
    if isinstance(record, OffsetRecord):
        key = (
            struct.pack(">h", _OFFSET_KEY_VERSION)
            + _string(record.group_id)
            + _string(record.topic)
            + struct.pack(">i", record.partition)
        )
        return key, None if record.value is None else _encode_offset(record.value)
    key = struct.pack(">h", _GROUP_KEY_VERSION) + _string(record.group_id)
    return key, None if record.value is None else _encode_group(record.value)


def decode(key: bytes, value: bytes | None) -> Record | None:
    """The record of a key and value; None for a kind of key that this broker does not know.

    Raises `RecordFormatError` for bytes that no version of Kafka writes.
    """
    try:
        fields = _Reader(key)
        version = fields.int16()
        if version in (0, _OFFSET_KEY_VERSION):
            group_id, topic, partition = fields.string(), fields.string(), fields.int32()
            offset = None if value is None else _decode_offset(value)
            return OffsetRecord(group_id, topic, partition, offset)
        if version == _GROUP_KEY_VERSION:
            return GroupRecord(fields.string(), None if value is None else _decode_group(value))
    except (struct.error, UnicodeDecodeError, IndexError) as error:
        raise RecordFormatError(f"a record of __consumer_offsets cannot be read: {error}") from error
    return None


def _encode_offset(value: CommittedOffset) -> bytes:
    if value.expire_timestamp_ms is not None:
        return (
            struct.pack(">hq", _OFFSET_VALUE_VERSION_WITH_EXPIRY, value.offset)
            + _string(value.metadata)
            + struct.pack(">qq", value.commit_timestamp_ms, value.expire_timestamp_ms)
        )
    metadata = value.metadata.encode()
    tags = b"\x00" if value.topic_id is None else bytes((1, _TOPIC_ID_TAG, 16)) + value.topic_id.bytes
    return (
        struct.pack(">hqi", _OFFSET_VALUE_VERSION, value.offset, value.leader_epoch)
        + _unsigned_varint(len(metadata) + 1)
        + metadata
        + struct.pack(">q", value.commit_timestamp_ms)
        + tags
    )


def _decode_offset(value: bytes) -> CommittedOffset:
    fields, version = _versioned(value)
    offset = fields.int64()
    leader_epoch = fields.int32() if version >= 3 else -1
    metadata = fields.string()
    commit_timestamp_ms = fields.int64()
    expire_timestamp_ms = fields.int64() if version == 1 else -1
    topic_id = fields.tags().get(_TOPIC_ID_TAG)
    return CommittedOffset(
        offset,
        leader_epoch,
        metadata,
        commit_timestamp_ms,
        None if expire_timestamp_ms == -1 else expire_timestamp_ms,
        None if topic_id is None or UUID(bytes=topic_id) == _NO_TOPIC_ID else UUID(bytes=topic_id),
    )


def _encode_group(value: StoredGroup) -> bytes:
    parts = [
        struct.pack(">h", _GROUP_VALUE_VERSION),
        _string(value.protocol_type),
        struct.pack(">i", value.generation),
        _nullable_string(value.protocol_name),
        _nullable_string(value.leader),
        struct.pack(">qi", value.state_timestamp_ms, len(value.members)),
    ]
    for member in value.members:
        parts += [
            _string(member.member_id),
            _nullable_string(member.group_instance_id),
            _string(member.client_id),
            _string(member.client_host),
            struct.pack(">ii", member.rebalance_timeout_ms, member.session_timeout_ms),
            struct.pack(">i", len(member.subscription)),
            member.subscription,
            struct.pack(">i", len(member.assignment)),
            member.assignment,
        ]
    return b"".join(parts)


def _decode_group(value: bytes) -> StoredGroup:
    fields, version = _versioned(value)
    protocol_type = fields.string()
    generation = fields.int32()
    protocol_name = fields.nullable_string()
    leader = fields.nullable_string()
    state_timestamp_ms = fields.int64() if version >= 2 else -1
    members = tuple(_decode_member(fields, version) for _ in range(fields.array_length()))
    fields.tags()
    return StoredGroup(protocol_type, generation, protocol_name, leader, state_timestamp_ms, members)


def _decode_member(fields: _Reader, version: int) -> StoredMember:
    member_id = fields.string()
    group_instance_id = fields.nullable_string() if version >= 3 else None
    client_id, client_host = fields.string(), fields.string()
    rebalance_timeout_ms = fields.int32() if version >= 1 else -1
    session_timeout_ms = fields.int32()
    subscription, assignment = fields.blob(), fields.blob()
    fields.tags()
    return StoredMember(
        member_id,
        group_instance_id,
        client_id,
        client_host,
        session_timeout_ms if rebalance_timeout_ms == -1 else rebalance_timeout_ms,
        session_timeout_ms,
        subscription,
        assignment,
    )


def _versioned(value: bytes) -> tuple[_Reader, int]:
    version = int.from_bytes(value[:2], "big", signed=True)
    if not 0 <= version <= _NEWEST_VALUE_VERSION:
        raise RecordFormatError(f"a record of __consumer_offsets has the unknown value version {version}")
    return _Reader(value, position=2, flexible=version >= _FIRST_FLEXIBLE_VALUE_VERSION), version


def _string(text: str) -> bytes:
    data = text.encode()
    return struct.pack(">h", len(data)) + data


def _nullable_string(text: str | None) -> bytes:
    return b"\xff\xff" if text is None else _string(text)


def _unsigned_varint(number: int) -> bytes:
    encoded = bytearray()
    while number >= 0x80:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


class _Reader:
    """Reads Kafka's primitive types from bytes; `flexible` ones carry compact lengths and tagged fields."""

    __slots__ = ("_data", "_flexible", "_position")

    def __init__(self, data: bytes, *, position: int = 0, flexible: bool = False) -> None:
        self._data = data
        self._position = position
        self._flexible = flexible

    def int16(self) -> int:
        return self._number(">h", 2)

    def int32(self) -> int:
        return self._number(">i", 4)

    def int64(self) -> int:
        return self._number(">q", 8)

    def string(self) -> str:
        return self._take(self._length(self.int16)).decode()

    def nullable_string(self) -> str | None:
        length = self._length(self.int16)
        return None if length < 0 else self._take(length).decode()

    def blob(self) -> bytes:
        return self._take(max(self._length(self.int32), 0))

    def array_length(self) -> int:
        return max(self._length(self.int32), 0)

    def tags(self) -> dict[int, bytes]:
        """The tagged fields at this place; none in a version without them."""
        if not self._flexible:
            return {}
        return {self._unsigned_varint(): self._take(self._unsigned_varint()) for _ in range(self._unsigned_varint())}

    def _length(self, fixed: Callable[[], int]) -> int:
        return self._unsigned_varint() - 1 if self._flexible else fixed()

    def _number(self, layout: str, size: int) -> int:
        number: int = struct.unpack_from(layout, self._data, self._position)[0]
        self._position += size
        return number

    def _unsigned_varint(self) -> int:
        number = shift = 0
        while True:
            byte = self._data[self._position]
            self._position += 1
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                return number
            shift += 7

    def _take(self, length: int) -> bytes:
        end = self._position + length
        if length < 0 or end > len(self._data):
            raise IndexError("the record ends within a field")
        taken = self._data[self._position : end]
        self._position = end
        return taken
