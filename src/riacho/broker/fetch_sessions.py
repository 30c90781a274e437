"""Fetch sessions (KIP-227): a consumer names its partitions once, and then only what changes.

A session remembers, per partition, where its consumer reads and what it was last told. An answer within a session
carries only partitions that have records, an error, or a changed offset.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import NamedTuple

from riacho.broker.errors import ApiError, ErrorCode
from riacho.broker.wire import TopicRef
from riacho.host import Clock

NO_SESSION = 0
INITIAL_EPOCH = 0
FINAL_EPOCH = -1
EVICTION_MS = 120_000
"""A session unused for so long makes room for a new one (Kafka's min.incremental.fetch.session.eviction.ms)."""
_LAST_EPOCH = 2**31 - 1

PartitionKey = tuple[TopicRef, int]
"""A topic and a partition."""


class Wanted(NamedTuple):
    """What a consumer asks of one partition."""

    current_leader_epoch: int
    fetch_offset: int
    last_fetched_epoch: int
    max_bytes: int


class Told(NamedTuple):
    """What a consumer was last told of one partition."""

    high_watermark: int
    log_start_offset: int


NEVER_TOLD = Told(-1, -1)


@dataclass(slots=True)
class FetchSession:
    """One consumer's partitions, in the order in which they are to be read."""

    id: int
    uses_topic_ids: bool
    epoch: int = 1
    wanted: dict[PartitionKey, Wanted] = field(default_factory=dict)
    told: dict[PartitionKey, Told] = field(default_factory=dict)
    last_used_ms: float = 0.0

    def update(self, changed: dict[PartitionKey, Wanted], forgotten: list[PartitionKey]) -> None:
        """Follow an incremental request."""
        for key in forgotten:
            self.wanted.pop(key, None)
            self.told.pop(key, None)
        self.wanted.update(changed)

    def is_news(self, key: PartitionKey, told: Told, *, has_records: bool, failed: bool) -> bool:
        """Whether a partition belongs into the answer; if so, it is remembered as told."""
        before = self.told.get(key, NEVER_TOLD)
        # After an error everything is news, so that the consumer sees the recovery.
        self.told[key] = NEVER_TOLD if failed else told
        return has_records or failed or told != before

    def had_records(self, key: PartitionKey) -> None:
        """Read this partition after the others next time, so that a busy one does not starve them."""
        wanted = self.wanted.pop(key, None)
        if wanted is not None:
            self.wanted[key] = wanted


class FetchSessions:
    """All sessions of the broker, at most `slots` of them."""

    def __init__(self, slots: int, clock: Clock) -> None:
        self._slots = slots
        self._clock = clock
        self._sessions: dict[int, FetchSession] = {}
        self._ids = random.Random()

    def begin(self, wanted: dict[PartitionKey, Wanted], *, uses_topic_ids: bool) -> FetchSession | None:
        """A new session; None where all places are taken by sessions in use, or there is nothing to remember."""
        now = self._clock.monotonic_ms()
        if not wanted or not self._make_place(now):
            return None
        session_id = NO_SESSION
        while session_id == NO_SESSION or session_id in self._sessions:
            session_id = self._ids.randrange(1, 2**31)
        session = FetchSession(session_id, uses_topic_ids, wanted=dict(wanted), last_used_ms=now)
        self._sessions[session_id] = session
        return session

    def resume(self, session_id: int, epoch: int, *, uses_topic_ids: bool) -> FetchSession:
        """The session of an incremental request. Raises `ApiError` where there is none, or it is out of step."""
        session = self._sessions.get(session_id)
        if session is None:
            raise ApiError(ErrorCode.fetch_session_id_not_found)
        if session.epoch != epoch:
            raise ApiError(ErrorCode.invalid_fetch_session_epoch)
        if session.uses_topic_ids != uses_topic_ids:
            raise ApiError(ErrorCode.fetch_session_topic_id_error)
        session.epoch = 1 if epoch == _LAST_EPOCH else epoch + 1
        session.last_used_ms = self._clock.monotonic_ms()
        # The one used last is the last in the dictionary: eviction takes the first.
        self._sessions[session_id] = self._sessions.pop(session_id)
        return session

    def end(self, session_id: int) -> None:
        """Forget a session, if it exists."""
        self._sessions.pop(session_id, None)

    def _make_place(self, now_ms: float) -> bool:
        if len(self._sessions) < self._slots:
            return True
        oldest = next(iter(self._sessions.values()), None)
        if oldest is None or now_ms - oldest.last_used_ms < EVICTION_MS:
            return False
        del self._sessions[oldest.id]
        return True
