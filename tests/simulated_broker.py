"""A broker without sockets on a simulated disk, to be crashed, filled up and started again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from riacho.broker.broker import Broker
from riacho.broker.config.settings import Settings
from riacho.broker.errors import ErrorCode
from riacho.broker.group_commit import DiskThreads
from riacho.broker.groups import CoordinatorError
from riacho.broker.groups.messages import CommitReply, CommitRequest, OffsetToCommit
from riacho.broker.metadata.log import MetadataLog
from riacho.broker.metadata.store import MetadataStore
from riacho.host import SystemClock
from riacho.log import LogDirectory
from simulated_disk import CrashError, SimulatedDisk

DIRECTORY = Path("/data")


@asynccontextmanager
async def broker_on(disk: SimulatedDisk, *, sync_before_acks_all: bool = True) -> AsyncIterator[Broker]:
    """A broker that has started, and loaded its groups. It is not closed in order: a test that wants that does it."""
    clock = SystemClock()
    defects: list[BaseException] = []
    threads = DiskThreads(asyncio.get_running_loop(), defects.append)
    disk.make_directory(DIRECTORY)
    broker = Broker(
        settings=Settings({}, sync_before_acks_all=sync_before_acks_all),
        directory=LogDirectory.open(DIRECTORY, disk=disk, clock=clock),
        metadata=MetadataStore(MetadataLog(DIRECTORY / "metadata", disk), threads),
        threads=threads,
        advertised=None,
        clock=clock,
        disk=disk,
    )
    await broker.start()
    while not _is_loaded(broker):
        await asyncio.sleep(0)
    try:
        yield broker
    finally:
        threads.close()
    assert not [defect for defect in defects if not isinstance(defect, CrashError)]


def _is_loaded(broker: Broker) -> bool:
    try:
        broker.groups.list_groups()
    except CoordinatorError:
        return False
    return True


async def commit(broker: Broker, group_id: str, offset: int, *, topic: str = "bids", metadata: str = "") -> ErrorCode:
    """Commit an offset of partition 0, as a consumer without membership does."""
    reply = await broker.groups.ask(
        CommitRequest(group_id, "", None, -1, (OffsetToCommit(topic, 0, offset, metadata=metadata),))
    )
    assert isinstance(reply, CommitReply)
    return reply.error


async def committed(broker: Broker, group_id: str, *, topic: str = "bids") -> int | None:
    """The offset that a group has committed for partition 0. Raises `CoordinatorError`."""
    (found,) = await broker.groups.committed(group_id, [(topic, 0, None)])
    return None if found is None else found.offset
