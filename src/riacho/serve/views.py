"""Views: compacted topics kept in memory, the newest value of every key.

Keys and values stay the bytes that they are in the topic, so that a view of any format can be kept and passed on.
One thread reads all topics; what it read is applied on the event loop's thread, where everything else happens.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice

from riacho.client.cluster import Cluster, TopicPartition
from riacho.client.columns import BinaryColumn, RecordColumns
from riacho.client.errors import KafkaError
from riacho.client.fetcher import Fetcher
from riacho.client.offsets import EARLIEST, LATEST, list_offsets
from riacho.errors import RiachoError

POLL_MS = 500
"""How long the reading thread waits for records before it looks whether it shall end."""

MAX_ROWS = 20_000
"""Records that the event loop applies at once: it must not stall for longer than a few milliseconds."""

RETRY_S = 1.0
"""Pause before reading goes on after the cluster failed."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Block:
    """Records of one partition as the reading thread hands them over."""

    topic: str
    partition: int
    keys: list[bytes | None]
    values: list[bytes | None]
    next_offset: int

    @staticmethod
    def of(columns: RecordColumns) -> Block:
        content = columns.buffer.tobytes()
        return Block(
            columns.topic,
            columns.partition,
            _slices(content, columns.key),
            _slices(content, columns.value),
            columns.next_offset,
        )


@dataclass(slots=True)
class View:
    """The newest value of every key, in the order in which the keys first appeared."""

    name: str
    behind: dict[int, int]
    """By partition, the offset up to which it must be read before the view shows what it held when it was opened."""
    rows: dict[bytes, bytes] = field(default_factory=dict)
    changed: dict[bytes, None] = field(default_factory=dict)
    """Keys that were set or deleted since `take_changes`, in order."""
    loaded: asyncio.Event = field(default_factory=asyncio.Event)

    def apply(self, block: Block) -> None:
        """Take over records in order. A null value deletes its key; a record without a key has no place in a view."""
        for key, value in zip(block.keys, block.values, strict=True):
            if key is None:
                continue
            if value is None:
                self.rows.pop(key, None)
            else:
                self.rows[key] = value
            self.changed[key] = None
        self.read_up_to(block.partition, block.next_offset)

    def read_up_to(self, partition: int, offset: int) -> None:
        """Note how far a partition was read."""
        if self.behind.get(partition, offset + 1) <= offset:
            del self.behind[partition]
        if not self.behind:
            self.loaded.set()

    def newest(self, limit: int | None = None) -> list[tuple[bytes, bytes]]:
        """All rows, or those of the keys that appeared last."""
        if limit is None or limit >= len(self.rows):
            return list(self.rows.items())
        keys = list(islice(reversed(self.rows), limit))
        return [(key, self.rows[key]) for key in reversed(keys)]

    def take_changes(self) -> tuple[list[tuple[bytes, bytes]], list[bytes]]:
        """The rows set and the keys deleted since the last call."""
        changed, self.changed = self.changed, {}
        rows = self.rows
        return [(key, rows[key]) for key in changed if key in rows], [key for key in changed if key not in rows]


class Views:
    """Every view that somebody has asked for: opened on first use, kept until the process ends."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._loop = asyncio.get_running_loop()
        self._fetcher = Fetcher(cluster)
        self._views: dict[str, View] = {}
        self._opening = asyncio.Lock()
        self._assigned = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._read, name="riacho-views", daemon=True)
        self._thread.start()

    def opened(self) -> list[View]:
        """The views that are kept now."""
        return list(self._views.values())

    async def open(self, name: str) -> View:
        """The view of a topic, once it holds what the topic held at the call.

        Raises `KafkaError` where there is no such topic.
        """
        async with self._opening:
            view = self._views.get(name)
            if view is None:
                view = await self._start(name)
        await view.loaded.wait()
        return view

    async def close(self) -> None:
        """End the reading thread."""
        self._stopped.set()
        self._assigned.set()
        self._fetcher.wakeup()
        await asyncio.to_thread(self._thread.join)
        self._fetcher.close()

    async def _start(self, name: str) -> View:
        first, end = await asyncio.to_thread(self._bounds, name)
        view = View(name, {partition: end[partition] for partition in end if end[partition] > first[partition]})
        if not view.behind:
            view.loaded.set()
        self._views[name] = view
        self._fetcher.assign({TopicPartition(name, partition): EARLIEST for partition in end})
        self._assigned.set()
        return view

    def _bounds(self, name: str) -> tuple[Mapping[int, int], Mapping[int, int]]:
        """Each partition's first offset and end."""
        partitions = [TopicPartition(name, partition) for partition in self._cluster.partitions(name)]
        bounds = [
            {item.partition: listed.offset for item, listed in list_offsets(self._cluster, asked).items()}
            for asked in (dict.fromkeys(partitions, EARLIEST), dict.fromkeys(partitions, LATEST))
        ]
        return bounds[0], bounds[1]

    def _read(self) -> None:
        self._assigned.wait()
        while not self._stopped.is_set():
            try:
                blocks = [Block.of(columns) for columns in self._fetcher.fetch(max_rows=MAX_ROWS, max_wait_ms=POLL_MS)]
            except KafkaError as error:
                log.warning("a view's topic cannot be read: %s", error)
                self._drop_failed(error)
                continue
            except RiachoError as error:
                log.warning("the cluster cannot be read, trying again: %s", error)
                self._stopped.wait(RETRY_S)
                continue
            for block in blocks:
                asyncio.run_coroutine_threadsafe(self._apply(block), self._loop).result()

    async def _apply(self, block: Block) -> None:
        view = self._views.get(block.topic)
        if view is not None:
            view.apply(block)

    def _drop_failed(self, error: KafkaError) -> None:
        """Forget the view whose partition the error names (its topic was deleted): who asks next opens it anew."""
        assigned = self._fetcher.positions()
        failed = next((partition.topic for partition in assigned if str(partition) == error.where), None)
        if failed is None:
            self._stopped.wait(RETRY_S)
            return
        self._fetcher.unassign([partition for partition in assigned if partition.topic == failed])
        self._loop.call_soon_threadsafe(self._views.pop, failed, None)


def _slices(content: bytes, column: BinaryColumn) -> list[bytes | None]:
    ends = column.start + column.length
    return [
        None if end < start else content[start:end]
        for start, end in zip(column.start.tolist(), ends.tolist(), strict=True)
    ]
