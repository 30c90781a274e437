"""Joins of two changelogs: Δa ⋈ B + A ⋈ Δb + Δa ⋈ Δb over Z-sets. Flink: StreamingJoinOperator."""

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
from riacho.dataflow.state.expiry import Expiry
from riacho.dataflow.state.join_side import Delta, JoinSide
from riacho.dataflow.state.key_index import KeyIndex
from riacho.dataflow.state.snapshots import prefixed, section
from riacho.dataflow.state.strings import NO_STRING, StringPool
from riacho.dataflow.state.words import NULLS_PER_WORD, RowCodec, build_frame, encode, is_interned
from riacho.errors import RiachoError
from riacho.formats.arrow import Column
from riacho.kernels.join import count_matches, divide_pairs, order_by_moment, repeat_pairs
from riacho.plan.changelog import is_updating
from riacho.plan.relations import Join, JoinKind, Relation
from riacho.plan.types import DecimalType

MAX_PAIRS = 1 << 18
"""Pairs that are made at once, some 100 bytes each and their columns. A row that matches more makes all of its own."""

NO_ROW = -1
"""The other side of a row without a match."""

NO_KEY = -1
"""The join key of a row with a null in its key: it matches nothing."""

UNMARKED, MARKED = 0, 1
"""In place of the right row of a mark join: whether the left one has a match."""

SPARSE_MOMENTS = 4
"""From so many moments per row on, rows are sorted by comparing and not by counting."""


class _Pairs(NamedTuple):
    """Joined rows.

    `left` and `right` are row slots, `change` how many more such pairs there are, `sequence` since when, and
    `left_more` and `right_more` how many more matches either row has.
    """

    left: Int64Array
    right: Int64Array
    change: Int64Array
    sequence: Int64Array
    left_more: Int64Array
    right_more: Int64Array

    def where(self, mask: npt.NDArray[np.bool_]) -> _Pairs:
        return _Pairs(*(part[mask] for part in self))


class _Changes(NamedTuple):
    """Output rows: which left and right row each is made of, how many more of it there are, and since when."""

    left: Int64Array
    right: Int64Array
    change: Int64Array
    sequence: Int64Array

    @staticmethod
    def together(parts: list[_Changes]) -> _Changes:
        return parts[0] if len(parts) == 1 else _Changes(*(np.concatenate(of) for of in zip(*parts, strict=True)))


class _Touched(NamedTuple):
    """Rows of one side that a pass touched: how often they occur, and whether they have a match, before and after."""

    rows: Int64Array
    before: Int64Array
    after: Int64Array
    had: npt.NDArray[np.bool_]
    has: npt.NDArray[np.bool_]
    sequence: Int64Array

    def change_of(self, *, matched: bool) -> Int64Array:
        """How many more rows there are among those with a match, or without one."""
        change: Int64Array = np.where(self.has == matched, self.after, 0) - np.where(
            self.had == matched, self.before, 0
        )
        return change


