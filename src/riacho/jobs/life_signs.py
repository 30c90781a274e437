"""Tells that a process lives while its worker is busy: from its own thread, for user code may take its time."""

from __future__ import annotations

import threading
from collections.abc import Callable

BEAT_S = 2.0
"""How long a worker may say nothing before its life is told for it: well below `STALE_MS`, after which it is missed."""


class LifeSigns:
    """Calls `beat` every `interval_s` in which nobody called `alive`, until it is closed.

    What `beat` raises is the caller's defect: it must deal with its own failures.
    """

    def __init__(self, beat: Callable[[], None], interval_s: float = BEAT_S) -> None:
        self._beat = beat
        self._interval_s = interval_s
        self._heard = threading.Event()
        self._closed = False
        self._thread = threading.Thread(target=self._watch, name="riacho-life-signs", daemon=True)
        self._thread.start()

    def alive(self) -> None:
        """The worker has just told of itself."""
        self._heard.set()

    def close(self) -> None:
        """No beat comes after this."""
        self._closed = True
        self._heard.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._closed:
            if self._heard.wait(self._interval_s):
                self._heard.clear()
            elif not self._closed:
                self._beat()
