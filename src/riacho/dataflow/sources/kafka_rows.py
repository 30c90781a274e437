"""Fetched records to a table's rows: value columns, key columns and metadata, and what was wrong with a record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from riacho.client import RecordColumns
from riacho.dataflow.batch import Int32Array, Int64Array
from riacho.dataflow.columns import polars_type
from riacho.dataflow.connectors.kafka import KafkaTable
from riacho.dataflow.sources import Int8Array, RecordOrigin
from riacho.formats.arrow import Column
from riacho.formats.buffered import BufferedColumns, Columnar
from riacho.formats.decoding import Bytes, Decoded, Spans
from riacho.kernels.spans import place_values
from riacho.plan.tables import ColumnKind, TableColumn
from riacho.plan.types import DataType, TimestampLtzType, TimestampType

_INSTANT = pl.Datetime("us", "UTC")
_TIMESTAMP = "timestamp"
"""The metadata key of a record's time."""

MICROSECONDS = 1000
"""In a millisecond: records have the latter, columns the former."""

JOINED_BYTES = 1 << 20
"""Small buffers are copied together up to this size: a decoder's call costs more than the copy."""


@dataclass(frozen=True, slots=True)
class Records:
    """Records of some partitions, one after another, in one buffer, that of `value`.

    `numbers` are their partitions' split numbers.
    """

    parts: tuple[RecordColumns, ...]
    first: Int64Array
    """Each part's first record, and in the end their number."""
    numbers: tuple[int, ...]
    value: Spans
    shifts: Sequence[int]
    """Where each part's buffer begins in the buffer of all."""
    bytes: int
    """How many their keys and values have."""

    def __len__(self) -> int:
        return int(self.first[-1])

    def key(self) -> Spans:
        """The records' keys, put together anew: few tables read them."""
        return Spans(
            self.value.data,
            np.concatenate([part.key_start + shift for part, shift in zip(self.parts, self.shifts, strict=True)]),
            np.concatenate([part.key_length for part in self.parts]),
        )

    def part_of(self, record: int) -> tuple[RecordColumns, int]:
        """The part that holds a record, and its place there."""
        part = int(np.searchsorted(self.first, record, side="right")) - 1
        return self.parts[part], record - int(self.first[part])

    def origin(self, record: int) -> RecordOrigin:
        part, place = self.part_of(record)
        return RecordOrigin(part.topic, part.partition, int(part.offset[place]), part.key[place], part.value[place])

    def column(self, values: Callable[[RecordColumns], Int64Array]) -> Int64Array:
        """One array over all parts."""
        return np.concatenate([values(part) for part in self.parts])

    def split(self) -> Int32Array:
        return np.repeat(np.array(self.numbers, np.int32), np.diff(self.first))


def join_parts(parts: Sequence[RecordColumns], number: Callable[[RecordColumns], int]) -> list[Records]:
    """The fetched parts as few larger ones, each partition's in their order.

    Parts of one response are decoded together where they lie. What is small is copied together.
    """
    joined: list[Records] = []
    small: list[RecordColumns] = []
    size = 0
    for group in _by_frame(parts):
        here = sum(part.buffer.size for part in group)
        large = here > JOINED_BYTES // 4
        if small and (large or size + here > JOINED_BYTES):
            joined.append(_copied_together(small, number))
            small, size = [], 0
        if large:
            joined.append(_in_frame(group, number))
        else:
            small += group
            size += here
    if small:
        joined.append(_copied_together(small, number))
    return joined


def _frame(part: RecordColumns) -> Bytes:
    """The response that a part's buffer is a piece of; the buffer itself where it is no piece."""
    base = part.buffer.base
    return base if isinstance(base, np.ndarray) and base.dtype == np.uint8 and base.ndim == 1 else part.buffer


def _by_frame(parts: Sequence[RecordColumns]) -> list[list[RecordColumns]]:
    """The parts by response. A partition's later part is never in an earlier group, whatever was taken in between."""
    groups: list[list[RecordColumns]] = []
    of_frame: dict[int, int] = {}
    latest: dict[tuple[str, int], int] = {}
    for part in parts:
        frame, partition = id(_frame(part)), (part.topic, part.partition)
        group = of_frame.get(frame, -1)
        if group < latest.get(partition, 0):
            group = of_frame[frame] = len(groups)
            groups.append([])
        groups[group].append(part)
        latest[partition] = group
    return groups


def _in_frame(parts: list[RecordColumns], number: Callable[[RecordColumns], int]) -> Records:
    data = _frame(parts[0])
    return _records(data, parts, [_address(part.buffer) - _address(data) for part in parts], number)


