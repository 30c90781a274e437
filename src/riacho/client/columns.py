"""Records as columns: what a fetch hands over and what a producer takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from riacho.client.errors import CorruptRecordsError
from riacho.errors import RiachoError
from riacho.kernels.batch import Fault, add_header_sizes, decode_headers, write_headers

if TYPE_CHECKING:
    import polars as pl

Bytes = NDArray[np.uint8]
Int32s = NDArray[np.int32]
Int64s = NDArray[np.int64]

Header = tuple[str, bytes | None]

NULL = -1
"""The length of a null key or value."""
NO_TIMESTAMP = -1

_NO_BYTES: Bytes = np.empty(0, np.uint8)
_NO_INT32S: Int32s = np.empty(0, np.int32)
_NO_INT64S: Int64s = np.empty(0, np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class BinaryColumn:
    """Byte strings in one buffer: `data[start[i]:start[i] + length[i]]`, or null where `length[i]` is -1.

    >>> BinaryColumn.from_values([b"a", None, b"bc"]).to_values()
    [b'a', None, b'bc']
    """

    data: Bytes
    start: Int64s
    length: Int32s

    @classmethod
    def from_values(cls, values: Sequence[bytes | None]) -> BinaryColumn:
        """From Python values, one by one: for tests and command lines."""
        length = np.array([NULL if value is None else len(value) for value in values], np.int32)
        return cls(_joined(values), _starts(length), length)

    @classmethod
    def from_offsets(
        cls, data: Bytes, offsets: NDArray[np.integer], valid: NDArray[np.bool_] | None = None
    ) -> BinaryColumn:
        """From Arrow's layout: value i is `data[offsets[i]:offsets[i + 1]]`, null where `valid[i]` is false.

        `data` is not copied. Raises `RiachoError` where a value has 2 GiB or more.

        >>> column = BinaryColumn.from_offsets(np.frombuffer(b"abc", np.uint8), np.array([0, 1, 3]))
        >>> column.to_values()
        [b'a', b'bc']
        """
        start = offsets[:-1].astype(np.int64)
        length = np.diff(offsets)
        if length.size and int(length.max()) > np.iinfo(np.int32).max:
            raise RiachoError("a value of 2 GiB or more does not fit into a Kafka record")
        length = length.astype(np.int32)
        if valid is not None:
            length[~valid] = NULL
        return cls(data, start, length)

    @classmethod
    def from_texts(cls, texts: pl.Series) -> BinaryColumn:
        """From a Polars string column without nulls, as UTF-8, without a Python object per value.

        >>> import polars as pl
        >>> BinaryColumn.from_texts(pl.Series(["a", "ä"])).to_values()
        [b'a', b'\\xc3\\xa4']
        """
        if not len(texts):
            return cls(_NO_BYTES, _NO_INT64S, _NO_INT32S)
        length = texts.str.len_bytes().to_numpy().astype(np.int32)
        data = np.frombuffer(texts.str.join("").item().encode(), np.uint8)
        return cls(data, _starts(length), length)

    @classmethod
    def constant(cls, value: bytes | None, count: int) -> BinaryColumn:
        """The same value `count` times, kept once."""
        data = _NO_BYTES if value is None else np.frombuffer(value, np.uint8)
        length = np.full(count, NULL if value is None else len(value), np.int32)
        return cls(data, np.zeros(count, np.int64), length)

    def __len__(self) -> int:
        return int(self.start.size)

    def __getitem__(self, row: int) -> bytes | None:
        length = int(self.length[row])
        start = int(self.start[row])
        return None if length < 0 else self.data[start : start + length].tobytes()

    def __iter__(self) -> Iterator[bytes | None]:
        return (self[row] for row in range(len(self)))

    def to_values(self) -> list[bytes | None]:
        """All values as Python objects."""
        return list(self)


@dataclass(frozen=True, slots=True, eq=False)
class HeaderColumn:
    """The headers of each record as they stand in a batch: `count[i]` headers in `length[i]` bytes."""

    data: Bytes
    start: Int64s
    length: Int32s
    count: Int32s

    @classmethod
    def from_columns(cls, columns: Sequence[tuple[str, BinaryColumn]]) -> HeaderColumn:
        """The same names for every record, in this order, each with its column of values.

        >>> column = HeaderColumn.from_columns([("reason", BinaryColumn.from_values([b"late", None]))])
        >>> column[0], column[1]
        ([('reason', b'late')], [('reason', None)])
        """
        rows = len(columns[0][1])
        size = np.zeros(rows, np.int32)
        for name, column in columns:
            assert len(column) == rows, "header columns differ in length"
            add_header_sizes(size, len(name.encode()), column.length)
        start = _starts(size)
        position = start.copy()
        data = np.empty(int(size.sum(dtype=np.int64)), np.uint8)
        for name, column in columns:
            encoded = np.frombuffer(name.encode(), np.uint8)
            write_headers(data, position, encoded, column.data, column.start, column.length)
        return cls(data, start, size, np.full(rows, len(columns), np.int32))

    @classmethod
    def from_values(cls, headers: Sequence[Sequence[Header]]) -> HeaderColumn:
        """From Python values, one by one: for tests and command lines."""
        encoded = [b"".join(_encode_header(*header) for header in record) for record in headers]
        length = np.array([len(value) for value in encoded], np.int32)
        count = np.array([len(record) for record in headers], np.int32)
        return cls(_joined(encoded), _starts(length), length, count)

    def __len__(self) -> int:
        return int(self.start.size)

    def __getitem__(self, row: int) -> list[Header]:
        table = self.table(slice(row, row + 1))
        return [self._header(entry) for entry in table]

    def to_values(self) -> list[list[Header]]:
        """All headers of all records as Python objects."""
        values: list[list[Header]] = [[] for _ in range(len(self))]
        for entry in self.table(slice(None)):
            values[int(entry[0])].append(self._header(entry))
        return values

    def table(self, rows: slice) -> Int64s:
        """Where the headers of these records are: a row for each of record, name start and length, value start and
        length (-1: null), in order. Raises `CorruptRecordsError`.
        """
        count = self.count[rows]
        out = np.empty((int(count.sum(dtype=np.int64)), 5), np.int64)
        fault, position = decode_headers(self.data, self.start[rows], self.length[rows], count, out)
        if fault:
            raise CorruptRecordsError(f"a record's headers are malformed: {Fault(fault).name} at byte {position}")
        return out

    def _header(self, entry: Int64s) -> Header:
        _, name_start, name_length, value_start, value_length = entry.tolist()
        name = self.data[name_start : name_start + name_length].tobytes().decode(errors="replace")
        if value_length < 0:
            return name, None
        return name, self.data[value_start : value_start + value_length].tobytes()


@dataclass(frozen=True, slots=True, eq=False)
class RecordColumns:
    """Fetched records of one partition, in the order of their offsets.

    All columns have one element per record; starts are positions in `buffer`, a length of -1 is null. `offset`
    rises but may have gaps. `timestamp` is in milliseconds since the Unix epoch, -1 where there is none.
    """

    topic: str
    partition: int
    offset: Int64s
    timestamp: Int64s
    buffer: Bytes
    key_start: Int64s
    key_length: Int32s
    value_start: Int64s
    value_length: Int32s
    header_start: Int64s
    header_length: Int32s
    header_count: Int32s
    next_offset: int
    """Where to go on once these are processed; past the last offset by more than one after a gap."""
    leader_epoch: int = -1
    """The leader epoch of the last batch, -1 where it is unknown."""

    @classmethod
    def from_values(
        cls,
        values: Sequence[bytes | None],
        *,
        keys: Sequence[bytes | None] | None = None,
        timestamps: Sequence[int] | None = None,
        headers: Sequence[Sequence[Header]] | None = None,
        topic: str = "topic",
        partition: int = 0,
        first_offset: int = 0,
    ) -> RecordColumns:
        """Columns as if these records had just been fetched, from Python values: for tests.

        >>> columns = RecordColumns.from_values([b"a", b"b"], keys=[None, b"k"], first_offset=7)
        >>> columns.value.to_values(), columns.key[1], columns.next_offset
        ([b'a', b'b'], b'k', 9)
        """
        count = len(values)
        value = BinaryColumn.from_values(values)
        key = BinaryColumn.from_values(keys if keys is not None else [None] * count)
        header = HeaderColumn.from_values(headers if headers is not None else [[]] * count)
        return cls(
            topic=topic,
            partition=partition,
            offset=np.arange(first_offset, first_offset + count, dtype=np.int64),
            timestamp=np.full(count, NO_TIMESTAMP, np.int64) if timestamps is None else np.array(timestamps, np.int64),
            buffer=np.concatenate([value.data, key.data, header.data]),
            key_start=key.start + value.data.size,
            key_length=key.length,
            value_start=value.start,
            value_length=value.length,
            header_start=header.start + value.data.size + key.data.size,
            header_length=header.length,
            header_count=header.count,
            next_offset=first_offset + count,
        )

    def __len__(self) -> int:
        return int(self.offset.size)

    @property
    def key(self) -> BinaryColumn:
        return BinaryColumn(self.buffer, self.key_start, self.key_length)

    @property
    def value(self) -> BinaryColumn:
        return BinaryColumn(self.buffer, self.value_start, self.value_length)

    @property
    def headers(self) -> HeaderColumn:
        return HeaderColumn(self.buffer, self.header_start, self.header_length, self.header_count)

    def slice(self, start: int, stop: int) -> RecordColumns:
        """Records `start` to `stop` without copying; `next_offset` is the next record's where one is left."""
        rows = slice(start, stop)
        return replace(
            self,
            offset=self.offset[rows],
            timestamp=self.timestamp[rows],
            key_start=self.key_start[rows],
            key_length=self.key_length[rows],
            value_start=self.value_start[rows],
            value_length=self.value_length[rows],
            header_start=self.header_start[rows],
            header_length=self.header_length[rows],
            header_count=self.header_count[rows],
            next_offset=int(self.offset[stop]) if stop < len(self) else self.next_offset,
        )


