"""Fetched records as text: lines after a template, or JSON lines."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from json.encoder import encode_basestring  # the C function behind json.dumps
from string import Formatter
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from riacho.client.columns import Header, RecordColumns
from riacho.errors import UsageError, nearest
from riacho.kernels.write_numbers import INTEGER_WIDTH, write_integers
from riacho.kernels.write_texts import write_constant, write_spans
from riacho.kernels.write_times import TIMESTAMP, TIMESTAMP_WIDTH, write_times

Bytes = NDArray[np.uint8]
Int64s = NDArray[np.int64]
Bools = NDArray[np.bool_]

FIELDS: Final = ("topic", "partition", "offset", "timestamp", "key", "value")

_NOTHING: Final = np.empty(0, np.uint8)
_ALL_VALID: Final[Bools] = np.empty(0, np.bool_)
_NO_COMMA: Final = -1
_SEPARATOR: Final = ord("T")

_UNPRINTABLE: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class RecordFormatter(Protocol):
    """Turns records into text."""

    def __call__(self, records: RecordColumns) -> bytes | memoryview: ...


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a template: text as it is, or a field."""

    text: bytes
    field: str | None = None


@dataclass(frozen=True, slots=True)
class TextLines:
    """Each record as a line after a template, written a column at a time; `null` is the text of a null.

    >>> write = TextLines.of("{offset} {key}={value}")
    >>> bytes(write(RecordColumns.from_values([b"a", None], keys=[b"k", b"l"], first_offset=7)))
    b'7 k=a\\n8 l=null\\n'
    """

    pieces: tuple[Piece, ...]
    null: Bytes

    @classmethod
    def of(cls, template: str, null: str = "null") -> TextLines:
        """Read a template: fields in braces, `{{` for a brace, `\\t` and `\\n`. Raises `UsageError`."""
        pieces: list[Piece] = []
        try:
            parsed = list(Formatter().parse(template.replace("\\t", "\t").replace("\\n", "\n")))
        except ValueError as error:
            raise UsageError(f"--format: {error}", mend="write {{ and }} for braces") from error
        for text, field, form, conversion in parsed:
            pieces.append(Piece(text.encode()))
            if field is None:
                continue
            if field not in FIELDS or form or conversion:
                near = nearest(field, FIELDS)
                mend = f"did you mean {{{near[0]}}}?" if near else f"one of: {', '.join(FIELDS)}"
                raise UsageError(f"--format: there is no field {field!r}", mend=mend)
            pieces.append(Piece(b"", field))
        return cls((*pieces, Piece(b"\n")), np.frombuffer(null.encode(), np.uint8))

    def __call__(self, records: RecordColumns) -> memoryview:
        size = np.zeros(len(records), np.int64)
        for piece in self.pieces:
            size += self._most(piece, records)
        start = np.zeros(len(records), np.int64)
        np.cumsum(size[:-1], out=start[1:])
        out = np.empty(int(size.sum()), np.uint8)
        cursor = start.copy()
        for piece in self.pieces:
            self._write(piece, records, out, cursor)
        if (cursor != start + size).any():  # numbers took less than the most that they may
            length = (cursor - start).astype(np.int32)
            packed = np.empty(int(length.sum(dtype=np.int64)), np.uint8)
            place = np.zeros(len(records), np.int64)
            np.cumsum(length[:-1], out=place[1:])
            write_spans(packed, place, _NOTHING, _NO_COMMA, out, start, length, _NOTHING, False)
            out = packed
        return out.data

    def _most(self, piece: Piece, records: RecordColumns) -> Int64s | int:
        """How many bytes the piece takes at most; exact but for numbers and times."""
        match piece.field:
            case "key":
                return np.where(records.key_length < 0, self.null.size, records.key_length)
            case "value":
                return np.where(records.value_length < 0, self.null.size, records.value_length)
            case "offset":
                return INTEGER_WIDTH
            case "timestamp":
                return max(TIMESTAMP_WIDTH, self.null.size)
            case _:
                return len(self._constant(piece, records))

    def _write(self, piece: Piece, records: RecordColumns, out: Bytes, cursor: Int64s) -> None:
        match piece.field:
            case "key":
                self._write_spans(out, cursor, records, records.key_start, records.key_length)
            case "value":
                self._write_spans(out, cursor, records, records.value_start, records.value_length)
            case "offset":
                write_integers(out, cursor, _NOTHING, _NO_COMMA, records.offset, _ALL_VALID, self.null, False)
            case "timestamp":
                microseconds = records.timestamp * 1000
                valid = records.timestamp >= 0
                write_times(
                    out,
                    cursor,
                    _NOTHING,
                    _NO_COMMA,
                    microseconds,
                    valid,
                    self.null,
                    False,
                    TIMESTAMP,
                    _SEPARATOR,
                    True,
                    False,
                )
            case _:
                text = np.frombuffer(self._constant(piece, records), np.uint8)
                write_constant(out, cursor, text, _NO_COMMA)

    def _write_spans(
        self, out: Bytes, cursor: Int64s, records: RecordColumns, start: Int64s, length: NDArray[np.int32]
    ) -> None:
        write_spans(out, cursor, _NOTHING, _NO_COMMA, records.buffer, start, length, self.null, False)

    def _constant(self, piece: Piece, records: RecordColumns) -> bytes:
        """What is the same in all records of a block."""
        match piece.field:
            case "topic":
                return records.topic.encode()
            case "partition":
                return str(records.partition).encode()
            case _:
                return piece.text


