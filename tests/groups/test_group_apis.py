"""The group APIs over TCP, at every version that is advertised."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from group_client import RawClient
from group_simulation import subscription

from riacho.broker.apis import (
    delete_groups,
    describe_groups,
    find_coordinator,
    heartbeat,
    join_group,
    leave_group,
    list_groups,
    offset_commit,
    offset_delete,
    offset_fetch,
    sync_group,
)
from riacho.broker.errors import ErrorCode
from running_broker import RunningBroker

NEVER = UUID(int=7)


def versions(api: Any) -> Any:
    first, last = api.VERSIONS
    return pytest.mark.parametrize("version", range(first, last + 1))


@pytest.fixture(scope="module")
def client(kafka: RunningBroker) -> Iterator[RawClient]:
    with RawClient(kafka.bootstrap) as client:
        yield client


@pytest.fixture(scope="module")
def bids(client: RawClient) -> UUID:
    """The id of a topic `bids` with two partitions."""
    wanted = {"name": "group-bids", "num_partitions": 2, "replication_factor": 1, "assignments": [], "configs": []}
    (created,) = client.call("create_topics", 7, topics=[wanted], timeout=10_000, validate_only=False).topics
    assert created.error_code is ErrorCode.none
    return UUID(str(created.topic_id))


@pytest.fixture
def group() -> str:
    return f"group-{uuid4()}"


def join(client: RawClient, version: int, group: str, **changes: Any) -> Any:
    fields = {
        "group_id": group,
        "session_timeout": 10_000,
        "rebalance_timeout": 20_000,
        "member_id": "",
        "group_instance_id": None,
        "protocol_type": "consumer",
        "protocols": [{"name": "range", "metadata": subscription("group-bids")}],
        "reason": "a test",
    }
    reply = client.call("join_group", version, **fields | changes)
    if reply.error_code is ErrorCode.member_id_required:
        return client.call("join_group", version, **fields | changes | {"member_id": reply.member_id})
    return reply


def sync(client: RawClient, version: int, group: str, joined: Any, **changes: Any) -> Any:
    fields = {
        "group_id": group,
        "generation_id": joined.generation_id,
        "member_id": joined.member_id,
        "group_instance_id": None,
        "protocol_type": "consumer",
        "protocol_name": "range",
        "assignments": [{"member_id": joined.member_id, "assignment": b"everything"}],
    }
    return client.call("sync_group", version, **fields | changes)


def stable(client: RawClient, group: str, **changes: Any) -> Any:
    joined = join(client, 9, group, **changes)
    assert sync(client, 5, group, joined).error_code is ErrorCode.none
    return joined


def commit(client: RawClient, version: int, group: str, topic_id: UUID | None, **changes: Any) -> list[ErrorCode]:
    fields = {
        "group_id": group,
        "generation_id_or_member_epoch": -1,
        "member_id": "",
        "group_instance_id": None,
        "retention_time": -1,
        "topics": [
            {
                "name": "group-bids" if topic_id else "no-such-topic",
                "topic_id": topic_id or NEVER,
                "partitions": [
                    {
                        "partition_index": index,
                        "committed_offset": 10 + index,
                        "committed_leader_epoch": 0,
                        "committed_metadata": "hello",
                    }
                    for index in (0, 1)
                ],
            }
        ],
    }
    (topic,) = client.call("offset_commit", version, **fields | changes).topics
    return [partition.error_code for partition in topic.partitions]


def fetch(client: RawClient, version: int, group: str, topics: Any) -> tuple[ErrorCode, dict[Any, dict[int, Any]]]:
    """The group's error, and what it committed by topic (name or id) and partition."""
    if version >= 8:
        (answer,) = client.call("offset_fetch", version, groups=[{"group_id": group, "topics": topics}]).groups
    else:
        answer = client.call("offset_fetch", version, group_id=group, topics=topics)
    by_topic = {
        topic.topic_id if version >= 10 else topic.name: {each.partition_index: each for each in topic.partitions}
        for topic in answer.topics
    }
    return getattr(answer, "error_code", ErrorCode.none), by_topic


