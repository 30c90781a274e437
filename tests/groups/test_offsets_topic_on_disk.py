"""`__consumer_offsets` on a disk that fills up, and is emptied again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from riacho.broker.broker import Broker
from riacho.broker.errors import ErrorCode
from riacho.broker.groups import CoordinatorError
from simulated_broker import broker_on, commit, committed
from simulated_disk import SimulatedDisk

DEADLINE_SECONDS = 60.0


def run(body: Callable[[], Awaitable[None]]) -> None:
    async def within_deadline() -> None:
        await asyncio.wait_for(body(), DEADLINE_SECONDS)

    asyncio.run(within_deadline())


async def served_again(broker: Broker, group_id: str) -> int | None:
    """What the group has committed, once its partition answers again."""
    while True:
        try:
            return await committed(broker, group_id)
        except CoordinatorError:
            await asyncio.sleep(0.01)  # the coordinator tries by its own timer


def test_offsets_committed_before_the_disk_was_full_are_there_once_there_is_room() -> None:
    async def body() -> None:
        disk = SimulatedDisk(0)
        async with broker_on(disk) as broker:
            assert await commit(broker, "group", 5) is ErrorCode.none
            disk.capacity = disk.used()
            assert await commit(broker, "group", 6) is ErrorCode.not_coordinator
            with pytest.raises(CoordinatorError):
                await committed(broker, "group")
            disk.capacity = None
            assert await served_again(broker, "group") == 5
            assert await commit(broker, "group", 7) is ErrorCode.none
            assert await committed(broker, "group") == 7

    run(body)


@pytest.mark.parametrize("operation", ["make_directory", "create", "write"])
@pytest.mark.parametrize("topic_exists", [False, True])
def test_a_group_whose_partition_cannot_be_made_for_want_of_room_is_served_once_there_is(
    operation: str, topic_exists: bool
) -> None:
    async def body() -> None:
        disk = SimulatedDisk(0)
        async with broker_on(disk) as broker:
            if topic_exists:
                assert await commit(broker, "other", 1) is ErrorCode.none
            disk.fail_next(operation, 28)
            assert await commit(broker, "group", 5) is ErrorCode.not_coordinator
            assert await served_again(broker, "group") is None
            assert await commit(broker, "group", 6) is ErrorCode.none
            assert await committed(broker, "group") == 6

    run(body)


def test_all_who_wait_for_the_topic_to_be_made_are_told_when_it_cannot_be() -> None:
    async def body() -> None:
        disk = SimulatedDisk(0)
        async with broker_on(disk) as broker:
            disk.capacity = disk.used() + 150  # room for the topic's record, not for its partitions
            asked = (commit(broker, group_id, 5) for group_id in ("a", "b", "c"))
            assert set(await asyncio.gather(*asked)) == {ErrorCode.not_coordinator}

    run(body)
