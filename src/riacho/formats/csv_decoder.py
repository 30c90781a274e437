"""CSV lines to columns, as Flink's CSV format reads them. Source: Flink, "CSV Format"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import polars as pl

from riacho.formats import arrow
from riacho.formats.decoding import BadRecord, Bytes, Decoded, Int64Array, Scratch, Spans
from riacho.formats.fields import Field, FieldType, Kind
from riacho.formats.values import Failures, Rules, Target, Texts, convert
from riacho.kernels import csv as kernels
from riacho.kernels import tokens
from riacho.kernels.csv import Fault

RULES = Rules(short_dates=True, iso_times=True)


@dataclass(frozen=True, slots=True)
class CsvDialect:
    """The characters of a CSV text; an absent quote or escape character is None."""

    delimiter: str = ","
    quote: str | None = '"'
    escape: str | None = None
    null_literal: str | None = None
    array_delimiter: str = ";"
    allow_comments: bool = False


def _code(character: str | None) -> int:
    return kernels.NONE if character is None else ord(character)


class CsvDecoder:
    """Decodes lines whose columns are `columns`, in order; only those in `wanted` are converted.

    A record is one line. An empty one, or a comment where comments are allowed, gives no row.
    """

    def __init__(
        self,
        columns: Sequence[Field],
        wanted: Sequence[str],
        dialect: CsvDialect,
        *,
        ignore_parse_errors: bool = False,
    ) -> None:
        by_name = {item.name: item for item in columns}
        self._fields = tuple(by_name[name] for name in wanted)
        self._slots = np.array([wanted.index(item.name) if item.name in wanted else -1 for item in columns], np.int32)
        self._dialect = dialect
        self._lenient = ignore_parse_errors
        self._scratch = Scratch()

    def decode(self, records: Spans) -> Decoded:
        """The rows of CSV lines. Never raises because of their content."""
        slots, rows = len(self._fields), len(records)
        start = self._scratch.array("start", np.int64, slots * rows).reshape(slots, rows)
        length = self._scratch.array("length", np.int32, slots * rows).reshape(slots, rows)
        kind = self._scratch.array("kind", np.uint8, slots * rows).reshape(slots, rows)
        faults = self._scratch.array("faults", np.uint8, rows)
        counts = self._scratch.array("counts", np.int64, rows)
        dialect = self._dialect
        kernels.locate(
            records.data,
            records.start,
            records.length,
            _code(dialect.delimiter),
            _code(dialect.quote),
            _code(dialect.escape),
            dialect.allow_comments,
            self._lenient,
            self._slots,
            start,
            length,
            kind,
            faults,
            counts,
        )
        failures = Failures(self._lenient)
        record = np.arange(rows, dtype=np.int64)
        given = (records.length >= 0) & (faults == 0)
        for row in np.flatnonzero(faults > Fault.SKIPPED).tolist():
            reason = self._reason(Fault(int(faults[row])), int(counts[row]))
            failures.add(record[row : row + 1], partial(_constant, reason))
        columns = []
        for slot, item in enumerate(self._fields):
            texts = Texts(records.data, start[slot], length[slot], kind[slot])
            target = Target(item.name, record, failures, RULES)
            columns.append((item.name, self._column(item.type, self._cleaned(texts), target)))
        frame = arrow.to_frame(columns, rows)
        if failures.reasons:
            given[list(failures.reasons)] = False
        if not given.all():
            frame, record = frame.filter(pl.Series(given)), record[given]
        bad = tuple(BadRecord(place, failures.reasons[place]) for place in sorted(failures.reasons))
        return Decoded(frame, record, bad, failures.ignored)

    def _reason(self, fault: Fault, count: int) -> str:
        expected = len(self._slots)
        match fault:
            case Fault.TOO_FEW:
                return f"row length mismatch: {expected} fields expected, but there are {count}"
            case Fault.TOO_MANY:
                return f"row length mismatch: {expected} fields expected, but there are more"
            case Fault.UNTERMINATED:
                return f"field {count + 1} has no closing quote"
            case Fault.AFTER_QUOTE:
                return f"field {count + 1} goes on after its closing quote"
            case _:
                return f"field {count + 1} is not UTF-8"

    def _cleaned(self, texts: Texts) -> Texts:
        """Without escapes and doubled quotes, the null literal as null."""
        escaped = np.flatnonzero(texts.kind == tokens.ESCAPED)
        data, start, length, kind = texts.data, texts.start, texts.length, texts.kind
        if len(escaped):
            start, length, kind = start.copy(), length.copy(), kind.copy()
            written = Spans.of([self._unescaped(texts, row) for row in escaped.tolist()])
            start[escaped] = written.start + len(data)
            length[escaped] = written.length
            kind[escaped] = tokens.STRING
            data = np.concatenate((data, written.data))
        texts = Texts(data, start, length, kind)
        if self._dialect.null_literal is not None:
            nulls = _equal(texts, self._dialect.null_literal.encode())
            if nulls.any():
                texts = Texts(data, start, length, np.where(nulls, np.uint8(tokens.NULL), kind))
        return texts

    def _unescaped(self, texts: Texts, row: int) -> bytes:
        first, size = int(texts.start[row]), int(texts.length[row])
        out = np.empty(size, np.uint8)
        quote, escape = _code(self._dialect.quote), _code(self._dialect.escape)
        return out[: kernels.unescape(texts.data, first, first + size, quote, escape, out)].tobytes()

    def _column(self, kind: FieldType, texts: Texts, target: Target) -> arrow.Column:
        if kind.kind is Kind.ARRAY:
            present = texts.kind == tokens.STRING
            offsets, parts = self._parts(texts)
            inner = Target(
                f"{target.path}[]", np.repeat(target.record, np.diff(offsets)), target.failures, target.rules
            )
            element = kind.children[0]
            values = self._column(element.type, parts, inner)
            valid = None if present.all() else present
            return arrow.Column("+L", len(texts), (offsets,), valid, ((element.name, values),))
        if kind.kind is Kind.ROW:
            return self._row(kind, texts, target)
        return convert(kind, texts, target)

    def _row(self, kind: FieldType, texts: Texts, target: Target) -> arrow.Column:
        """A nested row is written as a list of its fields."""
        present = texts.kind == tokens.STRING
        offsets, parts = self._parts(texts)
        children = []
        counts = np.diff(offsets)
        wrong = present & (counts != len(kind.children))
        if wrong.any():
            width = len(kind.children)
            rows = np.flatnonzero(wrong)
            target.failures.add(
                target.record[rows],
                lambda place: (
                    f"field {target.path!r}: {width} nested fields expected, but there are {int(counts[rows[place]])}"
                ),
            )
        for position, child in enumerate(kind.children):
            there = counts > position
            place = np.where(there, offsets[:-1] + position, 0)
            if len(parts):
                taken = parts.take(place)
            else:
                taken = Texts(texts.data, place, np.zeros(len(texts), np.int32), np.zeros(len(texts), np.uint8))
            taken = Texts(taken.data, taken.start, taken.length, np.where(there, taken.kind, np.uint8(tokens.MISSING)))
            children.append((child.name, self._column(child.type, taken, target.at(f"{target.path}.{child.name}"))))
        return arrow.Column("+s", len(texts), (), None if present.all() else present, tuple(children))

    def _parts(self, texts: Texts) -> tuple[Int64Array, Texts]:
        delimiter = np.frombuffer(self._dialect.array_delimiter.encode(), np.uint8)
        offsets = np.empty(len(texts) + 1, np.int64)
        nothing = np.empty(0, np.int64), np.empty(0, np.int32)
        total = kernels.split(texts.data, texts.start, texts.length, texts.kind, delimiter, offsets, *nothing)
        start, length = np.empty(total, np.int64), np.empty(total, np.int32)
        if total:
            kernels.split(texts.data, texts.start, texts.length, texts.kind, delimiter, offsets, start, length)
        parts = Texts(texts.data, start, length, np.full(total, tokens.STRING, np.uint8))
        return offsets, self._cleaned(parts)


def _constant(reason: str, _place: int) -> str:
    return reason


def _equal(texts: Texts, literal: bytes) -> arrow.BoolArray:
    """Which texts are exactly this one."""
    equal: arrow.BoolArray = (texts.kind == tokens.STRING) & (texts.length == len(literal))
    for index, byte in enumerate(literal):
        rows = np.flatnonzero(equal)
        equal[rows] = texts.data[texts.start[rows] + index] == byte
    return equal


def split_lines(data: Bytes, delimiter: bytes, quote: str | None) -> Spans:
    """The lines of a file's bytes; a delimiter inside quotes ends none. The last line may lack its delimiter."""
    ends = _delimiters(data, delimiter)
    if quote is not None and len(ends):
        quotes = np.cumsum(data == ord(quote))
        ends = ends[quotes[ends] % 2 == 0]
    start = np.concatenate((np.zeros(1, np.int64), ends + len(delimiter)))
    stop = np.concatenate((ends, np.array([len(data)], np.int64)))
    if start[-1] == len(data):
        start, stop = start[:-1], stop[:-1]
    return Spans(data, start, (stop - start).astype(np.int32))


def _delimiters(data: Bytes, delimiter: bytes) -> Int64Array:
    """Where the delimiter stands."""
    if len(data) < len(delimiter):
        return np.empty(0, np.int64)
    found = np.flatnonzero(data[: len(data) - len(delimiter) + 1] == delimiter[0])
    for index, byte in enumerate(delimiter[1:], 1):
        found = found[data[found + index] == byte]
    return found.astype(np.int64)