class JoinOperator:
    """Keeps both inputs' rows by join key; what one side's changes find on the other is the output's change.

    Where a row's having a match matters, its matches are counted, and a row crosses over when they become some or none.
    """

    def __init__(self, relation: Join, settings: Settings) -> None:
        left, right = relation.left.schema, relation.right.schema
        self._relation = relation
        self._schema = relation.schema
        self._kind = relation.kind
        self._counts_left = relation.kind not in (JoinKind.INNER, JoinKind.RIGHT) or relation.single
        self._pool = StringPool()
        self._sides = self._side(relation.left), self._side(relation.right)
        self._key_types = [left[key].type for key in relation.left_keys]
        for one, other in zip(self._key_types, (right[key].type for key in relation.right_keys), strict=True):
            scales = [kind.scale for kind in (one, other) if isinstance(kind, DecimalType)]
            assert is_interned(one) == is_interned(other), "the binder casts join keys to one type"
            assert len(set(scales)) <= 1, "the binder casts join keys to one type"
        self._null_safe = sorted(relation.null_safe)
        self._key_width = max(1, len(self._key_types) + bool(self._null_safe))
        self._index = KeyIndex(self._key_width)
        self._population = Growable(np.int64)
        ttls = [settings.state_ttl_ms if ttl is None else ttl for ttl in relation.ttls_ms]
        self._expiries = Expiry(settings.clock, ttls[0]), Expiry(settings.clock, ttls[1])
        self._residual = None
        if relation.residual is not None:
            self._residual = Predicate(relation.residual, relation.pair, settings)

    def _side(self, below: Relation) -> JoinSide:
        return JoinSide(RowCodec(below.schema.fields, self._pool), updating=is_updating(below))

    def process(self, inputs: tuple[Batch, ...]) -> Batch:
        watermark = WatermarkSteps.minimum([batch.watermark for batch in inputs])
        for side, expiry in zip(self._sides, self._expiries, strict=True):
            if expiry:
                expiry.begin()
                self._forget(side, expiry, expiry.sweep(side.slots_used))
        if not any(len(batch) for batch in inputs):
            return empty_batch(self._schema, watermark)
        # A ⋈ Δb with A as it was, then Δa ⋈ (B + Δb).
        right_delta = self._apply(1, inputs[1], self._relation.right_keys)
        from_right = self._probe_left(right_delta)
        left_delta = self._apply(0, inputs[0], self._relation.left_keys)
        from_left = self._probe_right(left_delta)
        pairs = _Pairs(*(np.concatenate(parts) for parts in zip(from_right, from_left, strict=True)))
        pairs = self._matching(pairs, watermark)
        batch = self._emit(self._changes(pairs, left_delta, right_delta), watermark)
        self._release(0, left_delta)
        self._release(1, right_delta)
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
        keys = KeyIndex(self._key_width)
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
        """Each row's join key as its number among `keys`, `NO_KEY` where a null in it matches nothing."""
        words = np.zeros((len(batch), self._key_width), np.int64)
        nulls = np.zeros((len(batch), len(columns)), np.bool_)
        for place, (column, kind) in enumerate(zip(columns, self._key_types, strict=True)):
            words[:, place], valid = encode(batch.frame.to_series(column), kind, self._pool)
            if valid is not None:
                nulls[:, place] = ~valid
        complete = self._complete(words, nulls)
        numbers = np.full(len(batch), NO_KEY, np.int64)
        numbers[complete] = keys.upsert(words[complete]).slots
        return numbers

    def _complete(self, words: Int64Array, nulls: npt.NDArray[np.bool_]) -> Int64Array:
        """The rows that can match; nulls that do are written to the last of their words."""
        for bit, place in enumerate(self._null_safe):
            words[:, -1] |= nulls[:, place].astype(np.int64) << bit
        strict = [place for place in range(nulls.shape[1]) if place not in self._relation.null_safe]
        return np.flatnonzero(~nulls[:, strict].any(axis=1))

    def _apply(self, number: int, batch: Batch, keys: tuple[int, ...]) -> Delta:
        """Take a side's rows into its state; new ones are chained under their key."""
        side, expiry = self._sides[number], self._expiries[number]
        words = side.codec.encode(batch.frame.get_columns(), len(batch))
        if expiry:
            self._forget(side, expiry, expiry.stale(side.find(words)))
            known = side.find(words)
            expiry.write(known[known >= 0], side.slots_used)
        delta = side.apply(words, batch.diff, batch.sequence)
        expiry.write(delta.slots, side.slots_used)
        new = delta.slots[delta.before == 0]
        side.place(new, self._key_slots(side, new, keys))
        side.count(delta.slots, delta.change)
        return delta

    def _key_slots(self, side: JoinSide, rows: Int64Array, keys: tuple[int, ...]) -> Int64Array:
        words = side.words[rows]
        first = side.codec.null_words
        key_words = np.zeros((len(rows), self._key_width), np.int64)
        nulls = np.zeros((len(rows), len(keys)), np.bool_)
        for place, key in enumerate(keys):
            word, bit = divmod(key, NULLS_PER_WORD)
            nulls[:, place] = (words[:, word] >> bit) & 1
            key_words[:, place] = words[:, first + key]
        matchable = self._complete(key_words, nulls)
        key_words = key_words[matchable]
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

    def _probe(self, number: int, keys: Int64Array) -> tuple[Int64Array, Int64Array]:
        """(position in `keys`, row slot) for each row of a side with that join key whose time is not over."""
        probes, rows = self._sides[number].probe(keys)
        expiry = self._expiries[number]
        if not expiry:
            return probes, rows
        alive = ~expiry.expired(rows)
        return probes[alive], rows[alive]

    def _probe_left(self, delta: Delta) -> _Pairs:
        left, right = self._sides
        probes, rows = self._probe(0, right.keys.values[delta.slots])
        sequence = np.maximum(delta.sequence[probes], left.arrivals.values[rows])
        more, weights = delta.change[probes], left.weights.values[rows]
        # A row that was there before knows the matches that were there.
        right_more = np.where(delta.before[probes] == 0, weights, 0)
        return _Pairs(rows, delta.slots[probes], more * weights, sequence, more, right_more)

    def _probe_right(self, delta: Delta) -> _Pairs:
        left, right = self._sides
        probes, rows = self._probe(1, left.keys.values[delta.slots])
        sequence = np.maximum(delta.sequence[probes], right.arrivals.values[rows])
        more, weights = delta.change[probes], right.weights.values[rows]
        # The matches of a row that was there before are known already, and Δb has been added to them.
        left_more = np.where(delta.before[probes] == 0, weights, 0)
        return _Pairs(delta.slots[probes], rows, more * weights, sequence, left_more, more)

    def _matching(self, pairs: _Pairs, watermark: WatermarkSteps) -> _Pairs:
        """The pairs for which the residual condition is true."""
        if self._residual is None or not len(pairs.left):
            return pairs
        left, right = (
            self._decoded(side, rows) for side, rows in zip(self._sides, (pairs.left, pairs.right), strict=True)
        )
        frame = build_frame(self._relation.pair.fields, [*left, *right], len(pairs.left))
        holds = self._residual.holds(Batch(frame, pairs.sequence, watermark))
        return pairs.where(holds.to_numpy())

    def _changes(self, pairs: _Pairs, left_delta: Delta, right_delta: Delta) -> _Changes:
        """The change of the output: the pairs themselves, and the rows that cross over."""
        parts = []
        if self._kind.emits_right:
            made = pairs.where(pairs.change != 0)
            parts.append(_Changes(made.left, made.right, made.change, made.sequence))
        if self._counts_left:
            touched = self._touched(self._sides[0], left_delta, pairs.left, pairs.left_more, pairs.sequence)
            if self._relation.single:
                self._check_single(touched)
            if self._kind is JoinKind.MARK:
                parts.append(self._crossings(touched, matched=True, other=MARKED))
                parts.append(self._crossings(touched, matched=False, other=UNMARKED))
            elif self._kind is JoinKind.SEMI:
                parts.append(self._crossings(touched, matched=True))
            elif self._kind is not JoinKind.INNER:
                parts.append(self._crossings(touched, matched=False))
        if self._kind.keeps_right:
            touched = self._touched(self._sides[1], right_delta, pairs.right, pairs.right_more, pairs.sequence)
            padded = self._crossings(touched, matched=False)
            parts.append(padded._replace(left=padded.right, right=padded.left))
        return _Changes.together(parts)

    @staticmethod
    def _touched(side: JoinSide, delta: Delta, rows: Int64Array, more: Int64Array, sequence: Int64Array) -> _Touched:
        """Count the matches of a side's rows; what that makes of those that are touched."""
        size = len(delta.slots) + len(rows)
        touched, before, moments = (np.empty(size, np.int64) for _ in range(3))
        had = np.empty(size, np.bool_)
        base = side.take_marks(size)
        count = count_matches(
            delta.slots,
            delta.before,
            delta.sequence,
            rows,
            more,
            sequence,
            side.matches.values,
            side.weights.values,
            base,
            side.marks.values,
            touched,
            before,
            had,
            moments,
        )
        touched = touched[:count]
        has = side.matches.values[touched] > 0
        return _Touched(touched, before[:count], side.weights.values[touched], had[:count], has, moments[:count])

    @staticmethod
    def _crossings(touched: _Touched, *, matched: bool, other: int = NO_ROW) -> _Changes:
        change = touched.change_of(matched=matched)
        crossed = np.flatnonzero(change)
        others = np.full(len(crossed), other, np.int64)
        return _Changes(touched.rows[crossed], others, change[crossed], touched.sequence[crossed])

    def _check_single(self, touched: _Touched) -> None:
        if (self._sides[0].matches.values[touched.rows[touched.after > 0]] > 1).any():
            raise RiachoError(
                "a scalar subquery gave more than one row",
                mend="aggregate it, as in (SELECT MAX(x) FROM …), or compare with IN",
            )

    def _emit(self, made: _Changes, watermark: WatermarkSteps) -> Batch:
        """Each change as often as it happened, in order of sequence, what is retracted first."""
        if not len(made.left):
            return empty_batch(self._schema, watermark)
        rows = int(np.abs(made.change).sum())
        left, right, sequence = (np.empty(rows, np.int64) for _ in range(3))
        diff = np.empty(rows, np.int8)
        repeat_pairs(_in_order(made), made.left, made.right, made.change, made.sequence, left, right, sequence, diff)
        columns = self._decoded(self._sides[0], left)
        if self._kind.emits_right:
            columns += self._decoded(self._sides[1], right)
        elif self._kind is JoinKind.MARK:
            columns.append(Column("b", rows, (np.packbits(right == MARKED, bitorder="little"),)))
        frame = build_frame(self._schema.fields, columns, rows)
        return Batch(frame, sequence, watermark, diff if (diff < 0).any() else None)

    @staticmethod
    def _decoded(side: JoinSide, slots: Int64Array) -> list[Column | pl.Series]:
        """The columns of these rows; nulls for `NO_ROW`."""
        words = side.words[slots]
        missing = np.flatnonzero(slots == NO_ROW)
        if len(missing):
            words[missing, : side.codec.null_words] = np.iinfo(np.int64).max
            words[missing, side.codec.null_words :] = 0
            for word in side.codec.interned:
                words[missing, word] = NO_STRING
        return side.codec.decode(words)

    def _release(self, number: int, delta: Delta) -> None:
        """Let go of the rows that are gone, and of those that can never match."""
        side, expiry = self._sides[number], self._expiries[number]
        weights = side.weights.values[delta.slots]
        gone = weights == 0
        gone |= side.keys.values[delta.slots] == NO_KEY
        if expiry:  # a row that was forgotten may be retracted: nothing is left of that
            below = delta.slots[weights < 0]
            side.count(below, -side.weights.values[below])
            gone |= weights < 0
        self._let_go(side, expiry, np.concatenate((delta.slots[gone], delta.dropped)))

    def _forget(self, side: JoinSide, expiry: Expiry, slots: Int64Array) -> None:
        """Let go of rows whose time is over; what they were joined to stays as it is, as in Flink."""
        if len(slots):
            side.count(slots, -side.weights.values[slots])
            self._let_go(side, expiry, slots)

    def _let_go(self, side: JoinSide, expiry: Expiry, slots: Int64Array) -> None:
        if not len(slots):
            return
        keys = side.keys.values[slots]
        keys = keys[keys != NO_KEY]
        side.release(slots)
        expiry.forget(slots)
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
            **prefixed("left_expiry", self._expiries[0].snapshot(left.slots_used)),
            **prefixed("right_expiry", self._expiries[1].snapshot(right.slots_used)),
        }

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        self._pool.restore(section("strings", state))
        self._index.restore(section("keys", state))
        self._population.load(state["population"])
        for side, expiry, name in zip(self._sides, self._expiries, ("left", "right"), strict=True):
            side.restore(section(name, state))
            expiry.restore(section(f"{name}_expiry", state), side.slots_used)

    @property
    def state_bytes(self) -> int:
        states = sum(part.bytes for part in (self._pool, self._index, self._population))
        return states + sum(side.bytes for side in self._sides) + sum(expiry.bytes for expiry in self._expiries)

    @property
    def late_rows(self) -> int:
        return 0


def _in_order(made: _Changes) -> Int64Array:
    """The order by sequence, what is retracted first."""
    low = int(made.sequence.min())
    moments = int(made.sequence.max()) - low + 1
    if moments > SPARSE_MOMENTS * len(made.sequence):
        return np.lexsort((made.change > 0, made.sequence))
    order = np.empty(len(made.sequence), np.int64)
    order_by_moment(made.sequence, made.change, low, np.zeros(2 * moments + 1, np.int64), order)
    return order
