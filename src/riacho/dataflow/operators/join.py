"""Inner and left equi-joins of two changelogs: Δa ⋈ B + A ⋈ Δb + Δa ⋈ Δb over Z-sets. Flink: StreamingJoinOperator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from riacho.dataflow.batch import Batch, Int64Array, WatermarkSteps
from riacho.dataflow.expressions import Predicate, Settings
from riacho.dataflow.operator import StateArrays
from riacho.dataflow.operators.batches import empty_batch
from riacho.dataflow.state.arena import Growable
from riacho.dataflow.state.join_side import Delta, JoinSide
from riacho.dataflow.state.key_index import KeyIndex
from riacho.dataflow.state.snapshots import prefixed, section
from riacho.dataflow.state.strings import NO_STRING, StringPool
from riacho.dataflow.state.words import NULLS_PER_WORD, RowCodec, build_frame, encode, is_interned
from riacho.dataflow.watermark import BEFORE_ALL_ROWS
from riacho.kernels.join import divide_pairs
from riacho.plan.changelog import is_updating
from riacho.plan.relations import Join, JoinKind, Relation
from riacho.plan.types import DecimalType

MAX_PAIRS = 1 << 18
"""Pairs that are made at once, some 100 bytes each and their columns. A row that matches more makes all of its own."""

NO_ROW = -1
"""The right row of a left row without a match."""

NO_KEY = -1
"""The join key of a row with a null in its key: it matches nothing."""


class _Pairs(NamedTuple):
    """Joined rows.

    `left` and `right` are row slots, `change` how many more such pairs there are, `sequence` since when, and
    `matches` how many more matches the left row has.
    """

    left: Int64Array
    right: Int64Array
    change: Int64Array
    sequence: Int64Array
    matches: Int64Array

    def where(self, mask: npt.NDArray[np.bool_]) -> _Pairs:
        return _Pairs(*(part[mask] for part in self))


class JoinOperator:
    """Keeps both inputs' rows by join key; what one side's changes find on the other is the output's change."""

    def __init__(self, relation: Join, settings: Settings) -> None:
        left, right = relation.left.schema, relation.right.schema
        self._relation = relation
        self._schema = relation.schema
        self._outer = relation.kind is JoinKind.LEFT
        self._pool = StringPool()
        self._sides = self._side(relation.left), self._side(relation.right)
        self._key_types = [left[key].type for key in relation.left_keys]
        for one, other in zip(self._key_types, (right[key].type for key in relation.right_keys), strict=True):
            scales = [kind.scale for kind in (one, other) if isinstance(kind, DecimalType)]
            assert is_interned(one) == is_interned(other), "the binder casts join keys to one type"
            assert len(set(scales)) <= 1, "the binder casts join keys to one type"
        self._index = KeyIndex(max(1, len(self._key_types)))
        self._population = Growable(np.int64)
        self._residual = None
        if relation.residual is not None:
            self._residual = Predicate(relation.residual, self._schema, settings)

    def _side(self, below: Relation) -> JoinSide:
        return JoinSide(RowCodec(below.schema.fields, self._pool), updating=is_updating(below))

    def process(self, inputs: tuple[Batch, ...]) -> Batch:
        watermark = WatermarkSteps.minimum([batch.watermark for batch in inputs])
        if not any(len(batch) for batch in inputs):
            return empty_batch(self._schema, watermark)
        left, right = self._sides
        # A ⋈ Δb with A as it was, then Δa ⋈ (B + Δb).
        right_delta = self._apply(right, inputs[1], self._relation.right_keys)
        from_right = self._probe_left(right_delta)
        left_delta = self._apply(left, inputs[0], self._relation.left_keys)
        from_left = self._probe_right(left_delta)
        pairs = _Pairs(*(np.concatenate(parts) for parts in zip(from_right, from_left, strict=True)))
        pairs = self._matching(pairs, watermark)
        output = pairs.where(pairs.change != 0)
        if self._outer:
            padded = self._padded(left_delta, pairs)
            output = _Pairs(*(np.concatenate(parts) for parts in zip(output, padded, strict=True)))
        batch = self._emit(output, watermark)
        self._release(left, left_delta)
        self._release(right, right_delta)
        self._pool.collect()
        return batch

    def divide(self, inputs: tuple[Batch, ...]) -> list[int]:
        """The sequence numbers, ascending, after which to divide a pass so that no part makes too many pairs.

        `process` is then called for each part. How many rows meet how many is known before any pair is made.
        """
        left, right = self._sides
        rows_left, rows_right = (len(batch) for batch in inputs)
        if rows_left * (right.most_rows + rows_right) + rows_right * left.most_rows <= MAX_PAIRS:
            return []
        keys = KeyIndex(max(1, len(self._key_types)))
        placed = [
            self._numbered(batch, columns, keys)
            for batch, columns in zip(inputs, (self._relation.left_keys, self._relation.right_keys), strict=True)
        ]
        known = self._index.find(keys.keys[: len(keys)])
        counts = np.zeros((2, len(keys)), np.int64)
        for side, count in zip(self._sides, counts, strict=True):
            count[known >= 0] = side.rows_of_key.values[known[known >= 0]]
        sequence = np.concatenate([batch.sequence for batch in inputs])
        order = np.argsort(sequence, kind="stable")
        sides = np.repeat(np.arange(2), (rows_left, rows_right))
        signs = np.concatenate([batch.signs() for batch in inputs])
        bounds = np.empty(len(sequence), np.int64)
        found = divide_pairs(
            sequence[order],
            np.concatenate(placed)[order],
            signs[order],
            sides[order],
            counts[0],
            counts[1],
            MAX_PAIRS,
            bounds,
        )
        self._pool.collect()
        divided: list[int] = bounds[:found].tolist()
        return divided

    def _numbered(self, batch: Batch, columns: tuple[int, ...], keys: KeyIndex) -> Int64Array:
        """Each row's join key as its number among `keys`, `NO_KEY` where it is null."""
        numbers = np.full(len(batch), NO_KEY, np.int64)
        words = np.zeros((len(batch), max(1, len(columns))), np.int64)
        complete = np.ones(len(batch), np.bool_)
        for place, (column, kind) in enumerate(zip(columns, self._key_types, strict=True)):
            words[:, place], valid = encode(batch.frame.to_series(column), kind, self._pool)
            if valid is not None:
                complete &= valid
        numbers[complete] = keys.upsert(words[complete]).slots
        return numbers

    def _apply(self, side: JoinSide, batch: Batch, keys: tuple[int, ...]) -> Delta:
        """Take a side's rows into its state; new ones are chained under their key."""
        words = side.codec.encode(batch.frame.get_columns(), len(batch))
        delta = side.apply(words, batch.diff, batch.sequence)
        new = delta.slots[delta.before == 0]
        side.place(new, self._key_slots(side, new, keys))
        side.count(delta.slots, delta.change)
        return delta

    def _key_slots(self, side: JoinSide, rows: Int64Array, keys: tuple[int, ...]) -> Int64Array:
        words = side.words[rows]
        first = side.codec.null_words
        complete = np.ones(len(rows), np.bool_)
        for key in keys:
            word, bit = divmod(key, NULLS_PER_WORD)
            complete &= (words[:, word] >> bit) & 1 == 0
        matchable = np.flatnonzero(complete)
        key_words = np.zeros((len(matchable), max(1, len(keys))), np.int64)
        for place, key in enumerate(keys):
            key_words[:, place] = words[matchable, first + key]
        found, new_rows = self._index.upsert(key_words)
        self._pool.retain(self._interned_words(key_words[new_rows]))
        self._population.reserve(self._index.slots_used)
        self._population.values[found[new_rows]] = 0
        np.add.at(self._population.values, found, 1)
        for other in self._sides:
            other.reserve_keys(self._index.slots_used)
        slots = np.full(len(rows), NO_KEY, np.int64)
        slots[matchable] = found
        return slots

    def _interned_words(self, key_words: Int64Array) -> Int64Array:
        return key_words[:, [place for place, kind in enumerate(self._key_types) if is_interned(kind)]]

    def _probe_left(self, delta: Delta) -> _Pairs:
        left, right = self._sides
        probes, rows = left.probe(right.keys.values[delta.slots])
        matches = delta.change[probes]
        sequence = np.maximum(delta.sequence[probes], left.arrivals.values[rows])
        return _Pairs(rows, delta.slots[probes], matches * left.weights.values[rows], sequence, matches)

    def _probe_right(self, delta: Delta) -> _Pairs:
        left, right = self._sides
        probes, rows = right.probe(left.keys.values[delta.slots])
        weights = right.weights.values[rows]
        # The matches of a row that was there before are known already, and Δb has been added to them.
        matches = np.where(delta.before[probes] == 0, weights, 0)
        sequence = np.maximum(delta.sequence[probes], right.arrivals.values[rows])
        return _Pairs(delta.slots[probes], rows, weights * delta.change[probes], sequence, matches)

    def _matching(self, pairs: _Pairs, watermark: WatermarkSteps) -> _Pairs:
        """The pairs for which the residual condition is true."""
        if self._residual is None or not len(pairs.left):
            return pairs
        frame = self._frame(pairs.left, pairs.right)
        holds = self._residual.holds(Batch(frame, pairs.sequence, watermark))
        return pairs.where(holds.to_numpy())

    def _padded(self, delta: Delta, pairs: _Pairs) -> _Pairs:
        """What changes among the left rows without a match: a row crosses over when its matches become some or none."""
        left = self._sides[0]
        slots, places = np.unique(np.concatenate((delta.slots, pairs.left)), return_inverse=True)
        weights = left.weights.values[slots]
        weights_before = weights.copy()
        own = places[: len(delta.slots)]
        weights_before[own] = delta.before
        alone_before = np.where(left.matches.values[slots] == 0, weights_before, 0)
        np.add.at(left.matches.values, pairs.left, pairs.matches)
        alone = np.where(left.matches.values[slots] == 0, weights, 0)
        sequence = np.full(len(slots), BEFORE_ALL_ROWS, np.int64)
        np.maximum.at(sequence, places, np.concatenate((delta.sequence, pairs.sequence)))
        nothing = np.full(len(slots), NO_ROW, np.int64)
        padded = _Pairs(slots, nothing, alone - alone_before, sequence, nothing)
        return padded.where(padded.change != 0)

    def _emit(self, pairs: _Pairs, watermark: WatermarkSteps) -> Batch:
        """Each pair as often as it changed, in order of sequence, what is retracted first."""
        if not len(pairs.left):
            return empty_batch(self._schema, watermark)
        order = np.lexsort((pairs.change > 0, pairs.sequence))
        rows = np.repeat(order, np.abs(pairs.change[order]))
        removed = pairs.change[rows] < 0
        diff = np.where(removed, -1, 1).astype(np.int8) if removed.any() else None
        frame = self._frame(pairs.left[rows], pairs.right[rows])
        return Batch(frame, pairs.sequence[rows], watermark, diff)

    def _frame(self, left_slots: Int64Array, right_slots: Int64Array) -> pl.DataFrame:
        left, right = self._sides
        left_words = left.words[left_slots]
        right_words = right.words[right_slots]
        missing = np.flatnonzero(right_slots == NO_ROW)
        if len(missing):
            right_words[missing, : right.codec.null_words] = np.iinfo(np.int64).max
            right_words[missing, right.codec.null_words :] = 0
            for word in right.codec.interned:
                right_words[missing, word] = NO_STRING
        columns = [*left.codec.decode(left_words), *right.codec.decode(right_words)]
        return build_frame(self._schema.fields, columns, len(left_slots))

    def _release(self, side: JoinSide, delta: Delta) -> None:
        """Forget the rows that are gone, and those that can never match."""
        gone = side.weights.values[delta.slots] == 0
        gone |= side.keys.values[delta.slots] == NO_KEY
        slots = np.concatenate((delta.slots[gone], delta.dropped))
        if not len(slots):
            return
        keys = side.keys.values[slots]
        keys = keys[keys != NO_KEY]
        side.release(slots)
        np.subtract.at(self._population.values, keys, 1)
        keys = np.unique(keys)
        emptied = keys[self._population.values[keys] == 0]
        self._pool.release(self._interned_words(self._index.keys[emptied]))
        self._index.release(emptied)

    def snapshot(self) -> StateArrays:
        left, right = self._sides
        return {
            **prefixed("strings", self._pool.snapshot()),
            **prefixed("keys", self._index.snapshot()),
            "population": self._population.copy(self._index.slots_used),
            **prefixed("left", left.snapshot()),
            **prefixed("right", right.snapshot()),
        }

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        self._pool.restore(section("strings", state))
        self._index.restore(section("keys", state))
        self._population.load(state["population"])
        for side, name in zip(self._sides, ("left", "right"), strict=True):
            side.restore(section(name, state))

    @property
    def state_bytes(self) -> int:
        left, right = self._sides
        return sum(part.bytes for part in (self._pool, self._index, self._population, left, right))

    @property
    def late_rows(self) -> int:
        return 0
