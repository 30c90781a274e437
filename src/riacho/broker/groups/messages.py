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
    """A member wants to be in the next generation (JoinGroup)."""

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
    """A member as the leader is told of it; `metadata` under the protocol that was chosen."""

    member_id: str
    group_instance_id: str | None
    metadata: bytes


@dataclass(frozen=True, slots=True)
class JoinReply:
    """The generation that a member has joined, or why it has not."""

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
    """A member asks for its assignment, and the leader brings everybody's (SyncGroup)."""

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
    """What a member is to read, as the leader wrote it; or why it is told nothing."""

    error: ErrorCode
    protocol_type: str | None = None
    protocol_name: str | None = None
    assignment: bytes = b""


@dataclass(frozen=True, slots=True)
class HeartbeatRequest:
    """A member says that it is there (Heartbeat)."""

    group_id: str
    member_id: str
    group_instance_id: str | None
    generation: int


@dataclass(frozen=True, slots=True)
class HeartbeatReply:
    """Whether the member is to go on, or to join anew."""

    error: ErrorCode


@dataclass(frozen=True, slots=True)
class LeavingMember:
    """A member that goes: by its id, or a static one by its instance id alone (KIP-345)."""

    member_id: str
    group_instance_id: str | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class LeaveRequest:
    """Members go, at their own wish or an administrator's (LeaveGroup)."""

    group_id: str
    members: tuple[LeavingMember, ...]


@dataclass(frozen=True, slots=True)
class LeaveReply:
    """Who has gone, and who was not a member."""

    error: ErrorCode
    members: tuple[tuple[LeavingMember, ErrorCode], ...] = ()


@dataclass(frozen=True, slots=True)
class OffsetToCommit:
    """Where a group goes on in one partition; `topic_id` where the client named the topic by it."""

    topic: str
    partition: int
    offset: int
    leader_epoch: int = -1
    metadata: str = ""
    topic_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class CommitRequest:
    """A member, or somebody outside any generation, stores offsets (OffsetCommit)."""

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
    """What was stored."""

    error: ErrorCode
    """Set when nothing was committed; it then holds for every partition of the request."""
    errors: tuple[ErrorCode, ...] = ()
    """One for each of the request's offsets, in order."""


@dataclass(frozen=True, slots=True)
class DeleteGroupRequest:
    """Forget an empty group and its offsets (DeleteGroups)."""

    group_id: str


@dataclass(frozen=True, slots=True)
class DeleteGroupReply:
    """Whether the group is gone."""

    error: ErrorCode


@dataclass(frozen=True, slots=True)
class DeleteOffsetsRequest:
    """Forget offsets of topics that no member is subscribed to (OffsetDelete)."""

    group_id: str
    partitions: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class DeleteOffsetsReply:
    """What was forgotten."""

    error: ErrorCode
    errors: tuple[ErrorCode, ...] = ()
    """One for each of the request's partitions, in order."""


@dataclass(frozen=True, slots=True)
class DescribedMember:
    """A member as DescribeGroups tells of it; `assignment` as the leader wrote it."""

    member_id: str
    group_instance_id: str | None
    client_id: str
    client_host: str
    metadata: bytes
    assignment: bytes


@dataclass(frozen=True, slots=True)
class DescribedGroup:
    """A group as DescribeGroups tells of it."""

    group_id: str
    state: str
    protocol_type: str
    protocol_name: str
    members: tuple[DescribedMember, ...]


@dataclass(frozen=True, slots=True)
class ListedGroup:
    """A group as ListGroups tells of it; `group_type` is "classic" so far."""

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
