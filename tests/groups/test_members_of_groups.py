"""SyncGroup, Heartbeat, LeaveGroup and the time-outs of a classic group."""

from __future__ import annotations

from dataclasses import replace

import pytest
from group_simulation import GROUP, REBALANCE_MS, SESSION_MS, Town, protocols

from riacho.broker.errors import ErrorCode
from riacho.broker.groups.config import GroupConfig
from riacho.broker.groups.messages import HeartbeatRequest, LeaveRequest, LeavingMember, SyncReply, SyncRequest
from riacho.broker.groups.records import GroupRecord


@pytest.fixture
def town() -> Town:
    return Town()


def formed(town: Town, size: int = 2) -> list[str]:
    """Members of a generation that awaits its assignment, the leader first."""
    tickets = [town.join(requires_known_member_id=False) for _ in range(size)]
    town.advance(2 * town.config.initial_rebalance_delay_ms)  # the later ones extend the delay once
    ids = [town.joined(ticket).member_id for ticket in tickets]
    return [town.group.leader, *(member for member in ids if member != town.group.leader)]


# -- SyncGroup ---------------------------------------------------------------------------------------------------


def test_followers_get_their_assignment_when_the_leader_brings_it() -> None:
    town = Town(GroupConfig(initial_rebalance_delay_ms=10))
    leader, follower = formed(town)
    waits = town.sync(follower, 1)
    assert waits not in town.replies
    leads = town.sync(leader, 1, {leader: b"a", follower: b"b"})
    assert town.synced(waits) == SyncReply(ErrorCode.none, "consumer", "range", b"b")
    assert town.synced(leads).assignment == b"a"
    assert town.state == "Stable"


def test_no_assignment_is_given_out_before_it_is_durable() -> None:
    town = Town(GroupConfig(initial_rebalance_delay_ms=10))
    leader, follower = formed(town)
    town.holding = True
    tickets = [town.sync(follower, 1), town.sync(leader, 1, {leader: b"a", follower: b"b"})]
    assert not any(ticket in town.replies for ticket in tickets)
    assert town.state == "CompletingRebalance"
    town.release()
    assert [town.synced(ticket).assignment for ticket in tickets] == [b"b", b"a"]


def test_a_rebalance_that_begins_while_the_assignment_is_stored_withdraws_it() -> None:
    town = Town(GroupConfig(initial_rebalance_delay_ms=10))
    leader, follower = formed(town)
    town.holding = True
    ticket = town.sync(leader, 1, {leader: b"a"})
    town.join(follower, protocols=protocols("range", metadata=b"changed"))
    assert town.synced(ticket).error is ErrorCode.rebalance_in_progress
    town.release()
    assert town.state == "PreparingRebalance"


def test_an_assignment_that_is_stored_late_is_not_handed_to_the_next_generation() -> None:
    town = Town(GroupConfig(initial_rebalance_delay_ms=10))
    leader, follower = formed(town)
    town.holding = True
    town.sync(leader, 1, {leader: b"a", follower: b"b"})
    town.join(leader, protocols=protocols("range", metadata=b"changed"))
    town.join(follower)
    waits = town.sync(follower, 2)
    town.release()
    assert waits not in town.replies
    assert town.state == "CompletingRebalance"


def test_a_leader_that_syncs_twice_is_held_to_its_first_assignment(town: Town) -> None:
    (leader,) = formed(town, 1)
    town.holding = True
    given_up = town.sync(leader, 1, {leader: b"first"})
    ticket = town.sync(leader, 1, {leader: b"second"})
    town.release()
    assert town.synced(given_up).error is ErrorCode.rebalance_in_progress
    assert town.synced(ticket).assignment == b"first"
    assert town.restarted().group.members[leader].assignment == b"first"


def test_once_all_have_synced_nobody_is_waited_for(town: Town) -> None:
    town.stable(2)
    assert not town.group.pending_sync
    assert ("sync", GROUP) not in town.timers


def test_members_that_the_leader_forgot_get_an_empty_assignment() -> None:
    town = Town(GroupConfig(initial_rebalance_delay_ms=10))
    leader, follower = formed(town)
    town.sync(leader, 1, {leader: b"a"})
    assert town.synced(town.sync(follower, 1)).assignment == b""


def test_a_sync_to_a_stable_group_is_answered_with_the_current_assignment(town: Town) -> None:
    (member,) = town.stable(1)
    assert town.synced(town.sync(member, town.group.generation)).assignment == member.encode()


