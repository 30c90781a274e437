"""What the calls of an OVER compute from their frames: by adding up partial results, by rows, or by looking at rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from riacho.dataflow.aggregates.aggregates import Aggregates
from riacho.dataflow.batch import ADDED
from riacho.dataflow.operator import StateArrays
from riacho.dataflow.operators.over_frames import Frames
from riacho.dataflow.state.arena import Growable
from riacho.dataflow.state.key_index import KeyIndex
from riacho.dataflow.state.rows import RowStore
from riacho.dataflow.state.snapshots import prefixed, section
from riacho.dataflow.state.strings import StringPool
from riacho.dataflow.state.words import RowCodec, build_frame
from riacho.kernels.over import expand_frames, last_chosen
from riacho.plan.expressions import AggregateCall
from riacho.plan.relations import Field, Schema
from riacho.plan.types import BOOLEAN

Int64Array = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

MAX_EXPANDED = 1 << 20
"""Rows of frames that are laid out at once."""


class OverCall(Protocol):
    """One call, or several of one kind."""

    def values(self, frames: Frames) -> list[pl.Series]:
        """A value for each new row, per call. Called once for each set of frames: it goes on from them."""
        ...

    def release(self, keys: Int64Array) -> None:
        """These partitions have no rows left; others may get their slots."""
        ...

    @property
    def bytes(self) -> int: ...

    def snapshot(self, keys: int) -> StateArrays: ...

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None: ...


def result_fields(calls: Sequence[AggregateCall]) -> tuple[Field, ...]:
    """The calls' results as fields."""
    return tuple(Field(f"c{place}", call.type) for place, call in enumerate(calls))


class _Stateless:
    """What calls have in common that look at nothing but the rows kept."""

    def release(self, keys: Int64Array) -> None:
        """Nothing is held by partition."""

    @property
    def bytes(self) -> int:
        return 0

    def snapshot(self, keys: int) -> StateArrays:
        del keys
        return {}

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        assert not state, "there is no state"


class BoundedSums(_Stateless):
    """Aggregates over bounded frames whose partial results add up.

    A frame is made of runs of 1, 2, 4 … rows: each run's partial result is that of its halves.
    """

    def __init__(self, calls: Sequence[AggregateCall], schema: Schema, pool: StringPool) -> None:
        self._calls, self._schema, self._pool = tuple(calls), schema, pool
        self._fields = result_fields(calls)

    def _fresh(self) -> Aggregates:
        return Aggregates(self._calls, self._schema, self._pool, updating=False, ending=True)

    def values(self, frames: Frames) -> list[pl.Series]:
        size, new = len(frames.keys), frames.new
        every = np.arange(size)
        runs = self._fresh()
        runs.begin(every, size)
        runs.update(frames.frame, every, every, ADDED)
        results = self._fresh()
        places = np.arange(len(new))
        results.begin(places, len(new))
        at = frames.lows[new]
        lengths = np.maximum(frames.highs[new] - at + 1, 0)  # of a batch, where frames may be empty
        length = 1
        while True:
            taken = np.flatnonzero(lengths & length)
            if len(taken):
                results.merge(runs, at[taken], taken)
                at[taken] += length
            if not (lengths >= 2 * length).any():
                break
            following = np.flatnonzero(frames.begins[length:] == frames.begins[:-length])
            runs.merge_cells(runs.ledger[:size].copy(), following + length, following)
            length *= 2
        frame = build_frame(self._fields, results.columns_of(places), len(new))
        results.release(places)
        runs.release(every)
        return frame.get_columns()


class FirstOccurrences:
    """Which values a call has had in which partition: DISTINCT takes the first row of each."""

    def __init__(self, call: AggregateCall, schema: Schema, pool: StringPool) -> None:
        self._call = call
        self._codec = RowCodec(tuple(schema[argument.index] for argument in call.arguments), pool)
        self._index = KeyIndex(1 + self._codec.width)

    def mark(self, frame: pl.DataFrame, keys: Int64Array) -> BoolArray:
        """Which rows have a value that their partition has not had before; rows that do not count have none."""
        first = np.zeros(len(keys), np.bool_)
        rows = np.flatnonzero(_chosen(frame, self._call))
        if len(rows):
            columns = [frame.to_series(argument.index)[rows] for argument in self._call.arguments]
            words = self._codec.encode(columns, len(rows), before=1)
            words[:, 0] = keys[rows]
            _, new_rows = self._index.upsert(words)
            self._codec.retain(words[new_rows, 1:])
            first[rows[new_rows]] = True
        return first

    @property
    def bytes(self) -> int:
        return self._index.bytes

    def snapshot(self) -> StateArrays:
        return self._index.snapshot()

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        self._index.restore(state)


