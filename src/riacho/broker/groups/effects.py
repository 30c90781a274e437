"""What a step of the coordinator's state machine asks for: records to store, answers, timers.

A step is a function `(state, event, now) → Effects`. It does no I/O: the shell (`coordinator`) stores the records,
gives the answers once they are durable, and runs the timers, each of which brings its event back.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from riacho.broker.groups.messages import Reply
from riacho.broker.groups.records import Record

Ticket = int
"""Names a request that waits for its answer."""

TimerKey = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SessionExpired:
    """A member has not been heard of for its session time-out (or never joined within it)."""

    group_id: str
    member_id: str


@dataclass(frozen=True, slots=True)
class InitialDelayOver:
    """The first members of an empty group have waited `delay_ms` for others; at most `remaining_ms` more."""

    group_id: str
    delay_ms: int
    remaining_ms: int


@dataclass(frozen=True, slots=True)
class RebalanceTimedOut:
    """Members had the rebalance time-out to rejoin."""

    group_id: str


@dataclass(frozen=True, slots=True)
class SyncTimedOut:
    """Members had the rebalance time-out to send SyncGroup after `generation` was formed."""

    group_id: str
    generation: int


@dataclass(frozen=True, slots=True)
class RetentionCheckDue:
    """Time to look for offsets past their retention."""


@dataclass(frozen=True, slots=True)
class AssignmentStored:
    """The leader's assignment for `generation` is durable."""

    group_id: str
    generation: int
    assignment: dict[str, bytes]


@dataclass(frozen=True, slots=True)
class StaticMemberStored:
    """A returned static member's new id is durable."""

    group_id: str
    member_id: str
    previous_leader: str | None
    can_skip_assignment: bool


@dataclass(frozen=True, slots=True)
class PartitionsDeleted:
    """Topics were deleted: the offsets committed for their partitions go too."""

    partitions: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Loaded:
    """All records of the log have been applied: members' sessions start anew."""


TimerEvent = SessionExpired | InitialDelayOver | RebalanceTimedOut | SyncTimedOut | RetentionCheckDue
StoredEvent = AssignmentStored | StaticMemberStored
Happening = TimerEvent | StoredEvent | PartitionsDeleted | Loaded


@dataclass(frozen=True, slots=True)
class SetTimer:
    """After `delay_ms`, bring `event`. Replaces the timer of the same key."""

    key: TimerKey
    delay_ms: int
    event: TimerEvent


@dataclass(frozen=True, slots=True)
class CancelTimer:
    key: TimerKey


@dataclass(slots=True)
class Effects:
    """What one step asks of the shell, in order."""

    records: list[Record] = field(default_factory=list)
    """To be stored together, before the replies are given."""
    replies: list[tuple[Ticket, Reply]] = field(default_factory=list)
    timers: list[SetTimer | CancelTimer] = field(default_factory=list)
    then: StoredEvent | None = None
    """What happens once the records are durable."""
    notes: list[str] = field(default_factory=list)
    """What an operator wants to read in the broker's log: why a group rebalances, and to what."""
