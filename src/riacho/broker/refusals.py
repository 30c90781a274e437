"""Why connections are closed on the broker's initiative, logged so that a client that comes back cannot fill the log.

A client with a wrong setting (TLS, a protocol that is not Kafka's) reconnects some twenty times a second, for as long
as it runs. Its first refusal is logged at once, and then, as long as it lasts, how many more there were.
"""

from __future__ import annotations

import logging

from riacho.host import Clock

logger = logging.getLogger(__name__)

REPEAT_AFTER_MS = 10_000
"""The same reason for the same host is logged once in this time."""
MOST_REASONS = 1000
"""How many are remembered; beyond, the oldest is forgotten, and logged at once if it comes again."""


class Refusals:
    """Logs refusals, each host's reason once in a while."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen: dict[tuple[str, str], tuple[float, int]] = {}
        """When a reason was last logged for a host, and how often it has come up since."""

    def closed(self, host: str, port: int, reason: str) -> None:
        """A connection was closed because of what its client did."""
        now = self._clock.monotonic_ms()
        seen = self._seen.pop((host, reason), None)
        if seen is not None and now - seen[0] < REPEAT_AFTER_MS:
            self._seen[host, reason] = seen[0], seen[1] + 1
            return
        if len(self._seen) >= MOST_REASONS:
            del self._seen[next(iter(self._seen))]
        self._seen[host, reason] = now, 0
        more = f" (and {seen[1]} more times since this was last said)" if seen is not None and seen[1] else ""
        logger.warning("closed the connection from %s:%d: %s%s", host, port, reason, more)
