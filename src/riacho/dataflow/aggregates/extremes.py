"""MIN and MAX. Source: Flink's MinAggFunction, MaxAggFunction and their forms with retraction."""

from __future__ import annotations

import numpy as np

from riacho.dataflow.aggregates.calls import Call, apply
from riacho.dataflow.aggregates.contract import ALL, BoolArray, Cells, InCells, Int64Array, Rows, Words
from riacho.dataflow.aggregates.values import ValueCounts
from riacho.dataflow.batch import ADDED
from riacho.dataflow.state.strings import NO_STRING, StringPool
from riacho.kernels.aggregate import GREATEST, LEAST, keep_text_extremes
from riacho.kernels.group_results import VALUE
from riacho.plan.expressions import AggregateCall


def held_strings(ledger: Int64Array, slots: Int64Array, at: int) -> Int64Array:
    """The ids of the strings that the cells at `at` of these groups hold, `NO_STRING` where they hold none."""
    ids: Int64Array = np.where(ledger[slots, at + 1] > 0, ledger[slots, at], NO_STRING)
    return ids


def exchange_strings(before: Int64Array, after: Int64Array, pool: StringPool) -> None:
    """Keep the strings that groups hold now, and let go of those that they held."""
    changed = np.flatnonzero(before != after)
    if len(changed):
        pool.retain(after[changed])
        pool.release(before[changed])


def _kind(*, greatest: bool) -> int:
    return GREATEST if greatest else LEAST


class Extreme(InCells):
    """MIN or MAX over rows that are only added: one value per group. Cells: the value's word, 1 where there is one."""

    cells = 2

    def __init__(self, *, greatest: bool, interned: bool, pool: StringPool) -> None:
        self.kind = None if interned else _kind(greatest=greatest)
        self._greatest = greatest
        self._interned = interned
        self._pool = pool

    def update(self, rows: Rows, ledger: Int64Array, at: int) -> None:
        assert not len(rows.signs), "one extreme does not survive retractions"
        self._keep(rows.slots, rows.touched, rows.chosen, rows.words, ledger, at)

    def _keep(
        self, slots: Int64Array, touched: Int64Array, chosen: BoolArray, words: Int64Array, ledger: Int64Array, at: int
    ) -> None:
        if not self._interned:
            call = Call(_kind(greatest=self._greatest), at, np.ascontiguousarray(words), chosen)
            apply([call], slots, ADDED, ledger)
            return
        before = held_strings(ledger, touched, at)
        keep_text_extremes(slots, chosen, words, self._greatest, *self._pool.storage, ledger, at)
        exchange_strings(before, held_strings(ledger, touched, at), self._pool)

    def merge(self, parts: Int64Array, source: Int64Array, target: Int64Array, ledger: Int64Array, at: int) -> None:
        present = parts[source, at + 1] > 0
        touched = np.unique(target) if self._interned else target
        self._keep(target, touched, present, np.ascontiguousarray(parts[source, at]), ledger, at)

    def release(self, slots: Int64Array, ledger: Int64Array, at: int) -> None:
        if self._interned:
            self._pool.release(held_strings(ledger, slots, at))

    def read_off(self, call: AggregateCall) -> int:  # noqa: ARG002 - it has one form
        return VALUE

    def result(self, call: AggregateCall, cells: Cells) -> Words:  # noqa: ARG002 - it has one form
        return Words(cells.values[0], cells.present(1))


class RetractingExtreme(InCells):
    """MIN or MAX where rows are retracted: the extreme is cached and looked up again only when it vanishes.

    `values` counts the argument's values, under counter `which`; it also keeps their strings. Cells: as `Extreme`.
    """

    cells = 2

    def __init__(self, values: ValueCounts, which: int, *, greatest: bool, interned: bool, pool: StringPool) -> None:
        self._values = values
        self._which = which
        self._greatest = greatest
        self._interned = interned
        self._pool = pool

    def update(self, rows: Rows, ledger: Int64Array, at: int) -> None:
        """Apply the values that appeared (+1) and vanished (−1)."""
        appeared = rows.signs > 0
        slots, words = rows.slots[appeared], rows.words[appeared]
        if self._interned:
            keep_text_extremes(slots, ALL, words, self._greatest, *self._pool.storage, ledger, at)
        else:
            apply([Call(_kind(greatest=self._greatest), at, words, ALL)], slots, ADDED, ledger)
        slots, words = rows.slots[~appeared], rows.words[~appeared]
        lost = slots[ledger[slots, at] == words]
        if len(lost):
            self._values.extremes(self._which, lost, ledger, at, greatest=self._greatest)

    def read_off(self, call: AggregateCall) -> int:  # noqa: ARG002 - it has one form
        return VALUE

    def result(self, call: AggregateCall, cells: Cells) -> Words:  # noqa: ARG002 - it has one form
        return Words(cells.values[0], cells.present(1))
