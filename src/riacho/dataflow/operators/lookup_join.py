"""Lookup joins: Δa ⋈ B with B as it is when a row is processed. Flink: LookupJoin, with the cache FULL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from riacho.dataflow.batch import END_OF_TIME, Batch, Int64Array, WatermarkSteps
from riacho.dataflow.expressions import Predicate, Settings
from riacho.dataflow.operator import StateArrays
from riacho.dataflow.operators.batches import concatenate, empty_batch
from riacho.dataflow.state.arena import Growable
from riacho.dataflow.state.key_index import KeyIndex
from riacho.dataflow.state.rows import RowStore
from riacho.dataflow.state.snapshots import prefixed, section
from riacho.dataflow.state.strings import StringPool
from riacho.dataflow.state.words import encode, is_interned
from riacho.dataflow.watermark import BEFORE_ALL_ROWS
from riacho.formats.arrow import Column, to_frame
from riacho.kernels.join import append_rows, probe_chains
from riacho.plan.changelog import is_updating
from riacho.plan.relations import Join, JoinKind

NO_ROW = -1
"""The right row of a left row without a match."""


class LookupJoinOperator:
    """Reads the right table, which ends, before it lets a left row pass; then each left row meets its rows.

    Left rows that come earlier are held, and pass at the moment at which the table has been read.
    """

    def __init__(self, relation: Join, settings: Settings) -> None:
        left, right = relation.left.schema, relation.right.schema
        assert not is_updating(relation.right), "a table that is looked up is only added to"
        self._relation = relation
        self._schema = relation.schema
        self._keeps_left = relation.kind is JoinKind.LEFT
        self._types = [left[key].type for key in relation.left_keys]
        self._pool = StringPool()
        self._index = KeyIndex(max(1, len(self._types)))
        self._rows = RowStore(right.fields)
        self._chains = {name: Growable(np.int64) for name in ("heads", "tails", "nexts", "previous")}
        self._loaded = False
        self._held = RowStore(left.fields)
        self._held_diff = Growable(np.int8)
        self._held_rows = 0
        self._residual = None
        if relation.residual is not None:
            self._residual = Predicate(relation.residual, relation.pair, settings)

    def process(self, inputs: tuple[Batch, ...]) -> Batch:
        left, right = inputs
        if len(right):
            self._load(right)
        if not self._loaded:
            if right.watermark.after != END_OF_TIME:
                self._hold(left)
                return empty_batch(self._schema, WatermarkSteps.still())
            self._loaded = True
            left = self._with_held(left, right.watermark)
        return self._joined(left)

    def _load(self, batch: Batch) -> None:
        words, complete = self._key_words(batch, self._relation.right_keys)
        found, new_rows = self._index.upsert(words[complete])
        self._pool.retain(self._interned(words[complete][new_rows]))
        keys = np.full(len(batch), -1, np.int64)
        keys[complete] = found
        slots = self._rows.keep(batch.frame)
        self._rows.end_pass()
        for name, part in self._chains.items():
            part.reserve(self._index.slots_used if name in ("heads", "tails") else self._rows.slots_used)
        append_rows(slots, keys, *(part.values for part in self._chains.values()))

    def _key_words(self, batch: Batch, columns: tuple[int, ...]) -> tuple[Int64Array, Int64Array]:
        """The words of each row's key, and the rows without a null in it, which alone can match."""
        words = np.zeros((len(batch), max(1, len(columns))), np.int64)
        complete = np.ones(len(batch), np.bool_)
        for place, (column, kind) in enumerate(zip(columns, self._types, strict=True)):
            words[:, place], valid = encode(batch.frame.to_series(column), kind, self._pool)
            if valid is not None:
                complete &= valid
        return words, np.flatnonzero(complete)

    def _interned(self, words: Int64Array) -> Int64Array:
        return words[:, [place for place, kind in enumerate(self._types) if is_interned(kind)]]

    # ---- rows that came before the table was read -------------------------------------------------------------

    def _hold(self, batch: Batch) -> None:
        if not len(batch):
            return
        self._held.keep(batch.frame)
        self._held.end_pass()
        self._held_diff.reserve(self._held_rows + len(batch))
        self._held_diff.values[self._held_rows : self._held_rows + len(batch)] = batch.signs()
        self._held_rows += len(batch)

    def _with_held(self, batch: Batch, ended: WatermarkSteps) -> Batch:
        """The rows that were held and those of the batch, none before the moment at which the table had been read."""
        moment = int(ended.sequence[-1]) if len(ended.sequence) else BEFORE_ALL_ROWS
        slots = np.arange(self._held_rows)
        held = Batch(
            self._held.frame(slots),
            np.full(self._held_rows, moment, np.int64),
            batch.watermark,
            self._held_diff.values[: self._held_rows].copy(),
        )
        self._held.release(slots)
        self._held_rows = 0
        late = Batch(batch.frame, np.maximum(batch.sequence, moment), batch.watermark, batch.diff)
        steps = batch.watermark
        level = int(steps.seen_by(np.array([moment + 1]))[0])
        after = steps.sequence > moment
        watermark = WatermarkSteps(
            WatermarkSteps.still().before,
            np.concatenate((np.array([moment], np.int64), steps.sequence[after])),
            np.concatenate((np.array([level], np.int64), steps.value[after])),
        )
        if level == watermark.before:
            watermark = WatermarkSteps(level, watermark.sequence[1:], watermark.value[1:])
        return concatenate([held, late], self._relation.left.schema.names, watermark)

    # ---- the join ---------------------------------------------------------------------------------------------

    def _joined(self, batch: Batch) -> Batch:
        if not len(batch):
            return empty_batch(self._schema, batch.watermark)
        words, complete = self._key_words(batch, self._relation.left_keys)
        keys = np.full(len(batch), -1, np.int64)
        keys[complete] = self._index.find(words[complete])
        self._pool.collect()
        probes, rows = np.empty(len(batch), np.int64), np.empty(len(batch), np.int64)
        heads, nexts = self._chains["heads"].values, self._chains["nexts"].values
        count = probe_chains(keys, heads, nexts, probes, rows)
        if count > len(batch):
            probes, rows = np.empty(count, np.int64), np.empty(count, np.int64)
            probe_chains(keys, heads, nexts, probes, rows)
        probes, rows = self._matching(batch, probes[:count], rows[:count])
        if self._keeps_left:
            alone = np.ones(len(batch), np.bool_)
            alone[probes] = False
            probes = np.concatenate((probes, np.flatnonzero(alone)))
            rows = np.concatenate((rows, np.full(int(alone.sum()), NO_ROW, np.int64)))
            order = np.argsort(probes, kind="stable")
            probes, rows = probes[order], rows[order]
        if not len(probes):
            return empty_batch(self._schema, batch.watermark)
        taken = batch if len(probes) == len(batch) and (np.diff(probes) == 1).all() else batch.take(probes)
        return taken.with_frame(self._frame(taken.frame, rows, self._schema.names))

    def _matching(self, batch: Batch, probes: Int64Array, rows: Int64Array) -> tuple[Int64Array, Int64Array]:
        """The pairs for which the residual condition is true."""
        if self._residual is None or not len(probes):
            return probes, rows
        taken = batch.take(probes)
        frame = self._frame(taken.frame, rows, self._relation.pair.names)
        holds = self._residual.holds(taken.with_frame(frame)).to_numpy()
        return probes[holds], rows[holds]

    def _frame(self, left: pl.DataFrame, rows: Int64Array, names: tuple[str, ...]) -> pl.DataFrame:
        """Left rows beside right ones, under these names."""
        width = left.width
        columns = self._rows.columns(rows)
        crossing = [(name, part) for name, part in zip(names[width:], columns, strict=True) if isinstance(part, Column)]
        made = to_frame(crossing, len(rows)).get_columns() if crossing else []
        series = {item.name: item for item in made}
        series |= {n: part for n, part in zip(names[width:], columns, strict=True) if isinstance(part, pl.Series)}
        before = [column.alias(name) for column, name in zip(left.get_columns(), names, strict=False)]
        return pl.DataFrame([*before, *(series[name].alias(name) for name in names[width:])])

    # ---- state ------------------------------------------------------------------------------------------------

    def snapshot(self) -> StateArrays:
        keys, rows = self._index.slots_used, self._rows.slots_used
        return {
            "loaded": np.array([self._loaded]),
            "held_diff": self._held_diff.copy(self._held_rows),
            **{name: part.copy(keys if name in ("heads", "tails") else rows) for name, part in self._chains.items()},
            **prefixed("strings", self._pool.snapshot()),
            **prefixed("keys", self._index.snapshot()),
            **prefixed("rows", self._rows.snapshot()),
            **prefixed("held", self._held.snapshot()),
        }

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        self._loaded = bool(state["loaded"][0])
        self._held_diff.load(state["held_diff"])
        self._held_rows = len(state["held_diff"])
        for name, part in self._chains.items():
            part.load(state[name])
        self._pool.restore(section("strings", state))
        self._index.restore(section("keys", state))
        self._rows.restore(section("rows", state))
        self._held.restore(section("held", state))

    @property
    def state_bytes(self) -> int:
        chains = sum(part.bytes for part in self._chains.values())
        parts = (self._pool, self._index, self._rows, self._held, self._held_diff)
        return chains + sum(part.bytes for part in parts)

    @property
    def late_rows(self) -> int:
        return 0
