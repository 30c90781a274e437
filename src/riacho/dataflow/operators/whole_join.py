"""The inner join of two batches as wholes, which nothing will be added to: that of windows that have closed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from riacho.dataflow.batch import Batch, Int64Array, WatermarkSteps
from riacho.dataflow.expressions import Predicate, Settings
from riacho.dataflow.operators.batches import concatenate, empty_batch
from riacho.dataflow.operators.join import MAX_PAIRS
from riacho.dataflow.programs import filter_program
from riacho.dataflow.state.join_keys import KeySlots
from riacho.formats.buffered import beside, gathered, picked
from riacho.kernels.row_pairs import count_pairs, group_rows, write_pairs
from riacho.plan.expressions import columns_used, remap
from riacho.plan.relations import Join, JoinKind, Schema


class WholeJoin:
    """Pairs each left row with the right rows of its key for which the condition holds, in their order.

    Nothing is state: the keys of both are numbered for the one join, and only pairs that stay are made into rows.
    """

    def __init__(self, relation: Join, settings: Settings) -> None:
        assert relation.kind is JoinKind.INNER, "other joins count matches"
        self._relation = relation
        types = [relation.left.schema[key].type for key in relation.left_keys]
        self._keys = KeySlots(types, relation.null_safe)
        self._condition = None if relation.residual is None else _Condition(relation, settings)

    def process(self, left: Batch, right: Batch, watermark: WatermarkSteps) -> Batch:
        schema = self._relation.schema
        parts = []
        for lefts, rights in self._pairs(left, right):
            if self._condition is not None:
                kept = self._condition.kept(left, lefts, right, rights, watermark)
                lefts, rights = lefts[kept], rights[kept]
            if len(lefts):
                rows = beside(gathered(left.rows, lefts), gathered(right.rows, rights), schema.names)
                parts.append(Batch(rows, left.sequence[lefts], watermark))
        return concatenate(parts, schema.names, watermark) if parts else empty_batch(schema, watermark)

    def _pairs(self, left: Batch, right: Batch) -> Iterator[tuple[Int64Array, Int64Array]]:
        """The rows of equal keys, by left row and then by right row, not too many at a time."""
        if not len(left) or not len(right):
            return
        keys = self._keys
        keys.clear()
        right_keys = keys.find_in_runs(right, self._relation.right_keys)
        left_keys = keys.find_in_runs(left, self._relation.left_keys)
        starts = np.zeros(keys.slots_used + 2, np.int64)
        matching = np.empty(len(right), np.int64)
        group_rows(right_keys, starts, matching)
        first = 0
        while first < len(left):
            stop, pairs = count_pairs(left_keys, starts, first, MAX_PAIRS)
            if pairs:
                lefts, rights = np.empty((2, pairs), np.int64)
                write_pairs(left_keys, starts, matching, first, stop, lefts, rights)
                yield lefts, rights
            first = stop

    @property
    def bytes(self) -> int:
        """Memory that is kept from one join to the next."""
        return self._keys.bytes


class _Condition:
    """What a join asks beyond its keys, of the fields that it reads alone."""

    def __init__(self, relation: Join, settings: Settings) -> None:
        assert relation.residual is not None
        width, pair = len(relation.left.schema), relation.pair
        used = sorted(columns_used(relation.residual)) or [0]
        schema = Schema(tuple(pair[index] for index in used))
        self._left = [index for index in used if index < width]
        self._right = [index - width for index in used if index >= width]
        self._left_names, self._right_names = schema.names[: len(self._left)], schema.names[len(self._left) :]
        condition = remap(relation.residual, {old: new for new, old in enumerate(used)}.__getitem__)
        self._program = filter_program(condition, schema, settings)
        self._predicate = Predicate(condition, schema, settings)

    def kept(
        self, left: Batch, lefts: Int64Array, right: Batch, rights: Int64Array, watermark: WatermarkSteps
    ) -> Int64Array:
        """Which of these pairs it is true for. Raises `RowError` with the pairs on which it failed."""
        given = picked(left.rows, self._left, self._left_names), picked(right.rows, self._right, self._right_names)
        rows = beside(gathered(given[0], lefts), gathered(given[1], rights), self._left_names + self._right_names)
        if self._program is not None:
            return self._program.run(Batch(rows, np.arange(len(lefts)), WatermarkSteps.still())).sequence
        return np.flatnonzero(self._predicate.holds(Batch(rows, left.sequence[lefts], watermark)).to_numpy())