@dataclass(frozen=True, slots=True, eq=False)
class ProduceColumns:
    """Records to produce. Every column that is there has one element per record.

    `partition` may be one number for all records; without it, a record goes where Kafka's default partitioner
    sends its key. Without `timestamp` the records get the time of the call.
    """

    value: BinaryColumn
    key: BinaryColumn | None = None
    timestamp: Int64s | None = None
    partition: Int32s | int | None = None
    headers: HeaderColumn | None = None

    def __post_init__(self) -> None:
        rows = len(self.value)
        for name in ("key", "timestamp", "partition", "headers"):
            column = getattr(self, name)
            if column is not None and not isinstance(column, int) and len(column) != rows:
                raise RiachoError(f"the column {name!r} has {len(column)} elements, the values are {rows}")

    @classmethod
    def from_values(
        cls,
        values: Sequence[bytes | None],
        *,
        keys: Sequence[bytes | None] | None = None,
        timestamps: Sequence[int] | None = None,
        headers: Sequence[Sequence[Header]] | None = None,
        partition: int | None = None,
    ) -> ProduceColumns:
        """From Python values, one by one: for tests and command lines."""
        return cls(
            BinaryColumn.from_values(values),
            None if keys is None else BinaryColumn.from_values(keys),
            None if timestamps is None else np.array(timestamps, np.int64),
            partition,
            None if headers is None else HeaderColumn.from_values(headers),
        )

    def __len__(self) -> int:
        return len(self.value)


def _joined(values: Sequence[bytes | None]) -> Bytes:
    return np.frombuffer(b"".join(value for value in values if value is not None), np.uint8)


def _starts(length: Int32s) -> Int64s:
    """Where values of these lengths start when they are written one after another; nulls take nothing."""
    start = np.zeros(length.size, np.int64)
    np.cumsum(np.maximum(length[:-1], 0), dtype=np.int64, out=start[1:])
    return start


def _encode_header(name: str, value: bytes | None) -> bytes:
    encoded = name.encode()
    size = _varint(len(encoded)) + encoded
    return size + _varint(NULL) if value is None else size + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    rest = (value << 1) ^ (value >> 63)
    encoded = bytearray()
    while rest >= 0x80:
        encoded.append(rest & 0x7F | 0x80)
        rest >>= 7
    encoded.append(rest)
    return bytes(encoded)