def test_a_sync_during_a_rebalance_is_told_to_rejoin(town: Town) -> None:
    leader, follower = town.stable(2)
    generation = town.group.generation
    town.join(leader)
    assert town.synced(town.sync(follower, generation)).error is ErrorCode.rebalance_in_progress


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"group_id": "another"}, ErrorCode.unknown_member_id),
        ({"member_id": "someone"}, ErrorCode.unknown_member_id),
        ({"group_instance_id": "one"}, ErrorCode.unknown_member_id),
        ({"generation": 7}, ErrorCode.illegal_generation),
        ({"protocol_type": "connect"}, ErrorCode.inconsistent_group_protocol),
        ({"protocol_name": "sticky"}, ErrorCode.inconsistent_group_protocol),
        ({"protocol_type": None, "protocol_name": None}, ErrorCode.none),
    ],
)
def test_a_sync_is_checked_against_the_group(town: Town, changes: dict[str, object], error: ErrorCode) -> None:
    (member,) = town.stable(1)
    request = SyncRequest(GROUP, member, None, town.group.generation, "consumer", "range", ())
    assert town.answer(replace(request, **changes)).error is error  # type: ignore[arg-type]


def test_members_that_never_sync_are_out_after_the_rebalance_time_out() -> None:
    town = Town(GroupConfig(initial_rebalance_delay_ms=10))
    leader, follower = formed(town)
    town.sync(leader, 1, {leader: b"a"})
    for _ in range(REBALANCE_MS // SESSION_MS):
        town.advance(SESSION_MS - 1)
        town.heartbeat(leader, 1)
        town.heartbeat(follower, 1)
    assert town.state == "Stable"
    town.advance(REBALANCE_MS)
    assert follower not in town.group.members


def test_a_group_too_large_to_store_fails_its_sync_and_rebalances() -> None:
    town = Town(GroupConfig(initial_rebalance_delay_ms=10, max_record_bytes=500))
    leader, _ = formed(town)
    ticket = town.sync(leader, 1, {leader: bytes(1_000)})
    assert town.synced(ticket).error is ErrorCode.unknown_server_error
    assert town.state == "PreparingRebalance"


# -- Heartbeat and sessions --------------------------------------------------------------------------------------


def test_heartbeats_keep_a_member_in_the_group(town: Town) -> None:
    (member,) = town.stable(1)
    for _ in range(5):
        town.advance(SESSION_MS - 1)
        assert town.heartbeat(member, town.group.generation) is ErrorCode.none
    assert town.state == "Stable"


def test_a_silent_member_is_out_after_its_session_and_the_others_are_told_to_rejoin(town: Town) -> None:
    leader, follower = town.stable(2)
    town.advance(SESSION_MS - 1)
    town.heartbeat(leader, town.group.generation)
    town.advance(1)
    assert town.heartbeat(follower, town.group.generation) is ErrorCode.unknown_member_id
    assert town.heartbeat(leader, town.group.generation) is ErrorCode.rebalance_in_progress


def test_a_group_whose_last_member_falls_silent_is_empty_and_says_so_in_the_log(town: Town) -> None:
    town.stable(1)
    generation = town.group.generation
    town.advance(SESSION_MS)
    assert town.state == "Empty"
    record = town.log[-1]
    assert isinstance(record, GroupRecord)
    assert record.value is not None
    assert (record.value.generation, record.value.members) == (generation + 1, ())


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"group_id": "another"}, ErrorCode.unknown_member_id),
        ({"member_id": "someone"}, ErrorCode.unknown_member_id),
        ({"generation": 7}, ErrorCode.illegal_generation),
    ],
)
def test_a_heartbeat_is_checked_against_the_group(town: Town, changes: dict[str, object], error: ErrorCode) -> None:
    (member,) = town.stable(1)
    request = HeartbeatRequest(GROUP, member, None, town.group.generation)
    assert town.answer(replace(request, **changes)).error is error  # type: ignore[arg-type]


def test_a_member_whose_join_waits_needs_no_heartbeats(town: Town) -> None:
    leader, _ = town.stable(2, rebalance_timeout_ms=SESSION_MS * 6)
    ticket = town.join(leader)
    town.advance(SESSION_MS * 3)
    assert town.joined(ticket).error is ErrorCode.none


def test_a_member_whose_sync_waits_needs_no_heartbeats() -> None:
    town = Town(GroupConfig(initial_rebalance_delay_ms=10))
    leader, follower = formed(town)
    waits = town.sync(follower, 1)
    town.advance(SESSION_MS - 1)
    town.heartbeat(leader, 1)
    town.advance(SESSION_MS - 1)
    town.sync(leader, 1, {follower: b"b"})
    assert town.synced(waits).assignment == b"b"
    town.advance(SESSION_MS - 1)
    assert town.heartbeat(follower, 1) is ErrorCode.none


