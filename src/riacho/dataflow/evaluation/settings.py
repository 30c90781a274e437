"""What evaluation takes from the session: its time zone and its clock."""

from __future__ import annotations

from dataclasses import dataclass, field

from riacho.dataflow.evaluation.zones import UTC, Zone
from riacho.host.clock import Clock, SystemClock


@dataclass(frozen=True, slots=True)
class Settings:
    """`zone` is `table.local-time-zone`; `clock` is what CURRENT_TIMESTAMP and its like read, once per batch.

    `state_ttl_ms` is `table.exec.state.ttl`, how long state is kept that nobody writes to; 0: for ever.
    """

    zone: Zone = UTC
    clock: Clock = field(default_factory=SystemClock)
    state_ttl_ms: int = 0
