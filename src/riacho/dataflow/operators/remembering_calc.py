"""Functions that give another result at each evaluation, over rows that change: each row's result is remembered.

Source: Flink, "Determinism in Continuous Queries": so that −U equals the earlier +U.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from riacho.dataflow.batch import Batch, Int64Array
from riacho.dataflow.operator import StateArrays
from riacho.dataflow.operators.batches import empty_batch
from riacho.dataflow.operators.calc import Calc
from riacho.dataflow.state.arena import Growable
from riacho.dataflow.state.key_index import KeyIndex
from riacho.dataflow.state.snapshots import prefixed, section
from riacho.dataflow.state.strings import StringPool
from riacho.dataflow.state.words import RowCodec, build_frame
from riacho.kernels.remember import UNKNOWN, remember_results
from riacho.plan.relations import Schema


class RememberingCalc:
    """Computes a row once, when it is added; when it goes, what was computed then goes, too.

    Delta rule: f(Δ⁺) − what f gave for Δ⁻. Of equal rows the newest goes first. That a row was filtered away is
    remembered as well.
    """

    def __init__(self, calc: Calc, below: Schema, schema: Schema) -> None:
        self._calc = calc
        self._schema = schema
        self._pool = StringPool()
        self._row_codec = RowCodec(below.fields, self._pool)
        self._result_codec = RowCodec(schema.fields, self._pool)
        self._rows = KeyIndex(self._row_codec.width)
        self._tails = Growable(np.int64)
        self._results = Growable(np.int64, width=self._result_codec.width)
        self._present, self._previous = Growable(np.int64), Growable(np.int64)
        self._free = np.empty(0, np.int64)
        self._used = 0

    def process(self, inputs: tuple[Batch, ...]) -> Batch:
        (batch,) = inputs
        if not len(batch):
            return empty_batch(self._schema, batch.watermark)
        signs = batch.signs()
        added = np.flatnonzero(signs > 0)
        computed, places = self._computed(batch, added)
        given = self._take_slots(len(added))
        self._store(given, computed.frame, np.searchsorted(added, places))
        words = self._row_codec.encode(batch.frame.get_columns(), len(batch))
        rows, new_rows = self._rows.upsert(words)
        self._row_codec.retain(words[new_rows])
        self._tails.reserve(self._rows.slots_used)
        self._tails.values[rows[new_rows]] = 0
        results = np.empty(len(batch), np.int64)
        remember_results(rows, signs, given, self._tails.values, self._previous.values, results)
        removed = np.flatnonzero(signs < 0)
        known = removed[results[removed] != UNKNOWN]
        shown = known[self._present.values[results[known]] == 1]
        stored = self._result_codec.decode(self._results.values[results[shown]])
        unknown, unknown_places = self._computed(batch, removed[results[removed] == UNKNOWN])
        frames = [computed.frame, build_frame(self._schema.fields, stored, len(shown)), unknown.frame]
        output = self._together(batch, frames, np.concatenate((places, shown, unknown_places)))
        self._let_go(results[known], np.unique(rows))
        return output

    def _computed(self, batch: Batch, rows: Int64Array) -> tuple[Batch, Int64Array]:
        """What these rows give now, and the rows that are not filtered away."""
        # A batch's splits follow its rows through filters, and mean nothing in a calc.
        marked = replace(batch.take(rows), split=np.arange(len(rows), dtype=np.int32))
        computed = self._calc.process((marked,))
        assert computed.split is not None
        return computed, rows[computed.split]

    def _together(self, batch: Batch, frames: list[pl.DataFrame], places: Int64Array) -> Batch:
        order = np.argsort(places, kind="stable")
        places = places[order]
        diff = batch.signs()[places]
        return Batch(
            pl.concat([frame.select(self._schema.names) for frame in frames])[order],
            batch.sequence[places],
            batch.watermark,
            None if (diff > 0).all() else diff,
            None if batch.split is None else batch.split[places],
        )

    def _take_slots(self, count: int) -> Int64Array:
        """Slots for so many results."""
        reused = min(len(self._free), count)
        self._free, taken = np.split(self._free, [len(self._free) - reused])
        slots = np.concatenate((taken, np.arange(self._used, self._used + count - reused)))
        self._used += count - reused
        for part in (self._results, self._present, self._previous):
            part.reserve(self._used)
        return slots

    def _store(self, slots: Int64Array, frame: pl.DataFrame, places: Int64Array) -> None:
        """Keep the rows of a frame in those of the slots that `places` says; the others hold nothing."""
        self._present.values[slots] = 0
        words = self._result_codec.encode(frame.get_columns(), frame.height)
        self._result_codec.retain(words)
        self._results.values[slots[places]] = words
        self._present.values[slots[places]] = 1

    def _let_go(self, results: Int64Array, rows: Int64Array) -> None:
        shown = results[self._present.values[results] == 1]
        self._result_codec.release(self._results.values[shown])
        self._free = np.concatenate((self._free, results))
        gone = rows[self._tails.values[rows] == 0]
        self._row_codec.release(self._rows.keys[gone])
        self._rows.release(gone)
        self._pool.collect()

    def snapshot(self) -> StateArrays:
        return {
            "tails": self._tails.copy(self._rows.slots_used),
            "results": self._results.copy(self._used),
            "present": self._present.copy(self._used),
            "previous": self._previous.copy(self._used),
            "free": self._free.copy(),
            **prefixed("strings", self._pool.snapshot()),
            **prefixed("rows", self._rows.snapshot()),
        }

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        self._tails.load(state["tails"])
        self._results.load(state["results"])
        self._present.load(state["present"])
        self._previous.load(state["previous"])
        self._free = state["free"].copy()
        self._used = len(state["present"])
        self._pool.restore(section("strings", state))
        self._rows.restore(section("rows", state))

    @property
    def state_bytes(self) -> int:
        parts = (self._pool, self._rows, self._tails, self._results, self._present, self._previous)
        return sum(part.bytes for part in parts) + self._free.nbytes

    @property
    def late_rows(self) -> int:
        return 0
