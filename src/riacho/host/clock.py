"""Time as a parameter: the machine's clock, and a clock that tests move by hand."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Protocol


class Clock(Protocol):
    """Where a component learns the time. Nothing below `cli` asks the machine directly."""

    def now_ms(self) -> int:
        """Wall-clock time in milliseconds since the Unix epoch: what records and logs are stamped with."""
        ...

    def monotonic_ms(self) -> float:
        """Milliseconds on a clock that never goes back: what time-outs and durations are measured with."""
        ...


class SystemClock:
    """The machine's clock."""

    __slots__ = ()

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic_ms(self) -> float:
        return time.monotonic() * 1000.0


@dataclass(slots=True)
class ManualClock:
    """A clock that stands still until it is moved.

    >>> clock = ManualClock(wall_ms=1_000)
    >>> clock.advance(250)
    >>> clock.now_ms(), clock.monotonic_ms()
    (1250, 250.0)
    """

    wall_ms: int = 0
    steady_ms: float = 0.0

    def now_ms(self) -> int:
        return self.wall_ms

    def monotonic_ms(self) -> float:
        return self.steady_ms

    def advance(self, milliseconds: int) -> None:
        """Move both clocks forward."""
        assert milliseconds >= 0, "time does not go back"
        self.wall_ms += milliseconds
        self.steady_ms += milliseconds
