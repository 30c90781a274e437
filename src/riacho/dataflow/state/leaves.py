"""The leaves of rows: which words of a kept row hold the values of each field, and where a batch has those values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from riacho.dataflow.state.words import NARROW_DECIMAL as NARROW_DIGITS
from riacho.dataflow.state.words import NULLS_PER_WORD
from riacho.formats.arrow import Buffers
from riacho.formats.buffered import Tables
from riacho.kernels.row_words import (
    BIT,
    FLOAT32,
    FLOAT64,
    INT8,
    INT16,
    INT32,
    INT64,
    LEAF_COLUMNS,
    LEAF_KIND,
    LEAF_WORD,
    NARROW_DECIMAL,
    PRESENCE,
    VIEW,
    WIDE_DECIMAL,
)
from riacho.kernels.rows import SOURCE_COLUMNS
from riacho.plan.relations import Field
from riacho.plan.types import (
    ArrayType,
    BooleanType,
    DataType,
    DateType,
    DecimalType,
    FloatType,
    IntegerType,
    MapType,
    NullType,
    RowType,
    is_bytes,
    is_text,
)

Int64Array = npt.NDArray[np.int64]
Uint64Array = npt.NDArray[np.uint64]

_INTEGER_KINDS = {8: INT8, 16: INT16, 32: INT32, 64: INT64}
_WORDS = {PRESENCE: 0, WIDE_DECIMAL: 2, VIEW: 2}


def _has_collection(data_type: DataType) -> bool:
    match data_type:
        case ArrayType() | MapType():
            return True
        case RowType(fields=fields):
            return any(_has_collection(item.type) for item in fields)
    return False


def leaf_kind(data_type: DataType) -> int:
    """How a value is kept; a ROW with an array or a map in it as text."""
    match data_type:
        case IntegerType(bits=bits):
            return _INTEGER_KINDS[bits]
        case FloatType(bits=bits):
            return FLOAT32 if bits == 32 else FLOAT64
        case BooleanType():
            return BIT
        case DecimalType(precision=precision):
            return NARROW_DECIMAL if precision <= NARROW_DIGITS else WIDE_DECIMAL
        case DateType():
            return INT32
        case NullType():
            return PRESENCE
        case RowType():
            return VIEW if _has_collection(data_type) else PRESENCE
        case ArrayType() | MapType():
            return VIEW
    return VIEW if is_text(data_type) or is_bytes(data_type) else INT64


def _leaf_types(data_type: DataType, parent: int, number: int) -> Iterator[tuple[DataType, int]]:
    """The leaves of a value, each with the number of the leaf around it; this one's number is `number`."""
    yield data_type, parent
    if isinstance(data_type, RowType) and not _has_collection(data_type):
        following = number + 1
        for item in data_type.fields:
            below = list(_leaf_types(item.type, number, following))
            following += len(below)
            yield from below


class LocatedColumns(Protocol):
    """Where the columns of rows are in memory, one by one, or as the kernels' tables."""

    @property
    def tables(self) -> Tables | None: ...

    @property
    def first(self) -> int: ...

    @property
    def columns(self) -> list[Buffers]: ...

    def column(self, place: int) -> Buffers: ...


class LocatedLeaves(NamedTuple):
    """Where rows have the values of each leaf, the buffers that views point into, and which is the first row."""

    sources: Uint64Array
    buffers: Uint64Array
    first: int


class Leaves:
    """How rows of given fields are laid out in words.

    `table` is that of the kernels (`kernels.row_words`), `starts` has each field's first leaf, `kinds` each leaf's
    kind. A row has `width` words, of which the first `null_words` say what is null.
    """

    def __init__(self, fields: Sequence[Field]) -> None:
        types: list[DataType] = []
        parents: list[int] = []
        self.starts: list[int] = []
        for item in fields:
            self.starts.append(len(types))
            for kind, parent in _leaf_types(item.type, -1, len(types)):
                types.append(kind)
                parents.append(parent)
        self.table: Int64Array = np.zeros((len(types), LEAF_COLUMNS), np.int64)
        self.null_words = max(1, -(-len(types) // NULLS_PER_WORD))
        word = self.null_words
        for number, kind_of in enumerate(map(leaf_kind, types)):
            self.table[number] = [kind_of, word, *divmod(number, NULLS_PER_WORD), parents[number]]
            word += _WORDS.get(kind_of, 1)
        self.width = word
        self.kinds: list[int] = self.table[:, LEAF_KIND].tolist()
        views = self.table[:, LEAF_KIND] == VIEW
        self.flat = PRESENCE not in self.kinds
        """Whether each field is one leaf."""
        self.views: Int64Array = np.ascontiguousarray(self.table[views, LEAF_WORD])
        """The first words of views."""

    def locate(self, located: LocatedColumns) -> LocatedLeaves:
        """Where rows have the values of each leaf: the fields are all their columns, in their order."""
        if located.tables is not None and self.flat:
            return LocatedLeaves(*located.tables, located.first)
        return self.locate_columns(located.columns)

    def locate_columns(self, columns: Sequence[Buffers]) -> LocatedLeaves:
        """The same of columns one by one."""
        places: list[tuple[int, int, int, int]] = []
        buffers: list[int] = []
        for column in columns:
            self._locate(column, places, buffers)
        sources = np.array(places, np.uint64) if places else np.zeros((0, SOURCE_COLUMNS), np.uint64)
        return LocatedLeaves(sources, np.array(buffers or [0], np.uint64), 0)

    def _locate(self, column: Buffers, places: list[tuple[int, int, int, int]], buffers: list[int]) -> None:
        """Append where the leaves of a column are, in the order of a table of sources."""
        kind = self.kinds[len(places)]
        if kind == PRESENCE:
            places.append((column.valid, 0, column.offset, 0))
            for child in column.children:
                self._locate(child, places, buffers)
            return
        places.append((column.valid, column.data[0], column.offset, len(buffers)))
        if kind == VIEW:
            buffers.extend(column.data[1:-1])  # the last one holds the others' sizes
