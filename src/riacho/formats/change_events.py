"""The rows that records of change data capture tell of: which JSON objects are rows, their signs, what lies over them.

Each shape is what one tool writes about changes of a database's table; nothing is converted here, only found.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from riacho.formats import arrow
from riacho.formats.decoding import Int32Array, Int64Array
from riacho.formats.fields import Field, FieldType, Kind
from riacho.formats.json_location import elements_of
from riacho.formats.values import Failures, Rules, Target, Texts, convert
from riacho.kernels import tokens

Int8Array = npt.NDArray[np.int8]
BoolArray = npt.NDArray[np.bool_]

INSERT: Final = 0
UPDATE: Final = 1
DELETE: Final = 2
SKIPPED: Final = 3
UNKNOWN: Final = 4

NO_TEXT: Final = -1
"""The length of what is not there."""

TEXT = FieldType(Kind.STRING, "STRING")
BIGINT = FieldType(Kind.INTEGER, "BIGINT", bits=64)
TEXTS = FieldType(Kind.ARRAY, "ARRAY<STRING>", children=(Field("item", TEXT),))


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """Rows that some records tell of, in their order. `patch` texts hold the fields in which a row differed before."""

    record: Int64Array
    start: Int64Array
    length: Int32Array
    patch_start: Int64Array
    patch_length: Int32Array
    sign: Int8Array


@dataclass(frozen=True, slots=True)
class Complaint:
    """Records that tell of no rows, and why; `reason` is given a record."""

    records: BoolArray
    reason: Callable[[int], str]


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a format knows of an event beside its row: where it stands, and how it is read.

    An instant's number of milliseconds is the number there times `instant_ms`; 0: it is no instant.
    """

    path: tuple[str, ...]
    type: FieldType
    instant_ms: int = 0
    beside_payload: bool = False


@dataclass(frozen=True, slots=True)
class Shape:
    """How a tool writes changes.

    `members` are looked up under `payload`. `spread` gives the rows of records, from the texts of these members and
    the operation of each record, and complains of those that have none.
    """

    name: str
    members: tuple[str, ...]
    operation: str
    operations: Mapping[str, int]
    spread: Callable[[Mapping[str, Texts], npt.NDArray[np.int64]], tuple[Spread, list[Complaint]]]
    metadata: Mapping[str, Metadata]
    payload: tuple[str, ...] = ()


def text_series(texts: Texts) -> pl.Series:
    """Scalar texts as strings, null where there is none."""
    nowhere = Target("", np.empty(0, np.int64), Failures(lenient=True), Rules())
    return arrow.to_frame([("text", convert(TEXT, texts, nowhere))], len(texts)).to_series()


def operations_of(shape: Shape, texts: Texts) -> npt.NDArray[np.int64]:
    """What each record says has become of its rows."""
    named = text_series(texts).replace_strict(dict(shape.operations), default=UNKNOWN, return_dtype=pl.Int64)
    return named.fill_null(UNKNOWN).to_numpy().astype(np.int64)


def included(texts: Texts, pattern: re.Pattern[str]) -> BoolArray:
    """Which of these names match wholly; each different name is looked at once. JSON's null is a name, as in Flink."""
    names = text_series(texts).fill_null("null")
    fitting = [name for name in names.unique().to_list() if pattern.fullmatch(name)]
    return names.is_in(fitting).to_numpy()


def _before_and_after(members: Mapping[str, Texts], operation: npt.NDArray[np.int64]) -> tuple[Spread, list[Complaint]]:
    """Debezium: both rows stand there whole."""
    before, after = members["before"], members["after"]
    updated, deleted = operation == UPDATE, operation == DELETE
    needs_before, needs_after = updated | deleted, updated | (operation == INSERT)
    complaints = [
        Complaint(needs_before & (before.kind != tokens.OBJECT), _no_before(operation)),
        Complaint(needs_after & (after.kind != tokens.OBJECT), lambda _: 'the field "after" holds no row'),
    ]
    rows = len(operation)
    kept = np.column_stack((needs_before, needs_after)).ravel()
    record = np.repeat(np.arange(rows), 2)[kept]
    nothing = np.zeros(len(record), np.int64)
    spread = Spread(
        record,
        np.column_stack((before.start, after.start)).ravel()[kept],
        np.column_stack((before.length, after.length)).ravel()[kept],
        nothing,
        np.full(len(record), NO_TEXT, np.int32),
        np.tile(np.array([-1, 1], np.int8), rows)[kept],
    )
    return spread, complaints


def _no_before(operation: npt.NDArray[np.int64]) -> Callable[[int], str]:
    def reason(record: int) -> str:
        kind = "UPDATE" if operation[record] == UPDATE else "DELETE"
        return f'the field "before" of this {kind} is null: a table of PostgreSQL needs REPLICA IDENTITY FULL'

    return reason


