"""Columns to texts, a column at a time over all rows: what the JSON and CSV encoders share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from riacho.formats import arrow
from riacho.formats.decoding import Bytes, Int64Array, Scratch, Spans
from riacho.formats.java_numbers import java_digits
from riacho.kernels import write_numbers, write_texts, write_times

NO_OPENING = -1
"""No comma is written before a column."""

ALL_VALID = np.empty(0, np.bool_)


def characters(text: str) -> Bytes:
    """The bytes of a short constant."""
    return np.frombuffer(text.encode(), np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """The texts that are being written: each row's place in `out` and its cursor."""

    out: Bytes
    start: Int64Array
    cursor: Int64Array

    @staticmethod
    def of(sizes: Int64Array, scratch: Scratch | None = None) -> Rows:
        """Room for texts of at most these sizes, in memory of its own or in `scratch`."""
        start = np.zeros(len(sizes), np.int64)
        np.cumsum(sizes[:-1], out=start[1:])
        total = int(sizes.sum())
        out = np.empty(total, np.uint8) if scratch is None else scratch.array("texts", np.uint8, total)
        return Rows(out, start, start.copy())

    def spans(self) -> Spans:
        """The texts as far as they are written."""
        return Spans(self.out, self.start, (self.cursor - self.start).astype(np.int32))


@dataclass(frozen=True, slots=True, eq=False)
class Style:
    """How each column of a text begins and what stands for null."""

    opening: int
    null: Bytes
    skip_nulls: bool = False


class ColumnWriter(Protocol):
    """One column on its way into the rows' texts."""

    def add_sizes(self, sizes: Int64Array) -> None:
        """Add to each row's size at least what `write` will take, the prefix aside."""
        ...

    def write(self, rows: Rows, prefix: Bytes, style: Style) -> None:
        """Append the column's text to every row."""
        ...


def write_columns(
    columns: Sequence[tuple[Bytes, ColumnWriter]],
    height: int,
    style: Style,
    opening: str,
    closing: str,
    scratch: Scratch | None = None,
) -> Spans:
    """The rows' texts: `opening`, each prefix with its column's value, `closing`.

    With `scratch` they are valid until the next texts are written there.
    """
    fixed = len(opening) + len(closing) + sum(len(prefix) + 1 + len(style.null) for prefix, _ in columns)
    sizes = np.full(height, fixed, np.int64)
    for _, column in columns:
        column.add_sizes(sizes)
    rows = Rows.of(sizes, scratch)
    if opening:
        write_texts.write_constant(rows.out, rows.cursor, characters(opening), NO_OPENING)
    for prefix, column in columns:
        column.write(rows, prefix, style)
    if closing:
        write_texts.write_constant(rows.out, rows.cursor, characters(closing), NO_OPENING)
    return rows.spans()


_INTEGERS: dict[str, type[np.signedinteger[Any]]] = {"c": np.int8, "s": np.int16, "i": np.int32, "tdD": np.int32}
"""How wide Arrow's integers, dates and times are; all others have 64 bits."""


def _valid(series: arrow.Column | pl.Series) -> arrow.BoolArray:
    if isinstance(series, arrow.Column):
        return ALL_VALID if series.valid is None else series.valid
    return series.is_not_null().to_numpy() if series.null_count() else ALL_VALID


def _int64(series: arrow.Column | pl.Series) -> Int64Array:
    """The physical integers; anything for null. What is there already is not asked of Polars: a call costs 0.1 ms."""
    if isinstance(series, arrow.Column):
        return series.buffers[0].reshape(-1).view(_INTEGERS.get(series.format, np.int64)).astype(np.int64, copy=False)
    if not series.dtype.is_integer():
        series = series.to_physical()
    if series.dtype != pl.Int64:
        series = series.cast(pl.Int64)
    if series.null_count():
        series = series.fill_null(0)
    return np.ascontiguousarray(series.to_numpy())


class IntegerWriter:
    def __init__(self, series: arrow.Column | pl.Series) -> None:
        self._values = _int64(series)
        self._valid = _valid(series)

    def add_sizes(self, sizes: Int64Array) -> None:
        sizes += write_numbers.INTEGER_WIDTH

    def write(self, rows: Rows, prefix: Bytes, style: Style) -> None:
        write_numbers.write_integers(
            rows.out, rows.cursor, prefix, style.opening, self._values, self._valid, style.null, style.skip_nulls
        )


NO_PREFIX = characters("")

EVERY_ROW = np.empty(0, np.int64)
"""The places of rows that are all rows of their columns."""