# -- FindCoordinator ---------------------------------------------------------------------------------------------


def find(client: RawClient, version: int, key_type: int) -> Any:
    reply = client.call("find_coordinator", version, key="a", coordinator_keys=["a", "b"], key_type=key_type)
    if version < 4:
        return reply
    assert [each.key for each in reply.coordinators] == ["a", "b"]
    return reply.coordinators[0]


@versions(find_coordinator)
def test_this_broker_coordinates_every_group(client: RawClient, kafka: RunningBroker, version: int) -> None:
    found = find(client, version, 0)
    assert found.error_code is ErrorCode.none
    assert (found.node_id, f"{found.host}:{found.port}") == (1, kafka.bootstrap)


@pytest.mark.parametrize("version", range(1, 7))
def test_transactions_are_not_served_yet(client: RawClient, version: int) -> None:
    found = find(client, version, 1)
    assert found.error_code is ErrorCode.transactional_id_authorization_failed
    assert (found.node_id, found.host, found.port) == (-1, "", -1)


@pytest.mark.parametrize("version", range(1, 7))
@pytest.mark.parametrize("key_type", [2, 3, -1])
def test_other_kinds_of_coordinators_do_not_exist(client: RawClient, version: int, key_type: int) -> None:
    assert find(client, version, key_type).error_code is ErrorCode.invalid_request


# -- membership --------------------------------------------------------------------------------------------------


@versions(join_group)
def test_a_member_joins_at_every_version(client: RawClient, group: str, version: int) -> None:
    joined = join(client, version, group)
    assert (joined.error_code, joined.generation_id, joined.protocol_name) == (ErrorCode.none, 1, "range")
    assert joined.leader == joined.member_id
    assert joined.member_id.startswith("raw-")
    assert [member.metadata for member in joined.members] == [subscription("group-bids")]


@versions(join_group)
def test_a_refused_join_is_answered_at_every_version(client: RawClient, group: str, version: int) -> None:
    reply = join(client, version, group, session_timeout=1)
    assert reply.error_code is ErrorCode.invalid_session_timeout
    assert reply.protocol_name == ("" if version < 7 else None)
    assert join(client, version, "").error_code is ErrorCode.invalid_group_id


@pytest.mark.parametrize("version", range(4, 10))
def test_a_member_must_come_back_with_its_id(client: RawClient, group: str, version: int) -> None:
    reply = client.call(
        "join_group",
        version,
        group_id=group,
        session_timeout=10_000,
        rebalance_timeout=20_000,
        member_id="",
        protocol_type="consumer",
        protocols=[{"name": "range", "metadata": b""}],
    )
    assert reply.error_code is ErrorCode.member_id_required
    assert reply.member_id


@pytest.mark.parametrize("version", range(5, 10))
def test_a_static_member_returns_without_a_rebalance(client: RawClient, group: str, version: int) -> None:
    first = join(client, version, group, group_instance_id="one")
    sync(client, 5, group, first)
    second = join(client, version, group, group_instance_id="one")
    assert second.error_code is ErrorCode.none
    assert second.generation_id == first.generation_id
    assert second.member_id.startswith("one-")
    assert getattr(second, "skip_assignment", False) is (version >= 9)
    assert sync(client, 5, group, second, assignments=[]).assignment == b"everything"
    beat = client.call(
        "heartbeat", 4, group_id=group, generation_id=1, member_id=first.member_id, group_instance_id="one"
    )
    assert beat.error_code is ErrorCode.fenced_instance_id


@versions(sync_group)
def test_a_member_syncs_at_every_version(client: RawClient, group: str, version: int) -> None:
    synced = sync(client, version, group, join(client, 9, group))
    assert (synced.error_code, synced.assignment) == (ErrorCode.none, b"everything")
    if version >= 5:
        assert (synced.protocol_type, synced.protocol_name) == ("consumer", "range")


