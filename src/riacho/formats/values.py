"""Spans of text to columns of SQL types, with Flink's conversion rules: what the JSON and CSV decoders share."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation, localcontext
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from riacho.formats import arrow
from riacho.formats.decoding import Bytes, Int32Array, Int64Array, Spans, check_size
from riacho.formats.fields import FieldType, Kind
from riacho.formats.json_text import rewrite_container
from riacho.kernels import json_targets, strings, text_times, text_values, tokens
from riacho.kernels.tokens import ABSENT, BAD, HARD, VALUE

SNIPPET = 80
"""Characters of a bad value that its error shows."""


@dataclass(frozen=True, slots=True, eq=False)
class Texts:
    """One text per row, with the kind of token that it is (`riacho.kernels.tokens`)."""

    data: Bytes
    start: Int64Array
    length: Int32Array
    kind: Bytes

    def __len__(self) -> int:
        return len(self.start)

    def take(self, rows: npt.NDArray[np.integer]) -> Texts:
        return Texts(self.data, self.start[rows], self.length[rows], self.kind[rows])

    def text(self, row: int) -> bytes:
        start = int(self.start[row])
        return self.data[start : start + int(self.length[row])].tobytes()


@dataclass(slots=True)
class Failures:
    """The first reason why each record is bad. With `lenient`, values that do not fit are null and only counted."""

    lenient: bool
    reasons: dict[int, str] = field(default_factory=dict)
    ignored: int = 0

    def add(self, records: Int64Array, reason: Callable[[int], str]) -> None:
        """`reason` is called with the place in `records`."""
        if self.lenient:
            self.ignored += len(records)
            return
        for place, record in enumerate(records.tolist()):
            if record not in self.reasons:
                self.reasons[record] = reason(place)


@dataclass(frozen=True, slots=True)
class Rules:
    """How texts of a format are read where formats or their options differ."""

    timestamp_style: int = text_times.SQL_STYLE
    timestamp_zone: int = text_times.NO_ZONE
    """Of TIMESTAMP: `OFFSET_ZONE` under ISO-8601-WITH-OFFSET."""
    ltz_zone: int = text_times.UTC_ZONE
    strict_timestamps: bool = False
    short_dates: bool = False
    iso_times: bool = False
    """Whether a TIME may leave out its seconds."""
    cut_fractions: bool = True
    """Whether the number 1.5 is the INT 1, as for Jackson."""
    container_text: Callable[[bytes], bytes] = rewrite_container
    """What an object or an array is as a STRING."""


@dataclass(frozen=True, slots=True)
class Target:
    """A column that is being decoded: where it is, for errors, and which record each row is of."""

    path: str
    record: Int64Array
    failures: Failures
    rules: Rules

    def at(self, path: str) -> Target:
        """The same rows of another column."""
        return Target(path, self.record, self.failures, self.rules)

    def part(self, first: int, count: int) -> Target:
        """Some rows of the same column."""
        return Target(self.path, self.record[first : first + count], self.failures, self.rules)


_NOWHERE = Target("", np.empty(0, np.int64), Failures(lenient=True), Rules())
"""For conversions that cannot fail."""


class ValueColumn:
    """A column of a scalar type that is filled from the first row to the last, some rows at a time.

    >>> texts = Texts(np.frombuffer(b"42", np.uint8), np.array([0]), np.array([2], np.int32), np.array([4], np.uint8))
    >>> column = ValueColumn(FieldType(Kind.INTEGER, "INT", bits=32), 1)
    >>> column.fill(texts, Target("id", np.array([0]), Failures(lenient=False), Rules()))
    >>> arrow.to_frame([("id", column.finish())], 1)["id"].to_list()
    [42]
    """

    __slots__ = ("_buffers", "_filled", "_kind", "_others", "_out", "_rows", "_status")

    def __init__(self, kind: FieldType, rows: int) -> None:
        self._kind = kind
        self._rows = rows
        self._filled = 0
        self._others = 0
        dtype, width = storage(kind)
        self._out: npt.NDArray[Any] = np.empty(width * rows, dtype)
        self._status = np.empty(rows, np.uint8)
        self._buffers: list[Bytes] = []

    def fill(self, texts: Texts, target: Target) -> None:
        """Convert the next rows. `target`, which is that of the whole column, takes what does not fit; nothing is
        raised.
        """
        first, stop = self._filled, self._filled + len(texts)
        self._filled = stop
        width = len(self._out) // max(self._rows, 1)
        out, status = self._out[width * first : width * stop], self._status[first:stop]
        others = self._convert(texts, target.rules, out, status)
        if others:
            self._others += others
            if status.max() >= BAD:
                bad = status == BAD
                report(self._kind, texts, target.part(first, len(texts)), bad)
                status[bad] = ABSENT

    def finish(self) -> arrow.Column:
        """The whole column, once all rows are filled."""
        assert self._filled == self._rows, "a column is finished when it is full"
        valid = self._status.view(np.bool_) if self._others else None
        kind = self._kind
        if kind.kind in (Kind.STRING, Kind.BYTES):
            buffers = self._buffers or [np.empty(0, np.uint8)]
            return arrow.strings(self._out.view(np.uint8), buffers, valid, text=kind.kind is Kind.STRING)
        out = self._out
        if kind.kind is Kind.BOOLEAN:
            out = np.packbits(out, bitorder="little")
        elif kind.kind is Kind.FLOAT and kind.bits == 32:
            with np.errstate(over="ignore"):  # Java's parseFloat gives infinity as well
                out = out.astype(np.float32)
        return arrow.Column(arrow_code(kind), self._rows, (out,), valid)

    def _convert(self, texts: Texts, rules: Rules, out: npt.NDArray[Any], status: Bytes) -> int:
        kind = self._kind
        if kind.kind is Kind.STRING:
            return self._fill_strings(texts, rules, out, status)
        if kind.kind is Kind.BYTES:
            return self._fill_bytes(_unescaped(texts), out, status)
        fill = _FILL[kind.kind]
        others = fill(kind, texts, rules, out, status)
        # The parsers take plain texts alone.
        if others and status.max() >= BAD and (texts.kind == tokens.ESCAPED).any():
            others = fill(kind, _unescaped(texts), rules, out, status)
        return others

    def _fill_strings(self, texts: Texts, rules: Rules, out: Int32Array, status: Bytes) -> int:
        """Any value is a STRING: a number or a boolean is its text."""
        check_size(texts.data)
        number = self._number(texts.data)
        room = 0
        if len(texts) and texts.kind.max() >= tokens.ESCAPED:
            room = int(texts.length[texts.kind == tokens.ESCAPED].sum(dtype=np.int64))
        side = np.empty(room, np.uint8)
        others = strings.view_strings(
            texts.data, texts.start, texts.length, texts.kind, number, self._number(side), out, side, status
        )
        if others:
            others -= self._fill_containers(texts, rules, out, status)
        return others

    def _fill_containers(self, texts: Texts, rules: Rules, out: Int32Array, status: Bytes) -> int:
        """Objects and arrays that become STRING; how many there were."""
        rows = np.flatnonzero(status == HARD)
        if len(rows):
            written = Spans.of([rules.container_text(texts.text(row)) for row in rows.tolist()])
            strings.place_views(written.data, written.start, written.length, rows, self._number(written.data), out)
            status[rows] = VALUE
        return len(rows)

    def _fill_bytes(self, texts: Texts, out: Int32Array, status: Bytes) -> int:
        """Base64 in a string, as Jackson reads BYTES."""
        # Where there is no string, no length was written.
        side = np.empty(int(texts.length[texts.kind == tokens.STRING].sum(dtype=np.int64)), np.uint8)
        return strings.view_base64(
            texts.data, texts.start, texts.length, texts.kind, self._number(side), out, side, status
        )

    def _number(self, buffer: Bytes) -> int:
        """The buffer's place among those that views point into."""
        for number, known in enumerate(self._buffers):
            if known is buffer:
                return number
        if len(buffer) or not self._buffers:
            self._buffers.append(buffer)
        return len(self._buffers) - 1


