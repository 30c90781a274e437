"""Aggregate functions of the user's: an accumulator object per group, changed row by row.

Delta rule: a row that is added goes to `accumulate`, one that is taken back to `retract`, in their order; a group's
value is what `get_value` makes of its accumulator; sessions that become one `merge` theirs.
Flink: PythonStreamGroupAggregate.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from riacho.dataflow.aggregates.contract import Argument, Int64Array, Rows
from riacho.dataflow.columns import polars_type
from riacho.dataflow.operator import StateArrays
from riacho.dataflow.python_functions.scalar import open_function
from riacho.dataflow.python_functions.values import from_python, shown, to_python
from riacho.dataflow.state.strings import StringPool
from riacho.dataflow.state.words import decode
from riacho.errors import RiachoError
from riacho.formats.arrow import to_frame
from riacho.plan.expressions import AggregateCall, Position
from riacho.plan.python_functions import PythonFunction
from riacho.plan.types import DataType
from riacho.user_functions.calling import UserCodeError, called

_SAMPLED = 16
"""Accumulators that are stored to see how large they are."""


class PythonAggregate:
    """The accumulators of one call by slot: a `Store`. NULL arguments are None, and are handed over too."""

    def __init__(
        self,
        python: PythonFunction,
        names: tuple[str, ...],
        types: tuple[DataType, ...],
        pool: StringPool,
        position: Position | None = None,
        column: str | None = None,
    ) -> None:
        """The arguments' `names`, the call's `position` and the `column` that it is computed for are for messages."""
        self._python = python
        self._names = names
        self._position = position
        self._column = column
        self._types = types
        self._pool = pool
        self._function: Any = python.implementation
        self._accumulators: dict[int, Any] = {}
        self._size = 0
        open_function(python)

    def reserve(self, slots: int) -> None:
        """Accumulators are made when their group's first row comes."""

    def update(self, rows: Rows, ledger: Int64Array, at: int) -> None:
        rows = rows.only_chosen()
        np.add.at(ledger[:, at], rows.slots, 1)
        columns = [self._values(argument, kind) for argument, kind in zip(rows.arguments, self._types, strict=True)]
        signs = rows.signs.tolist() if len(rows.signs) else [1] * len(rows.slots)
        accumulate: Callable[..., Any] = self._function.accumulate
        retract: Callable[..., Any] = getattr(self._function, "retract", accumulate)
        for row, (slot, sign) in enumerate(zip(rows.slots.tolist(), signs, strict=True)):
            values = [column[row] for column in columns]
            try:
                if slot not in self._accumulators:
                    self._accumulators[slot] = called(lambda: self._function.create_accumulator())
                called(accumulate if sign > 0 else retract, self._accumulators[slot], *values)
            except UserCodeError as error:
                raise self._failure(error, given=self._given(values)) from error
        self._measure()

    def _values(self, argument: Argument, kind: DataType) -> list[Any]:
        column = decode(argument.words, argument.valid, kind, self._pool)
        if not isinstance(column, pl.Series):
            column = to_frame([("argument", column)], len(argument.words)).to_series()
        convert = to_python(kind)
        values = column.to_list()
        return values if convert is None else [convert(value) for value in values]

    def values(self, call: AggregateCall, slots: Int64Array) -> pl.Series:
        convert = from_python(call.type)
        made: list[Any] = []
        for slot in slots.tolist():
            if slot not in self._accumulators:
                made.append(None)  # a group that is about to begin
                continue
            try:
                made.append(called(lambda held: convert(self._function.get_value(held)), self._accumulators[slot]))
            except UserCodeError as error:
                raise self._failure(error, "get_value") from error
        return pl.Series(made, dtype=polars_type(call.type), strict=False)

    def release(self, slots: Int64Array) -> None:
        for slot in slots.tolist():
            self._accumulators.pop(slot, None)

    @property
    def unites(self) -> bool:
        return self._python.merges

    def unite(self, source: Int64Array, target: Int64Array) -> None:
        for slot, into in zip(source.tolist(), target.tolist(), strict=True):
            if slot not in self._accumulators:
                continue  # no row has reached it yet
            found = self._accumulators.pop(slot)
            if into not in self._accumulators:
                self._accumulators[into] = found
                continue
            try:
                called(lambda held, more: self._function.merge(held, [more]), self._accumulators[into], found)
            except UserCodeError as error:
                raise self._failure(error, "merge") from error

    def _given(self, values: list[Any]) -> str:
        """The arguments on which a call failed."""
        given = [
            shown(value) if name.startswith("$") else f"{name} = {shown(value)}"
            for name, value in zip(self._names, values, strict=True)
        ]
        return f" for {', '.join(given)}" if given else ""

    def _failure(self, error: UserCodeError, method: str | None = None, given: str = "") -> RiachoError:
        place = self._position
        where = f"{f' in {method}' if method else ''}{f' in column {self._column}' if self._column else ''}"
        return RiachoError(
            f"the Python function {self._python.name} failed{where}{given}: {error}",
            where=None if place is None else f"line {place.line}, column {place.column}",
        )

    def _measure(self) -> None:
        sample = list(self._accumulators.values())[:_SAMPLED]
        if sample and not self._size:
            self._size = len(self._stored(sample)) // len(sample)

    @property
    def bytes(self) -> int:
        return self._size * len(self._accumulators)

    def snapshot(self) -> StateArrays:
        return {"accumulators": self._stored(self._accumulators)}

    def _stored(self, accumulators: Any) -> npt.NDArray[np.uint8]:
        try:
            return np.frombuffer(called(pickle.dumps, accumulators), np.uint8)
        except UserCodeError as error:
            raise self._failure(error, given=": its accumulators cannot be stored") from error

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        try:
            self._accumulators = called(pickle.loads, state["accumulators"].tobytes())
        except UserCodeError as error:
            raise self._failure(error, given=": its stored accumulators cannot be read") from error
        self._measure()