class UnboundedSums:
    """Aggregates over all rows so far whose partial results add up: those of a pass are added from row to row.

    DISTINCT takes the first row of each value in its partition.
    """

    def __init__(self, calls: Sequence[AggregateCall], schema: Schema, pool: StringPool) -> None:
        self._pool = pool
        self._fields = result_fields(calls)
        self._firsts: list[FirstOccurrences] = []
        plain, fields = [], list(schema.fields)
        for call in calls:
            if call.distinct:
                self._firsts.append(FirstOccurrences(call, schema, pool))
                fields.append(Field(f"$first{len(self._firsts)}", BOOLEAN.with_nullable(False)))
                mark = Schema(tuple(fields)).column(len(fields) - 1)
                plain.append(replace(call, distinct=False, filter=mark))
            else:
                plain.append(call)
        self._calls, self._schema = tuple(plain), Schema(tuple(fields))
        self._totals = self._fresh()
        self._started = Growable(np.bool_)

    def _fresh(self) -> Aggregates:
        return Aggregates(self._calls, self._schema, self._pool, updating=False, ending=True)

    def values(self, frames: Frames) -> list[pl.Series]:
        size = len(frames.keys)
        frame, keys, new = frames.frame, frames.keys, frames.new
        if len(new) < size:  # rows that are kept for other calls are in the totals already
            frame, keys = frame[new], keys[new]
        size = len(keys)
        for number, firsts in enumerate(self._firsts, 1):
            frame = frame.with_columns(pl.Series(f"$first{number}", firsts.mark(frame, keys)))
        every = np.arange(size)
        running = self._fresh()
        running.begin(every, size)
        running.update(frame, every, every, ADDED)
        begins = _begins(keys)
        longest = int((every - begins).max(initial=0)) + 1
        length = 1
        while length < longest:
            following = np.flatnonzero(begins[length:] == begins[:-length])
            running.merge_cells(running.ledger[:size].copy(), following, following + length)
            length *= 2
        ends = np.flatnonzero(np.append(keys[1:] != keys[:-1], [True]))
        slots = keys[ends]
        self._start(slots)
        before = self._totals.ledger[slots]
        self._totals.merge(running, ends, slots)
        running.merge_cells(before, np.repeat(np.arange(len(ends)), np.diff(ends, prepend=-1)), every)
        highs = np.searchsorted(new, frames.highs[new])  # a frame ends with a row of the same pass
        made = build_frame(self._fields, running.columns_of(highs), size)
        running.release(every)
        return made.get_columns()

    def _start(self, slots: Int64Array) -> None:
        self._started.reserve(int(slots.max(initial=-1)) + 1)
        new = slots[~self._started.values[slots]]
        self._totals.begin(new, len(self._started.values))
        self._started.values[new] = True

    def release(self, keys: Int64Array) -> None:
        assert not len(keys), "partitions that are never forgotten have no end"

    @property
    def bytes(self) -> int:
        return self._totals.bytes + self._started.bytes + sum(firsts.bytes for firsts in self._firsts)

    def snapshot(self, keys: int) -> StateArrays:
        self._started.reserve(keys)
        arrays = {"started": self._started.copy(keys), **prefixed("totals", self._totals.snapshot(keys))}
        for number, firsts in enumerate(self._firsts):
            arrays |= prefixed(f"values{number}", firsts.snapshot())
        return arrays

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        self._started.load(state["started"])
        self._totals.restore(section("totals", state))
        for number, firsts in enumerate(self._firsts):
            firsts.restore(section(f"values{number}", state))


def _begins(keys: Int64Array) -> Int64Array:
    """Where each row's run of equal keys begins."""
    starts = np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1])))
    begins: Int64Array = np.repeat(starts, np.diff(np.append(starts, len(keys))))
    return begins


def _chosen(frame: pl.DataFrame, call: AggregateCall) -> BoolArray:
    """The rows that a call takes: its (first) argument not null, its filter true."""
    chosen = np.ones(frame.height, np.bool_)
    for argument in call.arguments[:1]:
        chosen &= frame.to_series(argument.index).is_not_null().to_numpy()
    if call.filter is not None:
        chosen &= frame.to_series(call.filter.index).fill_null(value=False).to_numpy()
    return chosen


