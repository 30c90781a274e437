"""The aggregate calls of one relation: which accumulators they need, their updates and their results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from riacho.dataflow.operator import StateArrays
from riacho.dataflow.state.accumulators import (
    Accumulator,
    Changes,
    Count,
    DecimalSum,
    Extreme,
    FloatSum,
    IntegerSum,
    Result,
    RetractingExtreme,
)
from riacho.dataflow.state.snapshots import prefixed, section
from riacho.dataflow.state.strings import StringPool
from riacho.dataflow.state.values import ValueCounts
from riacho.dataflow.state.words import decimal_column, decode, encode, is_interned
from riacho.formats.arrow import Column
from riacho.plan.expressions import AggregateCall
from riacho.plan.relations import Schema
from riacho.plan.types import DataType, DecimalType, FloatType, IntegerType

Int8Array = npt.NDArray[np.int8]
Int64Array = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

ALL = np.empty(0, np.bool_)
"""No mask: every row is chosen."""
ADDED = np.empty(0, np.int8)
"""No signs: every row is added."""
NO_WORDS = np.empty(0, np.int64)


@dataclass(frozen=True, slots=True)
class _Need:
    """What an accumulator takes: calls with equal needs share one."""

    kind: str
    argument: int | None
    filter: int | None
    distinct: bool


class Aggregates:
    """The accumulators of some aggregate calls over one input, by group slot.

    `updating`: the input retracts rows, so MIN and MAX count their values. `merge` is possible where neither
    DISTINCT nor retractions need the values themselves (`mergeable`).
    """

    def __init__(self, calls: Sequence[AggregateCall], schema: Schema, pool: StringPool, *, updating: bool) -> None:
        self._calls = tuple(calls)
        self._schema = schema
        self._pool = pool
        self._accumulators: dict[_Need, Accumulator] = {}
        self._values: dict[int, tuple[ValueCounts, list[int | None]]] = {}
        self._needs = [self._need(call, updating=updating) for call in calls]
        counted: dict[int, list[int | None]] = {}
        for need in self._needs:
            if need.distinct:
                assert need.argument is not None
                filters = counted.setdefault(need.argument, [])
                if need.filter not in filters:
                    filters.append(need.filter)
        for argument, filters in counted.items():
            interned = is_interned(schema[argument].type)
            self._values[argument] = (ValueCounts(len(filters), interned=interned, pool=pool), filters)
        for need in self._needs:
            if need not in self._accumulators:
                self._accumulators[need] = self._accumulator(need)

    def _need(self, call: AggregateCall, *, updating: bool) -> _Need:
        argument = call.arguments[0].index if call.arguments else None
        filtered = None if call.filter is None else call.filter.index
        if call.function in ("MIN", "MAX"):
            return _Need(call.function, argument, filtered, updating)
        if call.function == "COUNT":
            return _Need("COUNT", argument, filtered, call.distinct)
        assert call.function in ("SUM", "AVG"), f"no accumulator for {call.function}"
        return _Need("SUM", argument, filtered, call.distinct)

    def _accumulator(self, need: _Need) -> Accumulator:
        if need.kind == "COUNT":
            return Count()
        assert need.argument is not None
        kind = self._schema[need.argument].type
        if need.kind == "SUM":
            match kind:
                case IntegerType():
                    return IntegerSum()
                case FloatType():
                    return FloatSum()
                case DecimalType():
                    return DecimalSum(kind, self._pool)
            raise AssertionError(f"the binder lets no SUM of {kind} through")
        greatest, interned = need.kind == "MAX", is_interned(kind)
        if not need.distinct:
            return Extreme(greatest=greatest, interned=interned, pool=self._pool)
        values, filters = self._values[need.argument]
        which = filters.index(need.filter)
        return RetractingExtreme(values, which, greatest=greatest, interned=interned, pool=self._pool)

    @property
    def mergeable(self) -> bool:
        return not self._values

    @property
    def bytes(self) -> int:
        return sum(part.bytes for part in self._accumulators.values()) + sum(
            values.bytes for values, _ in self._values.values()
        )

    def begin(self, new_slots: Int64Array, slots: int) -> None:
        """Make room for groups up to `slots` and start the new ones."""
        for part in self._accumulators.values():
            part.reserve(slots)
            if len(new_slots):
                part.reset(new_slots)
        for values, _ in self._values.values():
            values.reserve(slots)

    def update(self, frame: pl.DataFrame, slots: Int64Array, touched: Int64Array, signs: Int8Array) -> None:
        """Apply a pass's rows; `signs` is empty where all are added."""
        inputs = _Inputs(frame, self._schema, self._pool)
        for need, accumulator in self._accumulators.items():
            if not need.distinct:
                chosen, words = inputs.chosen(need), inputs.words(need.argument)
                accumulator.update(Changes(slots, touched, signs, chosen, words))
        for argument, (values, filters) in self._values.items():
            self._update_values(argument, values, filters, inputs, slots, signs)

    def _update_values(
        self,
        argument: int,
        values: ValueCounts,
        filters: list[int | None],
        inputs: _Inputs,
        slots: Int64Array,
        signs: Int8Array,
    ) -> None:
        words = inputs.words(argument)
        present = inputs.valid(argument)
        rows = None if present is None else np.flatnonzero(present)
        if rows is not None:
            slots, words = slots[rows], words[rows]
            signs = signs[rows] if len(signs) else signs
        if not len(slots):
            return
        entries = values.entries(slots, words)
        for which, filtered in enumerate(filters):
            mask = inputs.filter(filtered)
            chosen = ALL if mask is None else mask if rows is None else mask[rows]
            changed, crossings = values.count(which, entries, signs, chosen)
            if not len(changed):
                continue
            group = slots[changed]
            changes = Changes(group, np.unique(group), crossings, ALL, words[changed])
            for need, accumulator in self._accumulators.items():
                if need.distinct and need.argument == argument and need.filter == filtered:
                    accumulator.update(changes)

    def merge(self, other: Aggregates, source: Int64Array, target: Int64Array) -> None:
        """Add the partial results of the same calls elsewhere, at `source`, to the groups at `target`."""
        for need, accumulator in self._accumulators.items():
            parts: Any = other._accumulators[need]
            whole: Any = accumulator
            whole.merge(parts, source, target)

    def results(self, slots: Int64Array) -> list[Result]:
        """The value of each call for these groups."""
        return [
            self._result(call, self._accumulators[need], slots)
            for call, need in zip(self._calls, self._needs, strict=True)
        ]

    def _result(self, call: AggregateCall, accumulator: Any, slots: Int64Array) -> Result:
        result: Result
        if call.function == "SUM":
            result = accumulator.total(slots, call.type)
        elif call.function == "AVG":
            result = accumulator.average(slots, call.type)
        else:
            result = accumulator.result(slots)
        return result

    def columns(self, results: list[Result]) -> list[Column | pl.Series]:
        """Results as columns of the calls' types."""
        return [_column(result, call.type, self._pool) for result, call in zip(results, self._calls, strict=True)]

    def release(self, slots: Int64Array) -> None:
        """End these groups."""
        for part in self._accumulators.values():
            part.release(slots)
        for values, _ in self._values.values():
            values.forget_groups(slots)

    def end_pass(self) -> None:
        """Free what the pass left unused."""
        for values, _ in self._values.values():
            values.forget_vanished()

    def snapshot(self, slots: int) -> StateArrays:
        arrays: StateArrays = {}
        for number, part in enumerate(self._accumulators.values()):
            arrays |= prefixed(f"accumulator{number}", part.snapshot(slots))
        for argument, (values, _) in self._values.items():
            arrays |= prefixed(f"values{argument}", values.snapshot())
        return arrays

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        for number, part in enumerate(self._accumulators.values()):
            part.restore(section(f"accumulator{number}", state))
        for argument, (values, _) in self._values.items():
            values.restore(section(f"values{argument}", state))