# -- LeaveGroup --------------------------------------------------------------------------------------------------


def test_a_member_that_leaves_starts_a_rebalance_of_the_others(town: Town) -> None:
    leader, follower = town.stable(2)
    assert town.leave(follower).members[0][1] is ErrorCode.none
    assert town.heartbeat(leader, town.group.generation) is ErrorCode.rebalance_in_progress


def test_the_last_member_that_leaves_empties_the_group(town: Town) -> None:
    town.leave(*town.stable(1))
    assert town.state == "Empty"


def test_several_members_leave_with_one_rebalance(town: Town) -> None:
    members = town.stable(3)
    generation = town.group.generation
    town.leave(*members)
    assert (town.state, town.group.generation) == ("Empty", generation + 1)


def test_each_leaving_member_is_answered_for_itself(town: Town) -> None:
    (member,) = town.stable(1)
    errors = [error for _, error in town.leave("someone", member).members]
    assert errors == [ErrorCode.unknown_member_id, ErrorCode.none]


def test_leaving_a_group_that_does_not_exist_is_an_unknown_member(town: Town) -> None:
    reply = town.leave("someone")
    assert (reply.error, reply.members[0][1]) == (ErrorCode.none, ErrorCode.unknown_member_id)


def test_an_administrator_removes_a_static_member_by_its_instance_id(town: Town) -> None:
    town.join(group_instance_id="one")
    town.advance(0)
    request = LeaveRequest(GROUP, (LeavingMember("", "one", "sent away"), LeavingMember("", "two")))
    errors = [error for _, error in town.answer(request).members]  # type: ignore[union-attr]
    assert errors == [ErrorCode.none, ErrorCode.unknown_member_id]
    assert town.state == "Empty"


def test_a_static_member_cannot_leave_under_an_id_that_was_replaced(town: Town) -> None:
    town.join(group_instance_id="one", offered_member_id="old")
    town.advance(0)
    town.join(group_instance_id="one", offered_member_id="new")
    reply = town.answer(LeaveRequest(GROUP, (LeavingMember("old", "one"),)))
    assert reply.members[0][1] is ErrorCode.fenced_instance_id  # type: ignore[union-attr]


def test_an_offered_id_may_be_given_back(town: Town) -> None:
    (leader,) = town.stable(1)
    offered = town.joined(town.join()).member_id
    ticket = town.join(leader)
    town.leave(offered)
    assert town.joined(ticket).error is ErrorCode.none


def test_a_member_that_leaves_while_its_join_waits_is_told_that_it_is_unknown(town: Town) -> None:
    leader, follower = town.stable(2)
    ticket = town.join(leader)
    town.leave(leader)
    assert town.joined(ticket).error is ErrorCode.unknown_member_id
    assert list(town.group.members) == [follower]


# -- restarts ----------------------------------------------------------------------------------------------------


def test_a_stable_group_survives_a_restart_with_its_assignments(town: Town) -> None:
    leader, follower = town.stable(2)
    after = town.restarted()
    assert after.state == "Stable"
    assert after.group.leader == leader
    assert after.heartbeat(follower, town.group.generation) is ErrorCode.none
    assert after.synced(after.sync(follower, town.group.generation)).assignment == follower.encode()


def test_a_generation_never_goes_back_over_a_restart(town: Town) -> None:
    town.leave(*town.stable(2))
    generation = town.group.generation
    assert town.restarted().group.generation == generation


def test_a_new_generation_after_the_leader_died_in_a_rebalance_counts_on(town: Town) -> None:
    leader, follower = town.stable(2)
    town.join(follower, protocols=protocols("range", metadata=b"changed"))
    town.leave(leader)
    assert town.group.leader == follower
    assert town.state == "CompletingRebalance"


# -- what an operator reads --------------------------------------------------------------------------------------


def test_a_rebalance_says_why(town: Town) -> None:
    _, follower = town.stable(2)
    leaving = LeavingMember(follower, None, "the consumer is being closed")
    effects = town.shard.ask(LeaveRequest(GROUP, (leaving,)), 99, town.now_ms)
    generation = town.group.generation
    assert effects.notes == [
        f"group {GROUP} leaves generation {generation}: {follower} leaves (the consumer is being closed)"
    ]
