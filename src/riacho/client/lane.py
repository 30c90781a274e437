"""A producer's queue for one partition: order, sequence numbers, and what is sent again. No I/O.

    filling → ready → in flight → acknowledged
                ↑________| failed

Batches are sent in their order and go back to `ready` in it: once one has failed nothing more is sent until the
rest of what is in flight is answered. So a broker never sees a gap that it would have to refuse.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from riacho.client.batches import NO_IDENTITY, Batch, Identity
from riacho.client.cluster import Leader, TopicPartition

SEQUENCE_MASK = 0x7FFFFFFF


@dataclass(slots=True)
class Refusal:
    """A broker has answered that it does not take a partition's records, and may take them later."""

    reason: str
    since_ms: float
    told: bool = False
    """Whether the log has been told."""


@dataclass(slots=True, eq=False)
class Lane:
    """The batches of one partition that are not acknowledged yet."""

    partition: TopicPartition
    max_in_flight: int
    leader: Leader | None = None
    filling: Batch | None = None
    ready: deque[Batch] = field(default_factory=deque)
    in_flight: deque[Batch] = field(default_factory=deque)
    identity: Identity = NO_IDENTITY
    next_sequence: int = 0
    retry_at_ms: float = 0.0
    failures: int = 0
    """Sendings that failed since the last one that did not."""
    refusal: Refusal | None = None
    """Why the broker takes none of them for now."""

    @property
    def idle(self) -> bool:
        return not (self.filling or self.ready or self.in_flight)

    @property
    def unrouted(self) -> bool:
        return self.leader is None and not self.idle

    def sendable(self, now_ms: float, linger_ms: float) -> bool:
        """Whether a batch may be sent now."""
        return self.due_ms(linger_ms) <= now_ms

    def due_ms(self, linger_ms: float) -> float:
        """When a batch may be sent; infinite where that depends on other events."""
        if len(self.in_flight) >= self.max_in_flight or any(batch.failed for batch in self.in_flight):
            return float("inf")
        if self.ready:
            return self.retry_at_ms
        if self.filling is not None and self.filling.count:
            return max(self.filling.created_ms + linger_ms, self.retry_at_ms)
        return float("inf")

    def close_filling(self) -> None:
        """Let the batch being filled be sent; the next record opens another."""
        if self.filling is not None:
            self.ready.append(self.filling)
            self.filling = None

    def take(self) -> Batch:
        """The next batch to send, which is then in flight."""
        if not self.ready:
            self.close_filling()
        batch = self.ready.popleft()
        self.in_flight.append(batch)
        return batch

    def assign_sequence(self, batch: Batch) -> int:
        """The sequence number of a batch that has none; they wrap from 2^31 - 1 to 0."""
        sequence = self.next_sequence
        self.next_sequence = (sequence + batch.count) & SEQUENCE_MASK
        return sequence

    def acknowledge(self, batch: Batch) -> None:
        """Forget a batch that the broker has."""
        self.in_flight.remove(batch)
        self.failures = 0
        self._settle()

    def fail(self, batch: Batch, retry_at_ms: float) -> None:
        """Send a batch again, not before `retry_at_ms`."""
        batch.failed = True
        self.failures += 1
        self.retry_at_ms = retry_at_ms
        self._settle()

    def renew(self, identity: Identity) -> None:
        """Go on under another producer id: what is not acknowledged is numbered again from 0."""
        self.identity = identity
        self.next_sequence = 0
        for batch in (*self.in_flight, *self.ready):
            batch.sequence = -1

    def oldest_ms(self) -> float:
        """When the oldest batch was begun; infinite where there is none."""
        batches = [*self.in_flight, *self.ready, *([self.filling] if self.filling else [])]
        return min((batch.created_ms for batch in batches), default=float("inf"))

    def _settle(self) -> None:
        """Queue failed batches again once all that was in flight is answered."""
        if self.in_flight and all(batch.failed for batch in self.in_flight):
            for batch in self.in_flight:
                batch.failed = False
            self.ready.extendleft(reversed(self.in_flight))
            self.in_flight.clear()
