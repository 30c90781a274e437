"""MIN and MAX. Source: Flink's MinAggFunction, MaxAggFunction and their forms with retraction."""

from __future__ import annotations

import numpy as np

from riacho.dataflow.aggregates.contract import ALL, BoolArray, InCells, Int64Array, Rows, Words
from riacho.dataflow.aggregates.values import ValueCounts
from riacho.dataflow.state.strings import StringPool
from riacho.kernels.aggregate import keep_extremes, keep_text_extremes
from riacho.plan.expressions import AggregateCall


class Extreme(InCells):
    """MIN or MAX over rows that are only added: one value per group. Cells: the value's word, 1 where there is one."""

    cells = 2

    def __init__(self, *, greatest: bool, interned: bool, pool: StringPool) -> None:
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
            keep_extremes(slots, chosen, words, self._greatest, ledger, at)
            return
        before = ledger[touched, at : at + 2]
        keep_text_extremes(slots, chosen, words, self._greatest, *self._pool.storage, ledger, at)
        after = ledger[touched, at : at + 2]
        changed = (before != after).any(axis=1)
        self._pool.retain(after[changed, 0])
        self._pool.release(before[changed & (before[:, 1] > 0), 0])

    def merge(self, parts: Int64Array, source: Int64Array, target: Int64Array, ledger: Int64Array, at: int) -> None:
        present = parts[source, at + 1] > 0
        self._keep(target, np.unique(target), present, np.ascontiguousarray(parts[source, at]), ledger, at)

    def release(self, slots: Int64Array, ledger: Int64Array, at: int) -> None:
        if self._interned:
            self._pool.release(ledger[slots[ledger[slots, at + 1] > 0], at])

    def result(self, call: AggregateCall, cells: Int64Array) -> Words:  # noqa: ARG002 - it has one form
        return Words(cells[0], cells[1] > 0)


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
            keep_extremes(slots, ALL, words, self._greatest, ledger, at)
        slots, words = rows.slots[~appeared], rows.words[~appeared]
        lost = slots[ledger[slots, at] == words]
        if len(lost):
            self._values.extremes(self._which, lost, ledger, at, greatest=self._greatest)

    def result(self, call: AggregateCall, cells: Int64Array) -> Words:  # noqa: ARG002 - it has one form
        return Words(cells[0], cells[1] > 0)