@dataclass(frozen=True, slots=True, eq=False)
class Prefixes:
    """Those of columns that follow each other: their bytes, and where each one's begin and how many they are."""

    data: Bytes
    spans: tuple[tuple[int, int], ...]

    @staticmethod
    def of(prefixes: Sequence[Bytes]) -> Prefixes:
        ends = accumulate(len(prefix) for prefix in prefixes)
        spans = [(end - len(prefix), len(prefix)) for end, prefix in zip(ends, prefixes, strict=True)]
        return Prefixes(np.concatenate(prefixes), tuple(spans))


class IntegersWriter:
    """Columns of integers that follow each other, each after its prefix: one call for all."""

    def __init__(self, prefixes: Prefixes, columns: Sequence[arrow.Column], places: Int64Array) -> None:
        """The rows are those at `places` of the columns, or all (`EVERY_ROW`)."""
        self._prefixes = prefixes.data
        self._columns = columns  # their memory is read
        self._places = places
        lines: list[int] = []
        for span, column in zip(prefixes.spans, columns, strict=True):
            valid, buffers = column.addresses()
            lines += (buffers[0], _INTEGER_BYTES[column.format], valid, *span)
        self._lines = np.array(lines, np.int64)

    def add_sizes(self, sizes: Int64Array) -> None:
        sizes += len(self._prefixes) + len(self._columns) * (1 + write_numbers.INTEGER_WIDTH)

    def write(self, rows: Rows, prefix: Bytes, style: Style) -> None:
        assert not len(prefix), "each column has a prefix of its own"
        write_numbers.write_integer_columns(
            rows.out,
            rows.cursor,
            self._prefixes,
            style.opening,
            self._lines,
            self._places,
            style.null,
            style.skip_nulls,
        )


_INTEGER_BYTES = {"c": 1, "s": 2, "i": 4, "l": 8}
"""The width of Arrow's integers."""


class TimeWriter:
    """Dates, times (of whatever unit Polars keeps) and timestamps."""

    def __init__(
        self, series: arrow.Column | pl.Series, *, separator: str = " ", utc: bool = False, quoted: bool
    ) -> None:
        self._valid = _valid(series)
        self._what = _kind_of_time(series)
        if isinstance(series, pl.Series) and self._what == write_times.TIMESTAMP:
            series = series.dt.cast_time_unit("us")
        self._values = _int64(series)
        if self._what == write_times.TIME:
            self._values = self._values // 1000
        self._separator = ord(separator)
        self._utc = utc
        self._quoted = quoted

    def add_sizes(self, sizes: Int64Array) -> None:
        sizes += write_times.TIMESTAMP_WIDTH

    def write(self, rows: Rows, prefix: Bytes, style: Style) -> None:
        write_times.write_times(
            rows.out,
            rows.cursor,
            prefix,
            style.opening,
            self._values,
            self._valid,
            style.null,
            style.skip_nulls,
            self._what,
            self._separator,
            self._utc,
            self._quoted,
        )


def _kind_of_time(series: arrow.Column | pl.Series) -> int:
    if isinstance(series, arrow.Column):
        return _TIMES.get(series.format, write_times.TIMESTAMP)
    if series.dtype == pl.Date:
        return write_times.DATE
    return write_times.TIME if series.dtype == pl.Time else write_times.TIMESTAMP


_TIMES = {"tdD": write_times.DATE, "ttn": write_times.TIME}
"""What Arrow calls them; timestamps are in microseconds."""


class TextWriter:
    """A String column; `how` is PLAIN, QUOTED or JSON_STRING of `riacho.kernels.write_texts`."""

    def __init__(self, series: arrow.Column | pl.Series, how: int) -> None:
        self._memory = arrow.views_of(series) if isinstance(series, arrow.Column) else arrow.string_views(series)
        self._views = self._memory.views.view(np.int32)
        self._valid = ALL_VALID if self._memory.valid is None else self._memory.valid
        self._how = how

    def add_sizes(self, sizes: Int64Array) -> None:
        write_texts.add_text_sizes(
            sizes, self._views, self._memory.addresses, self._valid, self._views.ctypes.data, self._how, 0
        )

    def write(self, rows: Rows, prefix: Bytes, style: Style) -> None:
        write_texts.write_texts(
            rows.out,
            rows.cursor,
            prefix,
            style.opening,
            self._views,
            self._memory.addresses,
            self._valid,
            self._views.ctypes.data,
            style.null,
            style.skip_nulls,
            self._how,
        )