class _Inputs:
    """The argument and filter columns of one pass, each encoded once."""

    def __init__(self, frame: pl.DataFrame, schema: Schema, pool: StringPool) -> None:
        self._frame = frame
        self._schema = schema
        self._pool = pool
        self._encoded: dict[int, tuple[Int64Array, BoolArray | None]] = {}
        self._filters: dict[int, BoolArray] = {}
        self._masks: dict[tuple[int | None, int | None], BoolArray] = {}

    def _column(self, argument: int) -> tuple[Int64Array, BoolArray | None]:
        if argument not in self._encoded:
            kind: DataType = self._schema[argument].type
            words, valid = encode(self._frame.to_series(argument), kind, self._pool)
            self._encoded[argument] = np.ascontiguousarray(words), valid
        return self._encoded[argument]

    def words(self, argument: int | None) -> Int64Array:
        return NO_WORDS if argument is None else self._column(argument)[0]

    def valid(self, argument: int) -> BoolArray | None:
        return self._column(argument)[1]

    def filter(self, filtered: int | None) -> BoolArray | None:
        """Where a FILTER is true; None without one."""
        if filtered is None:
            return None
        if filtered not in self._filters:
            self._filters[filtered] = self._frame.to_series(filtered).fill_null(value=False).to_numpy()
        return self._filters[filtered]

    def chosen(self, need: _Need) -> BoolArray:
        """Which rows an accumulator takes: argument not null, filter true. `ALL` where every row is."""
        key = (need.argument, need.filter)
        if key not in self._masks:
            valid = None if need.argument is None else self.valid(need.argument)
            mask = self.filter(need.filter)
            if valid is None:
                self._masks[key] = ALL if mask is None else mask
            else:
                self._masks[key] = valid if mask is None else valid & mask
        return self._masks[key]


def _column(result: Result, kind: DataType, pool: StringPool) -> Column | pl.Series:
    valid = None if bool(result.valid.all()) else result.valid
    if result.low is not None:
        assert isinstance(kind, DecimalType)
        return decimal_column(result.words, result.low, valid, kind)
    return decode(result.words, valid, kind, pool)
