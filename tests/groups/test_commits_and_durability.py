"""No durable offset points past durable data, and no acknowledged offset is lost."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from group_client import RawClient

from riacho.broker.apis import offset_commit
from riacho.broker.errors import ErrorCode
from riacho.broker.groups.messages import CommitReply, CommitRequest
from riacho.broker.metadata.state import Metadata, Topic
from riacho.broker.request_context import RequestContext
from running_broker import RunningBroker

BIDS = Topic("bids", UUID(int=5), 2, {})


class BrokerOfOneTopic:
    """As much of a broker as a commit asks for; notes the order in which it is asked."""

    def __init__(self, failure: OSError | None = None) -> None:
        self.metadata = Metadata({"bids": BIDS}, {BIDS.id: BIDS})
        self.groups = self
        self.asked: list[Any] = []
        self._failure = failure

    async def sync_partitions(self, partitions: list[tuple[str, int]]) -> None:
        self.asked.append(("sync", partitions))
        if self._failure is not None:
            raise self._failure

    async def ask(self, request: CommitRequest) -> CommitReply:
        self.asked.append(("commit", [(each.topic, each.partition) for each in request.offsets]))
        return CommitReply(ErrorCode.none, tuple(ErrorCode.none for _ in request.offsets))


def commit(broker: BrokerOfOneTopic, *partitions: int) -> list[ErrorCode]:
    asked = [
        SimpleNamespace(partition_index=index, committed_offset=1, committed_metadata=None) for index in partitions
    ]
    request = SimpleNamespace(
        group_id="group",
        member_id="",
        generation_id_or_member_epoch=-1,
        topics=[SimpleNamespace(name="bids", partitions=asked)],
    )
    context = RequestContext(broker, 9, "client", "127.0.0.1", ("127.0.0.1", 9092))  # type: ignore[arg-type]
    answer = asyncio.run(offset_commit.handle(request, context))
    return [each["error_code"] for each in answer["topics"][0]["partitions"]]


def test_the_data_is_made_durable_before_the_offsets_that_point_past_it() -> None:
    broker = BrokerOfOneTopic()
    assert commit(broker, 0, 1) == [ErrorCode.none, ErrorCode.none]
    places = [("bids", 0), ("bids", 1)]
    assert broker.asked == [("sync", places), ("commit", places)]


def test_offsets_of_data_that_cannot_be_made_durable_are_not_committed() -> None:
    broker = BrokerOfOneTopic(OSError("the disk failed"))
    assert commit(broker, 0) == [ErrorCode.kafka_storage_error]
    assert broker.asked == [("sync", [("bids", 0)])]


def test_partitions_that_do_not_exist_are_neither_synced_nor_committed() -> None:
    broker = BrokerOfOneTopic()
    assert commit(broker, 0, 2, -1) == [
        ErrorCode.none,
        ErrorCode.unknown_topic_or_partition,
        ErrorCode.unknown_topic_or_partition,
    ]
    assert broker.asked[-1] == ("commit", [("bids", 0)])


@pytest.mark.parametrize("acknowledged", [1, 40, 333])
def test_no_acknowledged_commit_is_lost_when_the_broker_is_killed_amid_commits(
    broker: Callable[..., RunningBroker], acknowledged: int
) -> None:
    own = broker()
    with RawClient(own.bootstrap) as client:
        wanted = {"name": "bids", "num_partitions": 1, "replication_factor": 1, "assignments": [], "configs": []}
        client.call("create_topics", 7, topics=[wanted], timeout=10_000, validate_only=False)
        last = 0
        enough = threading.Event()

        def kill() -> None:
            enough.wait()
            own.kill()

        killer = threading.Thread(target=kill)
        killer.start()
        try:
            while True:
                _commit(client, last + 1)
                last += 1
                if last == acknowledged:
                    enough.set()
        except (OSError, AssertionError):
            enough.set()  # the connection is gone, as it should be by now
        killer.join()
    assert last >= acknowledged
    own.start()
    with RawClient(own.bootstrap) as client:
        asked = [{"group_id": "group", "topics": [{"name": "bids", "partition_indexes": [0]}]}]
        while (answer := client.call("offset_fetch", 9, groups=asked).groups[0]).error_code is not ErrorCode.none:
            assert answer.error_code is ErrorCode.coordinator_load_in_progress
        (partition,) = answer.topics[0].partitions
    assert partition.committed_offset in (last, last + 1)


def _commit(client: RawClient, offset: int) -> None:
    partition = {"partition_index": 0, "committed_offset": offset, "committed_metadata": ""}
    answer = client.call(
        "offset_commit",
        9,
        group_id="group",
        member_id="",
        generation_id_or_member_epoch=-1,
        topics=[{"name": "bids", "partitions": [partition]}],
    )
    assert answer.topics[0].partitions[0].error_code is ErrorCode.none
