"""A classic group and its members: what is known of them, and the invariants among it. No rules of the protocol."""

from __future__ import annotations

import struct
from collections import Counter
from dataclasses import dataclass, field
from enum import Enum

from riacho.broker.errors import ErrorCode
from riacho.broker.groups.effects import Ticket
from riacho.broker.groups.messages import (
    DescribedGroup,
    DescribedMember,
    JoinedMember,
    JoinProtocol,
    ListedGroup,
)
from riacho.broker.groups.records import StoredGroup, StoredMember

CONSUMER_PROTOCOL_TYPE = "consumer"
CLASSIC_GROUP_TYPE = "classic"


class GroupState(Enum):
    """Where a group stands; the values are the names that Kafka's tools show."""

    EMPTY = "Empty"
    PREPARING_REBALANCE = "PreparingRebalance"
    """Members are to (re)join."""
    COMPLETING_REBALANCE = "CompletingRebalance"
    """A generation is formed; its leader is to bring the assignment."""
    STABLE = "Stable"


DEAD = "Dead"
"""What Kafka calls the state of a group that does not exist."""

_BEFORE: dict[GroupState, frozenset[GroupState]] = {
    GroupState.EMPTY: frozenset({GroupState.PREPARING_REBALANCE}),
    GroupState.PREPARING_REBALANCE: frozenset({GroupState.EMPTY, GroupState.COMPLETING_REBALANCE, GroupState.STABLE}),
    GroupState.COMPLETING_REBALANCE: frozenset({GroupState.PREPARING_REBALANCE}),
    GroupState.STABLE: frozenset({GroupState.COMPLETING_REBALANCE}),
}


@dataclass(slots=True)
class Member:
    """One member. `join_ticket` and `sync_ticket` name its requests that wait for an answer."""

    member_id: str
    group_instance_id: str | None
    client_id: str
    client_host: str
    rebalance_timeout_ms: int
    session_timeout_ms: int
    protocols: tuple[JoinProtocol, ...]
    assignment: bytes = b""
    join_ticket: Ticket | None = None
    sync_ticket: Ticket | None = None
    is_new: bool = False
    """Waits for its first rebalance: it may expire while its JoinGroup waits."""

    @property
    def is_static(self) -> bool:
        return self.group_instance_id is not None

    @property
    def is_awaiting_join(self) -> bool:
        return self.join_ticket is not None

    @property
    def satisfies_heartbeat(self) -> bool:
        """A member whose request waits here cannot send heartbeats, and need not."""
        return not self.is_new and (self.join_ticket is not None or self.sync_ticket is not None)

    def metadata(self, protocol_name: str) -> bytes:
        """What the member said under a protocol. Raises `KeyError` where it does not offer it."""
        for protocol in self.protocols:
            if protocol.name == protocol_name:
                return protocol.metadata
        raise KeyError(protocol_name)

    def vote(self, candidates: frozenset[str]) -> str:
        """The protocol that the member prefers among the candidates, all of which it supports."""
        return next(protocol.name for protocol in self.protocols if protocol.name in candidates)


