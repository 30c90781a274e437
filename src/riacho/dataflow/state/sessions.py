"""The open sessions of every key: which one each row belongs to, and which have closed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from riacho.dataflow.batch import END_OF_TIME, WatermarkSteps
from riacho.dataflow.operator import StateArrays
from riacho.dataflow.state.arena import Growable
from riacho.dataflow.state.key_index import KeyIndex
from riacho.dataflow.state.snapshots import prefixed, section
from riacho.dataflow.state.words import RowCodec
from riacho.kernels.sessions import (
    COUNTERS,
    DEAD,
    FREE_COUNT,
    HEAP_SIZE,
    LATE,
    LATE_COUNT,
    MERGED_COUNT,
    NEW_COUNT,
    SLOTS_USED,
    assign_sessions,
    close_sessions,
    fill_heap,
    follow_merges,
)

Int64Array = npt.NDArray[np.int64]


class Assigned(NamedTuple):
    """Where a pass's rows went.

    `timely` are the rows that were not late, `sessions` theirs. `made` are the new sessions; each of `merged` is now
    part of the one beside it in `into`, whose number is the one that is left at the end of the pass.
    """

    timely: Int64Array
    sessions: Int64Array
    made: Int64Array
    merged: Int64Array
    into: Int64Array


class Closed(NamedTuple):
    """Sessions that are over, by their end and their first row's arrival; `ends` are theirs. `unused` are numbers of
    sessions that became part of others before."""

    sessions: Int64Array
    ends: Int64Array
    unused: Int64Array

    @property
    def numbers(self) -> Int64Array:
        """All that are free from now on."""
        return np.concatenate((self.sessions, self.unused))


class SessionIndex:
    """Sessions are numbered from 0; a number is used again once it was `forget`ten.

    Two rows of a key share a session when they are not further apart than `gap`; a row that lies between two sessions
    makes them one. A session that ends a millisecond or less after the watermark is over: no row can join it.
    """

    def __init__(self, codec: RowCodec, gap: int) -> None:
        self._codec = codec
        self._gap = gap
        self._index = KeyIndex(codec.width)
        self._heads = Growable(np.int64)
        self._nexts = Growable(np.int64)
        self._starts = Growable(np.int64)
        self._ends = Growable(np.int64)
        self._owners = Growable(np.int64)
        self._born = Growable(np.int64)
        self._links = Growable(np.int64)
        self._free = Growable(np.int64)
        self._heap_ends = Growable(np.int64)
        self._heap_slots = Growable(np.int64)
        self._counters = np.zeros(COUNTERS, np.int64)
        self._arrivals = 0
        self.late = 0
        self._reserve(64)

    @property
    def numbers_used(self) -> int:
        """One past the greatest number ever given out."""
        return int(self._counters[SLOTS_USED])

    @property
    def next_end(self) -> int:
        """No session ends before this."""
        return int(self._heap_ends.values[0]) if self._counters[HEAP_SIZE] else END_OF_TIME

    @property
    def starts(self) -> Int64Array:
        return self._starts.values

    @property
    def bytes(self) -> int:
        return self._index.bytes + sum(part.bytes for part in (self._heads, *self._by_session().values()))

    def _by_session(self) -> dict[str, Growable]:
        return {
            "nexts": self._nexts,
            "starts": self._starts,
            "ends": self._ends,
            "owners": self._owners,
            "born": self._born,
            "links": self._links,
            "free": self._free,
            "heap_ends": self._heap_ends,
            "heap_slots": self._heap_slots,
        }

    def _reserve(self, sessions: int) -> None:
        for part in self._by_session().values():
            part.reserve(sessions)

    def assign(self, words: Int64Array, times: Int64Array, sequence: Int64Array, steps: WatermarkSteps) -> Assigned:
        """Take a pass's rows: their keys in words, their times in microseconds, and what the watermark did meanwhile.

        A row is late when it can be in no open session and its own had closed before it came.
        """
        rows = len(words)
        keys, new_rows = self._index.upsert(words)
        self._codec.retain(words[new_rows])
        self._heads.reserve(self._index.slots_used)
        self._heads.values[keys[new_rows]] = 0
        sessions, made, merged, into = (np.empty(rows, np.int64) for _ in range(4))
        counters = self._counters
        counters[[NEW_COUNT, MERGED_COUNT, LATE_COUNT]] = 0
        row = 0
        while row < rows:
            row = assign_sessions(
                times,
                keys,
                sequence,
                steps.sequence,
                steps.value,
                steps.before,
                self._gap,
                row,
                self._arrivals,
                self._heads.values,
                self._nexts.values,
                self._starts.values,
                self._ends.values,
                self._owners.values,
                self._born.values,
                self._free.values,
                self._heap_ends.values,
                self._heap_slots.values,
                counters,
                sessions,
                made,
                merged,
                into,
            )
            if row < rows:
                self._reserve(self.numbers_used + 1)
        self._arrivals += rows
        merged, into = merged[: counters[MERGED_COUNT]], into[: counters[MERGED_COUNT]]
        if len(merged):
            follow_merges(merged, into, self._links.values, sessions)
        timely = np.arange(rows)
        if counters[LATE_COUNT]:
            self.late += int(counters[LATE_COUNT])
            timely = np.flatnonzero(sessions != LATE)
            sessions = sessions[timely]
            self._end_keys(np.unique(keys))
        return Assigned(timely, sessions, made[: counters[NEW_COUNT]], merged, into)

    def close(self, limit: int) -> Closed:
        """The sessions that end at `limit` or before; they keep their numbers until `forget`."""
        closed = np.empty(int(self._counters[HEAP_SIZE]) if self.next_end <= limit else 0, np.int64)
        count = 0
        if len(closed):
            count = close_sessions(
                limit,
                self._ends.values,
                self._owners.values,
                self._heads.values,
                self._nexts.values,
                self._heap_ends.values,
                self._heap_slots.values,
                self._counters,
                closed,
            )
        closed = closed[:count]
        over = self._owners.values[closed] != DEAD
        unused, sessions = closed[~over], closed[over]
        order = np.lexsort((self._born.values[sessions], self._ends.values[sessions]))
        sessions = sessions[order]
        return Closed(sessions, self._ends.values[sessions], unused)

    def key_words(self, sessions: Int64Array) -> Int64Array:
        """The keys of sessions, in words."""
        words: Int64Array = self._index.keys[self._owners.values[sessions]]
        return words

    def forget(self, closed: Closed) -> None:
        """Free what was closed, and the keys that have no session left."""
        numbers = closed.numbers
        if not len(numbers):
            return
        owners = np.unique(self._owners.values[closed.sessions])
        self._owners.values[closed.sessions] = DEAD
        free = int(self._counters[FREE_COUNT])
        self._free.values[free : free + len(numbers)] = numbers[::-1]
        self._counters[FREE_COUNT] += len(numbers)
        self._end_keys(owners)

    def _end_keys(self, keys: Int64Array) -> None:
        ended = keys[self._heads.values[keys] == 0]
        if len(ended):
            self._codec.release(self._index.keys[ended])
            self._index.release(ended)

    def snapshot(self) -> StateArrays:
        used = self.numbers_used
        kept = ("nexts", "starts", "ends", "owners", "born")
        return {
            **{name: part.copy(used) for name, part in self._by_session().items() if name in kept},
            **prefixed("keys", self._index.snapshot()),
            "heads": self._heads.copy(self._index.slots_used),
            "progress": np.array([self._arrivals, self.late], np.int64),
        }

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        self._arrivals, self.late = state["progress"].tolist()
        self._index.restore(section("keys", state))
        self._heads.load(state["heads"])
        used = len(state["owners"])
        self._reserve(used)
        for name, part in self._by_session().items():
            if name in state:
                part.load(state[name])
        live = np.flatnonzero(state["owners"] != DEAD)
        free = np.flatnonzero(state["owners"] == DEAD)
        self._free.values[: len(free)] = free
        fill_heap(live, self._ends.values, self._heap_ends.values, self._heap_slots.values, 0)
        self._counters[[SLOTS_USED, FREE_COUNT, HEAP_SIZE]] = used, len(free), len(live)
