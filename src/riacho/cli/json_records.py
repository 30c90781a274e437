"""JSON lines as records: a record a line with its key and headers, or a value a line that holds its own key.

The fields are located by the kernel that jobs decode JSON with. It looks at nothing after an object's end, so each
line is set into an object of its own first: then the end of the line is checked too.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from riacho.cli.positions import to_milliseconds
from riacho.cli.record_lines import BadLineError, Lines
from riacho.client.columns import NULL as NULL_LENGTH
from riacho.client.columns import BinaryColumn, Header, HeaderColumn, ProduceColumns
from riacho.errors import nearest
from riacho.host import Clock
from riacho.kernels import json as kernels
from riacho.kernels import json_targets, tokens
from riacho.kernels.strings import unescape_all

Bytes = NDArray[np.uint8]
Bools = NDArray[np.bool_]
Int32s = NDArray[np.int32]
Int64s = NDArray[np.int64]

FIELDS: Final = ("key", "key_base64", "value", "value_base64", "headers", "partition", "timestamp")

_NAME: Final = b"\x7fline"
_LINE: Final = b'{"%s":' % _NAME
"""What a line is set into. No line has a member of this name, which would pass for the line itself."""
_UNSET: Final = -1


class FieldError(ValueError):
    """A field holds what it cannot."""


@dataclass(frozen=True, slots=True, eq=False)
class JsonObjects:
    """Where the wanted fields of each line's object are. Lines without any text are left out."""

    lines: Lines
    row: Int64s
    """Each object's line, by its place in `lines`."""
    data: Bytes
    start: Int64s
    length: Int32s
    kind: Bytes
    names: tuple[str, ...]

    @classmethod
    def locate(cls, lines: Lines, names: Sequence[str]) -> JsonObjects:
        """Find the fields. Raises `BadLineError` at the first line that is no JSON object."""
        inner = Lines.of(
            b"".join([_LINE, lines.data.tobytes().removesuffix(b"\n").replace(b"\n", b"}\n" + _LINE), b"}"]), 1
        )
        # The lines may be some of the buffer's.
        skipped = int(np.count_nonzero(lines.data[: lines.start[0]] == ord("\n"))) if len(lines) else 0
        inner = inner.take(slice(skipped, skipped + len(lines)))
        blank = lines.length == 0
        rows, slots = len(lines), len(names) + 1
        encoded = [name.encode() for name in names]
        members = [[0, len(_NAME), 0, 1]]
        at = len(_NAME)
        for slot, name in enumerate(encoded, start=1):
            members.append([at, len(name), slot, -1])
            at += len(name)
        start = np.zeros((slots, rows), np.int64)
        length = np.zeros((slots, rows), np.int32)
        kind = np.zeros((slots, rows), np.uint8)
        faults = np.zeros(rows, np.uint8)
        kernels.locate(
            inner.data,
            inner.start,
            np.where(blank, np.int32(-1), inner.length),
            np.frombuffer(b"".join([_NAME, *encoded]), np.uint8),
            np.array([[0, 1], [1, len(names)]], np.int32),
            np.array(members, np.int32),
            np.array([slots - 1, *range(1, slots)], np.int32),
            start,
            length,
            kind,
            faults,
            np.zeros(rows, np.int64),
            np.zeros((slots, json_targets.TARGET_COLUMNS), np.int64),
            np.empty(kernels.workspace_words(2, slots), np.int64),
            np.empty(6 * at + 16, np.uint8),
        )
        whole = kind[0] == tokens.OBJECT
        for row in np.flatnonzero(~whole & ~blank).tolist():
            if lines[row].strip():
                raise _no_object(lines, row)
            blank[row] = True
        kept = np.flatnonzero(~blank)
        return cls(lines, kept, inner.data, start[1:, kept], length[1:, kept], kind[1:, kept], tuple(names))

    def kind_of(self, name: str) -> Bytes:
        """What the field holds in each object: a kind of `kernels.tokens`."""
        return np.ascontiguousarray(self.kind[self.names.index(name)])

    def texts(self, name: str) -> BinaryColumn:
        """The field's texts: strings without quotes and escapes, other values as they are written; null for null."""
        slot = self.names.index(name)
        kind = self.kind_of(name)
        start, length = self.start[slot].copy(), self.length[slot].copy()
        length[kind <= tokens.NULL] = NULL_LENGTH
        data = self.data
        escaped = kind == tokens.ESCAPED
        if escaped.any():
            side = np.empty(int(length[escaped].sum(dtype=np.int64)), np.uint8)
            side_start, side_length = np.empty_like(start), np.empty_like(length)
            unescape_all(data, start, length, kind, side, side_start, side_length)
            start[escaped] = side_start[escaped] + data.size
            length[escaped] = side_length[escaped]
            data = np.concatenate([data, side])
        return BinaryColumn(data, start, length)

    def read(self, name: str, read: Callable[[Any], Any]) -> dict[int, Any]:
        """What `read` makes of the field's value in each object that has one. Raises `BadLineError`."""
        values = {}
        texts = BinaryColumn(self.data, self.start[self.names.index(name)], self.length[self.names.index(name)])
        kind = self.kind_of(name)
        for place in np.flatnonzero(kind > tokens.NULL).tolist():
            text = texts[place] or b""
            is_string = kind[place] in (tokens.STRING, tokens.ESCAPED)
            try:
                values[place] = read(json.loads(b'"' + text + b'"' if is_string else text))
            except ValueError as error:
                raise BadLineError(int(self.row[place]), f"the field {name!r} is wrong: {error}") from error
        return values


