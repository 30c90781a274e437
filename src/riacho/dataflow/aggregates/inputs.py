"""The columns that a pass's aggregate calls read, each brought into words once."""

from __future__ import annotations

import numpy as np

from riacho.dataflow.aggregates.contract import ALL, Argument, BoolArray, Int64Array
from riacho.dataflow.aggregates.values import NO_MASKS
from riacho.dataflow.state.strings import StringPool
from riacho.dataflow.state.words import encode
from riacho.formats.arrow import Column
from riacho.formats.buffered import BufferedColumns, Columnar, column_of
from riacho.plan.relations import Schema
from riacho.plan.types import NullType


class Inputs:
    """The argument and filter columns of one pass."""

    def __init__(self, rows: Columnar, schema: Schema, pool: StringPool) -> None:
        self._rows = rows
        self._schema = schema
        self._pool = pool
        self._arguments: dict[int, Argument] = {}
        self._filters: dict[int, BoolArray] = {}
        self._masks: dict[tuple[tuple[int, ...], int | None], BoolArray] = {}

    def argument(self, index: int) -> Argument:
        found = self._arguments.get(index)
        if found is None:
            words, valid = encode(column_of(self._rows, index), self._schema[index].type, self._pool)
            found = self._arguments[index] = Argument(np.ascontiguousarray(words), valid)
        return found

    def _valid(self, index: int) -> BoolArray | None:
        """Which of an argument's rows are not null (None: all), without its words."""
        if index in self._arguments or isinstance(self._schema[index].type, NullType):
            return self.argument(index).valid
        column = column_of(self._rows, index)
        if isinstance(column, Column):
            return column.valid
        return ~column.is_null().to_numpy() if column.null_count() else None

    def presence(self, index: int) -> Int64Array:
        """1 where an argument is not null, else 0."""
        words, valid = self.argument(index)
        return np.ones(len(words), np.int64) if valid is None else valid.astype(np.int64)

    def chosen(self, present: tuple[int, ...], filtered: int | None) -> BoolArray:
        """The rows where these arguments are not null and the filter is true. `ALL` where every row is."""
        key = (present, filtered)
        found = self._masks.get(key)
        if found is None:
            masks = [valid for index in present if (valid := self._valid(index)) is not None]
            if filtered is not None:
                masks.append(self._filter(filtered))
            found = np.logical_and.reduce(masks) if len(masks) > 1 else masks[0] if masks else ALL
            self._masks[key] = found
        return found

    def masks(self, filters: list[int | None]) -> BoolArray:
        """Where each of the filters is true, a row per filter."""
        if filters == [None]:
            return NO_MASKS
        height = self._rows.height
        masks = np.empty((len(filters), height), np.bool_)
        for place, filtered in enumerate(filters):
            masks[place] = True if filtered is None else self._filter(filtered)
        return masks

    def _filter(self, index: int) -> BoolArray:
        if index not in self._filters:
            if isinstance(self._rows, BufferedColumns):
                holds, valid = self._rows.truths(index)
                self._filters[index] = holds if valid is None else holds & valid
                return self._filters[index]
            column = self._rows.to_series(index)
            # Filling costs a tenth of a millisecond also where there is nothing to fill.
            filled = column.fill_null(value=False) if column.null_count() else column
            self._filters[index] = filled.to_numpy()
        return self._filters[index]
