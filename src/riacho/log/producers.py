"""What the log remembers of idempotent producers (KIP-98, KIP-360): enough to refuse gaps and to know repeats."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from struct import Struct
from struct import error as StructError  # noqa: N812 - an exception, named as one
from typing import Final, NamedTuple

from crc32c import crc32c

from riacho.log.errors import InvalidProducerEpoch, OutOfOrderSequence
from riacho.log.header import MAX_SEQUENCE, BatchHeader

REMEMBERED_BATCHES: Final = 5
"""A producer keeps at most five requests in flight, so a repeat is one of the last five batches."""

_SNAPSHOT_VERSION: Final = 1
_SNAPSHOT_HEAD: Final = Struct(">HI")
_SNAPSHOT_COUNT: Final = Struct(">qI")
_PRODUCER: Final = Struct(">qhqB")
_BATCH: Final = Struct(">iiqqq")


class RememberedBatch(NamedTuple):
    """A stored batch, as far as a repeat of it must be answered. `timestamp_ms` is its largest timestamp."""

    base_sequence: int
    last_sequence: int
    base_offset: int
    last_offset: int
    timestamp_ms: int


@dataclass(slots=True)
class ProducerState:
    """One producer's current epoch and its last batches, oldest first."""

    epoch: int
    last_seen_ms: int
    batches: deque[RememberedBatch] = field(default_factory=lambda: deque(maxlen=REMEMBERED_BATCHES))


class Producers:
    """The idempotent producers of one partition."""

    __slots__ = ("_states",)

    def __init__(self) -> None:
        self._states: dict[int, ProducerState] = {}

    def __len__(self) -> int:
        return len(self._states)

    def state(self, producer_id: int) -> ProducerState | None:
        return self._states.get(producer_id)

    def check(self, header: BatchHeader) -> RememberedBatch | None:
        """Whether this batch may be appended: None, or the stored batch of which it is a repeat.

        A producer that is unknown here (never seen, expired, or its records deleted) may begin with any
        sequence, as in Kafka since KIP-360. Raises `InvalidProducerEpoch`, `OutOfOrderSequence`.
        """
        state = self._states.get(header.producer_id)
        if state is None:
            return None
        if header.producer_epoch != state.epoch:
            if header.producer_epoch < state.epoch:
                raise InvalidProducerEpoch(
                    f"producer {header.producer_id} is at epoch {state.epoch}, the batch is of {header.producer_epoch}"
                )
            if header.base_sequence != 0 and not header.is_control:
                raise OutOfOrderSequence(
                    f"producer {header.producer_id} begins epoch {header.producer_epoch} "
                    f"with sequence {header.base_sequence}"
                )
            return None
        if not state.batches or header.is_control:
            return None
        first, last = header.base_sequence, header.last_sequence
        for batch in state.batches:
            if batch.base_sequence == first and batch.last_sequence == last:
                return batch
        expected = (state.batches[-1].last_sequence + 1) & MAX_SEQUENCE
        if first != expected:
            raise OutOfOrderSequence(
                f"producer {header.producer_id} must go on with sequence {expected}, it sent {first}"
            )
        return None

    def record(self, header: BatchHeader, base_offset: int, timestamp_ms: int, now_ms: int) -> None:
        """Remember a batch that was stored at `base_offset`."""
        state = self._states.get(header.producer_id)
        if state is None or state.epoch != header.producer_epoch:
            state = ProducerState(header.producer_epoch, now_ms)
            self._states[header.producer_id] = state
        state.last_seen_ms = now_ms
        if not header.is_control:
            state.batches.append(
                RememberedBatch(
                    header.base_sequence,
                    header.last_sequence,
                    base_offset,
                    base_offset + header.last_offset_delta,
                    timestamp_ms,
                )
            )

    def expire(self, last_seen_before_ms: int) -> None:
        """Forget producers not heard from since then."""
        for producer_id in [id_ for id_, state in self._states.items() if state.last_seen_ms < last_seen_before_ms]:
            del self._states[producer_id]

    def encode(self, end_offset: int) -> bytes:
        """A snapshot of the state after every record below `end_offset`, with its own checksum."""
        body = bytearray(_SNAPSHOT_COUNT.pack(end_offset, len(self._states)))
        for producer_id, state in self._states.items():
            body += _PRODUCER.pack(producer_id, state.epoch, state.last_seen_ms, len(state.batches))
            for batch in state.batches:
                body += _BATCH.pack(*batch)
        return _SNAPSHOT_HEAD.pack(_SNAPSHOT_VERSION, crc32c(body)) + body

    @classmethod
    def decode(cls, snapshot: bytes, end_offset: int) -> Producers | None:
        """What `encode` wrote for this offset; None where it is damaged, of another version or offset."""
        producers = cls()
        try:
            version, expected = _SNAPSHOT_HEAD.unpack_from(snapshot)
            if version != _SNAPSHOT_VERSION or crc32c(memoryview(snapshot)[_SNAPSHOT_HEAD.size :]) != expected:
                return None
            position = _SNAPSHOT_HEAD.size
            written_for, count = _SNAPSHOT_COUNT.unpack_from(snapshot, position)
        except StructError:
            return None
        if written_for != end_offset:
            return None
        position += _SNAPSHOT_COUNT.size
        for _ in range(count):
            producer_id, epoch, last_seen_ms, batches = _PRODUCER.unpack_from(snapshot, position)
            position += _PRODUCER.size
            state = ProducerState(epoch, last_seen_ms)
            for _ in range(batches):
                state.batches.append(RememberedBatch._make(_BATCH.unpack_from(snapshot, position)))
                position += _BATCH.size
            producers._states[producer_id] = state
        return producers
