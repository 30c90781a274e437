"""JoinGroup: who enters a classic group, and as whom."""

from __future__ import annotations

import pytest
from group_simulation import GROUP, REBALANCE_MS, SESSION_MS, Town, protocols

from riacho.broker.errors import ErrorCode
from riacho.broker.groups.config import NEW_MEMBER_JOIN_TIMEOUT_MS, GroupConfig
from riacho.broker.groups.effects import Loaded
from riacho.broker.groups.records import GroupRecord


@pytest.fixture
def town() -> Town:
    return Town()


def test_a_member_without_an_id_is_given_one_and_told_to_come_back(town: Town) -> None:
    reply = town.joined(town.join(offered_member_id="client-1"))
    assert (reply.error, reply.member_id) == (ErrorCode.member_id_required, "client-1")
    assert not town.group.members


def test_before_version_4_a_member_without_an_id_joins_at_once(town: Town) -> None:
    ticket = town.join(requires_known_member_id=False, offered_member_id="client-1")
    town.advance(0)
    assert town.joined(ticket).member_id == "client-1"


def test_a_new_group_is_written_before_anything_else(town: Town) -> None:
    town.holding = True
    ticket = town.join()
    assert ticket not in town.replies
    assert [type(record) for record in town.log] == [GroupRecord]
    town.release()
    assert town.joined(ticket).error is ErrorCode.member_id_required


def test_an_id_that_was_offered_expires_with_the_session(town: Town) -> None:
    offered = town.joined(town.join()).member_id
    town.advance(SESSION_MS)
    assert town.joined(town.join(offered)).error is ErrorCode.unknown_member_id


def test_the_first_member_leads_and_is_told_the_members(town: Town) -> None:
    member, ticket = town.enter()
    town.advance(0)
    reply = town.joined(ticket)
    assert (reply.error, reply.generation, reply.leader) == (ErrorCode.none, 1, member)
    assert [each.member_id for each in reply.members] == [member]


def test_followers_are_not_told_the_members(town: Town) -> None:
    leader, follower = town.stable(2)
    reply = town.joined(town.join(follower))
    assert (reply.leader, reply.members) == (leader, ())


def test_an_empty_group_waits_for_more_members_before_its_first_generation() -> None:
    town = Town(GroupConfig(initial_rebalance_delay_ms=3_000))
    _, ticket = town.enter()
    town.advance(2_999)
    assert ticket not in town.replies
    town.advance(1)
    assert town.joined(ticket).generation == 1


def test_members_that_come_during_the_delay_extend_it() -> None:
    town = Town(GroupConfig(initial_rebalance_delay_ms=3_000))
    _, first = town.enter()
    town.advance(2_000)
    _, second = town.enter()
    town.advance(3_999)
    assert first not in town.replies
    town.advance(1)
    assert town.joined(first).generation == town.joined(second).generation == 1


def test_the_delay_is_never_extended_past_the_rebalance_time_out() -> None:
    town = Town(GroupConfig(initial_rebalance_delay_ms=3_000))
    _, first = town.enter(rebalance_timeout_ms=5_000)
    for _ in range(5):
        town.advance(1_000)
        town.enter(rebalance_timeout_ms=5_000)
    assert town.joined(first).error is ErrorCode.none


def test_whoever_extended_an_earlier_delay_does_not_extend_the_next() -> None:
    town = Town(GroupConfig(initial_rebalance_delay_ms=3_000))
    first, _ = town.enter(rebalance_timeout_ms=3_000)
    second, _ = town.enter(rebalance_timeout_ms=3_000)
    town.advance(3_000)
    town.leave(first, second)
    assert town.state == "Empty"
    _, ticket = town.enter()
    town.advance(3_000)
    assert town.joined(ticket).error is ErrorCode.none


@pytest.mark.parametrize("session_ms", [5_999, 1_800_001])
def test_a_session_time_out_outside_the_bounds_is_refused(town: Town, session_ms: int) -> None:
    reply = town.joined(town.join(session_timeout_ms=session_ms))
    assert reply.error is ErrorCode.invalid_session_timeout
    assert town.state == "Dead"


@pytest.mark.parametrize("session_ms", [6_000, 1_800_000])
def test_session_time_outs_at_the_bounds_are_accepted(town: Town, session_ms: int) -> None:
    assert town.joined(town.join(session_timeout_ms=session_ms)).error is ErrorCode.member_id_required


