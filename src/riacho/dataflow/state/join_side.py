"""One input of a join: its rows as words, how often each occurs, chained by join key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from riacho.dataflow.operator import StateArrays
from riacho.dataflow.state.arena import Growable
from riacho.dataflow.state.key_index import KeyIndex
from riacho.dataflow.state.snapshots import prefixed, section
from riacho.dataflow.state.words import RowCodec
from riacho.kernels.join import append_rows, probe_chains, remove_rows

Int64Array = npt.NDArray[np.int64]

FIRST_PAIRS = 1024


class Delta(NamedTuple):
    """The net change of one side in a pass: distinct rows whose number changed.

    `slots` are row slots, `change` how many more there are (negative: fewer), `before` how many there were,
    `sequence` the last moment of change, ascending. `dropped` are slots that held a row only within the pass.
    """

    slots: Int64Array
    change: Int64Array
    before: Int64Array
    sequence: Int64Array
    dropped: Int64Array


class JoinSide:
    """The rows of one input.

    Rows that may be retracted are indexed by their whole content and equal ones counted; rows that are only added
    are kept one by one.
    """

    def __init__(self, codec: RowCodec, *, updating: bool) -> None:
        self.codec = codec
        self._index = KeyIndex(codec.width) if updating else None
        self._kept = Growable(np.int64, width=codec.width)
        self._used = 0
        self._free = np.empty(0, np.int64)
        self.weights = Growable(np.int64)
        self.arrivals = Growable(np.int64)
        self.matches = Growable(np.int64)
        self.keys = Growable(np.int64)
        self.marks = Growable(np.int64)
        self._base = 1
        self._nexts = Growable(np.int64)
        self._previous = Growable(np.int64)
        self._heads = Growable(np.int64)
        self._tails = Growable(np.int64)
        self.rows_of_key = Growable(np.int64)
        self.most_rows = 0
        """No key has had more."""
        self._kept.reserve(1)  # a padded row may look at slot −1
        self._reserve_rows(64)

    def _by_row(self) -> dict[str, Growable]:
        return {
            "weights": self.weights,
            "arrivals": self.arrivals,
            "matches": self.matches,
            "keys": self.keys,
            "nexts": self._nexts,
            "previous": self._previous,
        }

    @property
    def words(self) -> Int64Array:
        """Every row's words by slot."""
        return self._kept.values if self._index is None else self._index.keys

    @property
    def bytes(self) -> int:
        parts = [*self._by_row().values(), self.marks, self._heads, self._tails, self.rows_of_key, self._kept]
        return sum(part.bytes for part in parts) + (self._index.bytes if self._index is not None else 0)

    @property
    def slots_used(self) -> int:
        """One past the greatest slot ever given out."""
        return self._used if self._index is None else self._index.slots_used

    def find(self, words: Int64Array) -> Int64Array:
        """The slot of each row that is there already, where equal rows are counted; −1 for others."""
        return np.full(len(words), -1) if self._index is None else self._index.find(words)

    def reserve_keys(self, keys: int) -> None:
        """Make room for chains of join keys up to `keys`."""
        self._heads.reserve(keys)
        self._tails.reserve(keys)
        self.rows_of_key.reserve(keys)

    def _reserve_rows(self, rows: int) -> None:
        for part in self._by_row().values():
            part.reserve(rows)

    def take_marks(self, most: int) -> int:
        """A base for `count_matches` with at most so many rows: `marks` has nothing from it on."""
        self.marks.reserve(len(self.weights.values))
        base = self._base
        self._base += most
        return base

    def apply(self, words: Int64Array, diff: npt.NDArray[np.int8] | None, sequence: Int64Array) -> Delta:
        """Count a pass's rows; new ones get slots, of key −1 until `place`d."""
        if self._index is None:
            assert diff is None, "an input that is only added to has no retractions"
            slots = self._append(words)
            self._begin(slots, words)
            self.weights.values[slots] = 1
            self.arrivals.values[slots] = sequence
            ones = np.ones(len(slots), np.int64)
            return Delta(slots, ones, np.zeros(len(slots), np.int64), sequence, np.empty(0, np.int64))
        slots, new_rows = self._index.upsert(words)
        self._reserve_rows(self._index.slots_used)
        self._begin(slots[new_rows], words[new_rows])
        touched, last_from_end, places = np.unique(slots[::-1], return_index=True, return_inverse=True)
        last = len(slots) - 1 - last_from_end
        signs = np.ones(len(slots), np.int64) if diff is None else diff[::-1].astype(np.int64)
        change = np.zeros(len(touched), np.int64)
        np.add.at(change, places, signs)
        order = np.argsort(last, kind="stable")
        touched, change, last = touched[order], change[order], last[order]
        before = self.weights.values[touched].copy()
        self.weights.values[touched] += change
        moved = change != 0
        dropped = touched[~moved & (before == 0)]
        self.arrivals.values[touched[moved]] = sequence[last[moved]]
        return Delta(touched[moved], change[moved], before[moved], sequence[last[moved]], dropped)

    def _append(self, words: Int64Array) -> Int64Array:
        reused = min(len(self._free), len(words))
        slots = np.empty(len(words), np.int64)
        self._free, taken = np.split(self._free, [len(self._free) - reused])
        slots[:reused] = np.sort(taken)
        fresh = len(words) - reused
        slots[reused:] = np.arange(self._used, self._used + fresh)
        self._used += fresh
        self._kept.reserve(self._used)
        self._reserve_rows(self._used)
        self._kept.values[slots] = words
        return slots

    def _begin(self, slots: Int64Array, words: Int64Array) -> None:
        self.codec.retain(words)
        self.weights.values[slots] = 0
        self.matches.values[slots] = 0
        self.keys.values[slots] = -1

    def place(self, slots: Int64Array, keys: Int64Array) -> None:
        """Chain new rows under their join keys."""
        self.keys.values[slots] = keys
        append_rows(slots, keys, self._heads.values, self._tails.values, self._nexts.values, self._previous.values)

    def count(self, slots: Int64Array, change: Int64Array) -> None:
        """Count how many rows each join key has, after so many more of these, which are `place`d."""
        keys = self.keys.values[slots]
        chained = keys >= 0
        keys = keys[chained]
        np.add.at(self.rows_of_key.values, keys, change[chained])
        self.most_rows = max(self.most_rows, int(self.rows_of_key.values[keys].max(initial=0)))

    def probe(self, keys: Int64Array) -> tuple[Int64Array, Int64Array]:
        """(position in `keys`, row slot) for each row with that join key."""
        heads, nexts = self._heads.values, self._nexts.values
        probes, rows = np.empty(FIRST_PAIRS, np.int64), np.empty(FIRST_PAIRS, np.int64)
        count = probe_chains(keys, heads, nexts, probes, rows)
        if count > FIRST_PAIRS:
            probes, rows = np.empty(count, np.int64), np.empty(count, np.int64)
            probe_chains(keys, heads, nexts, probes, rows)
        return probes[:count], rows[:count]

    def release(self, slots: Int64Array) -> None:
        """Forget rows that no longer occur."""
        remove_rows(
            slots,
            self.keys.values[slots],
            self._heads.values,
            self._tails.values,
            self._nexts.values,
            self._previous.values,
        )
        self.codec.release(self.words[slots])
        if self._index is not None:
            self._index.release(slots)
        else:
            self._free = np.concatenate((self._free, slots))

    def snapshot(self) -> StateArrays:
        rows = self.slots_used
        keys = len(self._heads.values)
        arrays = {name: part.copy(rows) for name, part in self._by_row().items()}
        arrays |= {"heads": self._heads.copy(keys), "tails": self._tails.copy(keys)}
        if self._index is not None:
            return arrays | prefixed("index", self._index.snapshot())
        return arrays | {"kept": self._kept.copy(self._used), "free": self._free.copy()}

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        for name, part in self._by_row().items():
            part.load(state[name])
        self._heads.load(state["heads"])
        self._tails.load(state["tails"])
        self.rows_of_key.reserve(len(state["heads"]))
        _, rows = self.probe(np.arange(len(state["heads"])))
        self.count(rows, self.weights.values[rows])
        if self._index is not None:
            self._index.restore(section("index", state))
            return
        self._kept.load(state["kept"])
        self._used = len(state["kept"])
        self._free = state["free"].copy()
