"""Rows with their times, chained by key: what an interval join keeps of one input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from riacho.dataflow.operator import StateArrays
from riacho.dataflow.state.arena import Growable
from riacho.dataflow.state.rows import RowStore
from riacho.dataflow.state.snapshots import prefixed, section
from riacho.formats.buffered import Columnar
from riacho.kernels.chains import append_rows, remove_rows
from riacho.plan.relations import Field

Int64Array = npt.NDArray[np.int64]

NO_TIME = -(2**62)
"""The time of a row whose row time is null: before all others."""

_BY_ROW = ("keys", "times", "arrivals", "seen", "matched", "nexts", "previous")
_BY_KEY = ("heads", "tails")


class TimedRows:
    """Rows by slot: `keys`, `times` in milliseconds, `arrivals` (sequence numbers), the watermark that each has `seen`,
    and whether it was `matched`.
    """

    def __init__(self, fields: Sequence[Field]) -> None:
        self.store = RowStore(fields)
        self._arrays = {name: Growable(np.int64) for name in (*_BY_ROW, *_BY_KEY)}

    def __getitem__(self, name: str) -> Int64Array:
        values: Int64Array = self._arrays[name].values
        return values

    @property
    def bytes(self) -> int:
        return self.store.bytes + sum(part.bytes for part in self._arrays.values())

    def add(self, rows: Columnar, times: Int64Array, arrivals: Int64Array, seen: Int64Array) -> Int64Array:
        """Keep these rows; their slots, in order. They are in no chain until `chain`ed."""
        slots = self.store.keep(rows)
        for name in _BY_ROW:
            self._arrays[name].reserve(self.store.slots_used)
        for name, values in (("times", times), ("arrivals", arrivals), ("seen", seen)):
            self[name][slots] = values
        self["matched"][slots] = 0
        self["keys"][slots] = -1
        return slots

    def chain(self, slots: Int64Array, keys: Int64Array, key_slots: int) -> None:
        """Put rows under their keys; a negative one has no chain."""
        self.reserve_keys(key_slots)
        self["keys"][slots] = keys
        append_rows(slots, keys, self["heads"], self["tails"], self["nexts"], self["previous"])

    def reserve_keys(self, key_slots: int) -> None:
        """Make room for chains of keys up to `key_slots`."""
        for name in _BY_KEY:
            self._arrays[name].reserve(key_slots)

    def expired(self, before: int, *, inclusive: bool = False) -> Int64Array:
        """The slots of rows whose time is less than `before`, or (`inclusive`) equal to it."""
        live = self.store.live()
        times = self["times"][live]
        return live[times <= before if inclusive else times < before]

    def release(self, slots: Int64Array) -> None:
        """Forget rows."""
        keys = self["keys"][slots]
        remove_rows(slots, keys, self["heads"], self["tails"], self["nexts"], self["previous"])
        self.store.release(slots)

    def snapshot(self) -> StateArrays:
        used, keys = self.store.slots_used, len(self["heads"])
        arrays = {name: self._arrays[name].copy(used) for name in _BY_ROW}
        arrays |= {name: self._arrays[name].copy(keys) for name in _BY_KEY}
        return {**arrays, **prefixed("rows", self.store.snapshot())}

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        for name, part in self._arrays.items():
            part.load(state[name])
        self.store.restore(section("rows", state))