def test_a_member_id_of_a_group_that_does_not_exist_is_unknown(town: Town) -> None:
    assert town.joined(town.join("someone")).error is ErrorCode.unknown_member_id
    assert town.state == "Dead"


def test_an_id_that_the_group_never_gave_is_unknown(town: Town) -> None:
    town.stable(1)
    assert town.joined(town.join("someone")).error is ErrorCode.unknown_member_id


@pytest.mark.parametrize(
    "changes",
    [{"protocols": ()}, {"protocol_type": ""}],
    ids=["no protocols", "no protocol type"],
)
def test_a_member_must_offer_a_protocol(town: Town, changes: dict[str, object]) -> None:
    assert town.joined(town.join(**changes)).error is ErrorCode.inconsistent_group_protocol


@pytest.mark.parametrize(
    "changes",
    [{"protocols": protocols("sticky")}, {"protocol_type": "connect"}],
    ids=["another protocol", "another protocol type"],
)
def test_a_member_without_a_common_protocol_is_refused(town: Town, changes: dict[str, object]) -> None:
    town.stable(1)
    assert town.joined(town.join(**changes)).error is ErrorCode.inconsistent_group_protocol


def test_the_protocol_with_most_first_votes_among_the_common_ones_wins(town: Town) -> None:
    for names in (("range", "sticky"), ("sticky", "range"), ("sticky", "range", "odd")):
        town.join(requires_known_member_id=False, protocols=protocols(*names))
    town.advance(0)
    assert town.group.protocol_name == "sticky"


def test_a_full_group_takes_no_one_in() -> None:
    town = Town(GroupConfig(initial_rebalance_delay_ms=0, max_size=2))
    town.stable(2)
    assert town.joined(town.join()).error is ErrorCode.group_max_size_reached


def test_members_of_a_rebalance_compete_for_the_places() -> None:
    town = Town(GroupConfig(initial_rebalance_delay_ms=3_000, max_size=1))
    _, first = town.enter()
    assert town.joined(town.join()).error is ErrorCode.group_max_size_reached
    town.advance(3_000)
    assert town.joined(first).error is ErrorCode.none


def test_a_follower_that_rejoins_unchanged_starts_no_rebalance(town: Town) -> None:
    _, follower = town.stable(2)
    generation = town.group.generation
    reply = town.joined(town.join(follower))
    assert (reply.error, reply.generation, town.state) == (ErrorCode.none, generation, "Stable")


def test_a_follower_with_another_subscription_starts_a_rebalance(town: Town) -> None:
    _, follower = town.stable(2)
    ticket = town.join(follower, protocols=protocols("range", metadata=b"other"))
    assert ticket not in town.replies
    assert town.state == "PreparingRebalance"


def test_a_leader_that_rejoins_starts_a_rebalance(town: Town) -> None:
    leader, _ = town.stable(2)
    town.join(leader)
    assert town.state == "PreparingRebalance"


def test_a_rebalance_ends_when_all_members_have_rejoined(town: Town) -> None:
    leader, follower = town.stable(2)
    generation = town.group.generation
    first = town.join(leader)
    second = town.join(follower)
    assert town.joined(first).generation == town.joined(second).generation == generation + 1
    assert town.state == "CompletingRebalance"


def test_members_that_do_not_rejoin_in_time_are_out(town: Town) -> None:
    leader, follower = town.stable(2, session_timeout_ms=100_000)
    ticket = town.join(leader)
    town.advance(REBALANCE_MS)
    assert [each.member_id for each in town.joined(ticket).members] == [leader]
    assert town.heartbeat(follower, town.group.generation) is ErrorCode.unknown_member_id


def test_a_leader_that_does_not_rejoin_is_succeeded(town: Town) -> None:
    _, follower = town.stable(2, session_timeout_ms=100_000)
    ticket = town.join(follower, protocols=protocols("range", metadata=b"other"))
    town.advance(REBALANCE_MS)
    assert town.joined(ticket).leader == follower


def test_a_rebalance_waits_for_ids_that_were_offered(town: Town) -> None:
    (leader,) = town.stable(1)
    town.join()  # an id is offered; its member does not come back
    ticket = town.join(leader)
    assert ticket not in town.replies
    town.advance(SESSION_MS)
    assert town.joined(ticket).error is ErrorCode.none