class BoundedRows(_Stateless):
    """Any aggregates over bounded frames: each frame is a group of its own."""

    def __init__(self, calls: Sequence[AggregateCall], schema: Schema, pool: StringPool) -> None:
        self._calls, self._schema, self._pool = tuple(calls), schema, pool
        self._fields = result_fields(calls)

    def values(self, frames: Frames) -> list[pl.Series]:
        sizes = _sizes(frames, frames.new)
        parts = np.cumsum(sizes) // MAX_EXPANDED
        made = [
            self._part(frames, frames.new[start:stop])
            for start, stop in zip(
                np.searchsorted(parts, np.unique(parts), side="left").tolist(),
                np.searchsorted(parts, np.unique(parts), side="right").tolist(),
                strict=True,
            )
        ]
        return pl.concat(made).get_columns()

    def _part(self, frames: Frames, rows: Int64Array) -> pl.DataFrame:
        size = int(_sizes(frames, rows).sum())
        outputs, members = np.empty(size, np.int64), np.empty(size, np.int64)
        expand_frames(rows, frames.lows, frames.highs, outputs, members)
        groups = np.arange(len(rows))
        aggregates = Aggregates(self._calls, self._schema, self._pool, updating=False, ending=True)
        aggregates.begin(groups, len(rows))
        aggregates.update(frames.frame[members], outputs, groups, ADDED)
        made = build_frame(self._fields, aggregates.columns_of(groups), len(rows))
        aggregates.release(groups)
        return made


def _sizes(frames: Frames, rows: Int64Array) -> Int64Array:
    """How many rows the frames of these have."""
    sizes: Int64Array = np.maximum(frames.highs[rows] - frames.lows[rows] + 1, 0)
    return sizes


class UnboundedRows:
    """Any aggregates over all rows so far: the first rows of all partitions, then the second ones, and so on."""

    def __init__(self, calls: Sequence[AggregateCall], schema: Schema, pool: StringPool) -> None:
        self._fields = result_fields(calls)
        self._totals = Aggregates(calls, schema, pool, updating=False, ending=True)
        self._started = Growable(np.bool_)

    def values(self, frames: Frames) -> list[pl.Series]:
        new, keys = frames.new, frames.keys[frames.new]
        slots = np.unique(keys)
        self._started.reserve(int(slots.max(initial=-1)) + 1)
        fresh = slots[~self._started.values[slots]]
        self._totals.begin(fresh, len(self._started.values))
        self._started.values[fresh] = True
        # Rows with the same last row of their frame are taken together.
        steps = np.concatenate(([True], frames.highs[new][1:] != frames.highs[new][:-1])).cumsum()
        starts = _begins(keys)
        rounds = steps - steps[starts]
        order = np.argsort(rounds, kind="stable")
        bounds = np.flatnonzero(np.concatenate(([True], np.diff(rounds[order]) > 0, [True])))
        made = []
        for start, stop in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
            rows = order[start:stop]
            self._totals.update(frames.frame[new[rows]], keys[rows], np.unique(keys[rows]), ADDED)
            made.append(build_frame(self._fields, self._totals.columns_of(keys[rows]), len(rows)))
        self._totals.end_pass()
        places = np.empty(len(order), np.int64)
        places[order] = np.arange(len(order))
        return pl.concat(made)[places].get_columns()

    def release(self, keys: Int64Array) -> None:
        assert not len(keys), "partitions that are never forgotten have no end"

    @property
    def bytes(self) -> int:
        return self._totals.bytes + self._started.bytes

    def snapshot(self, keys: int) -> StateArrays:
        self._started.reserve(keys)
        return {"started": self._started.copy(keys), **prefixed("totals", self._totals.snapshot(keys))}

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        self._started.load(state["started"])
        self._totals.restore(section("totals", state))


class RowNumbers:
    """ROW_NUMBER: counts the rows of each partition."""

    def __init__(self) -> None:
        self._counts = Growable(np.int64)

    def values(self, frames: Frames) -> list[pl.Series]:
        keys = frames.keys[frames.new]
        self._counts.reserve(int(keys.max(initial=-1)) + 1)
        numbers = np.arange(len(keys)) - _begins(keys) + 1 + self._counts.values[keys]
        np.maximum.at(self._counts.values, keys, numbers)
        return [pl.Series(numbers)]

    def release(self, keys: Int64Array) -> None:
        self._counts.reserve(int(keys.max(initial=-1)) + 1)
        self._counts.values[keys] = 0

    @property
    def bytes(self) -> int:
        return self._counts.bytes

    def snapshot(self, keys: int) -> StateArrays:
        self._counts.reserve(keys)
        return {"counts": self._counts.copy(keys)}

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        self._counts.load(state["counts"])


