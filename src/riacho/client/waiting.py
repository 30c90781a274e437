"""Says that a broker is waited for, where that takes long: silence would look like a hang."""

from __future__ import annotations

import logging
import threading
from types import TracebackType
from typing import Self

from riacho.client.config import ClientConfig
from riacho.client.errors import CANNOT_CONNECT
from riacho.errors import RiachoError

AFTER_MS = 1_000
"""How long attempts fail before it is said: a broker that restarts is often back sooner."""

NO_ANSWER_S = 3.0
"""How long one attempt is without an answer before it is said: a busy machine takes a second or two."""

log = logging.getLogger(__name__)


class Waiting:
    """One call's wait for a broker, as a context. The log is told at most once."""

    def __init__(self, config: ClientConfig) -> None:
        self._config = config
        self._since_ms: float | None = None
        self._timer: threading.Timer | None = None
        self._told = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop_timer()
        if self._told and error is None:
            log.warning("the broker at %s answers", self._config.bootstrap)

    def connecting(self) -> None:
        """A connection is about to be made."""
        if self._timer is None and not self._told:
            self._timer = threading.Timer(NO_ANSWER_S, self._tell, ["no answer yet"])
            self._timer.daemon = True
            self._timer.start()

    def failed(self, error: RiachoError) -> None:
        """An attempt came to this, and there will be another."""
        self._stop_timer()
        now = self._config.clock.monotonic_ms()
        if self._since_ms is None:
            self._since_ms = now
        if now - self._since_ms >= AFTER_MS:
            self._tell(error.what.removeprefix(CANNOT_CONNECT))

    def _tell(self, reason: str) -> None:
        if self._told:
            return
        self._told = True
        log.warning("waiting for the broker at %s: %s", self._config.bootstrap, reason)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
