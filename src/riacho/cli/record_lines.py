"""Input as lines: read in large pieces, their places kept as columns, made into records without touching each one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from riacho.client.columns import NULL, BinaryColumn, ProduceColumns
from riacho.errors import RiachoError

Bytes = NDArray[np.uint8]
Int32s = NDArray[np.int32]
Int64s = NDArray[np.int64]

CHUNK: Final = 4 << 20
"""Bytes of one read: large enough that what a chunk costs is spread thin, small enough for the caches."""
MAX_LINE: Final = 256 << 20
"""Bytes of one line: far more than any broker takes, and little enough to keep in memory."""

_NEWLINE: Final = 10
_RETURN: Final = 13


class BadLineError(RiachoError):
    """A line that is no record. `row` is its place in its chunk: the lines before it are sound."""

    def __init__(self, row: int, what: str, *, mend: str | None = None) -> None:
        super().__init__(what, mend=mend)
        self.row = row


@dataclass(frozen=True, slots=True, eq=False)
class Lines:
    """Whole lines in one buffer, without their ends (LF or CR LF); `first` is the number of the first one, from 1."""

    data: Bytes
    start: Int64s
    length: Int32s
    first: int

    @classmethod
    def of(cls, text: bytes, first: int) -> Lines:
        """The lines of a text that ends with a line's end, or with the last line itself.

        >>> lines = Lines.of(b"one\\r\\n\\ntwo", first=1)
        >>> [lines[row] for row in range(len(lines))]
        [b'one', b'', b'two']
        """
        data = np.frombuffer(text, np.uint8)
        end = np.flatnonzero(data == _NEWLINE)
        if data.size and data[-1] != _NEWLINE:
            end = np.append(end, data.size)
        start = np.zeros(end.size, np.int64)
        start[1:] = end[:-1] + 1
        length = end - start
        if end.size:
            returned = (length > 0) & (data[end - 1] == _RETURN)
            length -= returned
        return cls(data, start, length.astype(np.int32), first)

    def __len__(self) -> int:
        return int(self.start.size)

    def __getitem__(self, row: int) -> bytes:
        start = int(self.start[row])
        return self.data[start : start + int(self.length[row])].tobytes()

    def take(self, rows: slice) -> Lines:
        """Some of the lines."""
        return Lines(self.data, self.start[rows], self.length[rows], self.first + (rows.start or 0))

    @property
    def values(self) -> BinaryColumn:
        return BinaryColumn(self.data, self.start, self.length)


def read_lines(descriptor: int) -> Iterator[Lines]:
    """The lines of a file, pipe or terminal, as they come; a last one without an end counts too.

    Raises `RiachoError` at a line of more than `MAX_LINE` bytes, `OSError` where reading fails.
    """
    waiting: list[bytes] = []
    size = 0
    first = 1
    while chunk := os.read(descriptor, CHUNK):
        end = chunk.rfind(b"\n") + 1
        if end:
            lines = Lines.of(b"".join([*waiting, chunk[:end]]), first)
            yield lines
            first += len(lines)
            waiting, size = [], 0
        waiting.append(chunk[end:])
        size += len(chunk) - end
        if size > MAX_LINE:
            raise RiachoError(f"line {first} is longer than {MAX_LINE >> 20} MiB", mend="is this a text file?")
    last = b"".join(waiting)
    if last:
        yield Lines.of(last, first)


class RecordParser(Protocol):
    """Makes records of lines, in their order. Raises `BadLineError` at the first one that is none."""

    def __call__(self, lines: Lines) -> list[ProduceColumns]: ...


@dataclass(frozen=True, slots=True)
class PlainLines:
    """Each line is a value, or with a `separator` a key, the separator and a value; `null` is the text of a null.

    >>> (records,) = PlainLines(separator=b":", null=b"-")(Lines.of(b"a:1\\nb:-\\n", first=1))
    >>> records.key.to_values(), records.value.to_values()
    ([b'a', b'b'], [b'1', None])
    """

    separator: bytes | None = None
    null: bytes | None = None

    def __call__(self, lines: Lines) -> list[ProduceColumns]:
        if self.separator is None:
            return [ProduceColumns(self._with_nulls(lines.values))]
        place = _first_places(lines, self.separator)
        missing = np.flatnonzero(place < 0)
        if missing.size:
            shown = self.separator.decode(errors="replace")
            raise BadLineError(
                int(missing[0]),
                f"the key separator {shown!r} is not in the line",
                mend="without --key-separator the whole line is the value, and there is no key",
            )
        key = BinaryColumn(lines.data, lines.start, (place - lines.start).astype(np.int32))
        start = place + len(self.separator)
        value = BinaryColumn(lines.data, start, (lines.start + lines.length - start).astype(np.int32))
        return [ProduceColumns(self._with_nulls(value), self._with_nulls(key))]

    def _with_nulls(self, column: BinaryColumn) -> BinaryColumn:
        if self.null is None:
            return column
        same = np.flatnonzero(column.length == len(self.null))
        places = column.start[same, None] + np.arange(len(self.null))
        same = same[(column.data[places] == np.frombuffer(self.null, np.uint8)).all(axis=1)]
        length = column.length.copy()
        length[same] = NULL
        return BinaryColumn(column.data, column.start, length)


def _first_places(lines: Lines, text: bytes) -> Int64s:
    """Where a text first stands in each line; -1 where it does not."""
    data = lines.data
    places = np.flatnonzero(data[: max(data.size - len(text) + 1, 0)] == text[0])
    for index in range(1, len(text)):
        places = places[data[places + index] == text[index]]
    following = np.searchsorted(places, lines.start)
    found = np.append(places, data.size)[following].astype(np.int64)
    return np.where(found + len(text) <= lines.start + lines.length, found, -1)
