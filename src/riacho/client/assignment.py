"""What a fetcher knows of each partition assigned to it, and what it may ask for next. No I/O."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from riacho.client.cluster import Leader, TopicPartition
from riacho.client.columns import RecordColumns
from riacho.errors import RiachoError

NO_EPOCH = -1


class OffsetReset(Enum):
    """What to do where the records to go on from are not in the log; `FAIL` is Kafka's `none`."""

    FAIL = "none"
    EARLIEST = "earliest"
    LATEST = "latest"


@dataclass(frozen=True, slots=True)
class FetchConfig:
    """How a fetcher fetches. Names and defaults follow Kafka's consumer where it has the same setting."""

    max_wait_ms: int = 500
    """How long a broker may hold a fetch that finds nothing."""
    min_bytes: int = 1
    max_bytes: int = 50 << 20
    """Bytes of one response."""
    max_partition_bytes: int = 1 << 20
    """Bytes of one partition in one response; a larger batch comes whole and alone."""
    buffered_responses: int = 4
    """A partition is not fetched while this many times `max_partition_bytes` of it wait to be taken."""
    max_buffered_bytes: int = 64 << 20
    """Nothing is fetched while this much waits to be taken, over all partitions."""
    read_committed: bool = True
    offset_reset: OffsetReset = OffsetReset.FAIL
    producer_id: int | None = None
    """Whose records are handed over: those of every producer, or of the one with this id."""
    gathering_ms: float = 0.5
    """After a small answer the broker gathers for this long at least what the next one brings, and until the taker has
    taken all. A record that follows a silence finds a fetch that waits for it.
    """


class Demand:
    """Whether the taker has found nothing to take since it last took something. Guarded by the given lock."""

    def __init__(self, lock: threading.RLock) -> None:
        self.unmet = True
        self.asked = threading.Condition(lock)
        """Told where it begins to be unmet. Of its own: who waits for that is not to be woken by every take."""

    def ask(self) -> None:
        """There was nothing to take."""
        if not self.unmet:
            self.unmet = True
            self.asked.notify_all()


@dataclass(slots=True)
class Block:
    """Decoded records that wait to be taken, and the bytes that they hold in memory."""

    columns: RecordColumns
    size: int


@dataclass(slots=True, eq=False)
class Assigned:
    """One partition's state. `position` is what to ask for next, `consumed` what the taker goes on from."""

    partition: TopicPartition
    position: int
    """An offset; `EARLIEST` or `LATEST` until the leader has said which one that is."""
    until: int | None
    """Records from this offset on are not wanted."""
    consumed: int = 0
    leader: Leader | None = None
    epoch: int = NO_EPOCH
    """The leader epoch of the last batch that was read."""
    checked_epoch: int = NO_EPOCH
    """The leader's epoch against which `position` was last checked for a truncation."""
    high_watermark: int = -1
    log_start_offset: int = -1
    blocks: deque[Block] = field(default_factory=deque)
    buffered: int = 0
    """Bytes of `blocks`, and of those being decoded."""
    paused: bool = False
    in_flight: bool = False
    seeks: int = 0
    """Answers to what was asked before the last seek are dropped."""
    error: RiachoError | None = None
    on_arrival: Callable[[], None] | None = None
    """Called when records are queued, with the lock held: it must not wait."""

    def __post_init__(self) -> None:
        self.consumed = self.position

    @property
    def waiting(self) -> int:
        """How many records wait to be taken."""
        return sum(len(block.columns) for block in self.blocks)

    @property
    def exhausted(self) -> bool:
        """Whether all wanted records were fetched."""
        return self.until is not None and self.position >= self.until

    @property
    def finished(self) -> bool:
        """Whether all wanted records were taken."""
        return self.until is not None and self.consumed >= self.until

    @property
    def unrouted(self) -> bool:
        return self.leader is None and self.error is None and not self.exhausted

    @property
    def wanted(self) -> bool:
        """Whether more of it is to be fetched, once there is room."""
        return not (self.paused or self.in_flight or self.exhausted or self.error is not None)

    def advance(self, next_offset: int, epoch: int, size: int) -> None:
        """Note that batches up to `next_offset` arrived and are about to be decoded."""
        self.position = max(self.position, next_offset)
        self.epoch = epoch
        self.buffered += size

    def deliver(self, columns: RecordColumns, received: int) -> None:
        """Queue decoded records in place of the bytes that were received for them."""
        size = max(columns.buffer.size, 1)
        self.buffered += size - received
        self.blocks.append(Block(columns, size))
        if self.on_arrival is not None:
            self.on_arrival()

    def move(self, offset: int) -> None:
        """Go on from another offset, forgetting what was fetched."""
        self.position = self.consumed = offset
        self.epoch = NO_EPOCH
        self.blocks.clear()
        self.buffered = 0
        self.seeks += 1
        self.error = None

    def take(self, max_rows: int, max_bytes: int) -> tuple[RecordColumns | None, int]:
        """The next records, at most so many, and their bytes; (None, 0) where none wait. At least one record."""
        while self.blocks:
            block = self.blocks[0]
            rows = len(block.columns)
            most = rows if block.size <= max_bytes else max(rows * max_bytes // block.size, 1)
            most = min(most, max_rows)
            if most < rows:
                size = block.size * most // rows
                taken = block.columns.slice(0, most)
                self.blocks[0] = Block(block.columns.slice(most, rows), block.size - size)
            else:
                size = block.size
                taken = block.columns
                self.blocks.popleft()
            self.buffered -= size
            self.consumed = taken.next_offset
            if len(taken):
                return taken, size
        return None, 0
