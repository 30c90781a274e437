"""Partitions are opened on disk threads: requests wait for it, the loop does not."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest
from raw_client import RawClient, batch_of, create_topic, fetch_values, produce_values, request_frame

from riacho.broker.errors import ErrorCode
from riacho.broker.group_commit import DiskThreads
from riacho.broker.openings import PartitionOpenings
from running_broker import StartBroker

PARTITION = ("t", 0)


def test_a_partition_is_opened_once_for_all_who_wait_and_not_by_the_loop() -> None:
    threads_used: list[str] = []
    told: list[str] = []

    async def open_twice() -> None:
        threads = DiskThreads(asyncio.get_running_loop(), lambda error: pytest.fail(str(error)))
        openings = PartitionOpenings(threads)

        def work() -> None:
            threads_used.append(threading.current_thread().name)

        first = openings.begin(PARTITION, work, lambda: told.append("opened"))
        second = openings.begin(PARTITION, work, lambda: told.append("opened again"))
        with pytest.raises(BlockingIOError):
            openings.check(PARTITION)
        assert first is not None
        assert second is not None
        await asyncio.gather(first, second)
        openings.check(PARTITION)
        threads.close()

    asyncio.run(open_twice())
    assert [name.partition("_")[0] for name in threads_used] == ["disk"]
    assert told == ["opened"]


def test_whoever_waits_no_longer_leaves_the_opening_and_the_others_alone() -> None:
    told: list[str] = []

    async def cancel() -> None:
        threads = DiskThreads(asyncio.get_running_loop(), lambda error: pytest.fail(str(error)))
        openings = PartitionOpenings(threads)
        may_go_on = threading.Event()
        first = openings.begin(PARTITION, may_go_on.wait, lambda: told.append("opened"))
        second = openings.begin(PARTITION, may_go_on.wait, lambda: told.append("opened again"))
        assert first is not None
        assert second is not None
        waiting = asyncio.create_task(openings.ended(PARTITION))
        await asyncio.sleep(0)
        for each in (first, waiting):
            each.cancel()
        may_go_on.set()
        await second
        await openings.all_ended()
        threads.close()

    asyncio.run(cancel())
    assert told == ["opened"]


def test_a_failure_is_told_once_and_then_it_is_tried_again() -> None:
    async def fail() -> None:
        threads = DiskThreads(asyncio.get_running_loop(), lambda error: pytest.fail(str(error)))
        openings = PartitionOpenings(threads)

        def work() -> None:
            raise OSError(5, "the disk is broken")

        opening = openings.begin(PARTITION, work, lambda: pytest.fail("it was not opened"))
        assert opening is not None
        await opening
        assert openings.begin(PARTITION, work, lambda: None) is None, "the failure waits to be told"
        with pytest.raises(OSError, match="broken"):
            openings.check(PARTITION)
        openings.check(PARTITION)
        again = openings.begin(PARTITION, lambda: None, lambda: None)
        assert again is not None
        await again
        threads.close()

    asyncio.run(fail())


def test_a_partition_that_cannot_be_opened_is_told_until_it_can(broker: StartBroker, topic: str) -> None:
    own = broker()
    in_the_way = Path(own.directory, f"{topic}-0")
    with RawClient(own.bootstrap) as client:
        create_topic(client, topic)
        in_the_way.write_text("a file where the partition's directory is to be")
        request = produce_values(topic, batch_of(b"x"))
        for _ in range(2):
            outcome = client.ask("produce", 7, request).responses[0].partition_responses[0]
            assert outcome.error_code == ErrorCode.kafka_storage_error
        assert _fetched(client, topic).error_code == ErrorCode.kafka_storage_error
        in_the_way.unlink()
        outcome = client.ask("produce", 7, request).responses[0].partition_responses[0]
        assert (outcome.error_code, outcome.base_offset) == (ErrorCode.none, 0)
        assert _fetched(client, topic).high_watermark == 1


def test_why_a_partition_cannot_be_opened_is_logged_once_and_again_after_it_could(
    broker: StartBroker, topic: str
) -> None:
    own = broker()
    in_the_way = Path(own.directory, f"{topic}-0")
    line = f"{topic}-0 cannot be opened: "
    earliest = {"partition_index": 0, "current_leader_epoch": -1, "timestamp": -2}
    asked = {"replica_id": -1, "isolation_level": 0, "topics": [{"name": topic, "partitions": [earliest]}]}
    epoch = {"partition": 0, "current_leader_epoch": -1, "leader_epoch": 0}
    epochs = {"replica_id": -1, "topics": [{"topic": topic, "partitions": [epoch]}]}
    with RawClient(own.bootstrap) as client:
        create_topic(client, topic)
        in_the_way.write_text("a file where the partition's directory is to be")
        for _ in range(2):
            assert _fetched(client, topic).error_code == ErrorCode.kafka_storage_error
            found = client.ask("list_offsets", 5, asked).topics[0].partitions[0]
            assert found.error_code == ErrorCode.kafka_storage_error
            produced = client.ask("produce", 7, produce_values(topic, batch_of(b"x"))).responses[0]
            assert produced.partition_responses[0].error_code == ErrorCode.kafka_storage_error
            ended = client.ask("offset_for_leader_epoch", 3, epochs).topics[0].partitions[0]
            assert ended.error_code == ErrorCode.kafka_storage_error
        own.wait_for_log(line)
        assert own.log_text().count(topic) == 3, "told at its creation, and once with its path"
        assert "File exists" in own.log_text()
        assert "see to the disk or to what is in the way" in own.log_text()
        in_the_way.unlink()
        assert _fetched(client, topic).error_code == ErrorCode.none
        client.ask("delete_topics", 1, {"topic_names": [topic], "timeout": 1000})
        create_topic(client, topic)
        in_the_way.write_text("again")
        assert _fetched(client, topic).error_code == ErrorCode.kafka_storage_error
    assert own.log_text().count(line) == 2


def _fetched(client: RawClient, topic: str) -> Any:
    return client.ask("fetch", 11, fetch_values(topic, 0)).responses[0].partitions[0]


def test_requests_behind_an_opening_keep_their_order(broker: StartBroker, topic: str) -> None:
    own = broker()
    with RawClient(own.bootstrap) as client:
        create_topic(client, topic, partitions=50)
        frames = [
            request_frame("produce", 7, produce_values(topic, batch_of(b"x"), partition=number % 50), number)
            for number in range(100)
        ]
        client.socket.sendall(b"".join(frames))
        offsets = [
            client.answer("produce", 7, number).responses[0].partition_responses[0].base_offset for number in range(100)
        ]
    assert offsets == [0] * 50 + [1] * 50
