"""COUNT. Source: Flink's CountAggFunction and Count1AggFunction."""

from __future__ import annotations

from riacho.dataflow.aggregates.calls import apply_one
from riacho.dataflow.aggregates.contract import Cells, InCells, Int64Array, Rows, Words
from riacho.kernels.aggregate import COUNT, merge_sums
from riacho.kernels.group_results import NUMBER
from riacho.plan.expressions import AggregateCall


class Count(InCells):
    """COUNT(*), and COUNT of the rows that are chosen: the sum of their signs.

    COUNT(DISTINCT …) has such a cell too, which the counts of values keep.
    """

    cells = 1
    kind = COUNT

    def update(self, rows: Rows, ledger: Int64Array, at: int) -> None:
        apply_one(COUNT, rows, ledger, at)

    def merge(self, parts: Int64Array, source: Int64Array, target: Int64Array, ledger: Int64Array, at: int) -> None:
        merge_sums(source, target, parts, ledger, at, 1)

    def read_off(self, call: AggregateCall) -> int:  # noqa: ARG002 - it has one form
        return NUMBER

    def result(self, call: AggregateCall, cells: Cells) -> Words:  # noqa: ARG002 - it has one form
        return Words(cells.values[0])