def test_a_new_member_that_waits_too_long_for_its_rebalance_is_told_to_join_anew() -> None:
    town = Town(GroupConfig(initial_rebalance_delay_ms=2 * NEW_MEMBER_JOIN_TIMEOUT_MS))
    _, ticket = town.enter()
    town.advance(NEW_MEMBER_JOIN_TIMEOUT_MS)
    assert town.joined(ticket).error is ErrorCode.unknown_member_id


def test_a_member_that_missed_the_answer_is_given_the_same_generation_again(town: Town) -> None:
    member, ticket = town.enter()
    town.advance(0)
    again = town.joined(town.join(member))
    assert again == town.joined(ticket)
    assert town.state == "CompletingRebalance"


def test_a_protocol_time_out_counts_for_the_slowest_member(town: Town) -> None:
    town.enter(rebalance_timeout_ms=1_000)
    town.enter(rebalance_timeout_ms=90_000)
    assert town.group.rebalance_timeout_ms == 90_000


# -- static members (KIP-345) ------------------------------------------------------------------------------------


def enter_static(town: Town, instance: str, **changes: object) -> int:
    return town.join(group_instance_id=instance, **changes)


def settle(town: Town, *tickets: int) -> None:
    """Complete the join of static members and assign, all of them to the leader's liking."""
    town.advance(0)
    leader = town.group.leader
    for ticket in tickets:
        member = town.joined(ticket).member_id
        if member != leader:
            town.sync(member, town.group.generation)
    town.sync(leader, town.group.generation, {member: member.encode() for member in town.group.members})
    assert town.state == "Stable"


def test_a_static_member_joins_in_one_step(town: Town) -> None:
    ticket = enter_static(town, "one")
    town.advance(0)
    assert town.joined(ticket).error is ErrorCode.none


def test_a_static_member_that_returns_keeps_its_assignment_without_a_rebalance(town: Town) -> None:
    first = enter_static(town, "one")
    second = enter_static(town, "two")
    settle(town, first, second)
    generation = town.group.generation
    old = town.group.static_members["two"]
    reply = town.joined(enter_static(town, "two", offered_member_id="two-again"))
    assert (reply.error, reply.member_id, reply.generation) == (ErrorCode.none, "two-again", generation)
    assert town.synced(town.sync("two-again", generation)).assignment == old.encode()
    assert town.state == "Stable"


def test_a_static_members_return_is_durable_before_it_is_answered(town: Town) -> None:
    settle(town, enter_static(town, "one"))
    town.holding = True
    ticket = enter_static(town, "one", offered_member_id="again")
    assert ticket not in town.replies
    town.release()
    assert town.joined(ticket).member_id == "again"
    assert "again" in town.restarted().group.members


def test_a_static_leader_that_returns_is_told_to_skip_the_assignment(town: Town) -> None:
    settle(town, enter_static(town, "one"))
    reply = town.joined(enter_static(town, "one", offered_member_id="again"))
    assert reply.skip_assignment
    assert reply.leader == "again"
    assert [each.member_id for each in reply.members] == ["again"]


def test_a_static_follower_that_returns_is_told_nothing_but_its_generation(town: Town) -> None:
    settle(town, enter_static(town, "one"), enter_static(town, "two"))
    follower = next(name for name, member in town.group.static_members.items() if member != town.group.leader)
    reply = town.joined(enter_static(town, follower, offered_member_id="again"))
    assert (reply.skip_assignment, reply.members, reply.leader) == (False, (), town.group.leader)


def test_a_static_member_whose_return_is_overtaken_by_a_rebalance_takes_part_in_it(town: Town) -> None:
    settle(town, enter_static(town, "one"), enter_static(town, "two"))
    town.holding = True
    returned = enter_static(town, "one", offered_member_id="again")
    joins = town.join(requires_known_member_id=False)
    town.release()
    assert returned not in town.replies
    town.join(town.group.static_members["two"], group_instance_id="two")
    assert town.joined(returned).generation == town.joined(joins).generation == 2
    assert len(town.group.members) == 3


