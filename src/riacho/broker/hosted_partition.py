"""A partition as the broker serves it: its log, its group commit, and the fetches that wait for its next append."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal, Protocol

from riacho.broker.group_commit import DiskThreads, GroupCommit
from riacho.host import Buffer, Disk
from riacho.log.config import UNLIMITED
from riacho.log.errors import NoSpace, PartitionOffline
from riacho.log.header import BatchHeader
from riacho.log.partition import Appended, Partition
from riacho.log.segments import Work

logger = logging.getLogger(__name__)

Done = Callable[[Appended | None, Exception | None], None]
"""Told once how an append went: what was appended, or why it was not (`LogError`, `OSError`)."""


class AppendObserver(Protocol):
    """Someone who waits for a partition to grow, or to go away."""

    def appended(self, size: int) -> None:
        """`size` bytes have become readable."""
        ...

    def removed(self) -> None:
        """The partition no longer exists."""
        ...


@dataclass(frozen=True, slots=True)
class WriteRules:
    """What a topic's configuration says about writes to its partitions."""

    sync_before_acks_all: bool = True
    """Answer `acks=all` only after an fsync (group commit)."""
    flush_messages: int = UNLIMITED
    """Kafka's flush.messages: fsync once so many records are not yet durable."""
    flush_ms: int = UNLIMITED
    """Kafka's flush.ms: fsync what has waited for so long."""
    compacted: bool = False
    """Every record needs a key."""
    min_in_sync_replicas: int = 1


