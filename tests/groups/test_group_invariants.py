"""What holds of a group whatever happens: random events against the state machine."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from group_simulation import GROUP, Town, protocols, subscription
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from riacho.broker.errors import ErrorCode
from riacho.broker.groups.config import GroupConfig
from riacho.broker.groups.effects import Loaded
from riacho.broker.groups.group import Group, GroupState
from riacho.broker.groups.messages import (
    CommitRequest,
    JoinReply,
    LeaveRequest,
    LeavingMember,
    OffsetToCommit,
    SyncReply,
    SyncRequest,
)
from riacho.broker.groups.records import GroupRecord, Record, encode

pytestmark = pytest.mark.no_cover  # the same lines many thousand times: tracing them triples the time

offers = st.sampled_from(
    [
        protocols("range"),
        protocols("range", "sticky"),
        protocols("sticky", "range", metadata=subscription("asks")),
        protocols("sticky"),
    ]
)
numbers = st.integers(0, 11)
session_times = st.sampled_from([6_000, 10_000, 45_000])


def image(group: Group | None) -> object:
    """What of a group the log is to keep."""
    if group is None:
        return None
    return group.generation, group.protocol_type, group.protocol_name, group.leader, {
        member.member_id: (
            member.group_instance_id,
            member.rebalance_timeout_ms,
            member.session_timeout_ms,
            group.protocol_name and member.metadata(group.protocol_name),
            member.assignment,
        )
        for member in group.members.values()
    }  # fmt: skip


class GroupLife(RuleBasedStateMachine):
    """Members join, sync, live, leave and fall silent; time passes; the disk is slow; the broker restarts."""

    def __init__(self) -> None:
        super().__init__()
        self.town = Town(GroupConfig(initial_rebalance_delay_ms=500, max_size=4))
        self.town.happen(Loaded())
        self.generation = 0

    @initialize(instances=st.lists(st.sampled_from([None, "one", "two"]), unique=True), waits=st.booleans())
    def begin_with_members(self, instances: list[str | None], waits: bool) -> None:
        for instance in instances:
            self.town.join(group_instance_id=instance, requires_known_member_id=False)
        if not waits:
            self.settle()

    @rule()
    def settle(self) -> None:
        """Nothing new happens for a while, and everybody does what a client does."""
        self.town.holding = False
        self.town.release()
        for _ in range(3):
            self.those_who_are_called_rejoin(0)
            self.town.advance(500)
            self.all_sync()

    @property
    def group(self) -> Group:
        return self.town.shard.group(GROUP) or Group(GROUP)

    def someone(self, number: int) -> tuple[str, str | None]:
        """A member, an id that was offered, or a stranger: member id and instance id."""
        everyone: list[tuple[str, str | None]] = [
            (m.member_id, m.group_instance_id) for m in self.group.members.values()
        ]
        everyone += [(member_id, None) for member_id in sorted(self.group.pending_join)] + [("stranger", None)]
        return everyone[number % len(everyone)]

    @rule(
        offer=offers,
        session_ms=session_times,
        instance=st.sampled_from([None, None, "one", "two"]),
        two_steps=st.booleans(),
    )
    def join(self, offer: object, session_ms: int, instance: str | None, two_steps: bool) -> None:
        changes = {
            "protocols": offer,
            "session_timeout_ms": session_ms,
            "group_instance_id": instance,
            "requires_known_member_id": two_steps,
            "can_skip_assignment": two_steps,
        }
        self.town.join("", **changes)

    @rule(number=numbers, offer=offers)
    def rejoin(self, number: int, offer: object) -> None:
        member_id, instance = self.someone(number)
        self.town.join(member_id, protocols=offer, group_instance_id=instance)

    @rule(late=st.sampled_from([0, 0, 1]))
    def those_who_are_called_rejoin(self, late: int) -> None:
        """All that a rebalance waits for come, or all but the last."""
        missing = [member for member in self.group.members.values() if not member.is_awaiting_join]
        offered = sorted(self.group.pending_join)
        if self.group.state is GroupState.PREPARING_REBALANCE:
            for member in missing[: len(missing) - late]:
                self.town.join(member.member_id, protocols=member.protocols, group_instance_id=member.group_instance_id)
        for member_id in offered:
            self.town.join(member_id)

    @rule(number=numbers, assign=st.booleans())
    def sync(self, number: int, assign: bool) -> None:
        self.send_sync(*self.someone(number), assign=assign)

    @rule()
    def all_sync(self) -> None:
        for member in list(self.group.members.values()):
            self.send_sync(member.member_id, member.group_instance_id, assign=member.member_id == self.group.leader)

    def send_sync(self, member_id: str, instance: str | None, *, assign: bool) -> None:
        generation = self.group.generation
        everyone = self.group.members if assign else ()
        assignments = tuple((each, f"{each}@{generation}".encode()) for each in everyone)
        self.town.ask(SyncRequest(GROUP, member_id, instance, generation, None, None, assignments))

    @rule()
    def all_beat(self) -> None:
        for member in list(self.group.members.values()):
            self.town.heartbeat(member.member_id, self.group.generation, member.group_instance_id)

    @rule(number=numbers)
    def beat(self, number: int) -> None:
        member_id, instance = self.someone(number)
        self.town.heartbeat(member_id, self.group.generation, instance)

    @rule(number=numbers)
    def leave(self, number: int) -> None:
        self.town.ask(LeaveRequest(GROUP, (LeavingMember(*self.someone(number)),)))

    @rule(number=numbers, partition=st.integers(0, 2), offset=st.integers(0, 100))
    def commit(self, number: int, partition: int, offset: int) -> None:
        member_id, instance = self.someone(number)
        offsets = (OffsetToCommit("bids", partition, offset),)
        self.town.ask(CommitRequest(GROUP, member_id, instance, self.group.generation, offsets))

    @rule(milliseconds=st.sampled_from([1, 500, 3_000, 9_999, 60_000]))
    def pass_time(self, milliseconds: int) -> None:
        self.town.advance(milliseconds)

    @rule()
    def slow_disk(self) -> None:
        self.town.holding = True

    @rule()
    def disk_catches_up(self) -> None:
        self.town.holding = False
        self.town.release()

    @rule()
    def restart(self) -> None:
        """Everything that was written survives; whoever waited is gone."""
        self.town = self.town.restarted()
        self.town.happen(Loaded())
        group = self.town.shard.group(GROUP)
        self.generation = 0 if group is None else group.generation

    # -- what holds ----------------------------------------------------------------------------------------------

    @invariant()
    def the_generation_never_decreases(self) -> None:
        group = self.town.shard.group(GROUP)
        generation = 0 if group is None else group.generation
        assert group is None or generation >= self.generation
        self.generation = generation

    @invariant()
    def the_leader_is_a_member(self) -> None:
        group = self.town.shard.group(GROUP)
        assert group is None or (group.leader in group.members if group.members else group.leader is None)

    @invariant()
    def static_members_are_members(self) -> None:
        group = self.town.shard.group(GROUP)
        if group is not None:
            named = {m.group_instance_id: m.member_id for m in group.members.values() if m.is_static}
            assert named == group.static_members

    @invariant()
    def one_leader_is_told_to_assign_a_generation(self) -> None:
        leaders: dict[int, set[str]] = {}
        for reply in self.town.replies.values():
            if isinstance(reply, JoinReply) and reply.members and not reply.skip_assignment:
                leaders.setdefault(reply.generation, set()).add(reply.member_id)
        assert all(len(each) == 1 for each in leaders.values()), leaders

    @invariant()
    def an_assignment_is_of_the_current_generation(self) -> None:
        group = self.town.shard.group(GROUP)
        if group is not None and group.state.value == "Stable":
            for member in group.members.values():
                assert member.assignment.endswith(f"@{group.generation}".encode()) or not member.assignment

    @invariant()
    def members_get_only_an_assignment_that_was_stored(self) -> None:
        stored = {
            member.assignment
            for record in self.town.log
            if isinstance(record, GroupRecord) and record.value is not None
            for member in record.value.members
        }
        for reply in self.town.replies.values():
            if isinstance(reply, SyncReply) and reply.error is ErrorCode.none:
                assert reply.assignment in stored

    @invariant()
    def the_group_stays_within_its_limit(self) -> None:
        group = self.town.shard.group(GROUP)
        assert group is None or group.state.value == "PreparingRebalance" or len(group.members) <= 4

    @invariant()
    def what_is_replayed_is_what_was_live(self) -> None:
        self.same_as_live(self.town.log)

    @invariant()
    def a_compacted_log_says_the_same(self) -> None:
        newest: dict[bytes, Record] = {}
        for record in self.town.log:
            key, _ = encode(record)
            newest.pop(key, None)
            newest[key] = record
        self.same_as_live(newest.values())

    def same_as_live(self, records: Iterable[Record]) -> None:
        replayed = self.town.restarted(records).shard
        live, again = self.town.shard.group(GROUP), replayed.group(GROUP)
        assert sorted(self.town.shard.offsets_of(GROUP)) == sorted(replayed.offsets_of(GROUP))
        if live is None or again is None:
            assert live is again
        elif live.state.value in ("Stable", "Empty"):
            assert image(live) == image(again)
        else:
            assert again.generation <= live.generation


TestGroupLife = GroupLife.TestCase
TestGroupLife.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
