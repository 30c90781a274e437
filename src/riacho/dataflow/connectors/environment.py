"""What a job gives to its connectors."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TextIO

from riacho.host import Clock, SystemClock


def _nobody_waits() -> None:
    return None


@dataclass(frozen=True, slots=True)
class ConnectorEnvironment:
    """What a job gives to its connectors.

    `bootstrap_servers` is used by Kafka tables that name none themselves. `time_zone` is the session's
    (`table.local-time-zone`). `on_arrival` is called, from any thread, when a source that had nothing to deliver
    has something again: a loop over several sources polls each without waiting, then waits for this. It must not
    wait itself.
    """

    job: str = "riacho"
    clock: Clock = field(default_factory=SystemClock)
    bootstrap_servers: str | None = None
    time_zone: str = "UTC"
    stdout: TextIO = field(default_factory=lambda: sys.stdout)
    on_arrival: Callable[[], None] = _nobody_waits
