"""Indexes of older segments are read, or built anew, by disk threads: the loop serves others meanwhile."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from raw_client import RawClient, batch_of, create_topic, fetch_values, produce_values

from riacho.broker.errors import ErrorCode
from riacho.host import SystemDisk
from riacho.log.walk import SCAN_CHUNK_BYTES
from served_broker import serving

DEADLINE_SECONDS = 60.0
BATCHES = 25
"""Of 100 kB each, in segments of 1 MiB: two that are full, and the newest."""
LATEST = -1
MAX_TIMESTAMP = -3


class GatedDisk(SystemDisk):
    """A disk whose scans of whole segments, once it is armed, wait for the test, and tell who makes them."""

    def __init__(self) -> None:
        self.armed = False
        self.reached = threading.Event()
        self.may_go_on = threading.Event()
        self.readers: set[str] = set()

    def read(self, fd: int, position: int, length: int) -> bytes:
        if self.armed and length == SCAN_CHUNK_BYTES:
            reader = threading.current_thread().name.partition("_")[0]
            self.readers.add(reader)
            if reader == "disk":
                self.reached.set()
                assert self.may_go_on.wait(DEADLINE_SECONDS)
        return super().read(fd, position, length)


def _fill(bootstrap: str, topic: str) -> None:
    with RawClient(bootstrap) as client:
        create_topic(client, topic, segment_bytes="1048576", retention_ms="-1")
        for number in range(BATCHES):
            batch = batch_of(b"%d" % number + bytes(100_000), timestamp_ms=1_000_000 + number)
            produced = client.ask("produce", 7, produce_values(topic, batch)).responses[0]
            assert produced.partition_responses[0].error_code == ErrorCode.none


def _find(client: RawClient, topic: str, timestamp: int) -> Any:
    asked = {"partition_index": 0, "current_leader_epoch": -1, "timestamp": timestamp}
    values = {"replica_id": -1, "isolation_level": 0, "topics": [{"name": topic, "partitions": [asked]}]}
    return client.ask("list_offsets", 7, values).topics[0].partitions[0]


def _fetch_the_second_batch(client: RawClient, topic: str) -> None:
    fetched = client.ask("fetch", 11, fetch_values(topic, 1, max_bytes=1)).responses[0].partitions[0]
    assert (fetched.error_code, fetched.high_watermark) == (ErrorCode.none, BATCHES)
    assert bytes(fetched.records)[:8] == (1).to_bytes(8, "big")


def _find_the_third_record(client: RawClient, topic: str) -> None:
    found = _find(client, topic, 1_000_002)
    assert (found.error_code, found.offset, found.timestamp) == (ErrorCode.none, 2, 1_000_002)


def _find_the_newest_record(client: RawClient, topic: str) -> None:
    found = _find(client, topic, MAX_TIMESTAMP)
    assert (found.error_code, found.offset) == (ErrorCode.none, BATCHES - 1)


@pytest.mark.parametrize("ask", [_fetch_the_second_batch, _find_the_third_record, _find_the_newest_record])
def test_other_connections_are_served_while_an_index_is_built_anew(
    tmp_path: Path, ask: Callable[[RawClient, str], None]
) -> None:
    disk = GatedDisk()

    async def fill() -> None:
        async with serving(tmp_path / "data", disk) as bootstrap:
            await asyncio.to_thread(_fill, bootstrap, "t")

    async def ask_beside_another() -> None:
        async with serving(tmp_path / "data", disk) as bootstrap:
            with RawClient(bootstrap) as first, RawClient(bootstrap) as second:
                await asyncio.to_thread(_find, first, "t", LATEST)  # the partition is open
                disk.armed = True
                answer = asyncio.create_task(asyncio.to_thread(ask, first, "t"))
                assert await asyncio.to_thread(disk.reached.wait, DEADLINE_SECONDS)
                served = await asyncio.to_thread(_find, second, "t", LATEST)
                assert served.offset == BATCHES
                assert not answer.done()
                disk.may_go_on.set()
                await answer

    asyncio.run(fill())
    indexes = sorted((tmp_path / "data" / "t-0").glob("*index"))
    assert len(indexes) == 6
    for path in indexes:
        path.unlink()
    asyncio.run(ask_beside_another())
    assert disk.readers == {"disk"}


def test_damage_that_keeps_an_index_from_being_built_is_looked_for_once(tmp_path: Path) -> None:
    disk = GatedDisk()
    disk.may_go_on.set()

    async def fill() -> None:
        async with serving(tmp_path / "data", disk) as bootstrap:
            await asyncio.to_thread(_fill, bootstrap, "t")

    async def fetch_twice() -> None:
        async with serving(tmp_path / "data", disk) as bootstrap:
            with RawClient(bootstrap) as client:
                await asyncio.to_thread(_find, client, "t", LATEST)
                disk.armed = True
                for _ in range(2):
                    answer = await asyncio.to_thread(client.ask, "fetch", 11, fetch_values("t", 1))
                    assert answer.responses[0].partitions[0].error_code == ErrorCode.corrupt_message
                    assert disk.readers <= {"disk"}
                    disk.readers.clear()
                    found = await asyncio.to_thread(_find, client, "t", 1_000_002)
                    assert found.error_code == ErrorCode.corrupt_message
                    assert disk.readers == set(), "the segment was read again"

    asyncio.run(fill())
    directory = tmp_path / "data" / "t-0"
    for path in directory.glob("*index"):
        path.unlink()
    with (directory / f"{0:020d}.log").open("r+b") as file:
        file.write(bytes(61))
    asyncio.run(fetch_twice())


def test_retention_opens_partitions_on_a_disk_thread(tmp_path: Path) -> None:
    disk = GatedDisk()
    disk.may_go_on.set()

    async def fill() -> None:
        async with serving(tmp_path / "data", disk) as bootstrap:
            await asyncio.to_thread(_fill, bootstrap, "t")

    async def retain() -> None:
        disk.armed = True
        async with serving(tmp_path / "data", disk, log_retention_check_interval_ms="1"):
            assert await asyncio.to_thread(disk.reached.wait, DEADLINE_SECONDS)

    asyncio.run(fill())
    for path in (tmp_path / "data" / "t-0").glob("*index"):
        path.unlink()
    asyncio.run(retain())
    assert disk.readers == {"disk"}