def convert(kind: FieldType, texts: Texts, target: Target) -> arrow.Column:
    """The column of texts of a scalar type, all at once."""
    column = ValueColumn(kind, len(texts))
    column.fill(texts, target)
    return column.finish()


def settle(
    kind: FieldType, texts: Texts, out: npt.NDArray[Any], status: Bytes, buffers: list[Bytes], target: Target
) -> int:
    """Convert what a kernel has left of some rows, whose values and statuses are given: how many of those have none.

    Views point into `buffers`, to which others are appended.
    """
    rows = np.flatnonzero(status == HARD)
    some = ValueColumn(kind, len(rows))
    some._buffers = buffers
    some.fill(texts.take(rows), Target(target.path, target.record[rows], target.failures, target.rules))
    status[rows] = some._status
    width = len(some._out) // len(rows)
    out.reshape(-1, width)[rows] = some._out.reshape(-1, width)
    return some._others


FIRST_BUFFER = 0
"""The number of the buffer that strings are in, among those of their column."""


def aim(kind: FieldType, rules: Rules) -> tuple[int, ...] | None:
    """What a kernel of `json_targets` is to do with values of a type: ACTION, SHIFT, LEAST, GREATEST, UNIT.

    None for a type that is converted from spans alone.
    """
    shift = value_bytes(kind).bit_length() - 1
    match kind.kind:
        case Kind.STRING:
            return json_targets.TEXT, shift, FIRST_BUFFER, 0, 0
        case Kind.INTEGER:
            return json_targets.INTEGER_NUMBER, shift, *_bounds(kind), 0
        case Kind.TIMESTAMP | Kind.TIMESTAMP_LTZ:
            zone = _zone(kind, rules)
            if zone == text_times.OFFSET_ZONE:
                return None
            separator = text_times.SEPARATORS[rules.timestamp_style]
            return json_targets.TIMESTAMP, shift, separator, int(zone == text_times.UTC_ZONE), _unit(kind)
        case _:
            return None