def test_from_version_5_on_a_sync_must_name_its_protocol(client: RawClient, group: str) -> None:
    joined = join(client, 9, group)
    refused = sync(client, 5, group, joined, protocol_name=None)
    assert refused.error_code is ErrorCode.inconsistent_group_protocol


@versions(heartbeat)
def test_a_member_beats_at_every_version(client: RawClient, group: str, version: int) -> None:
    member = stable(client, group).member_id
    errors = [
        client.call("heartbeat", version, group_id=name, generation_id=generation, member_id=member).error_code
        for name, generation in ((group, 1), (group, 2), ("another", 1), ("", 1))
    ]
    assert errors == [
        ErrorCode.none,
        ErrorCode.illegal_generation,
        ErrorCode.unknown_member_id,
        ErrorCode.invalid_group_id,
    ]


@versions(leave_group)
def test_a_member_leaves_at_every_version(client: RawClient, group: str, version: int) -> None:
    member = stable(client, group).member_id

    def leave() -> ErrorCode:
        members = [{"member_id": member, "group_instance_id": None, "reason": "done"}]
        reply = client.call("leave_group", version, group_id=group, member_id=member, members=members)
        assert version < 3 or reply.error_code is ErrorCode.none
        error: ErrorCode = reply.error_code if version < 3 else reply.members[0].error_code
        return error

    assert [leave(), leave()] == [ErrorCode.none, ErrorCode.unknown_member_id]


# -- offsets -----------------------------------------------------------------------------------------------------


@versions(offset_commit)
def test_offsets_are_committed_at_every_version(client: RawClient, bids: UUID, group: str, version: int) -> None:
    assert commit(client, version, group, bids) == [ErrorCode.none, ErrorCode.none]
    _, found = fetch(client, 9, group, None)
    assert {index: each.committed_offset for index, each in found["group-bids"].items()} == {0: 10, 1: 11}
    assert {each.committed_leader_epoch for each in found["group-bids"].values()} == {0 if version >= 6 else -1}


@versions(offset_commit)
def test_offsets_of_topics_that_do_not_exist_are_refused(client: RawClient, group: str, version: int) -> None:
    unknown = ErrorCode.unknown_topic_id if version >= 10 else ErrorCode.unknown_topic_or_partition
    assert commit(client, version, group, None) == [unknown, unknown]


@versions(offset_commit)
def test_a_generation_of_no_group_is_refused_as_the_version_has_it(
    client: RawClient, bids: UUID, group: str, version: int
) -> None:
    error = ErrorCode.group_id_not_found if version >= 9 else ErrorCode.illegal_generation
    assert set(commit(client, version, group, bids, generation_id_or_member_epoch=3)) == {error}


@versions(offset_fetch)
def test_offsets_are_fetched_at_every_version(client: RawClient, bids: UUID, group: str, version: int) -> None:
    commit(client, 9, group, bids)
    key: Any = bids if version >= 10 else "group-bids"
    error, found = fetch(
        client, version, group, [{"name": "group-bids", "topic_id": bids, "partition_indexes": [0, 5]}]
    )
    assert error is ErrorCode.none
    assert (found[key][0].committed_offset, found[key][0].metadata) == (10, "hello")
    assert (found[key][5].committed_offset, found[key][5].error_code) == (-1, ErrorCode.none)


@pytest.mark.parametrize("version", range(2, 11))
def test_all_offsets_are_fetched_where_no_topics_are_named(
    client: RawClient, bids: UUID, group: str, version: int
) -> None:
    assert fetch(client, version, group, None) == (ErrorCode.none, {})
    commit(client, 9, group, bids)
    _, found = fetch(client, version, group, None)
    assert {index: each.committed_offset for topic in found.values() for index, each in topic.items()} == {0: 10, 1: 11}
    assert fetch(client, version, group, []) == (ErrorCode.none, {})


def test_an_id_of_no_topic_has_no_offsets(client: RawClient, group: str) -> None:
    _, found = fetch(client, 10, group, [{"topic_id": NEVER, "partition_indexes": [0]}])
    assert (found[NEVER][0].committed_offset, found[NEVER][0].error_code) == (-1, ErrorCode.unknown_topic_id)


