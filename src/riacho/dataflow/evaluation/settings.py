"""What evaluation takes from the session: its time zone and its clock."""

from __future__ import annotations

from dataclasses import dataclass, field

from riacho.dataflow.evaluation.zones import UTC, Zone
from riacho.host.clock import Clock, SystemClock


@dataclass(frozen=True, slots=True)
class Settings:
    """`zone` is `table.local-time-zone`; `clock` is what CURRENT_TIMESTAMP and its like read, once per batch."""

    zone: Zone = UTC
    clock: Clock = field(default_factory=SystemClock)
