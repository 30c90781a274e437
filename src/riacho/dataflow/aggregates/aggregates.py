"""The aggregate calls of one relation: which accumulators they need, their updates and their results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from riacho.dataflow.aggregates.calls import FixedCall, Together
from riacho.dataflow.aggregates.contract import (
    ALL,
    Accumulator,
    Argument,
    BoolArray,
    Cells,
    Int8Array,
    Int64Array,
    Mergeable,
    Result,
    Rows,
    Store,
    Uniting,
    Values,
)
from riacho.dataflow.aggregates.inputs import Inputs
from riacho.dataflow.aggregates.registry import Need, Surroundings, make, needed
from riacho.dataflow.aggregates.values import MOST_MARKS, NO_CROSSINGS, DistinctValues, ValueCounts, ValueMarks
from riacho.dataflow.batch import ADDED
from riacho.dataflow.operator import StateArrays
from riacho.dataflow.state.arena import Growable
from riacho.dataflow.state.snapshots import prefixed, section
from riacho.dataflow.state.strings import StringPool
from riacho.dataflow.state.words import decode, is_interned
from riacho.formats.arrow import Column
from riacho.formats.buffered import Columnar
from riacho.kernels.group_changes import copy_cells, pick_cells, take_columns
from riacho.kernels.group_results import RESULT_COLUMNS
from riacho.kernels.value_counts import NO_CELL
from riacho.plan.expressions import AggregateCall
from riacho.plan.relations import Schema
from riacho.plan.types import IntegerType

_GROUP_ROWS = Need("COUNT", ())
"""The number of a group's rows: what tells whether a group is still there."""


@dataclass(slots=True)
class _Distinct:
    """The counted values of some arguments: its filters, and what reads each."""

    arguments: tuple[int, ...]
    nulls: bool
    """Whether NULL is a value as any other; a word behind those of the arguments says then which are not NULL."""
    filters: list[int | None]
    values: DistinctValues
    cells: Int64Array
    told: list[tuple[int, Accumulator | Store, int]] = field(default_factory=list)
    """(filter, accumulator, its place) of those that are told which values appear and vanish."""


class _Update(NamedTuple):
    """What is applied to the rows of a pass, and to which: `present` are the arguments that must not be null."""

    part: Accumulator | Store
    at: int
    present: tuple[int, ...]
    filter: int | None
    read: tuple[int, ...]

    @staticmethod
    def of(need: Need, part: Accumulator | Store, at: int) -> _Update:
        return _Update(part, at, _present(need), need.filter, _read(need))


def _kind(part: Accumulator | Store) -> int | None:
    """The kind of call of `kernels.aggregate` that an update is, where it is one."""
    return None if isinstance(part, Store) else part.kind


def _present(need: Need) -> tuple[int, ...]:
    return () if need.nulls else need.arguments


def _read(need: Need) -> tuple[int, ...]:
    return () if need.kind == "COUNT" else need.arguments


def _call(need: Need, kind: int, at: int) -> FixedCall:
    return FixedCall(kind, at, next(iter(_read(need)), None), (_present(need), need.filter))


class Before(NamedTuple):
    """The groups that a pass touches as they were: their cells, and the values that no cell holds, by call."""

    cells: Int64Array
    values: dict[int, pl.Series]