class HostedPartition:
    """One partition of one topic. All methods are called on the loop's thread."""

    __slots__ = (
        "_disk",
        "_flush_timer",
        "_loading",
        "_loop",
        "_read_failure",
        "_storage_fails",
        "_threads",
        "_unflushed",
        "commit",
        "index",
        "log",
        "observers",
        "rules",
        "topic",
    )

    def __init__(
        self, topic: str, index: int, log: Partition, rules: WriteRules, threads: DiskThreads, disk: Disk
    ) -> None:
        self.topic = topic
        self.index = index
        self.log = log
        self.commit = GroupCommit(threads, log.sync)
        self.observers: set[AppendObserver] = set()
        self.rules = rules
        self._disk = disk
        self._threads = threads
        self._loop = threads.loop
        self._loading: dict[Work, asyncio.Future[None]] = {}
        self._unflushed = 0
        self._storage_fails = False
        self._read_failure = ""
        self._flush_timer: asyncio.TimerHandle | None = None

    @property
    def name(self) -> str:
        return f"{self.topic}-{self.index}"

    async def run_alone(self, work: Callable[[], object]) -> None:
        """Do `work` on a disk thread, with no write and no sync of this partition beside it. Raises `OSError`."""
        ended: asyncio.Future[None] = self._loop.create_future()
        self.commit.run_alone(work, lambda error: _settle(ended, error))
        await ended

    async def settle(self) -> None:
        """Return once all that was asked for is done, written and synced. Nothing new may come meanwhile."""
        while not self.commit.idle:
            await self.run_alone(_nothing)

    def retain(self, now_ms: int) -> None:
        """Delete segments past the topic's retention, on a disk thread."""
        self.commit.run_alone(lambda: self.log.retain(now_ms), self._retained)

    def _retained(self, error: OSError | None) -> None:
        if error is not None:
            logger.error("old segments of %s could not be deleted: %s", self.name, error)

    def append(
        self,
        batch: Buffer,
        header: BatchHeader,
        *,
        durable: bool,
        done: Done,
        origin: Literal["client", "coordinator"] = "client",
    ) -> None:
        """Append one checked batch and tell `done`: at once, or after an fsync where `durable` asks for one.

        A batch that finds a sync running waits for its end, and then `batch` is copied first: it usually lies in a
        receive buffer, which is about to be used again.
        """
        if self.commit.busy:
            copy = bytearray(batch)
            self.commit.enqueue(lambda: self._append(copy, header, durable, done, origin))
        else:
            self._append(batch, header, durable, done, origin)

    def _append(
        self,
        batch: Buffer,
        header: BatchHeader,
        durable: bool,
        done: Done,
        origin: Literal["client", "coordinator"],
    ) -> None:
        log = self.log
        before = log.end_offset
        try:
            appended = log.append(batch, header, origin=origin)
        except Exception as error:  # noqa: BLE001 - it is passed on, whatever it is, to the one who answers
            self._note_failure(error)
            done(None, error)
            return
        self._storage_fails = False
        if log.end_offset != before and self.observers:
            for observer in tuple(self.observers):
                observer.appended(len(batch))
        if appended.rolled:
            self.commit.after_sync(self._flushed)  # a segment that is complete is made durable, whoever waits
        rules = self.rules
        if rules.flush_messages != UNLIMITED or rules.flush_ms != UNLIMITED:
            durable = self._count_towards_flush(log.end_offset - before, durable)
        elif not rules.sync_before_acks_all:
            durable = False
        if durable and log.flushed_offset <= appended.last_offset:
            self.commit.after_sync(lambda error: done(None, error) if error else done(appended, None))
        else:
            done(appended, None)

    def _note_failure(self, error: Exception) -> None:
        """Tell the operator that the disk takes nothing; once, until it does again."""
        of_storage = isinstance(error, PartitionOffline | NoSpace | OSError)
        if of_storage and not self._storage_fails:
            self._storage_fails = True
            logger.error("%s cannot be written to: %s", self.name, error)

    def _count_towards_flush(self, records: int, durable: bool) -> bool:
        """Kafka's own rule (flush.messages, flush.ms). Whether this append is to wait for a sync."""
        rules = self.rules
        self._unflushed += records
        if self._unflushed >= rules.flush_messages:
            self._flush()
            return True
        if self._flush_timer is None and rules.flush_ms != UNLIMITED:
            self._flush_timer = self._loop.call_later(rules.flush_ms / 1000, self._flush)
        return durable and rules.sync_before_acks_all

    def _flush(self) -> None:
        self._unflushed = 0
        if self._flush_timer is not None:
            self._flush_timer.cancel()
            self._flush_timer = None
        self.commit.after_sync(self._flushed)

    def _flushed(self, error: OSError | None) -> None:
        if error is not None:
            logger.error("%s could not be flushed and takes no more writes until a restart: %s", self.name, error)

    async def sync(self) -> None:
        """Return once everything appended so far is durable. Raises `OSError` where it could not be made so."""
        if self.log.flushed_offset >= self.log.end_offset and not self.commit.busy:
            return
        synced: asyncio.Future[None] = self._loop.create_future()
        self.commit.after_sync(lambda error: _settle(synced, error))
        await synced

    async def read_bytes(self, offset: int, max_bytes: int) -> tuple[bytes, int]:
        """Whole batches from `offset` on, read by a disk thread, and the offset that follows them."""
        work = self.log.loading_for(offset)
        if work is not None:
            await self.loading(work)
        part = self.log.read(offset, max_bytes, at_least_one=True)
        data = await self._threads.call(partial(self.log.load, part))
        return data, part.next_offset

    def loading(self, work: Work) -> asyncio.Future[None]:
        """Do what is to be done before a read, on a disk thread; the future is done after it. The read tells failures.

        Who asks for the same meanwhile waits for the same: there are few disk threads, and many consumers.
        """
        running = self._loading.get(work)
        if running is None:
            running = self._loading[work] = self._loop.create_future()
            self._threads.run(work, lambda _: self._loading.pop(work).set_result(None))
        return running

    def read_failed(self, error: OSError) -> None:
        """Tell the operator that records cannot be read; each reason once, as clients ask again and again."""
        reason = str(error)
        if reason != self._read_failure:
            self._read_failure = reason
            logger.error("%s cannot be read: %s", self.name, reason)

    def remove(self) -> None:
        """Tell those who wait that the partition is gone, and stop its timer. The log is the caller's to delete."""
        if self._flush_timer is not None:
            self._flush_timer.cancel()
            self._flush_timer = None
        for observer in tuple(self.observers):
            observer.removed()
        self.observers.clear()


def _nothing() -> None:
    """A turn on the disk: what was asked for before it is done after it, or has written what is to be synced."""


def _settle(future: asyncio.Future[None], error: OSError | None) -> None:
    if future.done():
        return  # who waited for it has gone
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)
