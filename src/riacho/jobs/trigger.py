"""When a pass begins and how much it takes: adaptive micro-batches, or Flink's mini-batch options.

Adaptive (the default): a pass takes whatever has arrived, up to a limit. Idle, batches are small and latency is one
pass; busy, they grow by themselves. With `table.exec.mini-batch.enabled` input is held until `size` rows are there or
the oldest has waited for `allow-latency`, whichever is first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from riacho.errors import UsageError

MAX_ROWS = 131_072
"""Rows of one adaptive pass. Per-batch costs are spread thin well before; more would only add latency and memory."""

MAX_BYTES = 64 * 1024 * 1024
"""Bytes of input of one adaptive pass: large rows must not make a pass large."""

SMALL_ROWS = 2_048
"""A pass with fewer rows costs what its calls cost, a millisecond or so, rather than what its rows cost."""

SPACING = 3.0
"""After a small pass input gathers for this many times its duration: rows that trickle take a quarter of a core."""

MAX_SPACING_MS = 1.0
"""And not for longer than this: rows that stream in wait for the pass before them as well."""

HELD_POLL_MS = 20.0
"""How often the sources are asked while input is held: decoding a few rows costs as much as a few hundred."""


@dataclass(frozen=True, slots=True)
class Trigger:
    """How input becomes passes.

    `hold_rows` and `hold_ms` hold input back until one of them is reached; both 0: nothing is held.
    """

    max_rows: int = MAX_ROWS
    max_bytes: int = MAX_BYTES
    hold_rows: int = 0
    hold_ms: int = 0
    held_poll_ms: float = HELD_POLL_MS

    @property
    def holds(self) -> bool:
        """Whether input waits for more of it."""
        return self.hold_ms > 0

    def wait_ms(self, *, rows: int, oldest_ms: float, now_ms: float) -> float:
        """How long a pass that holds `rows` rows, the oldest since `oldest_ms`, still waits for more.

        >>> trigger = Trigger(hold_rows=1000, hold_ms=500)
        >>> trigger.wait_ms(rows=10, oldest_ms=100.0, now_ms=200.0), trigger.wait_ms(rows=1000, oldest_ms=0, now_ms=0)
        (400.0, 0.0)
        """
        if not self.holds or rows >= self.hold_rows or rows >= self.max_rows:
            return 0.0
        return max(0.0, oldest_ms + self.hold_ms - now_ms)

    def ask_again_ms(self, *, polls: int, rows: int, left_ms: float) -> float:
        """How long to wait before the sources are asked for more, after the last of `polls` gave `rows` rows to a held
        pass.

        The first few rows may be what was left of many that a source had read together: they say nothing of how many
        there are.

        >>> trigger = Trigger(hold_rows=100_000, hold_ms=500)
        >>> trigger.ask_again_ms(polls=1, rows=10, left_ms=400.0), trigger.ask_again_ms(polls=2, rows=10, left_ms=400.0)
        (0.0, 20.0)
        """
        return 0.0 if polls == 1 or rows >= SMALL_ROWS else min(self.held_poll_ms, left_ms)

    def spacing_ms(self, *, rows: int, duration_ms: float) -> float:
        """How long input gathers after a pass over `rows` rows before the next one takes it.

        The first row after a silence finds a pass that waits for it; only passes that follow each other are spaced.

        >>> Trigger().spacing_ms(rows=5, duration_ms=1.0), Trigger().spacing_ms(rows=100_000, duration_ms=20.0)
        (1.0, 0.0)
        """
        if self.holds or not 0 < rows < min(SMALL_ROWS, self.max_rows):
            return 0.0
        return min(duration_ms * SPACING, MAX_SPACING_MS)


def trigger_of(options: Mapping[str, str]) -> Trigger:
    """The trigger that a job's SET options ask for; durations are texts of milliseconds.

    Raises `UsageError` where mini-batch is enabled without both limits, as Flink does.
    """
    if options.get("table.exec.mini-batch.enabled", "false") != "true":
        return Trigger()
    size = int(options.get("table.exec.mini-batch.size", "-1"))
    latency = int(options.get("table.exec.mini-batch.allow-latency", "0"))
    if size <= 0 or latency <= 0:
        missing = "table.exec.mini-batch.size" if size <= 0 else "table.exec.mini-batch.allow-latency"
        raise UsageError(
            f"table.exec.mini-batch.enabled is true, but {missing} is not set to a positive value",
            mend=f"SET '{missing}' = '{5000 if size <= 0 else '1 s'}';",
        )
    return Trigger(max_rows=size, hold_rows=size, hold_ms=latency)
