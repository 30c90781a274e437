"""Committed offsets: who may commit, what is shown, what expires."""

from __future__ import annotations

from uuid import UUID

import pytest
from group_simulation import GROUP, QUICK, Town, protocols, subscription

from riacho.broker.errors import ErrorCode
from riacho.broker.groups.config import GroupConfig
from riacho.broker.groups.effects import Loaded, PartitionsDeleted, RetentionCheckDue
from riacho.broker.groups.messages import (
    DeleteGroupRequest,
    DeleteOffsetsReply,
    DeleteOffsetsRequest,
    OffsetToCommit,
)

RETENTION_MS = QUICK.offsets_retention_ms
CHECK_MS = QUICK.offsets_retention_check_interval_ms


@pytest.fixture
def town() -> Town:
    town = Town()
    town.happen(Loaded())
    return town


def delete_offsets(town: Town, *partitions: tuple[str, int]) -> DeleteOffsetsReply:
    reply = town.answer(DeleteOffsetsRequest(GROUP, partitions))
    assert isinstance(reply, DeleteOffsetsReply)
    return reply


# -- commits -----------------------------------------------------------------------------------------------------


def test_a_standalone_consumer_commits_without_a_generation(town: Town) -> None:
    assert town.commit(("bids", 0, 5)).errors == (ErrorCode.none,)
    assert (town.offset("bids", 0), town.state) == (5, "Empty")


def test_a_member_commits_in_its_generation(town: Town) -> None:
    (member,) = town.stable(1)
    town.commit(("bids", 0, 5), member_id=member, generation=town.group.generation)
    assert town.offset("bids", 0) == 5


@pytest.mark.parametrize(
    ("member", "generation_off_by", "error"),
    [
        (None, 1, ErrorCode.illegal_generation),
        (None, -1, ErrorCode.illegal_generation),
        ("someone", 0, ErrorCode.unknown_member_id),
    ],
)
def test_a_commit_is_checked_against_the_group(
    town: Town, member: str | None, generation_off_by: int, error: ErrorCode
) -> None:
    (real,) = town.stable(1)
    generation = town.group.generation + generation_off_by
    reply = town.commit(("bids", 0, 5), member_id=member or real, generation=generation)
    assert reply.error is error
    assert town.offset("bids", 0) is None


def test_nobody_commits_past_the_members_of_a_living_group(town: Town) -> None:
    town.stable(1)
    assert town.commit(("bids", 0, 5)).error is ErrorCode.unknown_member_id


def test_a_generation_of_a_group_that_does_not_exist_is_refused_as_the_version_has_it(town: Town) -> None:
    assert town.commit(("bids", 0, 5), generation=3).error is ErrorCode.group_id_not_found
    older = town.commit(("bids", 0, 5), generation=3, missing_group_error=ErrorCode.illegal_generation)
    assert older.error is ErrorCode.illegal_generation


def test_a_commit_before_the_assignment_is_told_to_rejoin(town: Town) -> None:
    member, _ = town.enter()
    town.advance(0)
    reply = town.commit(("bids", 0, 5), member_id=member, generation=1)
    assert reply.error is ErrorCode.rebalance_in_progress


def test_members_may_commit_while_a_rebalance_is_prepared(town: Town) -> None:
    leader, follower = town.stable(2)
    town.join(leader)
    reply = town.commit(("bids", 0, 5), member_id=follower, generation=town.group.generation)
    assert reply.error is ErrorCode.none


def test_a_commit_keeps_the_session(town: Town) -> None:
    (member,) = town.stable(1)
    for _ in range(3):
        town.advance(9_999)
        town.commit(("bids", 0, 5), member_id=member, generation=town.group.generation)
    assert town.state == "Stable"


@pytest.mark.parametrize(
    ("metadata", "error"),
    [
        ("x" * 4_096, ErrorCode.none),
        ("x" * 4_097, ErrorCode.offset_metadata_too_large),
        ("\N{GRINNING FACE}" * 2_048, ErrorCode.none),  # two UTF-16 code units each
        ("\N{GRINNING FACE}" * 2_049, ErrorCode.offset_metadata_too_large),
    ],
    ids=["at the limit", "above", "at the limit in code units", "above in code units"],
)
def test_metadata_is_limited_in_code_units(town: Town, metadata: str, error: ErrorCode) -> None:
    reply = town.commit(offsets=(OffsetToCommit("bids", 0, 5, metadata=metadata),))
    assert reply.errors == (error,)


def test_what_is_too_large_does_not_hinder_the_rest(town: Town) -> None:
    large = OffsetToCommit("bids", 0, 5, metadata="x" * 5_000)
    reply = town.commit(offsets=(large, OffsetToCommit("bids", 1, 6)))
    assert reply.errors == (ErrorCode.offset_metadata_too_large, ErrorCode.none)
    assert list(town.offsets()) == [("bids", 1, 6)]


def test_a_commit_is_answered_once_it_is_durable(town: Town) -> None:
    town.holding = True
    with pytest.raises(KeyError):
        town.commit(("bids", 0, 5))


def test_the_last_commit_counts_over_a_restart(town: Town) -> None:
    town.commit(("bids", 0, 5), ("asks", 2, 1))
    town.commit(("bids", 0, 7))
    assert sorted(town.restarted().offsets()) == [("asks", 2, 1), ("bids", 0, 7)]


