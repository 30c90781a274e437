"""Trying again, with growing pauses, until a deadline."""

from __future__ import annotations

import random
import threading

from riacho.client.config import ClientConfig


class Backoff:
    """The pauses between attempts: doubling from `retry_backoff_ms` to `retry_backoff_max_ms`, give or take 20 %."""

    def __init__(self, config: ClientConfig, timeout_ms: float | None = None) -> None:
        self._config = config
        self._deadline_ms = config.clock.monotonic_ms() + (config.api_timeout_ms if timeout_ms is None else timeout_ms)
        self._pause_ms = float(config.retry_backoff_ms)

    def expired(self) -> bool:
        """Whether there is no time left for another attempt."""
        return self._config.clock.monotonic_ms() >= self._deadline_ms

    def next_ms(self) -> float:
        """The pause before the next attempt."""
        pause = self._pause_ms * random.uniform(0.8, 1.2)
        self._pause_ms = min(self._pause_ms * 2, self._config.retry_backoff_max_ms)
        return pause

    def pause(self, stop: threading.Event) -> bool:
        """Wait before the next attempt: false where the deadline has passed or `stop` is set."""
        if self.expired():
            return False
        left = self._deadline_ms - self._config.clock.monotonic_ms()
        return not stop.wait(min(self.next_ms(), max(left, 0)) / 1000)
