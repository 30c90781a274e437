"""Views: compacted topics kept in memory, the newest value of every key.

Keys and values stay the bytes that they are in the topic, so that a view of any format can be kept and passed on.
One thread reads all topics; what it read is applied on the event loop's thread, where everything else happens.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Collection, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

from riacho.client.assignment import FetchConfig
from riacho.client.cluster import Cluster, TopicPartition
from riacho.client.columns import BinaryColumn, RecordColumns
from riacho.client.errors import KafkaError, OffsetOutOfRangeError, kafka_error
from riacho.client.fetcher import Fetcher
from riacho.client.offsets import EARLIEST, LATEST, list_offsets
from riacho.errors import RiachoError

POLL_MS = 500
"""How long the reading thread waits for records before it looks whether it shall end."""

GATHERING_MS = 50
"""How long the cluster gathers further records after some have come: viewers are told no more often anyway, and each
answer costs a core two milliseconds, however few records it brings.
"""

MAX_ROWS = 5_000
"""Records that the event loop applies at once: it must not stall for longer than a few milliseconds."""

RETRY_S = 0.5
"""Pause before reading goes on after the cluster failed."""

LOADING_TIMEOUT_S = 20.0
"""How long a request waits for a view that is being read for the first time."""

UNKNOWN_TOPIC_OR_PARTITION = 3
INVALID_TOPIC = 17
"""The name is one that no topic can have."""

log = logging.getLogger(__name__)


class Block(NamedTuple):
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


class Changes(NamedTuple):
    """What became of a view since the last call: all forgotten (`reset`), then rows set, keys deleted."""

    reset: bool
    rows: list[tuple[bytes, bytes]]
    deleted: list[bytes]


@dataclass(slots=True, eq=False)
class View:
    """The newest value of every key, in the order in which the keys first appeared.

    A view outlives its topic: while there is none it is empty, and not `exists`.
    """

    name: str
    rows: dict[bytes, bytes] = field(default_factory=dict)
    exists: bool = False
    settled: asyncio.Event = field(default_factory=asyncio.Event)
    """Set while it holds what the topic held when it was opened, or while there is no such topic."""
    _behind: dict[int, int] = field(default_factory=dict)
    """By partition, the offset up to which it must be read before the view is settled."""
    _changed: dict[bytes, None] = field(default_factory=dict)
    """Keys that were set or deleted since `take_changes`, in order."""
    _reset: bool = False

    @property
    def has_changes(self) -> bool:
        return self._reset or bool(self._changed)

    def restart(self, first: Mapping[int, int], end: Mapping[int, int]) -> None:
        """Begin to be read anew from a topic that reaches from `first` to `end`, by partition."""
        self._forget()
        self.exists = True
        self._behind = {partition: end[partition] for partition in end if end[partition] > first[partition]}
        if self._behind:
            self.settled.clear()
        else:
            self.settled.set()

    def lose(self) -> None:
        """There is no such topic (any more)."""
        self._forget()
        self.exists = False
        self.settled.set()

    def apply(self, block: Block) -> None:
        """Take over records in order. A null value deletes its key; a record without a key has no place in a view."""
        for key, value in zip(block.keys, block.values, strict=True):
            if key is None:
                continue
            if value is None:
                self.rows.pop(key, None)
            else:
                self.rows[key] = value
            self._changed[key] = None
        if self._behind.get(block.partition, block.next_offset + 1) <= block.next_offset:
            del self._behind[block.partition]
        if not self._behind:
            self.settled.set()

    def newest(self, limit: int | None = None) -> list[tuple[bytes, bytes]]:
        """All rows, or those of the keys that appeared last."""
        if limit is None or limit >= len(self.rows):
            return list(self.rows.items())
        keys = list(islice(reversed(self.rows), limit))
        return [(key, self.rows[key]) for key in reversed(keys)]

    def take_changes(self) -> Changes:
        """What changed since the last call."""
        changed, self._changed = self._changed, {}
        reset, self._reset = self._reset, False
        rows = self.rows
        return Changes(
            reset, [(key, rows[key]) for key in changed if key in rows], [key for key in changed if key not in rows]
        )

    def _forget(self) -> None:
        self.rows.clear()
        self._changed.clear()
        self._reset = True


class Views:
    """Every view that somebody has asked for, followed until the process ends. Not thread-safe: the loop's alone."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._views: dict[str, View] = {}
        self._starting = asyncio.Lock()
        self.changed = asyncio.Event()
        """Set when some view has changed; whoever tells of changes clears it."""
        self._reader = Reader(cluster, self._apply, self._restart)

    def __iter__(self) -> Iterator[View]:
        return iter(list(self._views.values()))

    @property
    def missing(self) -> bool:
        """Whether a topic is waited for."""
        return any(not view.exists for view in self._views.values())

    async def watch(self, name: str) -> View:
        """The view of a topic, which may not exist yet; its rows may still be on their way."""
        async with self._starting:
            view = self._views.get(name)
            if view is None:
                view = View(name)
                await self._start(view)
                self._views[name] = view
        return view

    async def open(self, name: str) -> View:
        """The view of a topic, once it holds what the topic held at the call.

        Raises `KafkaError` where there is no such topic, `RiachoError` where it cannot be read in time.
        """
        known = name in self._views
        view = await self.watch(name)
        if known and not view.exists:
            async with self._starting:
                await self._start(view)
        try:
            await asyncio.wait_for(view.settled.wait(), LOADING_TIMEOUT_S)
        except TimeoutError as error:
            raise RiachoError(f"the topic {name!r} could not be read within {LOADING_TIMEOUT_S:.0f} s") from error
        if not view.exists:
            if not known:
                self._views.pop(name, None)  # a name that somebody mistyped need not be waited for
            raise kafka_error(UNKNOWN_TOPIC_OR_PARTITION, f"there is no topic {name!r}", where=name)
        return view

    async def reconcile(self, topics: Collection[str]) -> None:
        """Follow the topics that have appeared, and let go of those that are gone."""
        async with self._starting:
            for view in self._views.values():
                if view.exists and view.name not in topics:
                    log.info("the topic %s is gone; its view is empty", view.name)
                    self._reader.unassign(view.name)
                    view.lose()
                    self.changed.set()
                elif not view.exists and view.name in topics:
                    await self._start(view)

    async def close(self) -> None:
        """End the reading thread."""
        await asyncio.to_thread(self._reader.close)

    async def _start(self, view: View) -> None:
        """Begin to read a view's topic; without one, the view is empty. Raises `RiachoError` for other failures."""
        try:
            first, end = await asyncio.to_thread(bounds, self._cluster, view.name)
            view.restart(first, end)
            self._reader.assign(view.name, first)
        except KafkaError as error:
            if error.code not in (UNKNOWN_TOPIC_OR_PARTITION, INVALID_TOPIC):
                raise
            view.lose()
        self.changed.set()

    async def _apply(self, blocks: Sequence[Block]) -> None:
        for block in blocks:
            view = self._views.get(block.topic)
            if view is not None and view.exists:
                view.apply(block)
        self.changed.set()

    async def _restart(self, topic: str) -> None:
        """Read a view anew whose topic no longer holds what was to be read next: it is another topic by now."""
        view = self._views.get(topic)
        if view is not None:
            async with self._starting:
                await self._start(view)