def test_before_version_9_a_static_leader_that_returns_is_told_its_old_id_as_leader(town: Town) -> None:
    settle(town, enter_static(town, "one"))
    old = town.group.leader
    reply = town.joined(enter_static(town, "one", offered_member_id="again", can_skip_assignment=False))
    assert (reply.leader, reply.skip_assignment, reply.members) == (old, False, ())


def test_the_old_id_of_a_static_member_is_fenced(town: Town) -> None:
    settle(town, enter_static(town, "one"))
    old = town.group.static_members["one"]
    enter_static(town, "one", offered_member_id="again")
    assert town.heartbeat(old, town.group.generation, "one") is ErrorCode.fenced_instance_id
    assert town.heartbeat("again", town.group.generation, "one") is ErrorCode.none
    rejoined = town.joined(town.join(old, group_instance_id="one"))
    assert rejoined.error is ErrorCode.fenced_instance_id


def test_a_join_that_waits_is_fenced_by_the_same_instance() -> None:
    town = Town(GroupConfig(initial_rebalance_delay_ms=1_000))
    first = enter_static(town, "one")
    second = enter_static(town, "one", offered_member_id="again")
    assert town.joined(first).error is ErrorCode.fenced_instance_id
    town.advance(1_000)
    assert town.joined(second).member_id == "again"


def test_an_instance_id_that_nobody_has_is_unknown(town: Town) -> None:
    (leader,) = town.stable(1)
    assert town.heartbeat(leader, town.group.generation, "nobody") is ErrorCode.unknown_member_id


def test_a_static_member_that_returns_while_the_leader_assigns_starts_the_rebalance_over(town: Town) -> None:
    first = enter_static(town, "one")
    enter_static(town, "two")
    town.advance(0)
    waits_for_assignment = town.sync(town.group.static_members["two"], town.group.generation)
    enter_static(town, "two", offered_member_id="again")
    assert town.joined(first).error is ErrorCode.none
    assert town.synced(waits_for_assignment).error is ErrorCode.fenced_instance_id
    assert town.state == "PreparingRebalance"


def test_a_static_member_with_other_protocols_is_taken_back_while_the_choice_stays(town: Town) -> None:
    settle(town, enter_static(town, "one", protocols=protocols("range", "sticky")))
    enter_static(town, "one", protocols=protocols("range"))
    assert town.state == "Stable"


def test_a_static_member_with_other_protocols_starts_a_rebalance_when_the_choice_changes(town: Town) -> None:
    settle(town, enter_static(town, "one", protocols=protocols("range", "sticky")))
    enter_static(town, "one", protocols=protocols("sticky", "range"))
    assert town.group.protocol_name == "sticky"
    assert town.state == "CompletingRebalance"


def test_static_members_outlive_a_rebalance_that_they_miss(town: Town) -> None:
    first = enter_static(town, "one", session_timeout_ms=600_000)
    second = enter_static(town, "two", session_timeout_ms=600_000)
    settle(town, first, second)
    leader = town.group.leader
    instance = next(name for name, member in town.group.static_members.items() if member == leader)
    ticket = town.join(leader, group_instance_id=instance, session_timeout_ms=600_000)
    town.advance(REBALANCE_MS)
    assert len(town.joined(ticket).members) == 2


def test_a_rebalance_to_which_nobody_comes_waits_for_the_sessions(town: Town) -> None:
    first = enter_static(town, "one", session_timeout_ms=600_000)
    second = enter_static(town, "two", session_timeout_ms=600_000)
    third = enter_static(town, "three", session_timeout_ms=600_000)
    settle(town, first, second, third)
    town.leave(town.group.static_members["three"])
    assert town.state == "PreparingRebalance"
    town.advance(REBALANCE_MS)
    assert town.state == "PreparingRebalance"
    town.advance(600_000)
    assert town.state == "Empty"


def test_a_pending_dynamic_id_cannot_be_used_by_a_static_member(town: Town) -> None:
    offered = town.joined(town.join()).member_id
    assert town.joined(town.join(offered, group_instance_id="one")).error is ErrorCode.unknown_member_id


def test_a_loaded_group_above_the_limit_rebalances() -> None:
    town = Town()
    town.stable(3)
    town.config = GroupConfig(initial_rebalance_delay_ms=0, max_size=2)
    after = town.restarted()
    after.happen(Loaded())
    assert after.shard.describe(GROUP).state == "PreparingRebalance"