def json_lines(records: RecordColumns) -> bytes:
    """Each record as a JSON object. Bytes that are no UTF-8 stand in base64, under `key_base64`, `value_base64`.

    >>> print(json_lines(RecordColumns.from_values([b"a"], timestamps=[1000])).decode(), end="")
    {"topic":"topic","partition":0,"offset":0,"timestamp":1000,"key":null,"value":"a","headers":[]}
    """
    begin = f'{{"topic":{encode_basestring(records.topic)},"partition":{records.partition},"offset":'
    headers = records.headers.to_values() if records.header_count.any() else None
    lines = [
        f'{begin}{offset},"timestamp":{"null" if timestamp < 0 else timestamp},{key},{value},'
        f'"headers":{_headers(headers[row]) if headers is not None else "[]"}}}\n'
        for row, (offset, timestamp, key, value) in enumerate(
            zip(
                records.offset.tolist(),
                records.timestamp.tolist(),
                _members("key", records.key.to_values()),
                _members("value", records.value.to_values()),
                strict=True,
            )
        )
    ]
    return "".join(lines).encode()


def _members(name: str, values: Iterable[bytes | None]) -> Iterable[str]:
    """The JSON member of each key or value."""
    for value in values:
        if value is None:
            yield f'"{name}":null'
            continue
        try:
            yield f'"{name}":{encode_basestring(value.decode())}'
        except UnicodeDecodeError:
            yield f'"{name}_base64":"{base64.b64encode(value).decode()}"'


def _headers(headers: list[Header]) -> str:
    """Headers as [name, value] in their order, for a name may come twice."""
    pairs: list[list[object]] = []
    for name, value in headers:
        try:
            pairs.append([name, None if value is None else value.decode()])
        except UnicodeDecodeError:
            pairs.append([name, {"base64": base64.b64encode(value or b"").decode()}])
    return json.dumps(pairs, ensure_ascii=False, separators=(",", ":"))


def printable(text: bytes | memoryview) -> bytes:
    """The text with everything escaped that a terminal cannot show, or would obey.

    >>> printable(b"caf\\xc3\\xa9 \\xff \\x1b[2J\\n")
    b'caf\\xc3\\xa9 \\\\xff \\\\x1b[2J\\n'
    """
    shown = bytes(text).decode(errors="backslashreplace")
    return _UNPRINTABLE.sub(lambda found: f"\\x{ord(found[0]):02x}", shown).encode()