@pytest.mark.parametrize("version", range(8, 11))
def test_several_groups_are_fetched_at_once(client: RawClient, bids: UUID, group: str, version: int) -> None:
    commit(client, 9, group, bids)
    asked = [{"group_id": name, "topics": None} for name in (group, "another")]
    first, second = client.call("offset_fetch", version, groups=asked).groups
    assert (first.group_id, second.group_id) == (group, "another")
    assert (len(first.topics), len(second.topics)) == (1, 0)


@versions(offset_delete)
def test_offsets_are_deleted(client: RawClient, bids: UUID, group: str, version: int) -> None:
    commit(client, 9, group, bids)

    def delete(name: str, group_id: str) -> Any:
        asked = [{"name": name, "partitions": [{"partition_index": 0}]}]
        return client.call("offset_delete", version, group_id=group_id, topics=asked)

    assert delete("group-bids", group).topics[0].partitions[0].error_code is ErrorCode.none
    unknown = delete("no-such-topic", group).topics[0].partitions[0].error_code
    assert unknown is ErrorCode.unknown_topic_or_partition
    assert delete("group-bids", "another").error_code is ErrorCode.group_id_not_found
    assert delete("group-bids", "").error_code is ErrorCode.invalid_group_id
    _, found = fetch(client, 9, group, None)
    assert list(found["group-bids"]) == [1]


# -- administration ----------------------------------------------------------------------------------------------


@versions(describe_groups)
def test_groups_are_described_at_every_version(client: RawClient, group: str, version: int) -> None:
    joined = stable(client, group, group_instance_id="one")
    asked = {"groups": [group, "another"], "include_authorized_operations": True}
    described, missing = client.call("describe_groups", version, **asked).groups
    assert (described.group_state, described.protocol_type, described.protocol_data) == ("Stable", "consumer", "range")
    (member,) = described.members
    assert (member.member_id, member.client_id, member.client_host) == (joined.member_id, "raw", "/127.0.0.1")
    assert (member.member_metadata, member.member_assignment) == (subscription("group-bids"), b"everything")
    if version >= 3:
        assert described.authorized_operations == 3400
    if version >= 4:
        assert member.group_instance_id == "one"
    assert missing.group_state == "Dead"
    assert missing.error_code is (ErrorCode.group_id_not_found if version >= 6 else ErrorCode.none)


@versions(list_groups)
def test_groups_are_listed_at_every_version(client: RawClient, bids: UUID, group: str, version: int) -> None:
    stable(client, group)
    commit(client, 9, f"{group}-alone", bids)

    def listed(**filters: list[str]) -> set[str]:
        reply = client.call("list_groups", version, **{"states_filter": [], "types_filter": []} | filters)
        assert reply.error_code is ErrorCode.none
        return {each.group_id for each in reply.groups} & {group, f"{group}-alone"}

    assert listed() == {group, f"{group}-alone"}
    if version >= 4:
        assert listed(states_filter=["stable", " EMPTY "]) == {group, f"{group}-alone"}
        assert listed(states_filter=["Empty"]) == {f"{group}-alone"}
    if version >= 5:
        assert listed(types_filter=["Classic"]) == {group, f"{group}-alone"}
        assert listed(types_filter=["consumer"]) == set()


@versions(delete_groups)
def test_groups_are_deleted_at_every_version(client: RawClient, bids: UUID, group: str, version: int) -> None:
    stable(client, group)
    commit(client, 9, f"{group}-alone", bids)
    names = [group, f"{group}-alone", f"{group}-alone", "another"]
    results = client.call("delete_groups", version, groups_names=names).results
    assert [(each.group_id, each.error_code) for each in results] == [
        (group, ErrorCode.non_empty_group),
        (f"{group}-alone", ErrorCode.none),
        ("another", ErrorCode.group_id_not_found),
    ]
    assert fetch(client, 9, f"{group}-alone", None) == (ErrorCode.none, {})
