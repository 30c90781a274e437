"""Top-N: the first rows of each partition by an order. Flink: Rank, and SortLimit and Limit as one without partition.

`FirstRows` over rows that are only added (Flink's AppendFastStrategy), `Fronts` over others (its RetractStrategy).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy.typing as npt

from riacho.dataflow.batch import Batch
from riacho.dataflow.expressions import Settings
from riacho.dataflow.operator import StateArrays
from riacho.dataflow.operators.batches import empty_batch
from riacho.dataflow.state.expiry import Expiry
from riacho.dataflow.state.first_rows import FirstRows
from riacho.dataflow.state.fronts import Fronts
from riacho.dataflow.state.given_rows import GivenRows, OutputRows
from riacho.dataflow.state.ranks import RankChanges
from riacho.formats.arrow import Column
from riacho.plan.changelog import is_updating
from riacho.plan.relations import Rank


class RankOperator:
    """Keeps the first rows of each partition, all rows where they may be retracted.

    Rule: a pass enters and takes out the partition's rows one by one, an equal one after those that came before; then
    each touched partition emits − for the rows that are no longer shown, or under another number, and + for those that
    now are. Over input that is only added to, rows beyond the last number are let go at once. The rows of a partition
    are let go together, after a time to live that begins anew when one of them comes to the first ones; over input that
    changes, when any comes or goes.
    """

    def __init__(self, relation: Rank, settings: Settings) -> None:
        self._schema = relation.schema
        self._numbered = relation.number is not None
        expiry = Expiry(settings.clock, settings.state_ttl_ms)
        kept = Fronts if is_updating(relation.input) else FirstRows
        self._fronts = kept(relation, expiry)
        self._output_rows = OutputRows(relation.schema.fields, [len(relation.input.schema), int(self._numbered)])

    def process(self, inputs: tuple[Batch, ...]) -> Batch:
        (batch,) = inputs
        self._fronts.begin()
        if not len(batch):
            return empty_batch(self._schema, batch.watermark)
        if isinstance(self._fronts, FirstRows):
            entered = self._fronts.enter(batch)
            output = self._emitted(batch, self._fronts.changes(entered, batch.sequence))
            self._fronts.finish(entered)
        else:
            added = self._fronts.enter(batch)
            output = self._emitted(batch, self._fronts.changes(added, batch.sequence))
            self._fronts.finish(added)
        self._fronts.end_pass()
        return output

    def _emitted(self, batch: Batch, changes: RankChanges) -> Batch:
        made = len(changes.rows)
        if not made:
            return empty_batch(self._schema, batch.watermark)
        parts: list[GivenRows | Column] = [self._fronts.store.give(changes.rows)]
        if self._numbered:
            parts.append(Column("l", made, (changes.numbers,)))
        return Batch(self._output_rows.rows(parts, made), changes.moments, batch.watermark, changes.diff)

    def snapshot(self) -> StateArrays:
        return self._fronts.snapshot()

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        self._fronts.restore(state)

    @property
    def state_bytes(self) -> int:
        return self._fronts.bytes

    @property
    def late_rows(self) -> int:
        return 0