@dataclass(slots=True)
class Group:
    """A classic group: members in the order in which they came, and where it stands."""

    group_id: str
    state: GroupState = GroupState.EMPTY
    previous_state: GroupState | None = None
    generation: int = 0
    protocol_type: str | None = None
    protocol_name: str | None = None
    leader: str | None = None
    state_timestamp_ms: int = -1
    members: dict[str, Member] = field(default_factory=dict)
    static_members: dict[str, str] = field(default_factory=dict)
    """Instance id → member id."""
    pending_join: set[str] = field(default_factory=set)
    """Ids given out (KIP-394) whose members have not come back yet."""
    pending_sync: set[str] = field(default_factory=set)
    """Members of this generation whose SyncGroup has not come."""
    assigned_generation: int | None = None
    """The generation whose assignment the leader has brought; it may not be durable yet."""
    new_member_added: bool = False
    """Someone joined during the initial delay, which is therefore extended."""
    subscribed_topics: frozenset[str] | None = None
    """What the members read; None where that is unknown (another protocol type, or unreadable subscriptions)."""

    # -- state ---------------------------------------------------------------------------------------------------

    def enter(self, state: GroupState, now_ms: int) -> None:
        assert self.state in _BEFORE[state], f"{self.group_id}: {self.state} to {state}"
        self.previous_state, self.state = self.state, state
        self.state_timestamp_ms = now_ms

    @property
    def can_rebalance(self) -> bool:
        return self.state in _BEFORE[GroupState.PREPARING_REBALANCE]

    @property
    def is_empty(self) -> bool:
        return self.state is GroupState.EMPTY

    @property
    def awaiting_join(self) -> int:
        """How many members' JoinGroup requests wait here."""
        return sum(member.is_awaiting_join for member in self.members.values())

    @property
    def has_all_members_joined(self) -> bool:
        return not self.pending_join and all(member.is_awaiting_join for member in self.members.values())

    @property
    def rebalance_timeout_ms(self) -> int:
        """The longest of the members', as the slowest must have its time."""
        return max((member.rebalance_timeout_ms for member in self.members.values()), default=0)

    # -- members -------------------------------------------------------------------------------------------------

    def add(self, member: Member, protocol_type: str) -> None:
        if not self.members:
            self.protocol_type = protocol_type
        assert self.protocol_type == protocol_type
        if member.group_instance_id is not None:
            assert member.group_instance_id not in self.static_members
            self.static_members[member.group_instance_id] = member.member_id
        if self.leader is None:
            self.leader = member.member_id
        self.members[member.member_id] = member
        self.pending_join.discard(member.member_id)

    def remove(self, member_id: str) -> None:
        member = self.members.pop(member_id, None)
        if member is not None and member.group_instance_id is not None:
            del self.static_members[member.group_instance_id]
        if self.leader == member_id:
            self.leader = next(iter(self.members), None)
        self.pending_join.discard(member_id)
        self.pending_sync.discard(member_id)

    def replace_static_member(self, group_instance_id: str, new_member_id: str) -> Member:
        """Give a static member a new id; it keeps its place, its assignment and, if it led, the lead."""
        old_member_id = self.static_members[group_instance_id]
        old = self.members.pop(old_member_id)
        new = Member(
            new_member_id,
            group_instance_id,
            old.client_id,
            old.client_host,
            old.rebalance_timeout_ms,
            old.session_timeout_ms,
            old.protocols,
            old.assignment,
        )
        self.members[new_member_id] = new
        self.static_members[group_instance_id] = new_member_id
        if self.leader == old_member_id:
            self.leader = new_member_id
        self.pending_sync.discard(old_member_id)
        return new

    def member_error(self, member_id: str, group_instance_id: str | None) -> ErrorCode:
        """Whether a request may speak for a member: `fenced_instance_id` where another took its instance id."""
        if group_instance_id is not None:
            current = self.static_members.get(group_instance_id)
            if current is None:
                return ErrorCode.unknown_member_id
            if current != member_id:
                return ErrorCode.fenced_instance_id
        return ErrorCode.none if member_id in self.members else ErrorCode.unknown_member_id

    def elect_joined_leader(self) -> bool:
        """See to it that the leader is among those who wait for this rebalance; False where nobody does."""
        if self.leader is None:
            return False
        if self.members[self.leader].is_awaiting_join:
            return True
        joined = next((m.member_id for m in self.members.values() if m.is_awaiting_join), None)
        if joined is None:
            return False
        self.leader = joined
        return True

    # -- protocols -----------------------------------------------------------------------------------------------

    def common_protocols(self) -> frozenset[str]:
        """The protocols that every member offers."""
        offered = [frozenset(protocol.name for protocol in m.protocols) for m in self.members.values()]
        return frozenset.intersection(*offered) if offered else frozenset()

    def supports(self, protocol_type: str, protocols: tuple[JoinProtocol, ...]) -> bool:
        """Whether a member with these protocols can be in the group."""
        if self.is_empty:
            return bool(protocol_type and protocols)
        common = self.common_protocols()
        return self.protocol_type == protocol_type and any(protocol.name in common for protocol in protocols)

    def select_protocol(self) -> str:
        """Each member votes for the first it offers among those all offer; most votes win."""
        candidates = self.common_protocols()
        votes = Counter(member.vote(candidates) for member in self.members.values())
        return votes.most_common(1)[0][0]

    def begin_generation(self, now_ms: int) -> None:
        """The next generation, of those who are members now: to be assigned, or empty."""
        self.generation += 1
        self.pending_sync.clear()
        self.protocol_name = self.select_protocol() if self.members else None
        self.subscribed_topics = self.read_subscriptions()
        self.enter(GroupState.COMPLETING_REBALANCE if self.members else GroupState.EMPTY, now_ms)

    def read_subscriptions(self) -> frozenset[str] | None:
        """The topics in the members' subscriptions, where the group is one of consumers and they can be read."""
        if self.protocol_type != CONSUMER_PROTOCOL_TYPE:
            return None
        if not self.members:
            return frozenset()
        if self.protocol_name is None:
            return None
        topics: set[str] = set()
        for member in self.members.values():
            subscribed = topics_of_subscription(member.metadata(self.protocol_name))
            if subscribed is None:
                return None
            topics.update(subscribed)
        return frozenset(topics)

    def is_subscribed_to(self, topic: str) -> bool:
        """Whether a member reads the topic; where that is unknown, a group of consumers is taken to."""
        if self.subscribed_topics is None:
            return self.protocol_type == CONSUMER_PROTOCOL_TYPE
        return topic in self.subscribed_topics

    # -- views ---------------------------------------------------------------------------------------------------

    def joined_members(self) -> tuple[JoinedMember, ...]:
        """What the leader is told, to assign by."""
        assert self.protocol_name is not None
        return tuple(
            JoinedMember(m.member_id, m.group_instance_id, m.metadata(self.protocol_name))
            for m in self.members.values()
        )

    def describe(self) -> DescribedGroup:
        """For DescribeGroups: subscriptions are shown once the group is stable."""
        shown = self.protocol_name if self.state is GroupState.STABLE else None
        return DescribedGroup(
            self.group_id,
            self.state.value,
            self.protocol_type or "",
            shown or "",
            tuple(
                DescribedMember(
                    member.member_id,
                    member.group_instance_id,
                    member.client_id,
                    member.client_host,
                    b"" if shown is None else member.metadata(shown),
                    member.assignment,
                )
                for member in self.members.values()
            ),
        )

    def listed(self) -> ListedGroup:
        return ListedGroup(self.group_id, self.protocol_type or "", self.state.value, CLASSIC_GROUP_TYPE)

    def stored(self, assignment: dict[str, bytes]) -> StoredGroup:
        """The group for the log, with the assignment that is to become its members'."""
        name = self.protocol_name
        return StoredGroup(
            self.protocol_type or "",
            self.generation,
            name,
            self.leader,
            self.state_timestamp_ms,
            tuple(
                StoredMember(
                    member.member_id,
                    member.group_instance_id,
                    member.client_id,
                    member.client_host,
                    member.rebalance_timeout_ms,
                    member.session_timeout_ms,
                    b"" if name is None else member.metadata(name),
                    assignment[member.member_id],
                )
                for member in self.members.values()
            ),
        )

    @classmethod
    def restored(cls, group_id: str, stored: StoredGroup) -> Group:
        """The group that a record of the log tells: stable if it has members."""
        group = cls(
            group_id,
            GroupState.STABLE if stored.members else GroupState.EMPTY,
            generation=stored.generation,
            protocol_type=stored.protocol_type or None,
            protocol_name=stored.protocol_name,
            leader=stored.leader,
            state_timestamp_ms=stored.state_timestamp_ms,
        )
        for member in stored.members:
            protocols = (JoinProtocol(stored.protocol_name or "", member.subscription),)
            group.add(
                Member(
                    member.member_id,
                    member.group_instance_id,
                    member.client_id,
                    member.client_host,
                    member.rebalance_timeout_ms,
                    member.session_timeout_ms,
                    protocols,
                    member.assignment,
                ),
                stored.protocol_type,
            )
        group.subscribed_topics = group.read_subscriptions()
        return group


def topics_of_subscription(metadata: bytes) -> list[str] | None:
    """The topics in a consumer's subscription, which every version of it starts with; None if it cannot be read.

    >>> topics_of_subscription(bytes.fromhex("0001 00000001 0004") + b"bids" + bytes.fromhex("ffffffff"))
    ['bids']
    >>> topics_of_subscription(b"not a subscription") is None
    True
    """
    try:
        version, count = struct.unpack_from(">hi", metadata)
        if version < 0 or count < 0:
            return None
        position = 6
        topics = []
        for _ in range(count):
            (length,) = struct.unpack_from(">h", metadata, position)
            name = metadata[position + 2 : position + 2 + length]
            if length < 0 or len(name) < length:
                return None
            topics.append(name.decode())
            position += 2 + length
    except (struct.error, UnicodeDecodeError):
        return None
    return topics
