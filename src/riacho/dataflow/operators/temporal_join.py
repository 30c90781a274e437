"""Temporal joins by row time: each left row meets the version of the right row that stood at its time.

Flink: TemporalJoin (TemporalRowTimeJoinOperator).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from riacho.dataflow.batch import NO_WATERMARK, Batch, Int64Array, WatermarkSteps
from riacho.dataflow.columns import integers
from riacho.dataflow.expressions import Settings
from riacho.dataflow.operator import StateArrays
from riacho.dataflow.operators.batches import empty_batch
from riacho.dataflow.operators.pair_condition import PairCondition
from riacho.dataflow.operators.watermark import MICROSECONDS
from riacho.dataflow.state.arena import Growable
from riacho.dataflow.state.expiry import Expiry
from riacho.dataflow.state.given_rows import OutputRows
from riacho.dataflow.state.join_keys import JoinKeys
from riacho.dataflow.state.snapshots import prefixed, section
from riacho.dataflow.state.timed_rows import NO_TIME, TimedRows
from riacho.kernels.keys import NO_KEY
from riacho.kernels.sessions import chained_rows
from riacho.kernels.versions import find_outdated, find_versions
from riacho.plan.changelog import is_updating
from riacho.plan.relations import Join, JoinKind, Versions

NO_ROW = -1
"""The right row of a left row without a match."""

SWEPT_ROWS = 1024
"""Versions that come before it is looked for outdated ones, and as many more as are kept."""


class TemporalJoinOperator:
    """Holds left rows until the watermark reaches their time; keeps the versions that later rows can ask for.

    A row of the right input stands from its row time on, until the next one of its key; one that is deleted is no
    version any more, from its own time on. Of an update the new row alone counts. A key's time to live begins anew with
    each of its rows, on either side; then its versions are forgotten, and so are the left rows that wait.
    """

    def __init__(self, relation: Join, settings: Settings) -> None:
        assert isinstance(relation.time, Versions)
        assert not is_updating(relation.left), "the rows that look are only added"
        self._relation = relation
        self._schema = relation.schema
        self._output_rows = OutputRows(relation.schema.fields, [len(each.schema) for each in relation.inputs])
        self._time = relation.time
        self._keeps_left = relation.kind is JoinKind.LEFT
        self._keys = JoinKeys([relation.left.schema[key].type for key in relation.left_keys])
        self._left = TimedRows(relation.left.schema.fields)
        self._right = TimedRows(relation.right.schema.fields)
        self._deleted = Growable(np.int64)
        self._since_sweep = 0
        self._expiry = Expiry(settings.clock, settings.state_ttl_ms)
        self._condition = None
        if relation.residual is not None:
            self._condition = PairCondition(relation, self._left.store, self._right.store, settings)

    def process(self, inputs: tuple[Batch, ...]) -> Batch:
        watermark = inputs[0].watermark
        self._expiry.begin()
        self._expire(self._expiry.sweep(self._keys.slots_used))
        self._add_versions(inputs[1], watermark)
        self._hold(inputs[0], watermark)
        due = self._due(watermark)
        output = self._emit(due, watermark)
        if len(due):
            self._keys.release(self._left["keys"][due])
            self._left["keys"][due] = NO_KEY
            self._left.store.release(due)
            self._left.store.end_pass()
        self._forget(watermark)
        return output

    def _hold(self, batch: Batch, watermark: WatermarkSteps) -> None:
        if not len(batch):
            return
        times = _times(batch, self._time.left_time)
        keys = self._keys_of(batch, self._relation.left_keys)
        slots = self._left.add(batch.rows, times, batch.sequence, watermark.seen_by(batch.sequence))
        self._left["keys"][slots] = keys
        self._right.reserve_keys(self._keys.slots_used)

    def _add_versions(self, batch: Batch, watermark: WatermarkSteps) -> None:
        if not len(batch):
            return
        keys = self._keys_of(batch, self._relation.right_keys)
        times = _times(batch, self._time.right_time)
        slots = self._right.add(batch.rows, times, batch.sequence, watermark.seen_by(batch.sequence))
        added = batch.signs() > 0
        # An old row beside a new one of its key is an update; alone it is a deletion.
        moment = (batch.sequence - batch.sequence[0]) * (self._keys.slots_used + 1) + keys
        counts = added | ~np.isin(moment, moment[added])
        self._deleted.reserve(self._right.store.slots_used)
        self._deleted.values[slots] = ~added
        self._right.chain(slots, np.where(counts, keys, NO_KEY), self._keys.slots_used)
        self._keys.release(keys[~counts])
        self._right.release(slots[~counts | (keys == NO_KEY)])
        self._right.store.end_pass()
        self._since_sweep += len(batch)

    def _keys_of(self, batch: Batch, columns: tuple[int, ...]) -> Int64Array:
        """The slots of the rows' keys, which live on; those whose time was over begin anew."""
        keys = self._keys.add(batch, columns)
        if self._expiry:
            known = np.unique(keys[keys != NO_KEY])
            written = self._expiry.written(self._keys.slots_used)[known]
            self._expire(known[(written > 0) & (written <= self._expiry.limit)])
            self._expiry.write(known, self._keys.slots_used)
        return keys

    def _expire(self, keys: Int64Array) -> None:
        """Let go of the rows of keys whose time to live is over."""
        if not len(keys):
            return
        left, right = self._left, self._right
        right.reserve_keys(self._keys.slots_used)
        places, versions = np.empty((2, len(right.store)), np.int64)
        versions = versions[: chained_rows(keys, right["heads"], right["nexts"], places, versions)]
        self._keys.release(right["keys"][versions])
        right.release(versions)
        right.store.end_pass()
        waiting = left.store.live()
        waiting = waiting[np.isin(left["keys"][waiting], keys)]
        self._keys.release(left["keys"][waiting])
        left["keys"][waiting] = NO_KEY
        left.store.release(waiting)
        left.store.end_pass()
        self._expiry.forget(keys)

    def _due(self, watermark: WatermarkSteps) -> Int64Array:
        """The left rows whose time the watermark has reached, in order of arrival."""
        if watermark.after == NO_WATERMARK:
            return np.empty(0, np.int64)
        due = self._left.expired(watermark.after, inclusive=True)
        ordered: Int64Array = due[np.argsort(self._left["arrivals"][due], kind="stable")]
        return ordered

    def _emit(self, due: Int64Array, watermark: WatermarkSteps) -> Batch:
        if not len(due):
            return empty_batch(self._schema, watermark)
        left, right = self._left, self._right
        times, arrivals, seen = (left[name][due] for name in ("times", "arrivals", "seen"))
        moments = self._moments(times, arrivals, seen, watermark)
        found = np.empty(len(due), np.int64)
        find_versions(
            left["keys"][due],
            times,
            moments,
            seen,
            right["heads"],
            right["nexts"],
            right["times"],
            right["arrivals"],
            found,
        )
        standing = np.flatnonzero(found >= 0)
        found[standing[self._deleted.values[found[standing]] == 1]] = NO_ROW
        found = self._matching(due, found, moments, watermark)
        chosen = np.arange(len(due)) if self._keeps_left else np.flatnonzero(found != NO_ROW)
        chosen = chosen[np.argsort(moments[chosen], kind="stable")]
        if not len(chosen):
            return empty_batch(self._schema, watermark)
        parts = [left.store.give(due[chosen]), right.store.give(found[chosen])]
        return Batch(self._output_rows.rows(parts, len(chosen)), moments[chosen], watermark)

    @staticmethod
    def _moments(times: Int64Array, arrivals: Int64Array, seen: Int64Array, watermark: WatermarkSteps) -> Int64Array:
        """When the watermark reached each row's time; when it came, where it had before."""
        moments: Int64Array = arrivals.copy()
        waited = np.flatnonzero((times > seen) & (times > watermark.before))
        moments[waited] = watermark.sequence[np.searchsorted(watermark.value, times[waited], side="left")]
        return np.maximum(moments, arrivals)

    def _matching(
        self, due: Int64Array, found: Int64Array, moments: Int64Array, watermark: WatermarkSteps
    ) -> Int64Array:
        """The versions for which the residual condition is true; `NO_ROW` for the others."""
        paired = np.flatnonzero(found != NO_ROW)
        if self._condition is None or not len(paired):
            return found
        order = paired[np.argsort(moments[paired], kind="stable")]
        kept = order[self._condition.kept(due[order], found[order], moments[order], watermark)]
        matching = np.full(len(found), NO_ROW, np.int64)
        matching[kept] = found[kept]
        return matching

    def _forget(self, watermark: WatermarkSteps) -> None:
        """Let go of versions that no later row can ask for, from time to time."""
        right = self._right
        if watermark.after == NO_WATERMARK or self._since_sweep <= SWEPT_ROWS + len(right.store) // 2:
            return
        self._since_sweep = 0
        live = right.store.live()
        outdated = np.empty(len(live), np.int64)
        count = find_outdated(
            live,
            right["keys"],
            watermark.after,
            right["heads"],
            right["nexts"],
            right["times"],
            right["arrivals"],
            outdated,
        )
        gone = outdated[:count]
        self._keys.release(right["keys"][gone])
        right.release(gone)
        right.store.end_pass()

    def snapshot(self) -> StateArrays:
        return {
            "deleted": self._deleted.copy(self._right.store.slots_used),
            "since_sweep": np.array([self._since_sweep]),
            **prefixed("expiry", self._expiry.snapshot(self._keys.slots_used)),
            **prefixed("keys", self._keys.snapshot()),
            **prefixed("left", self._left.snapshot()),
            **prefixed("right", self._right.snapshot()),
        }

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        self._deleted.load(state["deleted"])
        self._since_sweep = int(state["since_sweep"][0])
        self._keys.restore(section("keys", state))
        self._left.restore(section("left", state))
        self._right.restore(section("right", state))
        self._expiry.restore(section("expiry", state), self._keys.live())

    @property
    def state_bytes(self) -> int:
        return self._keys.bytes + self._left.bytes + self._right.bytes + self._deleted.bytes + self._expiry.bytes

    @property
    def late_rows(self) -> int:
        return 0


def _times(batch: Batch, column: int) -> Int64Array:
    """The rows' times in milliseconds; `NO_TIME` for null."""
    time = batch.frame.to_series(column)
    times: Int64Array = integers(time).fill_null(0).to_numpy() // MICROSECONDS
    return np.where(time.is_null().to_numpy(), NO_TIME, times) if time.null_count() else times