class Lag(_Stateless):
    """LAG(x, n, default): the row n before the last of the frame, of those that are kept."""

    def __init__(self, call: AggregateCall) -> None:
        self._call = call

    def reach(self, frame: pl.DataFrame) -> int:
        """How many rows before a row it looks at."""
        offset = self._offset(frame)
        return 1 if offset is None else int(offset.max(initial=0))

    def _offset(self, frame: pl.DataFrame) -> Int64Array | None:
        if len(self._call.arguments) < 2:
            return None
        return frame.to_series(self._call.arguments[1].index).cast(pl.Int64).to_numpy()

    def values(self, frames: Frames) -> list[pl.Series]:
        new, highs = frames.new, frames.highs[frames.new]
        offset = self._offset(frames.frame)
        source = highs - (1 if offset is None else offset[highs])
        missing = source < frames.begins[new]
        found = gathered(frames.frame.to_series(self._call.arguments[0].index), np.where(missing, -1, source))
        if len(self._call.arguments) > 2:
            default = frames.frame.to_series(self._call.arguments[2].index)[highs]
            found = found.zip_with(pl.Series(~missing), default)
        return [found]


class EdgeValue:
    """FIRST_VALUE and LAST_VALUE: the first or the last row of the frame whose value is not null.

    Over all rows so far the one row that counts is kept for each partition. With DISTINCT a value counts where it
    comes first in its partition, so the last one is the one that came first last.
    """

    def __init__(self, call: AggregateCall, schema: Schema, pool: StringPool, *, bounded: bool) -> None:
        assert not (call.distinct and bounded), "another call's"
        self._call = call
        self._last = call.function == "LAST_VALUE"
        self._bounded = bounded
        self._held = RowStore((schema[call.arguments[0].index],))
        self._firsts = FirstOccurrences(call, schema, pool) if call.distinct else None
        self._slots = Growable(np.int64)
        """By partition, the number of the row that is held plus one."""

    def values(self, frames: Frames) -> list[pl.Series]:
        column = frames.frame.to_series(self._call.arguments[0].index)
        chosen = _chosen(frames.frame, self._call)
        new = frames.new
        if not self._bounded:
            chosen[np.setdiff1d(np.arange(len(chosen)), new)] = False
        if self._firsts is not None:
            chosen[new] = self._firsts.mark(frames.frame[new], frames.keys[new])
        lows, highs = frames.lows[new], frames.highs[new]
        if self._last:
            found = np.empty(len(chosen), np.int64)
            last_chosen(frames.begins, chosen, found)
            rows = found[highs]
        else:
            after = np.append(np.flatnonzero(chosen), len(chosen))
            rows = after[np.searchsorted(after, lows, side="left")]
        rows = np.where((rows < lows) | (rows > highs), -1, rows)
        if self._bounded:
            return [gathered(column, rows)]
        keys = frames.keys[new]
        self._slots.reserve(int(keys.max(initial=-1)) + 1)
        held = self._slots.values[keys] - 1
        use_held = (held >= 0) & (rows < 0) if self._last else held >= 0
        before = self._held.frame(held[use_held]).to_series()
        places = np.where(use_held, len(column) + np.cumsum(use_held) - 1, rows)
        values = gathered(pl.concat([column, before.rename(column.name)]), places)
        self._hold(frames, column, rows)
        return [values]

    def _hold(self, frames: Frames, column: pl.Series, rows: Int64Array) -> None:
        """Keep what the rows to come will look back to."""
        ends = frames.last_rows
        places = np.searchsorted(frames.new, ends)  # each partition's last row is new
        found, keys = rows[places], frames.keys[ends]
        keep = found >= 0 if self._last else (found >= 0) & (self._slots.values[keys] == 0)
        keys, found = keys[keep], found[keep]
        old = self._slots.values[keys]
        self._held.release(old[old > 0] - 1)
        self._slots.values[keys] = self._held.keep(column[found].to_frame()) + 1
        self._held.end_pass()

    def release(self, keys: Int64Array) -> None:
        assert self._bounded or not len(keys), "partitions that are never forgotten have no end"

    @property
    def bytes(self) -> int:
        firsts = 0 if self._firsts is None else self._firsts.bytes
        return self._held.bytes + self._slots.bytes + firsts

    def snapshot(self, keys: int) -> StateArrays:
        self._slots.reserve(keys)
        arrays = {"slots": self._slots.copy(keys), **prefixed("held", self._held.snapshot())}
        if self._firsts is not None:
            arrays |= prefixed("firsts", self._firsts.snapshot())
        return arrays

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        self._slots.load(state["slots"])
        self._held.restore(section("held", state))
        if self._firsts is not None:
            self._firsts.restore(section("firsts", state))


def gathered(column: pl.Series, rows: Int64Array) -> pl.Series:
    """The values at these places; null at −1."""
    values = column[np.where(rows < 0, 0, rows)]
    if (rows >= 0).all():
        return values
    return pl.select(pl.when(pl.lit(pl.Series(rows >= 0))).then(pl.lit(values))).to_series()
