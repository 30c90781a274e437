"""Record batches being filled, sealed and sent. No I/O."""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

import crc32c
import numpy as np
from numpy.typing import NDArray

from riacho.client.columns import BinaryColumn, HeaderColumn, ProduceColumns
from riacho.client.compression import compress
from riacho.kernels.batch import CRC_POSITION, CRC_START, HEADER_SIZE, LENGTH_END, encode_records

Bytes = NDArray[np.uint8]
Int64s = NDArray[np.int64]

NO_PRODUCER: Final = -1
RECORD_OVERHEAD: Final = 64
"""More than the numbers in one record can take."""

_MAGIC: Final = 2
_UNKNOWN_EPOCH: Final = -1
_HEADER: Final = struct.Struct(">qiibIhiqqqhii")
_IDENTITY: Final = struct.Struct(">qhi")
_IDENTITY_POSITION: Final = 43
_CRC: Final = struct.Struct(">I")

_NO_COLUMN: Final = BinaryColumn(np.empty(0, np.uint8), np.empty(0, np.int64), np.empty(0, np.int32))
_NO_HEADERS: Final = HeaderColumn(_NO_COLUMN.data, _NO_COLUMN.start, _NO_COLUMN.length, _NO_COLUMN.length)


class Identity(NamedTuple):
    """An idempotent producer's id and epoch (KIP-98)."""

    producer_id: int
    epoch: int


NO_IDENTITY: Final = Identity(NO_PRODUCER, -1)


class Batch:
    """One record batch: filled by `append`, then `seal`ed, then `stamp`ed with its producer's identity."""

    __slots__ = (
        "_base_timestamp",
        "_max_timestamp",
        "buffer",
        "count",
        "created_ms",
        "failed",
        "sealed",
        "sequence",
        "size",
    )

    def __init__(self, buffer: Bytes, created_ms: float) -> None:
        self.buffer = buffer
        self.size = HEADER_SIZE
        """Bytes in use: what counts against the producer's memory."""
        self.count = 0
        self.created_ms = created_ms
        self.sealed: memoryview | None = None
        """The bytes to send, once sealed."""
        self.sequence = -1
        """The first record's sequence number, once stamped."""
        self.failed = False
        """Whether its last sending failed or was never answered, and it waits to be sent again."""
        self._base_timestamp = 0
        self._max_timestamp = -1

    def append(self, columns: ProduceColumns, timestamp: Int64s, rows: Int64s, first: int) -> int:
        """Append the records `rows[first:]`, as many as there is room for: how many."""
        if not self.count:
            self._base_timestamp = int(timestamp[rows[first]])
            self._max_timestamp = self._base_timestamp
        key = columns.key or _NO_COLUMN
        value = columns.value
        headers = columns.headers or _NO_HEADERS
        written, end, greatest = encode_records(
            self.buffer,
            self.size,
            self.count,
            self._base_timestamp,
            rows,
            first,
            timestamp,
            key.data,
            key.start,
            key.length,
            value.data,
            value.start,
            value.length,
            headers.data,
            headers.start,
            headers.length,
            headers.count,
        )
        self.size = end
        self.count += written
        self._max_timestamp = max(self._max_timestamp, greatest)
        return written

    def seal(self, codec: int) -> None:
        """Write the header, and compress the records; without checksum and identity yet."""
        data = self.buffer.data[: self.size]
        if codec:
            records = compress(codec, data[HEADER_SIZE:])
            data = memoryview(bytearray(HEADER_SIZE + len(records)))
            data[HEADER_SIZE:] = records
        _HEADER.pack_into(
            data,
            0,
            0,
            len(data) - LENGTH_END,
            _UNKNOWN_EPOCH,
            _MAGIC,
            0,
            codec,
            self.count - 1,
            self._base_timestamp,
            self._max_timestamp,
            *NO_IDENTITY,
            -1,
            self.count,
        )
        self.sealed = data

    def stamp(self, identity: Identity, sequence: int) -> None:
        """Write the producer's identity and the first sequence number (-1: none), then the checksum."""
        data = self.sealed
        assert data is not None, "a batch is sealed before it is stamped"
        _IDENTITY.pack_into(data, _IDENTITY_POSITION, *identity, sequence)
        _CRC.pack_into(data, CRC_POSITION, crc32c.crc32c(data[CRC_START:]))
        self.sequence = sequence


def record_size(columns: ProduceColumns, row: int) -> int:
    """No less than the bytes that one record takes in a batch."""
    size = RECORD_OVERHEAD + max(int(columns.value.length[row]), 0)
    if columns.key is not None:
        size += max(int(columns.key.length[row]), 0)
    if columns.headers is not None:
        size += int(columns.headers.length[row])
    return size


class BufferPool:
    """Buffers of one size that are used again: memory that was touched once costs nothing the next time."""

    def __init__(self, size: int, keep: int) -> None:
        self._size = size
        self._keep = keep
        self._free: list[Bytes] = []

    def get(self) -> Bytes:
        return self._free.pop() if self._free else np.empty(self._size, np.uint8)

    def put(self, buffer: Bytes) -> None:
        """Give a buffer back; one of another size, made for a large record, is dropped."""
        if buffer.size == self._size and len(self._free) < self._keep:
            self._free.append(buffer)
