"""The first row of each key by row time, given out once, when the watermark has reached it. Flink: Deduplicate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from riacho.dataflow.batch import Batch, Int64Array, WatermarkSteps
from riacho.dataflow.expressions import Settings
from riacho.dataflow.operator import StateArrays
from riacho.dataflow.operators.batches import empty_batch
from riacho.dataflow.operators.watermark import MICROSECONDS
from riacho.dataflow.state.arena import Growable
from riacho.dataflow.state.expiry import Expiry
from riacho.dataflow.state.given_rows import OutputRows
from riacho.dataflow.state.leaf_words import OrderWords
from riacho.dataflow.state.partitions import Partitions
from riacho.dataflow.state.rows import Located, RowStore
from riacho.dataflow.state.snapshots import prefixed, section
from riacho.kernels.deduplicate import CHOSEN, DECISION_LINES, KEPT_ROW, KEPT_WORDS, REPLACED, decide_rows
from riacho.plan.ordering import SortKey
from riacho.plan.relations import Deduplicate

GIVEN_OUT: Final = 2**62
"""In place of the row of a key: it has been given out."""

BEFORE_ALL: Final = -(2**63)
"""The words of the order of such a key: no row comes before it."""


class FirstInTimeOperator:
    """Keeps the first row of each key until the watermark reaches its time, and then only that it was given out.

    Rule: a row behind the watermark before it is late: dropped, and counted. Of the others of a key the earliest, of
    equal times the first to come, comes out at the step of the watermark that reaches its time; later rows change
    nothing. Flink: RowTimeDeduplicateKeepFirstRowFunction.
    """

    def __init__(self, relation: Deduplicate, settings: Settings) -> None:
        schema = relation.input.schema
        self._schema = relation.schema
        self._keys = Partitions(schema, relation.key)
        self._rows = RowStore(schema.fields)
        self._output_rows = OutputRows(relation.schema.fields, [len(schema)])
        self._order = OrderWords(schema, [SortKey(relation.time)])
        self._kept = Growable(np.int64, width=KEPT_WORDS + self._order.width)
        self._came = Growable(np.int64)
        """The sequence number of the row of each key."""
        self._waiting: Int64Array = np.empty(0, np.int64)
        """The keys whose rows wait for the watermark."""
        self._expiry = Expiry(settings.clock, settings.state_ttl_ms)
        self._late = 0

    def process(self, inputs: tuple[Batch, ...]) -> Batch:
        (batch,) = inputs
        assert batch.diff is None, "what is deduplicated is only added to"
        if self._expiry:
            self._expiry.begin()
            self._forget(self._expiry.sweep(self._keys.slots_used))
        if len(batch):
            self._take(batch)
        output = self._give_out(batch.watermark)
        self._rows.end_pass()
        self._keys.end_pass()
        return output

    def _take(self, batch: Batch) -> None:
        located = self._rows.locate(batch.rows)
        words = self._order.read(located)
        timely = np.flatnonzero(words[:, -1] // MICROSECONDS >= batch.watermark.seen_by(batch.sequence))
        if len(timely) < len(batch):
            self._late += len(batch) - len(timely)
            if not len(timely):
                return
            batch = batch.take(timely)
            located = self._rows.locate(batch.rows)
            words = words[timely]
        self._decide(batch, located, words)

    def _decide(self, batch: Batch, located: Located, words: Int64Array) -> None:
        if self._expiry:
            self._forget(self._expiry.stale(self._keys.known(batch.rows, located)))
        partitions, _ = self._keys.find(batch.rows, located)
        for part in (self._kept, self._came):
            part.reserve(self._keys.slots_used)
        decided = np.empty((DECISION_LINES, len(batch)), np.int64)
        count = decide_rows(partitions, words, 0, self._kept.values, decided)
        chosen, replaced = decided[CHOSEN, :count], decided[REPLACED, :count]
        slots = self._rows.keep_located(located, chosen)
        keys = partitions[chosen]
        self._kept.values[keys, KEPT_ROW] = slots + 1
        self._came.values[keys] = batch.sequence[chosen]
        self._rows.release(replaced[replaced >= 0])
        self._waiting = np.concatenate((self._waiting, keys[replaced < 0]))

    def _give_out(self, watermark: WatermarkSteps) -> Batch:
        """The rows that steps of the watermark reach, after they came themselves."""
        if not len(self._waiting) or not len(watermark.sequence):
            return empty_batch(self._schema, watermark)
        times, came = self._kept.values[self._waiting, -1] // MICROSECONDS, self._came.values[self._waiting]
        step = np.maximum(np.searchsorted(watermark.value, times), np.searchsorted(watermark.sequence, came))
        due = step < len(watermark.sequence)
        if not due.any():
            return empty_batch(self._schema, watermark)
        order = np.flatnonzero(due)
        order = order[np.lexsort((came[order], times[order], step[order]))]
        keys = self._waiting[order]
        slots = self._kept.values[keys, KEPT_ROW] - 1
        rows = self._output_rows.rows([self._rows.give(slots)], len(slots))
        self._rows.release(slots)
        self._kept.values[keys, KEPT_ROW] = GIVEN_OUT
        self._kept.values[keys, KEPT_WORDS:] = BEFORE_ALL
        self._expiry.write(keys, self._keys.slots_used)
        self._waiting = self._waiting[~due]
        return Batch(rows, watermark.sequence[step[order]], watermark)

    def _forget(self, keys: Int64Array) -> None:
        """Let go of keys whose rows were given out long ago; a row that waits does not expire."""
        keys = keys[self._kept.values[keys, KEPT_ROW] == GIVEN_OUT]
        if len(keys):
            self._kept.values[keys] = 0
            self._keys.release(keys)
            self._expiry.forget(keys)

    def snapshot(self) -> StateArrays:
        used = self._keys.slots_used
        return {
            **prefixed("keys", self._keys.snapshot()),
            **prefixed("expiry", self._expiry.snapshot(used)),
            **prefixed("rows", self._rows.snapshot()),
            "kept": self._kept.copy(used),
            "came": self._came.copy(used),
            "waiting": self._waiting,
            "late": np.array([self._late], np.int64),
        }

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        self._keys.restore(section("keys", state))
        self._expiry.restore(section("expiry", state), self._keys.live())
        self._rows.restore(section("rows", state))
        self._kept.load(state["kept"])
        self._came.load(state["came"])
        self._waiting, self._late = state["waiting"], int(state["late"][0])

    @property
    def state_bytes(self) -> int:
        parts = (self._keys, self._rows, self._kept, self._came, self._expiry)
        return sum(part.bytes for part in parts) + self._waiting.nbytes

    @property
    def late_rows(self) -> int:
        return self._late