@dataclass(frozen=True, slots=True)
class JsonRecords:
    """Each line is a record: an object with `value` and, if wanted, `key`, `headers`, `partition`, `timestamp`.

    What `riacho consume --json` prints is read again; `topic` and `offset` are passed over. A value that is no
    string is written as its JSON text.
    """

    clock: Clock
    headers: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, lines: Lines) -> list[ProduceColumns]:
        objects = JsonObjects.locate(lines, FIELDS)
        _require_values(objects)
        key, value = _with_binary(objects, "key"), _with_binary(objects, "value")
        timestamp = self._timestamps(objects)
        headers = self._headers(objects)
        partition = np.full(len(objects.row), _UNSET, np.int32)
        for place, number in objects.read("partition", _read_partition).items():
            partition[place] = number
        # A producer takes the partitions of all records or of none.
        given = partition != _UNSET
        cuts = [0, *(np.flatnonzero(given[1:] != given[:-1]) + 1).tolist(), len(partition)]
        return [
            ProduceColumns(
                _rows(value, start, stop),
                _rows(key, start, stop),
                None if timestamp is None else timestamp[start:stop],
                partition[start:stop] if given[start] else None,
                headers and _header_rows(headers, start, stop),
            )
            for start, stop in pairwise(cuts)
            if start < stop
        ]

    def _timestamps(self, objects: JsonObjects) -> Int64s | None:
        found = objects.read("timestamp", _read_timestamp)
        if not found:
            return None
        timestamp = np.full(len(objects.row), self.clock.now_ms(), np.int64)
        for place, milliseconds in found.items():
            timestamp[place] = milliseconds
        return timestamp

    def _headers(self, objects: JsonObjects) -> HeaderColumn | None:
        own = objects.read("headers", _read_headers)
        if not own and not self.headers:
            return None
        shared: list[Header] = [(name, text.encode()) for name, text in self.headers.items()]
        return HeaderColumn.from_values([[*own.get(place, ()), *shared] for place in range(len(objects.row))])