def _copied_together(parts: list[RecordColumns], number: Callable[[RecordColumns], int]) -> Records:
    if len(parts) == 1:
        return _records(parts[0].buffer, parts, [0], number)
    data = np.concatenate([part.buffer for part in parts])
    return _records(data, parts, [0, *np.cumsum([part.buffer.size for part in parts[:-1]]).tolist()], number)


def _address(array: Bytes) -> int:
    address: int = array.__array_interface__["data"][0]
    return address


def _records(
    data: Bytes, parts: list[RecordColumns], shifts: list[int], number: Callable[[RecordColumns], int]
) -> Records:
    """The records of parts whose buffers begin at `shifts` in `data`."""
    first = np.concatenate((np.zeros(1, np.int64), np.cumsum([len(part) for part in parts])))
    rows = int(first[-1])
    start, length = np.empty(rows, np.int64), np.empty(rows, np.int32)
    size = 0
    for part, shift, row in zip(parts, shifts, first.tolist(), strict=False):
        size += place_values(part.value_start, part.value_length, part.key_length, shift, row, start, length)
    return Records(
        tuple(parts), first, tuple([number(part) for part in parts]), Spans(data, start, length), shifts, size
    )


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of some records. `record` says which each is of; `bad` are records with their reasons."""

    rows: Columnar
    record: Int64Array
    bad: list[tuple[int, str]]
    ignored: int
    diff: Int8Array | None


class RowMaker:
    """Makes the wanted fields of a Kafka table from records."""

    def __init__(self, table: KafkaTable, fields: Sequence[str], time_zone: str) -> None:
        self._table = table
        self._fields = tuple(fields)
        columns = {column.name: column for column in table.table.stored_columns}
        self._types = {name: polars_type(columns[name].type) for name in fields}
        metadata = [columns[name] for name in fields if columns[name].kind is ColumnKind.METADATA]
        self._metadata = [column for column in metadata if column.name not in table.value_metadata]
        self._value_metadata = [column for column in metadata if column.name in table.value_metadata]
        # A column that key and value share is the value's, as in Flink; of a tombstone only the key is there.
        physical = [name for name in fields if columns[name].kind is ColumnKind.PHYSICAL]
        self._from_value = [name for name in physical if name in table.value_columns]
        self._from_key = [
            name for name in physical if name in table.key_columns and (table.upserts or name not in self._from_value)
        ]
        if table.upserts:
            self._from_value = [name for name in self._from_value if name not in table.key_columns]
        self._value = table.value.decoder([*self._from_value, *(column.name for column in self._value_metadata)])
        self._key = None
        if self._from_key:
            assert table.key is not None, "key columns have a key format"
            self._key = table.key.decoder([table.key_columns[name] for name in self._from_key])
        self._time_zone = time_zone
        self._only_value = self._from_value == list(fields) and not table.upserts
        self._adds_time = not (table.upserts or self._from_key or self._value_metadata) and all(
            (column.metadata_key or column.name) == _TIMESTAMP and self._types[column.name] == _INSTANT
            for column in metadata
        )
        """Whether all that rows have beside their values is their record's time, as an instant."""

    def make(self, records: Records) -> Rows:
        """The rows of these records, in their order."""
        value = self._value.decode(records.value)
        if self._only_value:
            return _only_decoded(value)
        if self._adds_time and isinstance(value.rows, BufferedColumns):
            return replace(_only_decoded(value), rows=self._with_time(value.rows, value.record, records))
        bad = {item.record: item.reason for item in value.bad}
        frame, record, diff = value.frame, value.record, value.diff
        ignored = value.ignored
        if self._table.upserts:
            frame, record, diff = self._with_tombstones(frame, record, records)
        keys: pl.DataFrame | None = None
        if self._key is not None:
            key = self._key.decode(texts := records.key())
            ignored += key.ignored
            for item in key.bad:
                bad.setdefault(item.record, f"key: {item.reason}")
            if self._table.upserts:
                for place in np.flatnonzero(texts.length < 0).tolist():
                    bad.setdefault(place, "a record of an upsert table has no key")
            names = {self._table.key_columns[name]: name for name in self._from_key}
            keys = key.frame.rename(names)
            place_of = np.full(len(records), -1, np.int64)
            place_of[key.record] = np.arange(len(key.record))
            if bad:
                keep = ~np.isin(record, np.array(list(bad), np.int64))
                frame, record = frame.filter(pl.Series(keep)), record[keep]
                diff = None if diff is None else diff[keep]
            keys = _gather(keys, place_of[record])
        columns = {series.name: series for series in frame.get_columns()}
        if keys is not None:
            columns |= {series.name: series for series in keys.get_columns()}
        for column in self._metadata:
            columns[column.name] = self._metadata_column(column, records, record)
        for column in self._value_metadata:
            if isinstance(column.type, TimestampType | TimestampLtzType):
                columns[column.name] = _in_type(columns[column.name], column.type, self._time_zone)
        ordered = [columns[name] for name in self._fields]
        made = pl.DataFrame(ordered) if ordered else pl.DataFrame(height=len(record))
        return Rows(made, record, sorted(bad.items()), ignored, diff)

    def _with_time(self, values: BufferedColumns, record: Int64Array, records: Records) -> BufferedColumns:
        """The values and the time of the record: what a small batch has no time to build a frame for."""
        columns = dict(zip(values.names, values.columns, strict=True))
        microseconds = records.column(lambda part: part.timestamp)[record] * MICROSECONDS
        for column in self._metadata:
            columns[column.name] = Column("tsu:UTC", len(record), (microseconds,))
        return BufferedColumns(self._fields, tuple([columns[name] for name in self._fields]), len(record))

    def _with_tombstones(
        self, frame: pl.DataFrame, record: Int64Array, records: Records
    ) -> tuple[pl.DataFrame, Int64Array, Int8Array]:
        gone = np.flatnonzero(records.value.length < 0)
        diff = np.ones(len(record), np.int8)
        if not len(gone):
            return frame, record, diff
        record = np.concatenate((record, gone))
        order = np.argsort(record, kind="stable")
        diff = np.concatenate((diff, np.full(len(gone), -1, np.int8)))[order]
        if frame.width:
            frame = pl.concat([frame, frame.clear(len(gone))])[order]
        else:
            frame = pl.DataFrame(height=len(record))
        return frame, record[order], diff

    def _metadata_column(self, column: TableColumn, records: Records, record: Int64Array) -> pl.Series:
        key = column.metadata_key or column.name
        kind = self._types[column.name]
        match key:
            case "offset":
                values = pl.Series(records.column(lambda part: part.offset)[record])
            case "partition":
                values = pl.Series(self._per_part(records, record, [part.partition for part in records.parts]))
            case "leader-epoch":
                epochs = [part.leader_epoch if part.leader_epoch >= 0 else None for part in records.parts]
                values = pl.Series(epochs, dtype=pl.Int32)[self._part_numbers(records, record)]
            case "timestamp":
                return self._timestamps(column, records.column(lambda part: part.timestamp)[record])
            case "topic":
                names = pl.Series([part.topic for part in records.parts])
                values = names[self._part_numbers(records, record)]
            case "timestamp-type":
                values = pl.Series(["CreateTime"]).new_from_index(0, len(record))
            case _:
                values = pl.Series([self._headers(records, row) for row in record.tolist()], dtype=kind)
        return values.cast(kind, wrap_numerical=True).alias(column.name)  # as CAST to a narrower integer does

    def _timestamps(self, column: TableColumn, milliseconds: Int64Array) -> pl.Series:
        instants = pl.Series(column.name, milliseconds * MICROSECONDS).cast(_INSTANT)
        kind = self._types[column.name]
        return instants if kind == _INSTANT else _in_type(instants, column.type, self._time_zone)

    @staticmethod
    def _headers(records: Records, record: int) -> list[dict[str, str | bytes | None]]:
        """As a MAP: the last of equal names counts."""
        part, place = records.part_of(record)
        return [{"key": name, "value": value} for name, value in dict(part.headers[place]).items()]

    @staticmethod
    def _part_numbers(records: Records, record: Int64Array) -> Int64Array:
        return np.searchsorted(records.first, record, side="right") - 1

    def _per_part(self, records: Records, record: Int64Array, values: list[int]) -> Int64Array:
        return np.array(values, np.int64)[self._part_numbers(records, record)]


def _only_decoded(decoded: Decoded) -> Rows:
    """The rows that are their values alone."""
    bad = [(each.record, each.reason) for each in decoded.bad]
    return Rows(decoded.rows, decoded.record, bad, decoded.ignored, decoded.diff)


def _in_type(instants: pl.Series, data_type: DataType, time_zone: str) -> pl.Series:
    """An instant as the type that the column declares: a TIMESTAMP is the session's local time."""
    if isinstance(data_type, TimestampType):
        return instants.dt.convert_time_zone(time_zone).dt.replace_time_zone(None)
    return instants.cast(polars_type(data_type))


def _gather(frame: pl.DataFrame, places: Int64Array) -> pl.DataFrame:
    """The rows at these places; a row of nulls for -1."""
    if (places >= 0).all():
        if len(places) == frame.height and (places == np.arange(len(places))).all():
            return frame
        return frame[places]
    index = pl.Series(places).set(pl.Series(places < 0), None)
    return frame.select(pl.all().gather(pl.lit(index)))
