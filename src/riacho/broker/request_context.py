"""What a handler knows besides the request itself."""

from __future__ import annotations

from dataclasses import dataclass

from riacho.broker.broker import Broker


@dataclass(frozen=True, slots=True)
class RequestContext:
    """The broker, and the circumstances of one request."""

    broker: Broker
    version: int
    client_id: str | None
    client_host: str
    local_address: tuple[str, int]
    """The address that this client reached: what it is told under a wildcard listener."""