class Aggregates:
    """The accumulators of some aggregate calls over one input, by group slot.

    `updating`: the input retracts rows, so rows are counted, and MIN and MAX count their values. `ending`: groups can
    be released. `merge` is possible where no accumulator needs the values themselves (`mergeable`).
    """

    def __init__(
        self, calls: Sequence[AggregateCall], schema: Schema, pool: StringPool, *, updating: bool, ending: bool
    ) -> None:
        self._calls = tuple(calls)
        self._schema = schema
        self._pool = pool
        self._updating = updating
        self._needs = [needed(call, updating=updating) for call in calls]
        self._distinct: dict[tuple[tuple[int, ...], bool], _Distinct] = {}
        needs = list(dict.fromkeys([*([_GROUP_ROWS] if updating else []), *self._needs]))
        self._count_values(needs, chained=ending or updating)
        self._accumulators: dict[Need, tuple[Accumulator, int]] = {}
        self._stores: dict[Need, tuple[Store, int]] = {}
        width = 0
        for need in needs:
            made = make(need, self._surroundings(need, updating=updating))
            self._place(need, made, width)
            width += 1 if isinstance(made, Store) else made.cells
        self._ledger = Growable(np.int64, width=max(width, 1))
        parts: list[tuple[Need, tuple[Accumulator | Store, int]]] = [
            *self._accumulators.items(),
            *self._stores.items(),
        ]
        # Values that appear and vanish are told to the others.
        updates = [(need, part, at) for need, (part, at) in parts if not need.distinct]
        self._together = Together(
            [_call(need, kind, at) for need, part, at in updates if (kind := _kind(part)) is not None]
        )
        self._apart = [_Update.of(need, part, at) for need, part, at in updates if _kind(part) is None]
        self.always_changes = not updating and _GROUP_ROWS in self._needs
        """Whether every row changes its group's result."""
        self.reads_touched = bool(self._apart) or bool(self._distinct)
        """Whether an accumulator looks at the distinct groups that a pass touches."""
        self._reads = [self._read(need) for need in self._needs]
        """By call, its accumulator and the cells that it has; None: it keeps the values themselves."""
        self.results = self._table()
        """The kernel's table of results (`kernels.group_results`); None where one of them takes more than a look."""

    def _read(self, need: Need) -> tuple[Accumulator, int, int] | None:
        if need in self._stores:
            return None
        part, at = self._accumulators[need]
        return part, at, at + part.cells

    def _table(self) -> Int64Array | None:
        lines = []
        for call, read in zip(self._calls, self._reads, strict=True):
            kind = None if read is None else read[0].read_off(call)
            if read is None or kind is None:
                return None
            lines.append((kind, read[1], call.type.bits if isinstance(call.type, IntegerType) else 64))
        return np.array(lines, np.int64).reshape(-1, RESULT_COLUMNS)

    def _count_values(self, needs: list[Need], *, chained: bool) -> None:
        filters: dict[tuple[tuple[int, ...], bool], list[int | None]] = {}
        for need in needs:
            if need.distinct:
                found = filters.setdefault((need.arguments, need.nulls), [])
                if need.filter not in found:
                    found.append(need.filter)
        for (arguments, nulls), found in filters.items():
            interned = [place for place, index in enumerate(arguments) if is_interned(self._schema[index].type)]
            width = len(arguments) + nulls
            values: DistinctValues
            if self._updating or len(found) > MOST_MARKS:
                values = ValueCounts(width, len(found), interned=interned, chained=chained, pool=self._pool)
            else:
                values = ValueMarks(width, interned=interned, chained=chained, pool=self._pool)
            cells = np.full(len(found), NO_CELL, np.int64)
            self._distinct[arguments, nulls] = _Distinct(arguments, nulls, found, values, cells)

    def _surroundings(self, need: Need, *, updating: bool) -> Surroundings:
        names = tuple(self._schema[index].name for index in need.arguments)
        types = tuple(self._schema[index].type for index in need.arguments)
        if not need.distinct:
            return Surroundings(names, types, self._pool, updating)
        counted = self._distinct[need.arguments, need.nulls]
        counts = counted.values if isinstance(counted.values, ValueCounts) else None
        return Surroundings(names, types, self._pool, updating, counts, counted.filters.index(need.filter))

    def _place(self, need: Need, made: Accumulator | Store, at: int) -> None:
        if isinstance(made, Store):
            self._stores[need] = (made, at)
        else:
            self._accumulators[need] = (made, at)
        if need.distinct:
            counted = self._distinct[need.arguments, need.nulls]
            which = counted.filters.index(need.filter)
            if need.kind == "COUNT":
                counted.cells[which] = at
            else:
                counted.told.append((which, made, at))

    @property
    def mergeable(self) -> bool:
        parts = [part for part, _ in self._accumulators.values()]
        return not self._distinct and not self._stores and all(isinstance(part, Mergeable) for part in parts)

    @property
    def unites(self) -> bool:
        """Whether two groups can be made one."""
        parts = [part for part, _ in self._accumulators.values()]
        stores = [store for store, _ in self._stores.values()]
        return (
            not self._distinct
            and all(isinstance(part, Mergeable) for part in parts)
            and all(isinstance(store, Uniting) and store.unites for store in stores)
        )

    def unite(self, source: Int64Array, target: Int64Array) -> None:
        """Add each source group to the target group beside it, in order; the source groups end with it."""
        self.merge_cells(self._ledger.values, source, target)
        for store, _ in self._stores.values():
            assert isinstance(store, Uniting)
            store.unite(source, target)

    @property
    def bytes(self) -> int:
        stores = sum(store.bytes for store, _ in self._stores.values())
        return self._ledger.bytes + stores + sum(counted.values.bytes for counted in self._distinct.values())

    @property
    def ledger(self) -> Int64Array:
        """The cells by slot."""
        return self._ledger.values

    def rows(self, slots: Int64Array) -> Int64Array:
        """How many rows each of these groups has, over an input that retracts."""
        counts: Int64Array = self._ledger.values[slots, self._accumulators[_GROUP_ROWS][1]]
        return counts

    def begin(self, new_slots: Int64Array, slots: int) -> None:
        """Make room for groups up to `slots` and start the new ones."""
        self.reserve(slots)
        if len(new_slots):
            self._ledger.values[new_slots] = 0

    def reserve(self, slots: int) -> None:
        """Make room for groups up to `slots`. A new one has begun when its cells in the ledger are zero."""
        self._ledger.reserve(slots)
        for store, _ in self._stores.values():
            store.reserve(slots)
        for counted in self._distinct.values():
            counted.values.reserve(slots)

    def before(self, touched: Int64Array) -> Before:
        """What the groups come to now, for comparison after an update."""
        cells = np.empty((len(touched), self._ledger.values.shape[1]), np.int64)
        copy_cells(self._ledger.values, touched, cells)
        return Before(cells, self._stored(touched))

    def update(self, rows: Columnar, slots: Int64Array, touched: Int64Array, signs: Int8Array) -> None:
        """Apply a pass's rows; `signs` is empty where all are added."""
        inputs = Inputs(rows, self._schema, self._pool)
        self._together.apply(inputs, slots, signs, self._ledger.values)
        for part, at, present, filtered, read in self._apart:
            arguments = tuple([inputs.argument(index) for index in read])
            chosen = inputs.chosen(present, filtered)
            part.update(Rows(slots, touched, signs, chosen, arguments), self._ledger.values, at)
        for counted in self._distinct.values():
            self._update_values(counted, inputs, slots, touched, signs)

    def _update_values(
        self, counted: _Distinct, inputs: Inputs, slots: Int64Array, touched: Int64Array, signs: Int8Array
    ) -> None:
        words = [inputs.argument(index).words for index in counted.arguments]
        if counted.nulls:
            words.append(inputs.presence(counted.arguments[0]))
        masks = inputs.masks(counted.filters)
        present = inputs.chosen(() if counted.nulls else counted.arguments, None)
        if masks.shape[1]:
            some: BoolArray = np.logical_or.reduce(masks)
            present = np.logical_and(present, some) if len(present) else some
        if len(present) and not present.all():
            rows = np.flatnonzero(present)
            slots, words = slots[rows], [column[rows] for column in words]
            signs = signs[rows] if len(signs) else signs
            masks = np.ascontiguousarray(masks[:, rows]) if masks.shape[1] else masks
        if not len(slots):
            return
        crossings = np.zeros((len(counted.filters), len(slots)), np.int8) if counted.told else NO_CROSSINGS
        counted.values.count(slots, words, signs, masks, counted.cells, self._ledger.values, crossings)
        for which, part, at in counted.told:
            rows = np.flatnonzero(crossings[which])
            if len(rows):
                columns = [column[rows] for column in words]
                valid = columns.pop() > 0 if counted.nulls else None
                arguments = tuple(Argument(column, valid) for column in columns)
                told = crossings[which, rows] if self._updating else ADDED
                part.update(Rows(slots[rows], touched, told, ALL, arguments), self._ledger.values, at)

    def merge(self, other: Aggregates, source: Int64Array, target: Int64Array) -> None:
        """Add the partial results of the same calls elsewhere, at `source`, to the groups at `target`."""
        self.merge_cells(other._ledger.values, source, target)

    def merge_cells(self, parts: Int64Array, source: Int64Array, target: Int64Array) -> None:
        """The same, from the ledger of the same calls."""
        for part, at in self._accumulators.values():
            assert isinstance(part, Mergeable)
            part.merge(parts, source, target, self._ledger.values, at)

    def changed(self, before: Before, touched: Int64Array, groups: Int64Array, diff: Int8Array) -> list[Result]:
        """Each call's values for the output rows: before the pass where `diff` is negative, else after it."""
        cells = np.empty((before.cells.shape[1], len(groups)), np.int64)
        picked_cells = Cells(cells, pick_cells(before.cells, self._ledger.values, touched, groups, diff, cells))
        if not self._stores:
            return self._results(picked_cells, {})
        places = np.where(diff < 0, groups, groups + len(touched))
        picked = {
            call: pl.concat([before.values[call], after])[places] for call, after in self._stored(touched).items()
        }
        return self._results(picked_cells, picked)

    def columns_of_words(self, words: Int64Array, valid: BoolArray, nulls: list[int]) -> list[Column | pl.Series]:
        """The results that the kernel has read off as columns, a row of words for each."""
        return [
            decode(words[place], valid[place] if nulls[place] else None, call.type, self._pool)
            for place, call in enumerate(self._calls)
        ]

    def columns(self, results: list[Result]) -> list[Column | pl.Series]:
        """Results as columns of the calls' types."""
        return [result.column(call.type, self._pool) for result, call in zip(results, self._calls, strict=True)]

    def columns_of(self, slots: Int64Array) -> list[Column | pl.Series]:
        """The value of each call for these groups."""
        values = np.empty((self._ledger.values.shape[1], len(slots)), np.int64)
        cells = Cells(values, take_columns(self._ledger.values, slots, values))
        return self.columns(self._results(cells, self._stored(slots)))

    def _stored(self, slots: Int64Array) -> dict[int, pl.Series]:
        if not self._stores:
            return {}
        return {
            place: self._stores[need][0].values(self._calls[place], slots)
            for place, need in enumerate(self._needs)
            if need in self._stores
        }

    def _results(self, cells: Cells, stored: dict[int, pl.Series]) -> list[Result]:
        results: list[Result] = []
        for place, (call, read) in enumerate(zip(self._calls, self._reads, strict=True)):
            if read is None:
                results.append(Values(stored[place]))
            else:
                part, first, end = read
                results.append(part.result(call, cells.of(first, end)))
        return results

    def release(self, slots: Int64Array) -> None:
        """End these groups."""
        for part, at in self._accumulators.values():
            part.release(slots, self._ledger.values, at)
        for store, _ in self._stores.values():
            store.release(slots)
        for counted in self._distinct.values():
            counted.values.forget_groups(slots)

    def end_pass(self) -> None:
        """Free what the pass left unused."""
        for counted in self._distinct.values():
            counted.values.forget_vanished()

    def snapshot(self, slots: int) -> StateArrays:
        arrays: StateArrays = {"ledger": self._ledger.copy(slots)}
        for number, (store, _) in enumerate(self._stores.values()):
            arrays |= prefixed(f"store{number}", store.snapshot())
        for number, counted in enumerate(self._distinct.values()):
            arrays |= prefixed(f"values{number}", counted.values.snapshot())
        return arrays

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        self._ledger.load(state["ledger"])
        for number, (store, _) in enumerate(self._stores.values()):
            store.restore(section(f"store{number}", state))
        for number, counted in enumerate(self._distinct.values()):
            counted.values.restore(section(f"values{number}", state))
