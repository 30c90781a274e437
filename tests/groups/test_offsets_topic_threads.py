"""`__consumer_offsets` is opened, made durable and read by disk threads: the loop serves others meanwhile."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

from group_client import RawClient

from riacho.broker.errors import ErrorCode
from riacho.host import SystemDisk
from served_broker import serving

DEADLINE_SECONDS = 60.0
PARTITIONS = 40
METADATA = "m" * 4_000
LARGE_READ = 100_000
"""The commit below makes a batch that is larger; the broker reads nothing else of that size here."""


class GatedDisk(SystemDisk):
    """Notes which threads sync and read much; where it is armed, a disk thread that reads much waits for the test."""

    def __init__(self) -> None:
        self.armed = False
        self.reached = threading.Event()
        self.may_go_on = threading.Event()
        self.syncing: set[str] = set()
        self.reading: set[str] = set()

    def sync(self, fd: int) -> None:
        self.syncing.add(_thread())
        super().sync(fd)

    def sync_directory(self, path: Path) -> None:
        self.syncing.add(_thread())
        super().sync_directory(path)

    def read(self, fd: int, position: int, length: int) -> bytes:
        if length >= LARGE_READ:
            self.reading.add(_thread())
            if self.armed and _thread() == "disk":
                self.reached.set()
                assert self.may_go_on.wait(DEADLINE_SECONDS)
        return super().read(fd, position, length)


def _thread() -> str:
    return threading.current_thread().name.partition("_")[0]


def _commit(bootstrap: str) -> set[int]:
    partitions = [
        {"partition_index": index, "committed_offset": index, "committed_metadata": METADATA}
        for index in range(PARTITIONS)
    ]
    with RawClient(bootstrap) as client:
        client.call("create_topics", 5, topics=[_topic("bids")], timeout=10_000, validate_only=False)
        fields = {"group_id": "g", "generation_id_or_member_epoch": -1, "member_id": "", "group_instance_id": None}
        answer = client.call("offset_commit", 8, **fields, topics=[{"name": "bids", "partitions": partitions}])
        return {each.error_code for each in answer.topics[0].partitions}


def _topic(name: str) -> dict[str, Any]:
    return {"name": name, "num_partitions": PARTITIONS, "replication_factor": 1, "assignments": [], "configs": []}


def _committed(bootstrap: str) -> Any:
    with RawClient(bootstrap) as client:
        answer = client.call("offset_fetch", 5, group_id="g", topics=[{"name": "bids", "partition_indexes": [7]}])
    return answer.error_code or answer.topics[0].partitions[0].committed_offset


def test_a_first_commit_is_made_durable_by_disk_threads(tmp_path: Path) -> None:
    disk = GatedDisk()

    async def commit() -> None:
        async with serving(tmp_path / "data", disk) as bootstrap:
            disk.syncing.clear()
            assert await asyncio.to_thread(_commit, bootstrap) == {ErrorCode.none}
            assert disk.syncing == {"disk"}

    asyncio.run(commit())


def test_others_are_served_while_a_large_partition_of_it_is_read(tmp_path: Path) -> None:
    disk = GatedDisk()

    async def commit() -> None:
        async with serving(tmp_path / "data", disk) as bootstrap:
            assert await asyncio.to_thread(_commit, bootstrap) == {ErrorCode.none}

    async def read() -> None:
        disk.armed = True
        async with serving(tmp_path / "data", disk) as bootstrap:
            assert await asyncio.to_thread(disk.reached.wait, DEADLINE_SECONDS)
            assert await asyncio.to_thread(_committed, bootstrap) == ErrorCode.coordinator_load_in_progress
            disk.may_go_on.set()
            while await asyncio.to_thread(_committed, bootstrap) == ErrorCode.coordinator_load_in_progress:
                pass
            assert await asyncio.to_thread(_committed, bootstrap) == 7

    asyncio.run(commit())
    disk.reading.clear()
    asyncio.run(asyncio.wait_for(read(), DEADLINE_SECONDS))
    assert disk.reading == {"disk"}


def test_a_broker_stops_while_a_partition_of_it_is_read(tmp_path: Path) -> None:
    disk = GatedDisk()

    async def commit() -> None:
        async with serving(tmp_path / "data", disk) as bootstrap:
            assert await asyncio.to_thread(_commit, bootstrap) == {ErrorCode.none}

    async def stop() -> None:
        disk.armed = True
        async with serving(tmp_path / "data", disk):
            assert await asyncio.to_thread(disk.reached.wait, DEADLINE_SECONDS)
            threading.Timer(0.1, disk.may_go_on.set).start()  # the end of the disk threads is waited for

    asyncio.run(commit())
    asyncio.run(asyncio.wait_for(stop(), DEADLINE_SECONDS))
