"""A coordinator's shard driven by hand: requests, time and durability are the test's to give."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from riacho.broker.errors import ErrorCode
from riacho.broker.groups.config import GroupConfig
from riacho.broker.groups.effects import Effects, SetTimer, StoredEvent, TimerEvent, TimerKey
from riacho.broker.groups.messages import (
    CommitReply,
    CommitRequest,
    HeartbeatRequest,
    JoinProtocol,
    JoinReply,
    JoinRequest,
    LeaveReply,
    LeaveRequest,
    LeavingMember,
    OffsetToCommit,
    Reply,
    Request,
    SyncReply,
    SyncRequest,
)
from riacho.broker.groups.records import Record, decode, encode
from riacho.broker.groups.shard import Shard

GROUP = "the-group"
SESSION_MS = 10_000
REBALANCE_MS = 60_000
QUICK = GroupConfig(initial_rebalance_delay_ms=0)


def subscription(*topics: str) -> bytes:
    """A consumer's subscription, version 0, to the topics."""
    names = b"".join(len(topic).to_bytes(2, "big") + topic.encode() for topic in topics)
    return b"\x00\x00" + len(topics).to_bytes(4, "big") + names + b"\xff\xff\xff\xff"


def protocols(*names: str, metadata: bytes = subscription("bids")) -> tuple[JoinProtocol, ...]:
    return tuple(JoinProtocol(name, metadata) for name in names)