class FloatWriter:
    """FLOAT and DOUBLE as Java prints them; with `quotes_others`, NaN and Infinity are JSON strings."""

    def __init__(self, series: pl.Series, *, quotes_others: bool) -> None:
        self._memory = arrow.string_views(java_digits(series))
        self._views = self._memory.views.view(np.int32)
        self._valid = ALL_VALID if self._memory.valid is None else self._memory.valid
        self._quotes_others = quotes_others

    def add_sizes(self, sizes: Int64Array) -> None:
        sizes += write_numbers.NUMBER_WIDTH

    def write(self, rows: Rows, prefix: Bytes, style: Style) -> None:
        write_numbers.write_numbers(
            rows.out,
            rows.cursor,
            prefix,
            style.opening,
            self._views,
            self._memory.addresses,
            self._valid,
            self._views.ctypes.data,
            style.null,
            style.skip_nulls,
            self._quotes_others,
        )


class SpanWriter:
    """Texts that were written before: objects and arrays inside a row."""

    def __init__(self, spans: Spans) -> None:
        self._spans = spans

    def add_sizes(self, sizes: Int64Array) -> None:
        sizes += np.maximum(self._spans.length, 0)

    def write(self, rows: Rows, prefix: Bytes, style: Style) -> None:
        spans = self._spans
        write_texts.write_spans(
            rows.out,
            rows.cursor,
            prefix,
            style.opening,
            spans.data,
            spans.start,
            spans.length,
            style.null,
            style.skip_nulls,
        )


def boolean_texts(series: pl.Series) -> pl.Series:
    """`true` and `false`."""
    return series.cast(pl.String)


_PLAIN_DIGITS = 6
"""`BigDecimal.toString` turns to scientific notation where more zeros than these follow the point."""


def decimal_texts(series: pl.Series, scale: int, *, plain: bool) -> pl.Series:
    """`BigDecimal.toString`, or `toPlainString` with `plain`; the scale's zeros are kept.

    >>> from decimal import Decimal
    >>> small = pl.Series([Decimal("0.00000012"), Decimal("1.50000000")])
    >>> decimal_texts(small, 8, plain=False).to_list()
    ['1.2E-7', '1.50000000']
    """
    texts = series.cast(pl.String)
    if plain or scale <= _PLAIN_DIGITS or not len(texts):
        return texts
    below = texts.str.contains(rf"^-?0\.0{{{_PLAIN_DIGITS}}}").fill_null(False).to_numpy()
    rows = np.flatnonzero(below)
    if not len(rows):
        return texts
    written = [str(series[row]).replace("e", "E") for row in rows.tolist()]
    return texts.scatter(pl.Series(rows), written)


def join_lists(
    offsets: Int64Array,
    elements: Spans,
    valid: npt.NDArray[np.bool_] | None,
    *,
    brackets: str,
    separator: str,
    null: Bytes,
    keys: Spans | None = None,
    kept: npt.NDArray[np.bool_] | None = None,
) -> Spans:
    """The texts of lists from those of their elements; with `keys`, of maps. Not `valid` rows are null."""
    lengths = np.maximum(elements.length.astype(np.int64), len(null)) + 2
    if keys is not None:
        lengths += keys.length + 1
    total = np.concatenate((np.zeros(1, np.int64), np.cumsum(lengths)))
    rows = Rows.of(total[offsets[1:]] - total[offsets[:-1]] + 2)
    nothing = np.empty(0, np.uint8)
    write_texts.join_elements(
        rows.out,
        rows.cursor,
        offsets,
        ALL_VALID if kept is None else kept,
        nothing if keys is None else keys.data,
        np.empty(0, np.int64) if keys is None else keys.start,
        np.empty(0, np.int32) if keys is None else keys.length,
        elements.data,
        elements.start,
        elements.length,
        ord(brackets[0]) if brackets else NO_OPENING,
        ord(brackets[1]) if brackets else 0,
        ord(separator),
        null,
    )
    return nulled(rows.spans(), valid)


def nulled(spans: Spans, valid: npt.NDArray[np.bool_] | None) -> Spans:
    """The same texts, null where not `valid`."""
    if valid is None:
        return spans
    return Spans(spans.data, spans.start, np.where(valid, spans.length, np.int32(-1)).astype(np.int32))


def list_parts(series: pl.Series) -> tuple[Int64Array, pl.Series, npt.NDArray[np.bool_] | None]:
    """(offsets, elements, valid) of a List series; a null list has no elements."""
    valid = series.is_not_null().to_numpy() if series.null_count() else None
    counts = series.list.len().fill_null(0).to_numpy().astype(np.int64)
    offsets = np.concatenate((np.zeros(1, np.int64), np.cumsum(counts)))
    elements = series.filter(pl.Series(counts > 0)).explode()
    return offsets, elements, valid
