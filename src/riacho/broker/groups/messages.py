"""What is asked of a group and what it answers: the coordinator's vocabulary, free of wire versions.

The modules of `broker.apis` translate each version of Kafka's requests into these and back. An answer that has
`error` set to anything but `none` leaves its other fields at their defaults, as Kafka does.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from riacho.broker.errors import ErrorCode

NO_GENERATION = -1
NO_MEMBER = ""


@dataclass(frozen=True, slots=True)
class JoinProtocol:
    """An assignment protocol that a member offers, with what the member says under it (its subscription)."""

    name: str
    metadata: bytes


@dataclass(frozen=True, slots=True)
class JoinRequest:
    group_id: str
    member_id: str
    group_instance_id: str | None
    session_timeout_ms: int
    rebalance_timeout_ms: int
    protocol_type: str
    protocols: tuple[JoinProtocol, ...]
    client_id: str
    client_host: str
    offered_member_id: str
    """The id that the group gives to this member if it has none: chosen outside, so that the group is a function
    of its inputs."""
    requires_known_member_id: bool = True
    """JoinGroup 4 and later (KIP-394): a member must come back with the id it was given before it counts."""
    can_skip_assignment: bool = True
    """JoinGroup 9 and later (KIP-814): a returning static leader may be told to assign nothing."""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class JoinedMember:
    member_id: str
    group_instance_id: str | None
    metadata: bytes


@dataclass(frozen=True, slots=True)
class JoinReply:
    error: ErrorCode
    member_id: str = NO_MEMBER
    generation: int = NO_GENERATION
    protocol_type: str | None = None
    protocol_name: str | None = None
    leader: str = NO_MEMBER
    skip_assignment: bool = False
    members: tuple[JoinedMember, ...] = ()
    """Only the leader is told the members."""


@dataclass(frozen=True, slots=True)
class SyncRequest:
    group_id: str
    member_id: str
    group_instance_id: str | None
    generation: int
    protocol_type: str | None
    protocol_name: str | None
    assignments: tuple[tuple[str, bytes], ...]
    """Member id and assignment; empty from anyone but the leader."""


@dataclass(frozen=True, slots=True)
class SyncReply:
    error: ErrorCode
    protocol_type: str | None = None
    protocol_name: str | None = None
    assignment: bytes = b""


@dataclass(frozen=True, slots=True)
class HeartbeatRequest:
    group_id: str
    member_id: str
    group_instance_id: str | None
    generation: int


@dataclass(frozen=True, slots=True)
class HeartbeatReply:
    error: ErrorCode


@dataclass(frozen=True, slots=True)
class LeavingMember:
    member_id: str
    group_instance_id: str | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class LeaveRequest:
    group_id: str
    members: tuple[LeavingMember, ...]


@dataclass(frozen=True, slots=True)
class LeaveReply:
    error: ErrorCode
    members: tuple[tuple[LeavingMember, ErrorCode], ...] = ()


@dataclass(frozen=True, slots=True)
class OffsetToCommit:
    topic: str
    partition: int
    offset: int
    leader_epoch: int = -1
    metadata: str = ""
    topic_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class CommitRequest:
    group_id: str
    member_id: str
    group_instance_id: str | None
    generation: int
    offsets: tuple[OffsetToCommit, ...]
    retention_ms: int | None = None
    """OffsetCommit 2–4: how long this commit lives; None leaves it to the broker."""
    missing_group_error: ErrorCode = ErrorCode.group_id_not_found
    """What a member of a group that does not exist is told; before OffsetCommit 9, `illegal_generation`."""


@dataclass(frozen=True, slots=True)
class CommitReply:
    error: ErrorCode
    """Set when nothing was committed; it then holds for every partition of the request."""
    errors: tuple[ErrorCode, ...] = ()
    """One for each of the request's offsets, in order."""


@dataclass(frozen=True, slots=True)
class DeleteGroupRequest:
    group_id: str


@dataclass(frozen=True, slots=True)
class DeleteGroupReply:
    error: ErrorCode


@dataclass(frozen=True, slots=True)
class DeleteOffsetsRequest:
    group_id: str
    partitions: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class DeleteOffsetsReply:
    error: ErrorCode
    errors: tuple[ErrorCode, ...] = ()
    """One for each of the request's partitions, in order."""


@dataclass(frozen=True, slots=True)
class DescribedMember:
    member_id: str
    group_instance_id: str | None
    client_id: str
    client_host: str
    metadata: bytes
    assignment: bytes


@dataclass(frozen=True, slots=True)
class DescribedGroup:
    group_id: str
    state: str
    protocol_type: str
    protocol_name: str
    members: tuple[DescribedMember, ...]


@dataclass(frozen=True, slots=True)
class ListedGroup:
    group_id: str
    protocol_type: str
    state: str
    group_type: str


Request = (
    JoinRequest
    | SyncRequest
    | HeartbeatRequest
    | LeaveRequest
    | CommitRequest
    | DeleteGroupRequest
    | DeleteOffsetsRequest
)
Reply = JoinReply | SyncReply | HeartbeatReply | LeaveReply | CommitReply | DeleteGroupReply | DeleteOffsetsReply


def refusal(request: Request, error: ErrorCode) -> Reply:
    """The answer to `request` when it cannot be looked at, whatever it asks."""
    match request:
        case JoinRequest():
            return JoinReply(error)
        case SyncRequest():
            return SyncReply(error)
        case HeartbeatRequest():
            return HeartbeatReply(error)
        case LeaveRequest():
            return LeaveReply(error)
        case CommitRequest():
            return CommitReply(error)
        case DeleteGroupRequest():
            return DeleteGroupReply(error)
        case DeleteOffsetsRequest():
            return DeleteOffsetsReply(error)