def value_bytes(kind: FieldType) -> int:
    """Of a value of a scalar type, as a column keeps it while it is filled."""
    dtype, width = storage(kind)
    return np.dtype(dtype).itemsize * width


def storage(kind: FieldType) -> tuple[type[Any], int]:
    """The element of the type's buffer, and how many make a value."""
    match kind.kind:
        case Kind.INTEGER:
            return {8: np.int8, 16: np.int16, 32: np.int32, 64: np.int64}[kind.bits], 1
        case Kind.FLOAT:
            return np.float64, 1
        case Kind.BOOLEAN:
            return np.uint8, 1
        case Kind.DATE:
            return np.int32, 1
        case Kind.DECIMAL:
            return np.int64, 2
        case Kind.STRING | Kind.BYTES:
            return np.int32, 4
        case _:
            return np.int64, 1


def arrow_code(kind: FieldType) -> str:
    """Arrow's code of a scalar type that is no string."""
    match kind.kind:
        case Kind.INTEGER:
            return {8: "c", 16: "s", 32: "i", 64: "l"}[kind.bits]
        case Kind.FLOAT:
            return "f" if kind.bits == 32 else "g"
        case Kind.DECIMAL:
            return f"d:{kind.precision},{kind.scale}"
        case _:
            return _CODES[kind.kind]


_CODES = {
    Kind.BOOLEAN: "b",
    Kind.DATE: "tdD",
    Kind.TIME: "ttn",
    Kind.TIMESTAMP: "tsu:",
    Kind.TIMESTAMP_LTZ: "tsu:UTC",
}


def _bounds(kind: FieldType) -> tuple[int, int]:
    """The least and the greatest of an INTEGER."""
    return -(2 ** (kind.bits - 1)), 2 ** (kind.bits - 1) - 1


