"""A broker that serves from within the test's own process, on a disk that the test looks into."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from riacho.broker.broker import Broker
from riacho.broker.config.settings import Settings
from riacho.broker.group_commit import DiskThreads
from riacho.broker.metadata.log import MetadataLog
from riacho.broker.metadata.store import MetadataStore
from riacho.broker.server import Server, listen
from riacho.host import SystemClock, SystemDisk
from riacho.log import LogDirectory


@asynccontextmanager
async def serving(directory: Path, disk: SystemDisk, **properties: str) -> AsyncIterator[str]:
    """A broker in this process; its address. `num_partitions="1"` stands for num.partitions."""
    defects: list[BaseException] = []
    threads = DiskThreads(asyncio.get_running_loop(), defects.append)
    clock = SystemClock()
    broker = Broker(
        settings=Settings(
            {key.replace("_", "."): value for key, value in properties.items()}, sync_before_acks_all=True
        ),
        directory=LogDirectory.open(directory, disk=disk, clock=clock),
        metadata=MetadataStore(MetadataLog(directory / "metadata", disk), threads),
        threads=threads,
        advertised=None,
        clock=clock,
        disk=disk,
    )
    await broker.start()
    server = Server(broker, listen("127.0.0.1", 0, 10))
    try:
        yield f"127.0.0.1:{server.address[1]}"
    finally:
        await server.close()
        await broker.close()
    assert not defects
