"""Joins of added rows whose times are near: Δa ⋈ B + A ⋈ Δb + Δa ⋈ Δb, forgotten as time goes by.

Flink: IntervalJoin (RowTimeIntervalJoin, ProcTimeIntervalJoin).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from riacho.dataflow.batch import END_OF_TIME, NO_WATERMARK, Batch, Int64Array, WatermarkSteps
from riacho.dataflow.expressions import Settings
from riacho.dataflow.operator import StateArrays
from riacho.dataflow.operators.batches import empty_batch
from riacho.dataflow.operators.interval_time import IntervalTime, Moments, RowTimes
from riacho.dataflow.operators.pair_condition import PairCondition
from riacho.dataflow.state.given_rows import OutputRows
from riacho.dataflow.state.join_keys import JoinKeys
from riacho.dataflow.state.snapshots import prefixed, section
from riacho.dataflow.state.timed_rows import NO_TIME, TimedRows
from riacho.kernels.interval_join import probe_intervals
from riacho.plan.relations import Interval, Join

NO_ROW = -1
"""The other side of a row without a match."""

SWEPT_ROWS = 1024
"""Rows that come before it is looked for some to forget, and as many more as are kept."""

NEVER = 2**63 - 1
"""The end of no row's time."""


class IntervalJoinOperator:
    """Keeps rows until the watermark, or the clock, says that no partner in time can come any more.

    By row time a row that comes late still meets the rows that are kept for others, and rows come out behind the
    watermark by as much as the interval is wide, so that the watermark that goes out is held back by that. By the clock
    a row's time is the moment at which it comes. An outer join gives a row without a partner when it is forgotten; at
    the end of the input event time is over, but the clock is not.
    """

    def __init__(self, relation: Join, settings: Settings) -> None:
        assert isinstance(relation.time, Interval)
        self._relation = relation
        self._schema = relation.schema
        self._output_rows = OutputRows(relation.schema.fields, [len(each.schema) for each in relation.inputs])
        self._interval = interval = relation.time
        self._kept = -interval.lower, interval.upper
        """How long beyond its time a row of either side is kept."""
        self._time: IntervalTime = Moments(settings.clock)
        if interval.event_time:
            self._time = RowTimes((interval.left_time, interval.right_time), max(*self._kept, 0) + 1)
        self._next_end = NEVER
        """Before this moment no kept row's time is over."""
        self._padded = relation.kind.keeps_left, relation.kind.keeps_right
        self._grace = 0
        """How long after its end a row whose going does not show may stay, so that it is not looked for too often."""
        if not any(self._padded):  # a row that comes long after its end would have all of them looked through
            self._grace = NEVER if interval.event_time else max(sum(self._kept), 0) // 2
        self._keys = JoinKeys([relation.left.schema[key].type for key in relation.left_keys])
        self._sides = TimedRows(relation.left.schema.fields), TimedRows(relation.right.schema.fields)
        self._since_sweep = 0
        self._condition = None
        if relation.residual is not None:
            self._condition = PairCondition(relation, self._sides[0].store, self._sides[1].store, settings)

    def process(self, inputs: tuple[Batch, ...]) -> Batch:
        watermark = inputs[0].watermark
        held_back = self._time.held_back(watermark)
        time = self._time.steps(inputs, watermark)
        left, right = self._sides
        # A ⋈ Δb with A as it was, then Δa ⋈ (B + Δb).
        new_right = self._add(1, inputs[1], time)
        pairs = [self._probe(1, new_right)[::-1]]
        new_left = self._add(0, inputs[0], time)
        pairs.append(self._probe(0, new_left))
        lefts, rights = (np.concatenate(parts) for parts in zip(*pairs, strict=True))
        moments = np.maximum(left["arrivals"][lefts], right["arrivals"][rights])
        lefts, rights, moments = self._matching(lefts, rights, moments, watermark)
        left["matched"][lefts] = 1
        right["matched"][rights] = 1
        parts = [(lefts, rights, moments)]
        dying = self._dying(time, len(new_left) + len(new_right))
        for number, slots in enumerate(dying):
            if self._padded[number]:
                alone = slots[self._sides[number]["matched"][slots] == 0]
                nothing = np.full(len(alone), NO_ROW, np.int64)
                sides = (alone, nothing) if number == 0 else (nothing, alone)
                parts.append((*sides, self._end(number, alone, time)))
        lefts, rights, moments = (np.concatenate(part) for part in zip(*parts, strict=True))
        output = self._emit(lefts, rights, moments, held_back)
        for number, slots in enumerate(dying):
            self._release(number, slots)
        return output

    def _add(self, number: int, batch: Batch, time: WatermarkSteps) -> Int64Array:
        """Take a side's rows into its state; their slots."""
        if not len(batch):
            return np.empty(0, np.int64)
        side = self._sides[number]
        columns = (self._relation.left_keys, self._relation.right_keys)[number]
        times = self._time.of_rows(number, batch)
        self._next_end = min(self._next_end, int(times.min()) + self._kept[number])
        slots = side.add(batch.rows, times, batch.sequence, time.seen_by(batch.sequence))
        keys = self._keys.add(batch, columns)
        for each in self._sides:
            each.reserve_keys(self._keys.slots_used)
        side.chain(slots, np.where(times == NO_TIME, -1, keys), self._keys.slots_used)
        self._keys.release(keys[times == NO_TIME])
        side.store.end_pass()
        return slots

    def _probe(self, number: int, new: Int64Array) -> tuple[Int64Array, Int64Array]:
        """New rows of a side, each with those of the other that it meets."""
        if not len(new):
            return np.empty(0, np.int64), np.empty(0, np.int64)
        side, other = self._sides[number], self._sides[1 - number]
        interval = self._interval
        least, most = (interval.lower, interval.upper) if number == 0 else (-interval.upper, -interval.lower)
        size = len(new)
        while True:
            probes, found = np.empty(size, np.int64), np.empty(size, np.int64)
            count = probe_intervals(
                new,
                side["keys"],
                side["times"],
                side["arrivals"],
                side["seen"],
                other["heads"],
                other["nexts"],
                other["times"],
                other["arrivals"],
                other["seen"],
                least,
                most,
                self._kept[number],
                self._kept[1 - number],
                probes,
                found,
            )
            if count <= size:
                return probes[:count], found[:count]
            size = count

    def _matching(
        self, lefts: Int64Array, rights: Int64Array, moments: Int64Array, watermark: WatermarkSteps
    ) -> tuple[Int64Array, Int64Array, Int64Array]:
        """The pairs for which the residual condition is true."""
        if self._condition is None or not len(lefts):
            return lefts, rights, moments
        kept = self._condition.kept(lefts, rights, moments, watermark)
        return lefts[kept], rights[kept], moments[kept]

    def _dying(self, time: WatermarkSteps, new: int) -> tuple[Int64Array, Int64Array]:
        """The rows of both sides that no partner can meet any more.

        Where their going shows, as soon as there are some; else from time to time, since probing passes them over.
        """
        self._since_sweep += new
        kept = sum(len(side.store) for side in self._sides)
        over = time.after == END_OF_TIME or time.after > self._next_end + self._grace
        if time.after == NO_WATERMARK or not (over or self._since_sweep > SWEPT_ROWS + kept // 2):
            return np.empty(0, np.int64), np.empty(0, np.int64)
        self._since_sweep = 0
        if time.after == END_OF_TIME:
            self._next_end = NEVER
            return self._sides[0].store.live(), self._sides[1].store.live()
        left, right = (side.expired(time.after - beyond) for side, beyond in zip(self._sides, self._kept, strict=True))
        self._next_end = self._earliest_end(time.after)
        return left, right

    def _earliest_end(self, after: int) -> int:
        """The first end of a kept row's time that is not before this moment."""
        ends = [side["times"][side.store.live()] + beyond for side, beyond in zip(self._sides, self._kept, strict=True)]
        return min((int(part[part >= after].min(initial=NEVER)) for part in ends), default=NEVER)

    @property
    def wake_at_ms(self) -> int | None:
        if self._next_end == NEVER:
            return None
        return self._time.wake_at_ms(self._next_end + self._grace)

    def _end(self, number: int, slots: Int64Array, time: WatermarkSteps) -> Int64Array:
        """When each of these rows is given up: at the step of time that passed it, or when it came."""
        arrivals = self._sides[number]["arrivals"][slots]
        limits = self._sides[number]["times"][slots] + self._kept[number]
        steps = np.searchsorted(time.value, limits, side="right")
        passed = np.full(len(slots), np.iinfo(np.int64).min)
        if len(time.sequence):
            known = steps < len(time.sequence)
            passed[known] = time.sequence[steps[known]]
        passed[limits < time.before] = np.iinfo(np.int64).min
        moments: Int64Array = np.maximum(arrivals, passed)
        return moments

    def _emit(self, lefts: Int64Array, rights: Int64Array, moments: Int64Array, watermark: WatermarkSteps) -> Batch:
        if not len(lefts):
            return empty_batch(self._schema, watermark)
        order = np.argsort(moments, kind="stable")
        parts = [self._sides[0].store.give(lefts[order]), self._sides[1].store.give(rights[order])]
        return Batch(self._output_rows.rows(parts, len(order)), moments[order], watermark)

    def _release(self, number: int, slots: Int64Array) -> None:
        if not len(slots):
            return
        side = self._sides[number]
        self._keys.release(side["keys"][slots])
        side.release(slots)
        side.store.end_pass()

    def snapshot(self) -> StateArrays:
        return {
            "since_sweep": np.array([self._since_sweep]),
            **prefixed("time", self._time.snapshot()),
            **prefixed("keys", self._keys.snapshot()),
            **prefixed("left", self._sides[0].snapshot()),
            **prefixed("right", self._sides[1].snapshot()),
        }

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        self._since_sweep = int(state["since_sweep"][0])
        self._keys.restore(section("keys", state))
        for side, name in zip(self._sides, ("left", "right"), strict=True):
            side.restore(section(name, state))
        self._time.restore(section("time", state))
        self._next_end = self._earliest_end(NO_WATERMARK)

    @property
    def state_bytes(self) -> int:
        return self._keys.bytes + sum(side.bytes for side in self._sides)

    @property
    def late_rows(self) -> int:
        return 0
