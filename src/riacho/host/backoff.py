"""How long to wait before a process that died is started again."""

from __future__ import annotations

FIRST_BACKOFF_S = 0.5
LONGEST_BACKOFF_S = 30.0
STEADY_AFTER_S = 60.0
"""A process that ran this long was well: its death is answered as quickly as a first one."""


class Backoff:
    """The pauses between one process's death and the start of the next: doubling while deaths follow closely.

    >>> backoff = Backoff()
    >>> backoff.after(1.0), backoff.after(1.0), backoff.after(61.0)
    (0.5, 1.0, 0.5)
    """

    def __init__(self) -> None:
        self._next_s = FIRST_BACKOFF_S

    def after(self, lasted_s: float) -> float:
        """The pause in seconds after the death of a process that ran so long."""
        pause_s = FIRST_BACKOFF_S if lasted_s > STEADY_AFTER_S else self._next_s
        self._next_s = min(pause_s * 2, LONGEST_BACKOFF_S)
        return pause_s
