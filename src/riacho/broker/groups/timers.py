"""Timers as a parameter of the coordinator: the event loop's, and ones that tests move by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from riacho.host import ManualClock


class Timer(Protocol):
    """A call to come, which may be taken back."""

    def cancel(self) -> None: ...


class Timers(Protocol):
    """Where the coordinator has itself called later."""

    def call_later(self, delay_ms: int, action: Callable[[], None]) -> Timer: ...


class LoopTimers:
    """The running event loop's timers."""

    __slots__ = ("_loop",)

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def call_later(self, delay_ms: int, action: Callable[[], None]) -> Timer:
        return self._loop.call_later(delay_ms / 1000, action)


class ManualTimers:
    """Timers that run when a `ManualClock` is moved through them.

    >>> clock = ManualClock()
    >>> timers = ManualTimers(clock)
    >>> calls = []
    >>> later = timers.call_later(20, lambda: calls.append("b"))
    >>> sooner = timers.call_later(10, lambda: calls.append("a"))
    >>> timers.advance(10)
    >>> calls
    ['a']
    """

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self._waiting: list[_ManualTimer] = []

    def call_later(self, delay_ms: int, action: Callable[[], None]) -> Timer:
        timer = _ManualTimer(self._clock.monotonic_ms() + delay_ms, action)
        self._waiting.append(timer)
        return timer

    def advance(self, milliseconds: int) -> None:
        """Move the clock, running each timer at its own time, in order."""
        end = self._clock.monotonic_ms() + milliseconds
        while due := [timer for timer in self._waiting if not timer.cancelled and timer.at_ms <= end]:
            timer = min(due, key=lambda each: each.at_ms)
            self._clock.advance(max(int(timer.at_ms - self._clock.monotonic_ms()), 0))
            self._waiting.remove(timer)
            timer.action()
        self._waiting = [timer for timer in self._waiting if not timer.cancelled]
        self._clock.advance(int(end - self._clock.monotonic_ms()))


class _ManualTimer:
    __slots__ = ("action", "at_ms", "cancelled")

    def __init__(self, at_ms: float, action: Callable[[], None]) -> None:
        self.at_ms = at_ms
        self.action = action
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True