def _integers(kind: FieldType, texts: Texts, rules: Rules, out: npt.NDArray[Any], status: Bytes) -> int:
    low, high = _bounds(kind)
    # Jackson cuts the fraction off a number that becomes an INT or a BIGINT; Java's parsers of the smaller do not.
    fractions = rules.cut_fractions and kind.bits >= 32
    wide = out if kind.bits == 64 else np.empty(len(out), np.int64)
    others = text_values.parse_integers(
        texts.data, texts.start, texts.length, texts.kind, low, high, fractions, wide, status
    )
    if kind.bits < 64:
        out[:] = wide
    if others and fractions:
        for row in np.flatnonzero(status == HARD).tolist():
            number = float(texts.text(row))
            status[row] = BAD
            if low <= number <= high:
                out[row] = min(int(number), high)
                status[row] = VALUE
    return others


def _floats(_kind: FieldType, texts: Texts, _rules: Rules, out: npt.NDArray[Any], status: Bytes) -> int:
    others = text_values.parse_floats(texts.data, texts.start, texts.length, texts.kind, out, status)
    if others:
        hard = np.flatnonzero(status == HARD)
        if len(hard):
            _hard_floats(texts.take(hard), hard, out, status)
    return others


def _hard_floats(texts: Texts, rows: Int64Array, out: npt.NDArray[Any], status: Bytes) -> None:
    """Numbers of many digits go through Polars' parser at once; other texts are tried as Java writes doubles."""
    numbers = texts.kind != tokens.STRING
    if numbers.any():
        chosen = rows[numbers]
        written = ValueColumn(FieldType(Kind.STRING, "STRING"), len(chosen))
        written.fill(texts.take(np.flatnonzero(numbers)), _NOWHERE)
        series = arrow.to_frame([("", written.finish())], len(chosen)).to_series()
        parsed = series.cast(pl.Float64, strict=False)
        assert parsed.null_count() == 0, "every JSON number is a double"
        out[chosen] = parsed.to_numpy()
        status[chosen] = VALUE
    for place in np.flatnonzero(~numbers).tolist():
        number = _java_double(texts.text(place))
        row = int(rows[place])
        status[row] = BAD if number is None else VALUE
        if number is not None:
            out[row] = number


_JAVA_DOUBLE = re.compile(rb"[+-]?(NaN|Infinity|((\d+\.?\d*|\.\d+)([eE][+-]?\d+)?)[fFdD]?)\Z")


def _java_double(text: bytes) -> float | None:
    """What `Double.parseDouble` makes of a text, hexadecimal forms aside.

    >>> _java_double(b" 1.5f "), _java_double(b"-Infinity"), _java_double(b"inf")
    (1.5, -inf, None)
    """
    trimmed = text.strip(bytes(range(33)))
    if not _JAVA_DOUBLE.match(trimmed):
        return None
    return float(trimmed.rstrip(b"fFdD")) if trimmed[-1:] in b"fFdD" else float(trimmed)


def _booleans(_kind: FieldType, texts: Texts, _rules: Rules, out: npt.NDArray[Any], status: Bytes) -> int:
    return text_values.parse_booleans(texts.data, texts.start, texts.length, texts.kind, out, status)


def _decimals(kind: FieldType, texts: Texts, _rules: Rules, out: npt.NDArray[Any], status: Bytes) -> int:
    others = text_values.parse_decimals(
        texts.data, texts.start, texts.length, texts.kind, kind.precision, kind.scale, out, status
    )
    if others:
        for row in np.flatnonzero(status == HARD).tolist():
            status[row] = BAD
            unscaled = _unscaled(texts.text(row), kind)
            if unscaled is _TOO_LARGE:
                status[row] = ABSENT
            elif isinstance(unscaled, int):
                words = unscaled.to_bytes(16, "little", signed=True)
                out[2 * row : 2 * row + 2] = np.frombuffer(words, np.int64)
                status[row] = VALUE
    return others


_TOO_LARGE = object()
_LARGEST_EXPONENT = 100_000
"""A decimal text beyond 10^±this is not expanded: it is too large or rounds to zero in any DECIMAL."""


