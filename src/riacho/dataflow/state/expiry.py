"""Keys that nobody has written to for some time: `table.exec.state.ttl`.

Source: Flink, "Configure Operator-level State TTL". A time to live begins anew with every write (OnCreateAndWrite), and
what has expired is never seen again (NeverReturnExpired).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from riacho.dataflow.operator import StateArrays
from riacho.dataflow.state.arena import Growable
from riacho.host import Clock

Int64Array = npt.NDArray[np.int64]

SWEPT_SLOTS = 1 << 16
"""How many slots a pass looks at for some that have expired: some 50 µs of work."""

NO_SLOTS: Int64Array = np.empty(0, np.int64)


class Expiry:
    """When each slot was last written to, by the wall clock, so that a restart does not lengthen lives.

    Time moves at `begin`, once per pass. A `ttl_ms` of 0 means for ever, and costs nothing.

    >>> from riacho.host import ManualClock
    >>> clock = ManualClock(wall_ms=1_000)
    >>> expiry = Expiry(clock, 500)
    >>> expiry.begin()
    >>> expiry.write(np.array([0, 1]), 2)
    >>> clock.advance(500)
    >>> expiry.begin()
    >>> expiry.write(np.array([1]), 2)
    >>> expiry.sweep(2).tolist()
    [0]
    """

    def __init__(self, clock: Clock, ttl_ms: int) -> None:
        self._clock = clock
        self._ttl = ttl_ms
        self._written = Growable(np.int64)
        """0 where a slot holds nothing."""
        self._now = 0
        self._cursor = 0

    def __bool__(self) -> bool:
        return self._ttl > 0

    @property
    def bytes(self) -> int:
        return self._written.bytes

    def begin(self) -> None:
        """Look at the clock: a pass begins."""
        if self._ttl:
            self._now = self._clock.now_ms()

    def write(self, slots: Int64Array, slots_used: int) -> None:
        """These slots are written to now."""
        if self._ttl:
            self._written.reserve(slots_used)
            self._written.values[slots] = self._now

    @property
    def now(self) -> int:
        """When the pass began."""
        return self._now

    @property
    def limit(self) -> int:
        """What was last written to at this moment or before has expired."""
        return self._now - self._ttl

    def written(self, slots_used: int) -> Int64Array:
        """When each slot was last written to, for kernels; empty where nothing expires."""
        if self._ttl:
            self._written.reserve(slots_used)
        return self._written.values

    def forget(self, slots: Int64Array) -> None:
        """These slots hold nothing any more."""
        if self._ttl:
            self._written.values[slots] = 0

    def expired(self, slots: Int64Array) -> npt.NDArray[np.bool_]:
        """Which of these slots, all of which hold something, have lived too long."""
        over: npt.NDArray[np.bool_] = self._written.values[slots] <= self.limit
        return over

    def stale(self, slots: Int64Array) -> Int64Array:
        """Which of these slots have expired, each once; a negative one is none."""
        if not self._ttl:
            return NO_SLOTS
        known = np.unique(slots[slots >= 0])
        return known[self.expired(known)]

    def sweep(self, slots_used: int) -> Int64Array:
        """Some slots that have expired: a pass looks at a part of all slots, and the next one goes on from there."""
        if not self._ttl or not slots_used:
            return NO_SLOTS
        if self._cursor >= slots_used:
            self._cursor = 0
        first, stop = self._cursor, min(self._cursor + SWEPT_SLOTS, slots_used)
        self._cursor = stop
        self._written.reserve(slots_used)
        written = self._written.values[first:stop]
        return first + np.flatnonzero((written > 0) & (written <= self.limit))

    def snapshot(self, slots_used: int) -> StateArrays:
        """Nothing where nothing expires."""
        if not self._ttl:
            return {}
        self._written.reserve(slots_used)
        return {"written": self._written.copy(slots_used)}

    def restore(self, state: Mapping[str, npt.NDArray[Any]], live: Int64Array) -> None:
        """Take over a snapshot; where it was taken without a time to live, that of the `live` slots begins now.

        They ascend, and each holds something.
        """
        if not self._ttl:
            return
        self.begin()
        if "written" in state:
            self._written.load(state["written"])
        elif len(live):
            self.write(live, int(live[-1]) + 1)
