"""The header of a record batch, version 2: reading it, patching it, and checking a produced batch by it.

Layout (big-endian, 61 bytes) as in Kafka's documentation, "Record Batch", and KIP-98. The checksum covers
everything from the attributes on, so that a broker may set the base offset and the leader epoch without
touching it.
"""

from __future__ import annotations

from enum import IntEnum
from struct import Struct
from typing import Final, NamedTuple

from crc32c import crc32c

from riacho.host import Buffer
from riacho.log.config import LogConfig
from riacho.log.errors import BatchError

_HEADER: Final = Struct(">qiibIhiqqqhii")
_PATCHED: Final = Struct(">qii")
_ATTRIBUTES: Final = Struct(">h")
_MAX_TIMESTAMP: Final = Struct(">q")
_CHECKSUM: Final = Struct(">I")

HEADER_BYTES: Final = _HEADER.size
LENGTH_END: Final = 12
"""The base offset and the length field: what the length does not count."""
PATCHED_BYTES: Final = _PATCHED.size
CHECKSUM_AT: Final = 17
ATTRIBUTES_AT: Final = 21
MAX_TIMESTAMP_AT: Final = 35

MAGIC: Final = 2
NO_TIMESTAMP: Final = -1
NO_PRODUCER_ID: Final = -1
NO_SEQUENCE: Final = -1
MAX_SEQUENCE: Final = 2**31 - 1

CODEC_MASK: Final = 0b0000_0111
LOG_APPEND_TIME_BIT: Final = 0b0000_1000
TRANSACTIONAL_BIT: Final = 0b0001_0000
CONTROL_BIT: Final = 0b0010_0000


class Codec(IntEnum):
    """The compression of a batch's records, as numbered in its attributes."""

    NONE = 0
    GZIP = 1
    SNAPPY = 2
    LZ4 = 3
    ZSTD = 4


class BatchHeader(NamedTuple):
    """The 61 bytes before the records, field by field.

    `batch_length` counts what follows the length field; `size` is the whole batch in bytes. Timestamps are
    milliseconds since the Unix epoch, `NO_TIMESTAMP` where a record had none.
    """

    base_offset: int
    batch_length: int
    leader_epoch: int
    magic: int
    checksum: int
    attributes: int
    last_offset_delta: int
    base_timestamp: int
    max_timestamp: int
    producer_id: int
    producer_epoch: int
    base_sequence: int
    record_count: int

    @classmethod
    def parse(cls, buffer: Buffer, position: int = 0) -> BatchHeader:
        """Read the header at `position`. Nothing is checked; raises `struct.error` where 61 bytes are not there."""
        return cls._make(_HEADER.unpack_from(buffer, position))

    @property
    def size(self) -> int:
        return self.batch_length + LENGTH_END

    @property
    def last_offset(self) -> int:
        return self.base_offset + self.last_offset_delta

    @property
    def codec(self) -> int:
        """The codec's number; a `Codec` wherever `check_batch` has passed."""
        return self.attributes & CODEC_MASK

    @property
    def is_log_append_time(self) -> bool:
        return bool(self.attributes & LOG_APPEND_TIME_BIT)

    @property
    def is_transactional(self) -> bool:
        return bool(self.attributes & TRANSACTIONAL_BIT)

    @property
    def is_control(self) -> bool:
        return bool(self.attributes & CONTROL_BIT)

    @property
    def has_producer(self) -> bool:
        return self.producer_id > NO_PRODUCER_ID

    @property
    def last_sequence(self) -> int:
        """The sequence number of the last record; sequences wrap from 2³¹ − 1 to 0."""
        if self.base_sequence == NO_SEQUENCE:
            return NO_SEQUENCE
        return (self.base_sequence + self.last_offset_delta) & MAX_SEQUENCE

    def pack(self) -> bytes:
        """The 61 bytes of this header.

        >>> header = BatchHeader(7, 49, 0, 2, 0, 0, 0, 5, 5, -1, -1, -1, 1)
        >>> BatchHeader.parse(header.pack()) == header
        True
        """
        return _HEADER.pack(*self)


def checksum(batch: Buffer) -> int:
    """The CRC-32C of one whole batch, from the attributes to its end."""
    return crc32c(memoryview(batch)[ATTRIBUTES_AT:])


def place(batch: Buffer, batch_length: int, base_offset: int, leader_epoch: int) -> tuple[Buffer, ...]:
    """Give a batch its place in the log; the checksum does not cover these fields.

    Returns the buffers that make up the batch to store: `batch` itself, patched in place, where it is
    writable, or a new beginning and the untouched rest.
    """
    if isinstance(batch, bytearray) or (isinstance(batch, memoryview) and not batch.readonly):
        _PATCHED.pack_into(batch, 0, base_offset, batch_length, leader_epoch)
        return (batch,)
    return _PATCHED.pack(base_offset, batch_length, leader_epoch), memoryview(batch)[PATCHED_BYTES:]