def _unscaled(text: bytes, kind: FieldType) -> int | object | None:
    """The unscaled integer of a decimal text rounded half up; `_TOO_LARGE`, or None where it is no number."""
    try:
        with localcontext(prec=max(100, len(text) + kind.scale + 10)):
            value = Decimal(text.strip(bytes(range(33))).decode("ascii"))
            if not value.is_finite() or b"_" in text:
                return None
            if value.adjusted() > kind.precision:
                return _TOO_LARGE if value else 0
            if value.adjusted() < -_LARGEST_EXPONENT:
                return 0
            unscaled = int(value.scaleb(kind.scale).to_integral_value(ROUND_HALF_UP))
    except (InvalidOperation, UnicodeDecodeError):
        return None
    return unscaled if abs(unscaled) < 10**kind.precision else _TOO_LARGE


def _dates(_kind: FieldType, texts: Texts, rules: Rules, out: npt.NDArray[Any], status: Bytes) -> int:
    return text_times.parse_dates(texts.data, texts.start, texts.length, texts.kind, rules.short_dates, out, status)


def _times(kind: FieldType, texts: Texts, rules: Rules, out: npt.NDArray[Any], status: Bytes) -> int:
    unit = 10 ** (9 - min(kind.precision, 3))  # Flink keeps a TIME in milliseconds
    return text_times.parse_times(texts.data, texts.start, texts.length, texts.kind, unit, rules.iso_times, out, status)


def _zone(kind: FieldType, rules: Rules) -> int:
    return rules.timestamp_zone if kind.kind is Kind.TIMESTAMP else rules.ltz_zone


def _unit(kind: FieldType) -> int:
    """Microseconds of a timestamp's last digit."""
    return int(10 ** (6 - min(kind.precision, 6)))


def _timestamps(kind: FieldType, texts: Texts, rules: Rules, out: npt.NDArray[Any], status: Bytes) -> int:
    return text_times.parse_timestamps(
        texts.data,
        texts.start,
        texts.length,
        texts.kind,
        rules.timestamp_style,
        _zone(kind, rules),
        rules.strict_timestamps,
        _unit(kind),
        out,
        status,
    )


_FILL: dict[Kind, Callable[[FieldType, Texts, Rules, npt.NDArray[Any], Bytes], int]] = {
    Kind.INTEGER: _integers,
    Kind.FLOAT: _floats,
    Kind.BOOLEAN: _booleans,
    Kind.DECIMAL: _decimals,
    Kind.DATE: _dates,
    Kind.TIME: _times,
    Kind.TIMESTAMP: _timestamps,
    Kind.TIMESTAMP_LTZ: _timestamps,
}


def _unescaped(texts: Texts) -> Texts:
    """The same texts, with ESCAPED ones as STRING."""
    escaped = texts.kind == tokens.ESCAPED
    if not escaped.any():
        return texts
    room = np.empty(int(texts.length[escaped].sum(dtype=np.int64)), np.uint8)
    start = np.empty(len(texts), np.int64)
    length = np.empty(len(texts), np.int32)
    used = strings.unescape_all(texts.data, texts.start, texts.length, texts.kind, room, start, length)
    data = np.concatenate((texts.data, room[:used]))
    return Texts(
        data,
        np.where(escaped, start + len(texts.data), texts.start),
        np.where(escaped, length, texts.length),
        np.where(escaped, np.uint8(tokens.STRING), texts.kind),
    )


def report(kind: FieldType, texts: Texts, target: Target, bad: npt.NDArray[np.bool_]) -> None:
    """Report the rows whose text is no value of the type."""
    rows = np.flatnonzero(bad)
    if len(rows):
        target.failures.add(
            target.record[rows],
            lambda place: f"field {target.path!r}: {shown(texts, int(rows[place]))} is not a {kind.name}",
        )


def shown(texts: Texts, row: int) -> str:
    """A bad text for a message: quoted as it was, cut to a readable length.

    >>> span = np.array([0]), np.array([3], np.int32), np.array([tokens.STRING], np.uint8)
    >>> shown(Texts(np.frombuffer(b"abc", np.uint8), *span), 0)
    "'abc'"
    """
    text = texts.text(row)[: 4 * SNIPPET].decode("utf-8", errors="replace")
    if len(text) > SNIPPET:
        text = text[: SNIPPET - 1] + "…"
    return repr(text) if texts.kind[row] in (tokens.STRING, tokens.ESCAPED) else text
