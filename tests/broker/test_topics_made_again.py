"""A topic that is deleted and made again, on a disk that loses power at any operation."""

from __future__ import annotations

import asyncio
import errno
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

import pytest
from raw_client import batch_of

from riacho.broker.broker import Broker
from riacho.broker.metadata.state import topic_deleted_record
from riacho.log.header import BatchHeader
from simulated_broker import broker_on
from simulated_disk import CrashError, SimulatedDisk

TOPIC = "bids"
OLD_RECORDS = 1
NEW_RECORDS = 2


async def _append(broker: Broker, records: int) -> None:
    """One batch, durable when this returns."""
    opening = broker.opening([(TOPIC, 0)])
    if opening is not None:
        await opening
    hosted = broker.partition(TOPIC, 0)
    assert hosted is not None
    batch = batch_of(*[b"x"] * records)
    hosted.append(batch, BatchHeader.parse(batch), durable=False, done=lambda _, error: None)
    await hosted.sync()


async def _delete(broker: Broker) -> None:
    async with broker.metadata_store.changing:
        topic = broker.metadata.topics[TOPIC]
        await broker.metadata_store.commit([topic_deleted_record(TOPIC)])
        await broker.remove_partitions(topic)


@dataclass
class _Known:
    """What was known to be durable when the power failed."""

    old_id: UUID
    deleted: bool = False
    new_records: int = 0


async def _delete_and_make_again(broker: Broker, known: _Known) -> None:
    await _delete(broker)
    known.deleted = True
    await broker.create_topic(TOPIC)
    await _append(broker, NEW_RECORDS)
    known.new_records = NEW_RECORDS


async def _until_the_power_fails(disk: SimulatedDisk, operation: int, *, removal_fails: bool) -> _Known:
    async with broker_on(disk) as broker:
        await broker.create_topic(TOPIC)
        known = _Known(broker.metadata.topics[TOPIC].id)
        await _append(broker, OLD_RECORDS)
        last = len(disk.operations) + operation
        disk.crash_at(operation)
        if removal_fails:
            disk.fail_next("rename", errno.EIO)
        work = asyncio.create_task(_delete_and_make_again(broker, known))
        while not work.done() and len(disk.operations) < last:
            await asyncio.sleep(0)
        work.cancel()
        with suppress(CrashError, asyncio.CancelledError):
            await work
    return known


async def _check(disk: SimulatedDisk, known: _Known) -> None:
    async with broker_on(disk) as broker:
        topic = broker.metadata.topics.get(TOPIC)
        if topic is None:
            assert broker.directory.partitions_on_disk() == []
            return
        hosted = broker.partition(TOPIC, 0)
        assert hosted is not None
        if topic.id == known.old_id:
            assert not known.deleted
            assert hosted.log.end_offset == OLD_RECORDS
        else:
            assert hosted.log.end_offset in ({0, NEW_RECORDS} if not known.new_records else {NEW_RECORDS})


@pytest.mark.parametrize("removal_fails", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_its_records_are_never_those_of_the_topic_before(seed: int, removal_fails: bool) -> None:
    operation = 0
    finished = False
    while not finished:
        operation += 1
        disk = SimulatedDisk(1000 * seed + operation)
        known = asyncio.run(_until_the_power_fails(disk, operation, removal_fails=removal_fails))
        finished = known.new_records > 0
        disk.lose_power()
        asyncio.run(_check(disk, known))
    assert operation > 10
