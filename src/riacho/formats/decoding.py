"""What every format's decoder is and delivers: bytes in, columns out, and the records that were bad."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl

from riacho.errors import RiachoError
from riacho.formats import arrow
from riacho.formats.buffered import Columnar, frame_of
from riacho.kernels.strings import place_views

Bytes = npt.NDArray[np.uint8]
Int32Array = npt.NDArray[np.int32]
Int64Array = npt.NDArray[np.int64]

Number = TypeVar("Number", bound=np.generic)

NULL = -1
"""The length of a record that has no value."""


@dataclass(frozen=True, slots=True, eq=False)
class Spans:
    """Byte strings in one buffer: `data[start[i]:start[i] + length[i]]`, or null where `length[i]` is -1."""

    data: Bytes
    start: Int64Array
    length: Int32Array

    def __len__(self) -> int:
        return len(self.start)

    def __getitem__(self, row: int) -> bytes | None:
        start, length = int(self.start[row]), int(self.length[row])
        return None if length < 0 else self.data[start : start + length].tobytes()

    @property
    def size(self) -> int:
        """How many all strings have together."""
        return int(np.maximum(self.length, 0).sum(dtype=np.int64))

    def slice(self, first: int, stop: int) -> Spans:
        """The strings `first` to `stop`, without copying."""
        return Spans(self.data, self.start[first:stop], self.length[first:stop])

    def column(self, *, text: bool) -> arrow.Column:
        """A column of views into the same buffer; `text` promises UTF-8, else the type is Binary.

        Raises `RiachoError` where views cannot point into all of it.
        """
        check_size(self.data)
        rows = len(self)
        views = np.empty(4 * rows, np.int32)
        place_views(self.data, self.start, np.maximum(self.length, 0), np.arange(rows), 0, views)
        there = self.length >= 0
        return arrow.strings(views.view(np.uint8), [self.data], None if there.all() else there, text=text)

    @staticmethod
    def of(values: Sequence[bytes | None]) -> Spans:
        """The spans of Python values: for tests and small things.

        >>> spans = Spans.of([b"a", None])
        >>> spans[0], spans[1]
        (b'a', None)
        """
        length = np.array([NULL if value is None else len(value) for value in values], np.int32)
        start = np.zeros(len(values), np.int64)
        np.cumsum(np.maximum(length[:-1], 0), out=start[1:])
        return Spans(np.frombuffer(b"".join(value or b"" for value in values), np.uint8), start, length)


MOST_BYTES = 2**31 - 1
"""The offset in a string view is a signed 32-bit number."""


def check_size(data: Bytes) -> None:
    """Raises `RiachoError` where views cannot point into all of a buffer."""
    if len(data) > MOST_BYTES:
        raise RiachoError(
            f"{len(data)} bytes in one batch are more than a string column can address",
            mend="fetch less at once",
        )


class Scratch:
    """Arrays that are used again from batch to batch: the first touch of fresh memory costs more than the work on it.

    An array is valid until the next one of its name is asked for.
    """

    __slots__ = ("_arrays",)

    def __init__(self) -> None:
        self._arrays: dict[str, npt.NDArray[Any]] = {}

    def array(self, name: str, kind: type[Number], size: int) -> npt.NDArray[Number]:
        """An array with undefined content."""
        kept = self._arrays.get(name)
        if kept is None or len(kept) < size:
            kept = self._arrays[name] = np.empty(size + size // 4, kind)
        return kept[:size]


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A record that gives no row. `record` is its place in the spans that were decoded."""

    record: int
    reason: str


@dataclass(frozen=True, slots=True)
class Decoded:
    """The rows of a batch of records.

    `record` says which record each of the `rows` came from; it ascends, and skips records without a value, bad
    ones, and those that the format leaves out. `ignored` counts the errors that `ignore-parse-errors` swallowed.
    `diff` has a sign per row where the format tells of changes: a record may be several rows then.
    """

    rows: Columnar
    record: Int64Array
    bad: tuple[BadRecord, ...] = ()
    ignored: int = 0
    diff: npt.NDArray[np.int8] | None = None

    @property
    def frame(self) -> pl.DataFrame:
        """The rows' columns."""
        return frame_of(self.rows)


class Decoder(Protocol):
    """Records of one format to columns, those that it was made for and no others."""

    def decode(self, records: Spans) -> Decoded:
        """The rows of these records. Never raises because of their content."""
        ...


class Encoder(Protocol):
    """Columns to one record per row."""

    def encode(self, rows: Columnar) -> Spans:
        """The records of the rows, by the names of the columns; valid until the next call.

        Raises `RiachoError` for a value that the format cannot write.
        """
        ...


class ChangeEncoder(Protocol):
    """Columns to records that say what has become of each row."""

    def encode_changes(self, frame: pl.DataFrame, signs: npt.NDArray[np.int8]) -> Spans:
        """As `Encoder.encode`, of rows that are added (+1) or removed (−1)."""
        ...