@dataclass
class Town:
    """A shard, its clock, its timers, its log, and the answers that have been given."""

    config: GroupConfig = QUICK
    now_ms: int = 1_000_000
    log: list[Record] = field(default_factory=list)
    """Every record, in the order of writing."""
    holding: bool = False
    """Records are not made durable until `release`."""
    replies: dict[int, Reply] = field(default_factory=dict)
    timers: dict[TimerKey, tuple[int, TimerEvent]] = field(default_factory=dict)
    held: list[Effects] = field(default_factory=list)
    _next: int = 0

    def __post_init__(self) -> None:
        self.shard = Shard(self.config)

    # -- driving -------------------------------------------------------------------------------------------------

    def ask(self, request: Request) -> int:
        """Send a request; its ticket, under which `replies` has the answer once there is one."""
        ticket = self._next
        self._next += 1
        self._carry_out(self.shard.ask(request, ticket, self.now_ms))
        return ticket

    def answer(self, request: Request) -> Reply:
        """Send a request that is answered at once."""
        return self.replies[self.ask(request)]

    def happen(self, event: object) -> None:
        self._carry_out(self.shard.happen(event, self.now_ms))  # type: ignore[arg-type]

    def advance(self, milliseconds: int) -> None:
        """Let time pass, timers going off in their order."""
        end = self.now_ms + milliseconds
        while due := [key for key, (at_ms, _) in self.timers.items() if at_ms <= end]:
            key = min(due, key=lambda each: self.timers[each][0])
            at_ms, event = self.timers.pop(key)
            self.now_ms = max(self.now_ms, at_ms)
            self.happen(event)
        self.now_ms = end

    def release(self) -> None:
        """Make durable what was held."""
        held, self.held = self.held, []
        for effects in held:
            self._settle(effects.replies, effects.then)

    def restarted(self, records: Iterable[Record] | None = None) -> Town:
        """A town whose shard has replayed the log, through Kafka's bytes."""
        town = Town(self.config, self.now_ms, list(self.log if records is None else records), _next=self._next)
        for record in town.log:
            key, value = encode(record)
            again = decode(key, value)
            assert again is not None
            town.shard.apply(again)
        return town

    def _carry_out(self, effects: Effects) -> None:
        for change in effects.timers:
            self.timers.pop(change.key, None)
            if isinstance(change, SetTimer):
                self.timers[change.key] = (self.now_ms + change.delay_ms, change.event)
        self.log += effects.records
        if effects.records and self.holding:
            self.held.append(effects)
        else:
            self._settle(effects.replies, effects.then)

    def _settle(self, replies: Iterable[tuple[int, Reply]], then: StoredEvent | None) -> None:
        for ticket, reply in replies:
            assert ticket not in self.replies, "a request is answered once"
            self.replies[ticket] = reply
        if then is not None:
            self.happen(then)

    # -- requests of a well-behaved client -----------------------------------------------------------------------

    def join_request(self, member_id: str = "", **changes: object) -> JoinRequest:
        request = JoinRequest(
            group_id=GROUP,
            member_id=member_id,
            group_instance_id=None,
            session_timeout_ms=SESSION_MS,
            rebalance_timeout_ms=REBALANCE_MS,
            protocol_type="consumer",
            protocols=protocols("range"),
            client_id="client",
            client_host="/127.0.0.1",
            offered_member_id=f"member-{self._next}",
        )
        return replace(request, **changes)  # type: ignore[arg-type]

    def join(self, member_id: str = "", **changes: object) -> int:
        return self.ask(self.join_request(member_id, **changes))

    def enter(self, **changes: object) -> tuple[str, int]:
        """A dynamic member's two steps: its id, and the ticket of the JoinGroup that waits."""
        offered = self.replies[self.join(**changes)]
        assert isinstance(offered, JoinReply)
        assert offered.error is ErrorCode.member_id_required
        return offered.member_id, self.join(offered.member_id, **changes)

    def joined(self, ticket: int) -> JoinReply:
        reply = self.replies[ticket]
        assert isinstance(reply, JoinReply)
        return reply

    def sync(self, member_id: str, generation: int, assignments: dict[str, bytes] | None = None) -> int:
        pairs = tuple((assignments or {}).items())
        return self.ask(SyncRequest(GROUP, member_id, None, generation, "consumer", "range", pairs))

    def synced(self, ticket: int) -> SyncReply:
        reply = self.replies[ticket]
        assert isinstance(reply, SyncReply)
        return reply

    def heartbeat(self, member_id: str, generation: int, instance: str | None = None) -> ErrorCode:
        return self.answer(HeartbeatRequest(GROUP, member_id, instance, generation)).error

    def leave(self, *members: str) -> LeaveReply:
        reply = self.answer(LeaveRequest(GROUP, tuple(LeavingMember(member, None) for member in members)))
        assert isinstance(reply, LeaveReply)
        return reply

    def commit(
        self,
        *offsets: tuple[str, int, int],
        group_id: str = GROUP,
        member_id: str = "",
        generation: int = -1,
        **changes: object,
    ) -> CommitReply:
        request = CommitRequest(
            group_id, member_id, None, generation, tuple(OffsetToCommit(*offset) for offset in offsets)
        )
        reply = self.answer(replace(request, **changes))  # type: ignore[arg-type]
        assert isinstance(reply, CommitReply)
        return reply

    def stable(self, size: int, **changes: object) -> list[str]:
        """Bring a group of dynamic members to Stable; their ids, the leader's first."""
        tickets = dict(self.enter(**changes) for _ in range(size))
        if any(ticket not in self.replies for ticket in tickets.values()):
            self.advance(self.config.initial_rebalance_delay_ms)
            self._rejoin_until_joined(tickets, changes)
        generation = self.group.generation
        leader = self.group.leader
        assert leader is not None
        members = [leader, *(member for member in tickets if member != leader)]
        for member in reversed(members):
            assignment = {each: each.encode() for each in members} if member == leader else None
            self.sync(member, generation, assignment)
        assert self.state == "Stable"
        return members

    def _rejoin_until_joined(self, tickets: dict[str, int], changes: dict[str, object]) -> None:
        while waiting := [member for member, ticket in tickets.items() if ticket not in self.replies]:
            missing = [m for m in self.group.members.values() if not m.is_awaiting_join]
            assert missing, f"{waiting} wait for nobody"
            for member in missing:
                tickets[member.member_id] = self.join(member.member_id, **changes)

    # -- looking -------------------------------------------------------------------------------------------------

    @property
    def group(self):  # type: ignore[no-untyped-def]
        group = self.shard.group(GROUP)
        assert group is not None
        return group

    @property
    def state(self) -> str:
        described = self.shard.describe(GROUP)
        return "Dead" if described is None else described.state

    def offset(self, topic: str, partition: int, group_id: str = GROUP) -> int | None:
        found = self.shard.offset(group_id, topic, partition)
        return None if found is None else found.offset

    def offsets(self, group_id: str = GROUP) -> Iterator[tuple[str, int, int]]:
        return ((topic, partition, each.offset) for topic, partition, each in self.shard.offsets_of(group_id))
