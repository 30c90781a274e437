"""What a client is told once: where the cluster is and how long to wait for it."""

from __future__ import annotations

from dataclasses import dataclass, field

from riacho import __version__
from riacho.errors import UsageError
from riacho.host import Clock, SystemClock
from riacho.host.address import parse_address

CLIENT_SOFTWARE = "riacho"
DEFAULT_PORT = 9092


@dataclass(frozen=True, slots=True)
class ClientConfig:
    """Settings that connections share. Times are in milliseconds; names follow Kafka's client properties."""

    bootstrap: str
    """`HOST:PORT`, or several with commas between: any brokers of the cluster."""
    client_id: str = "riacho"
    connect_timeout_ms: int = 10_000
    request_timeout_ms: int = 30_000
    api_timeout_ms: int = 60_000
    """How long a call tries again while brokers are away or metadata is stale."""
    retry_backoff_ms: int = 20
    retry_backoff_max_ms: int = 1_000
    clock: Clock = field(default_factory=SystemClock)

    @property
    def software_version(self) -> str:
        return __version__

    def addresses(self) -> list[tuple[str, int]]:
        """The bootstrap addresses. Raises `UsageError` where one is not `HOST:PORT`.

        >>> ClientConfig("one:9092,[::1]:9093,two").addresses()
        [('one', 9092), ('::1', 9093), ('two', 9092)]
        """
        return [_address(text.strip()) for text in self.bootstrap.split(",")]


def _address(text: str) -> tuple[str, int]:
    whole = ":" in text and not text.endswith("]")
    try:
        host, port = parse_address(text if whole else f"{text}:{DEFAULT_PORT}")
    except ValueError:
        host, port = "", 0
    if not host or not port:
        raise UsageError(f"{text!r} is not the address of a Kafka broker", mend="give HOST:PORT")
    return host, port