def _row_and_old(members: Mapping[str, Texts], operation: npt.NDArray[np.int64]) -> tuple[Spread, list[Complaint]]:
    """Maxwell: the row, and the fields in which it differed before."""
    data, old = members["data"], members["old"]
    told = operation <= DELETE
    complaints = [
        Complaint(told & (data.kind != tokens.OBJECT), lambda _: 'the field "data" holds no row'),
        Complaint((operation == UPDATE) & (old.kind != tokens.OBJECT), lambda _: 'the field "old" holds no row'),
    ]
    return _patched(np.arange(len(operation)), operation, data, old), complaints


def _rows_and_olds(members: Mapping[str, Texts], operation: npt.NDArray[np.int64]) -> tuple[Spread, list[Complaint]]:
    """Canal: a list of rows, and a list of the fields in which each differed before."""
    offsets, status, rows, _ = elements_of(members["data"], tokens.ARRAY)
    old_offsets, old_status, old_rows, _ = elements_of(members["old"], tokens.ARRAY)
    counts, old_counts = np.diff(offsets), np.diff(old_offsets)
    owner = np.repeat(np.arange(len(operation)), counts)
    wrong = np.zeros(len(operation), np.bool_)
    np.logical_or.at(wrong, owner, rows.kind != tokens.OBJECT)
    updated = operation == UPDATE
    few = updated & (counts > 0) & ((old_status != 0) | (old_counts < counts))
    place = np.arange(len(owner)) - offsets[owner]
    has_old = place < old_counts[owner]
    found = np.where(has_old, old_offsets[owner] + place, 0)
    nothing = Texts(rows.data, np.zeros(1, np.int64), np.full(1, NO_TEXT, np.int32), np.zeros(1, np.uint8))
    old = (old_rows if len(old_rows) else nothing).take(found)
    np.logical_or.at(few, owner, updated[owner] & has_old & (old.kind != tokens.OBJECT))
    complaints = [
        Complaint((operation <= DELETE) & ((status != 0) | wrong), lambda _: 'the field "data" holds no list of rows'),
        Complaint(few, lambda _: 'the field "old" holds no row for each of "data"'),
    ]
    return _patched(owner, operation[owner], rows, old), complaints


def _patched(owner: Int64Array, operation: npt.NDArray[np.int64], rows: Texts, old: Texts) -> Spread:
    """Each row as it was before, and as it is after; an update's old row is the new one with `old` over it."""
    updated = operation == UPDATE
    removed, added = updated | (operation == DELETE), updated | (operation == INSERT)
    kept = np.column_stack((removed, added)).ravel()
    lengths = np.where(updated, old.length, np.int32(NO_TEXT))
    absent = np.full(len(owner), NO_TEXT, np.int32)
    return Spread(
        np.repeat(owner, 2)[kept],
        np.repeat(rows.start, 2)[kept],
        np.repeat(rows.length, 2)[kept],
        np.repeat(old.start, 2)[kept],
        np.column_stack((lengths, absent)).ravel()[kept],
        np.tile(np.array([-1, 1], np.int8), len(owner))[kept],
    )


_SOURCE = FieldType(Kind.MAP, "MAP<STRING, STRING>", children=(Field("key", TEXT), Field("value", TEXT)))
_SQL_TYPES = FieldType(
    Kind.MAP, "MAP<STRING, INT>", children=(Field("key", TEXT), Field("value", FieldType(Kind.INTEGER, "INT", bits=32)))
)

DEBEZIUM = Shape(
    "debezium-json",
    ("before", "after", "op"),
    "op",
    {"c": INSERT, "r": INSERT, "u": UPDATE, "d": DELETE},
    _before_and_after,
    {
        "schema": Metadata(("schema",), TEXT, beside_payload=True),
        "ingestion-timestamp": Metadata(("ts_ms",), BIGINT, instant_ms=1),
        "source.timestamp": Metadata(("source", "ts_ms"), BIGINT, instant_ms=1),
        "source.database": Metadata(("source", "db"), TEXT),
        "source.schema": Metadata(("source", "schema"), TEXT),
        "source.table": Metadata(("source", "table"), TEXT),
        "source.properties": Metadata(("source",), _SOURCE),
    },
)

MAXWELL = Shape(
    "maxwell-json",
    ("data", "old", "type"),
    "type",
    {"insert": INSERT, "update": UPDATE, "delete": DELETE},
    _row_and_old,
    {
        "database": Metadata(("database",), TEXT),
        "table": Metadata(("table",), TEXT),
        "primary-key-columns": Metadata(("primary_key_columns",), TEXTS),
        "ingestion-timestamp": Metadata(("ts",), BIGINT, instant_ms=1000),
    },
)

CANAL = Shape(
    "canal-json",
    ("data", "old", "type", "database", "table"),
    "type",
    {"INSERT": INSERT, "UPDATE": UPDATE, "DELETE": DELETE, "CREATE": SKIPPED},
    _rows_and_olds,
    {
        "database": Metadata(("database",), TEXT),
        "table": Metadata(("table",), TEXT),
        "sql-type": Metadata(("sqlType",), _SQL_TYPES),
        "pk-names": Metadata(("pkNames",), TEXTS),
        "ingestion-timestamp": Metadata(("ts",), BIGINT, instant_ms=1),
        "event-timestamp": Metadata(("es",), BIGINT, instant_ms=1),
    },
)