def stamp(batch: Buffer, now_ms: int) -> bytearray:
    """A copy of the batch whose records all carry the log's time, `now_ms`, with its checksum renewed."""
    stamped = bytearray(batch)
    (attributes,) = _ATTRIBUTES.unpack_from(stamped, ATTRIBUTES_AT)
    _ATTRIBUTES.pack_into(stamped, ATTRIBUTES_AT, attributes | LOG_APPEND_TIME_BIT)
    _MAX_TIMESTAMP.pack_into(stamped, MAX_TIMESTAMP_AT, now_ms)
    _CHECKSUM.pack_into(stamped, CHECKSUM_AT, checksum(stamped))
    return stamped


def check_batch(buffer: Buffer) -> BatchHeader:
    """Check what a producer sent for one partition: exactly one sound batch, judged by its header alone.

    Raises `BatchError` with the name that Kafka answers. The records are not opened: some that contradict
    a valid header are stored.
    """
    length = len(buffer)
    header = BatchHeader.parse(bytes(buffer) + bytes(HEADER_BYTES - length) if length < HEADER_BYTES else buffer)
    size = header.size
    # To Kafka a batch that does not end within the request is none; one that could not be one is corrupt.
    if length < CHECKSUM_AT or (size > length and 0 <= header.magic <= MAGIC):
        raise BatchError("INVALID_RECORD", f"the request carries {length} bytes, which hold no whole record batch")
    if size < HEADER_BYTES or not 0 <= header.magic <= MAGIC:
        raise BatchError("CORRUPT_MESSAGE", f"no record batch has {size} bytes and version {header.magic}")
    if header.magic != MAGIC:
        raise BatchError("INVALID_RECORD", f"record batches must be of version 2, this one is of {header.magic}")
    if size < length:
        raise BatchError("INVALID_RECORD", "the request must carry exactly one record batch")
    if checksum(buffer) != header.checksum:
        raise BatchError("CORRUPT_MESSAGE", "the batch does not match its checksum")
    _check_fields(header)
    return header


def _check_fields(header: BatchHeader) -> None:
    if header.base_offset != 0:
        raise BatchError("INVALID_RECORD", f"the base offset must be 0, it is {header.base_offset}")
    if header.last_offset_delta < 0 or header.record_count != header.last_offset_delta + 1:
        raise BatchError(
            "INVALID_RECORD",
            f"{header.record_count} records do not fill the offsets 0 to {header.last_offset_delta}",
        )
    if header.attributes & CONTROL_BIT:
        raise BatchError("INVALID_RECORD", "clients may not write control records")
    if header.attributes & CODEC_MASK > Codec.ZSTD:
        raise BatchError("UNSUPPORTED_COMPRESSION_TYPE", f"unknown compression codec {header.codec}")
    if header.producer_id > NO_PRODUCER_ID:
        if header.base_sequence < 0 or header.producer_epoch < 0:
            raise BatchError(
                "INVALID_RECORD",
                f"producer {header.producer_id} sent epoch {header.producer_epoch}, sequence {header.base_sequence}",
            )
    elif header.attributes & TRANSACTIONAL_BIT:
        raise BatchError("INVALID_RECORD", "a transactional batch must name its producer")


def check_for_topic(header: BatchHeader, config: LogConfig, now_ms: int) -> None:
    """Check a sound batch against its topic's limits of size and time. Raises `BatchError`.

    Timestamps are judged by the batch's first and largest one.
    """
    if header.size > config.max_message_bytes:
        raise BatchError(
            "MESSAGE_TOO_LARGE", f"the batch has {header.size} bytes, the topic allows {config.max_message_bytes}"
        )
    if header.size > config.segment_bytes:
        raise BatchError(
            "RECORD_LIST_TOO_LARGE", f"the batch has {header.size} bytes, a segment holds {config.segment_bytes}"
        )
    if header.attributes & LOG_APPEND_TIME_BIT:
        raise BatchError("INVALID_TIMESTAMP", "a producer may not set the timestamp type to LogAppendTime")
    if config.message_timestamp_type == "LogAppendTime":
        return
    oldest = now_ms - config.message_timestamp_before_max_ms
    newest = now_ms + config.message_timestamp_after_max_ms
    for timestamp in (header.base_timestamp, header.max_timestamp):
        if timestamp != NO_TIMESTAMP and not oldest <= timestamp <= newest:
            raise BatchError(
                "INVALID_TIMESTAMP", f"timestamp {timestamp} lies outside of {oldest} to {newest} (milliseconds)"
            )
