"""FIRST_VALUE and LAST_VALUE over rows that are only added. NULL is passed over, as in Flink.

Source: Flink's FirstValueAggFunction and LastValueAggFunction. Where rows are retracted, see `arrivals`.
"""

from __future__ import annotations

from riacho.dataflow.aggregates.calls import apply_one
from riacho.dataflow.aggregates.contract import Cells, Int64Array, Rows, Words
from riacho.dataflow.aggregates.extremes import exchange_strings, held_strings
from riacho.dataflow.state.strings import StringPool
from riacho.kernels.aggregate import FIRST, LAST
from riacho.kernels.group_results import VALUE
from riacho.plan.expressions import AggregateCall


class End:
    """The first value of a group stays; the last one is replaced. Cells: the value's word, 1 where there is one."""

    cells = 2

    def __init__(self, *, last: bool, interned: bool, pool: StringPool) -> None:
        self._end = LAST if last else FIRST
        self.kind = None if interned else self._end
        self._interned = interned
        self._pool = pool

    def update(self, rows: Rows, ledger: Int64Array, at: int) -> None:
        assert not len(rows.signs), "one value does not survive retractions"
        if not self._interned:
            apply_one(self._end, rows, ledger, at)
            return
        before = held_strings(ledger, rows.touched, at)
        apply_one(self._end, rows, ledger, at)
        exchange_strings(before, held_strings(ledger, rows.touched, at), self._pool)

    def read_off(self, call: AggregateCall) -> int:  # noqa: ARG002 - it has one form
        return VALUE

    def result(self, call: AggregateCall, cells: Cells) -> Words:  # noqa: ARG002 - it has one form
        return Words(cells.values[0], cells.present(1))

    def release(self, slots: Int64Array, ledger: Int64Array, at: int) -> None:
        if self._interned:
            self._pool.release(held_strings(ledger, slots, at))
