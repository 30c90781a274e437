"""What clients are told at every version while the groups are being loaded from the log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from riacho.broker import wire
from riacho.broker.apis import delete_groups, describe_groups, join_group, list_groups, offset_fetch
from riacho.broker.errors import ErrorCode
from riacho.broker.groups import GroupConfig, GroupCoordinator, ManualTimers
from riacho.broker.metadata.state import Metadata
from riacho.broker.request_context import RequestContext
from riacho.host import ManualClock

LOADING = ErrorCode.coordinator_load_in_progress


class LogThatIsNotReadYet:
    partitions = 3

    def append(self, partition: int, records: object) -> Any:
        raise AssertionError("nothing is written before it is loaded")

    async def replay(self, partition: int) -> AsyncIterator[Any]:
        raise AssertionError("nothing is read in these tests")
        yield


def context(version: int) -> RequestContext:
    clock = ManualClock()
    groups = GroupCoordinator(GroupConfig(), LogThatIsNotReadYet(), clock, ManualTimers(clock))
    broker = SimpleNamespace(groups=groups, metadata=Metadata())
    return RequestContext(broker, version, "client", "127.0.0.1", ("127.0.0.1", 9092))  # type: ignore[arg-type]


def written(api: str, version: int, answer: Any) -> Any:
    """The answer, after it was found to be one that this version can carry."""
    assert wire.write_response(api, version, 1, answer)
    return answer


@pytest.mark.parametrize("version", range(1, 11))
def test_offsets_are_not_told_yet(version: int) -> None:
    group = SimpleNamespace(group_id="g", topics=[SimpleNamespace(name="bids", topic_id=None, partition_indexes=[0])])
    request = SimpleNamespace(groups=[group]) if version >= 8 else group
    answer = written("offset_fetch", version, asyncio.run(offset_fetch.handle(request, context(version))))
    answer = answer["groups"][0] if version >= 8 else answer
    if version >= 2:
        assert (answer["error_code"], answer["topics"]) == (LOADING, [])
    else:
        assert answer["topics"][0]["partitions"][0]["error_code"] is LOADING


@pytest.mark.parametrize("version", range(6))
def test_a_part_of_the_groups_is_not_listed(version: int) -> None:
    answer = written("list_groups", version, list_groups.handle(SimpleNamespace(), context(version)))
    assert (answer["error_code"], answer["groups"]) == (LOADING, [])


@pytest.mark.parametrize("version", range(7))
def test_groups_are_not_described_yet(version: int) -> None:
    request = SimpleNamespace(groups=["g"])
    answer = written("describe_groups", version, describe_groups.handle(request, context(version)))
    assert [each["error_code"] for each in answer["groups"]] == [LOADING]


@pytest.mark.parametrize("version", range(3))
def test_groups_are_not_deleted_yet(version: int) -> None:
    request = SimpleNamespace(groups_names=["g"])
    answer = written("delete_groups", version, asyncio.run(delete_groups.handle(request, context(version))))
    assert [each["error_code"] for each in answer["results"]] == [LOADING]


@pytest.mark.parametrize("version", range(10))
def test_nobody_joins_yet(version: int) -> None:
    request = SimpleNamespace(
        group_id="g", member_id="", session_timeout=timedelta(seconds=10), protocol_type="consumer", protocols=[]
    )
    answer = written("join_group", version, asyncio.run(join_group.handle(request, context(version))))
    assert answer["error_code"] is LOADING