@dataclass(frozen=True, slots=True)
class KeyedJson:
    """Each line is a value, a JSON object of which one field is also the record's key."""

    key_field: str

    def __call__(self, lines: Lines) -> list[ProduceColumns]:
        objects = JsonObjects.locate(lines, [self.key_field])
        missing = np.flatnonzero(objects.kind_of(self.key_field) == tokens.MISSING)
        if missing.size:
            row = int(objects.row[missing[0]])
            near = nearest(self.key_field, list(json.loads(lines[row])))
            mend = f"did you mean {' or '.join(map(repr, near))}?" if near else "it is to be the key, as --key says"
            raise BadLineError(row, f"there is no field {self.key_field!r}", mend=mend)
        value = BinaryColumn(lines.data, lines.start[objects.row], lines.length[objects.row])
        return [ProduceColumns(value, objects.texts(self.key_field))]


def _no_object(lines: Lines, row: int) -> BadLineError:
    """Why a line is no JSON object."""
    try:
        value = json.loads(lines[row])
    except json.JSONDecodeError as error:
        return BadLineError(row, f"this is no JSON: {error.msg} (column {error.colno})")
    except UnicodeDecodeError as error:
        return BadLineError(row, f"this is no JSON: it is not UTF-8 (byte {error.start + 1})")
    except RecursionError:
        return BadLineError(row, "this JSON is nested too deeply")
    if not isinstance(value, dict):
        return BadLineError(row, "a JSON object must stand here", mend="without --json and --key any line is a value")
    return BadLineError(row, "this JSON is nested too deeply, or has unpaired escapes")


def _require_values(objects: JsonObjects) -> None:
    missing = (objects.kind_of("value") == tokens.MISSING) & (objects.kind_of("value_base64") == tokens.MISSING)
    if missing.any():
        raise BadLineError(
            int(objects.row[np.flatnonzero(missing)[0]]),
            "the record has no field 'value'",
            mend='write {"value": …}, null for a tombstone; without --json the line itself is the value',
        )


def _with_binary(objects: JsonObjects, name: str) -> BinaryColumn:
    """The texts of a field, or the bytes that its base64 twin holds."""
    texts = objects.texts(name)
    binary = objects.read(f"{name}_base64", _read_base64)
    if not binary:
        return texts
    side = BinaryColumn.from_values(list(binary.values()))
    places = np.fromiter(binary, np.int64)
    start, length = texts.start.copy(), texts.length.copy()
    start[places] = side.start + texts.data.size
    length[places] = side.length
    return BinaryColumn(np.concatenate([texts.data, side.data]), start, length)


def _read_base64(value: object) -> bytes:
    if not isinstance(value, str):
        raise FieldError("it must be a string")
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error as error:
        raise FieldError(f"this is no base64: {error}") from error


def _read_partition(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 31:
        raise FieldError(f"{json.dumps(value)} is no partition")
    return value


def _read_timestamp(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and -1 <= value < 1 << 63:
        return value
    try:
        if isinstance(value, str):
            return to_milliseconds(value)
    except ValueError:  # in Python's words
        pass
    shown = repr(value) if isinstance(value, str) else json.dumps(value)
    raise FieldError(f"{shown} is no time: milliseconds since 1970, or text as in 2013-02-08T12:00:00Z")


def _read_headers(value: object) -> list[Header]:
    """Headers as an object, or as a list of [name, value] where a name comes twice; a value is text or null."""
    pairs = list(value.items()) if isinstance(value, dict) else value
    if not isinstance(pairs, list) or any(not isinstance(pair, (list, tuple)) or len(pair) != 2 for pair in pairs):
        raise FieldError("it must be an object, or a list of [name, value]")
    return [(_text(name), None if content is None else _header_value(content)) for name, content in pairs]


def _header_value(value: object) -> bytes:
    if isinstance(value, dict) and list(value) == ["base64"]:
        return _read_base64(value["base64"])
    return _text(value).encode()


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise FieldError(f"{json.dumps(value)} is no string")
    return value


def _rows(column: BinaryColumn, start: int, stop: int) -> BinaryColumn:
    return BinaryColumn(column.data, column.start[start:stop], column.length[start:stop])


def _header_rows(column: HeaderColumn, start: int, stop: int) -> HeaderColumn:
    return HeaderColumn(column.data, column.start[start:stop], column.length[start:stop], column.count[start:stop])