class Reader:
    """The thread that reads the views' topics, whatever happens to the cluster."""

    def __init__(
        self,
        cluster: Cluster,
        apply: Callable[[Sequence[Block]], Coroutine[None, None, None]],
        restart: Callable[[str], Coroutine[None, None, None]],
    ) -> None:
        """`apply` takes records, `restart` a topic that must be read anew; both run on the event loop."""
        self._loop = asyncio.get_running_loop()
        self._fetcher = Fetcher(cluster, FetchConfig(gathering_ms=GATHERING_MS))
        self._apply = apply
        self._restart = restart
        self._assigned = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="riacho-views", daemon=True)
        self._thread.start()

    def assign(self, topic: str, first: Mapping[int, int]) -> None:
        """Read a topic from these offsets on."""
        self.unassign(topic)
        self._fetcher.assign({TopicPartition(topic, partition): offset for partition, offset in first.items()})
        self._assigned.set()
        self._fetcher.wakeup()

    def unassign(self, topic: str) -> None:
        """Read a topic no longer."""
        self._fetcher.unassign([item for item in self._fetcher.positions() if item.topic == topic])

    def close(self) -> None:
        """End the thread. Blocks."""
        self._stopped.set()
        self._assigned.set()
        self._fetcher.wakeup()
        self._thread.join()
        self._fetcher.close()

    def _run(self) -> None:
        self._assigned.wait()
        while not self._stopped.is_set():
            try:
                blocks = [Block.of(columns) for columns in self._fetcher.fetch(max_rows=MAX_ROWS, max_wait_ms=POLL_MS)]
                if blocks:
                    asyncio.run_coroutine_threadsafe(self._apply(blocks), self._loop).result()
            except RiachoError as error:
                self._stopped.wait(RETRY_S)
                if not self._stopped.is_set():
                    self._recover(error)

    def _recover(self, error: RiachoError) -> None:
        """Go on where reading has stopped; from the start, where what was to be read next is gone."""
        log.warning("views cannot be read, trying again: %s", error)
        failed = error.where if isinstance(error, OffsetOutOfRangeError) else None
        try:
            asyncio.run_coroutine_threadsafe(self._resume(failed), self._loop).result()
        except RiachoError as again:
            log.debug("they still cannot: %s", again)

    async def _resume(self, failed: str | None) -> None:
        for item, offset in self._fetcher.positions().items():
            if str(item) == failed:
                await self._restart(item.topic)
                return
            self._fetcher.seek(item, offset)


def bounds(cluster: Cluster, topic: str) -> tuple[dict[int, int], dict[int, int]]:
    """Each partition's first offset and end. Blocks. Raises `KafkaError`."""
    error = cluster.refresh([topic]).get(topic, 0)
    if error:
        raise kafka_error(error, f"the topic {topic!r} cannot be used", where=topic)
    partitions = [TopicPartition(topic, partition) for partition in cluster.partitions(topic)]
    first, end = (
        {item.partition: listed.offset for item, listed in list_offsets(cluster, asked).items()}
        for asked in (dict.fromkeys(partitions, EARLIEST), dict.fromkeys(partitions, LATEST))
    )
    return first, end


def _slices(content: bytes, column: BinaryColumn) -> list[bytes | None]:
    ends = column.start + column.length
    return [
        None if end < start else content[start:end]
        for start, end in zip(column.start.tolist(), ends.tolist(), strict=True)
    ]