def test_an_offset_of_a_topic_that_was_recreated_is_not_shown_to_who_asks_by_id(town: Town) -> None:
    first, second = UUID(int=1), UUID(int=2)
    town.commit(offsets=(OffsetToCommit("bids", 0, 5, topic_id=first),))
    assert town.shard.offset(GROUP, "bids", 0, first) is not None
    assert town.shard.offset(GROUP, "bids", 0, second) is None
    assert town.shard.offset(GROUP, "bids", 0) is not None


# -- deletion ----------------------------------------------------------------------------------------------------


def test_an_empty_group_is_deleted_with_its_offsets(town: Town) -> None:
    town.commit(("bids", 0, 5))
    assert town.answer(DeleteGroupRequest(GROUP)).error is ErrorCode.none
    assert town.state == "Dead"
    assert town.restarted().state == "Dead"
    assert list(town.restarted().offsets()) == []


def test_a_group_with_members_is_not_deleted(town: Town) -> None:
    town.stable(1)
    assert town.answer(DeleteGroupRequest(GROUP)).error is ErrorCode.non_empty_group


def test_a_group_that_does_not_exist_is_not_deleted(town: Town) -> None:
    assert town.answer(DeleteGroupRequest(GROUP)).error is ErrorCode.group_id_not_found


def test_offsets_of_topics_that_members_read_are_not_deleted(town: Town) -> None:
    (member,) = town.stable(1)
    generation = town.group.generation
    town.commit(("bids", 0, 5), ("asks", 0, 5), member_id=member, generation=generation)
    reply = delete_offsets(town, ("bids", 0), ("asks", 0))
    assert reply.errors == (ErrorCode.group_subscribed_to_topic, ErrorCode.none)
    assert list(town.offsets()) == [("bids", 0, 5)]


def test_offsets_of_an_empty_group_are_deleted(town: Town) -> None:
    town.commit(("bids", 0, 5))
    assert delete_offsets(town, ("bids", 0), ("bids", 1)).errors == (ErrorCode.none, ErrorCode.none)
    assert list(town.restarted().offsets()) == []


def test_offsets_of_a_group_of_another_kind_are_not_deleted_while_it_has_members(town: Town) -> None:
    town.join(protocol_type="connect", requires_known_member_id=False)
    town.advance(0)
    assert delete_offsets(town, ("bids", 0)).error is ErrorCode.non_empty_group


def test_offsets_of_a_group_that_does_not_exist_are_not_deleted(town: Town) -> None:
    assert delete_offsets(town, ("bids", 0)).error is ErrorCode.group_id_not_found


def test_a_deleted_topic_takes_its_offsets_along(town: Town) -> None:
    town.commit(("bids", 0, 5), ("bids", 1, 5), ("asks", 0, 5))
    town.happen(PartitionsDeleted((("bids", 0), ("bids", 1))))
    assert list(town.restarted().offsets()) == [("asks", 0, 5)]


# -- expiry (KIP-211) --------------------------------------------------------------------------------------------


def test_a_standalone_consumers_offset_expires_a_retention_after_its_commit(town: Town) -> None:
    town.commit(("bids", 0, 5))
    town.advance(RETENTION_MS - CHECK_MS)
    town.commit(("bids", 1, 5))
    town.advance(2 * CHECK_MS)
    assert list(town.offsets()) == [("bids", 1, 5)]


def test_a_group_whose_offsets_have_all_expired_is_removed(town: Town) -> None:
    town.commit(("bids", 0, 5))
    town.advance(RETENTION_MS + CHECK_MS)
    assert town.state == "Dead"
    assert town.restarted().state == "Dead"


def test_a_group_with_members_outlives_its_offsets(town: Town) -> None:
    town.stable(1, session_timeout_ms=1_800_000)
    town.advance(CHECK_MS)
    assert town.state == "Stable"


def test_the_offsets_of_an_empty_group_expire_a_retention_after_it_became_empty(town: Town) -> None:
    (member,) = town.stable(1, session_timeout_ms=1_800_000)
    town.commit(("bids", 0, 5), member_id=member, generation=town.group.generation)
    town.advance(1_000_000)
    town.leave(member)
    town.advance(RETENTION_MS - CHECK_MS)
    assert town.offset("bids", 0) == 5
    town.advance(2 * CHECK_MS)
    assert town.offset("bids", 0) is None


def test_what_the_members_of_a_stable_group_read_does_not_expire() -> None:
    town = Town(GroupConfig(initial_rebalance_delay_ms=0, offsets_retention_ms=1_000))
    (member,) = town.stable(1)
    town.commit(("bids", 0, 5), ("asks", 0, 5), member_id=member, generation=town.group.generation)
    town.advance(2_000)
    town.happen(RetentionCheckDue())
    assert list(town.offsets()) == [("bids", 0, 5)]


def test_a_commit_with_its_own_retention_expires_by_it(town: Town) -> None:
    town.commit(("bids", 0, 5), retention_ms=CHECK_MS // 2)
    town.commit(("bids", 1, 5), retention_ms=2 * CHECK_MS)
    town.advance(CHECK_MS)
    assert list(town.restarted().offsets()) == [("bids", 1, 5)]


def test_a_group_that_reads_other_topics_now_is_known_by_its_subscription(town: Town) -> None:
    town.stable(1, protocols=protocols("range", metadata=subscription("asks", "bids")))
    assert town.group.subscribed_topics == {"asks", "bids"}
