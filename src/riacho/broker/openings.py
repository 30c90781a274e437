"""Partitions are opened away from the loop: making one durable takes two fsyncs, and recovering one reads its files."""

from __future__ import annotations

import asyncio
import errno
import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TypeVar

from riacho.broker.group_commit import DiskThreads
from riacho.errors import RiachoError
from riacho.log.errors import RecoveryStopped

logger = logging.getLogger(__name__)

PartitionName = tuple[str, int]
Answer = TypeVar("Answer")


class NotYetError(Exception):
    """Nothing of this request has been done: it is to be served again, from its beginning, when `ready` is done."""

    def __init__(self, ready: asyncio.Future[None]) -> None:
        super().__init__()
        self.ready = ready


class PartitionOpenings:
    """What is being opened, and what could not be."""

    def __init__(self, threads: DiskThreads) -> None:
        self._threads = threads
        self._running: dict[PartitionName, asyncio.Future[None]] = {}
        self._failed: dict[PartitionName, OSError] = {}
        self._logged: dict[PartitionName, str] = {}
        """Why a partition could not be opened when that was last logged."""

    def begin(
        self, partition: PartitionName, work: Callable[[], object], opened: Callable[[], None]
    ) -> asyncio.Future[None] | None:
        """Do `work` on a disk thread, then call `opened` on the loop; the future is done after both, and may be
        cancelled by who waits for it: the work goes on.

        None where it has failed before, and nobody has been told: `check` tells.
        """
        if partition in self._failed:
            return None
        running = self._running.get(partition)
        if running is None:
            running = self._running[partition] = self._threads.loop.create_future()
            self._threads.run(work, partial(self._ended, partition, opened))
        return asyncio.shield(running)

    def _ended(self, partition: PartitionName, opened: Callable[[], None], error: OSError | None) -> None:
        running = self._running.pop(partition)
        if error is None:
            opened()
        else:
            self._failed[partition] = error
            self.log_failure(partition, error)
        running.set_result(None)

    def log_failure(self, partition: PartitionName, error: OSError) -> None:
        """Tell the operator why a partition cannot be opened; each reason once, as clients ask again and again."""
        reason = str(error)
        if isinstance(error, RecoveryStopped) or self._logged.get(partition) == reason:
            return
        self._logged[partition] = reason
        if not isinstance(error, RiachoError):
            reason += "\n  see to the disk or to what is in the way: every request tries again"
        logger.error("%s-%d cannot be opened: %s", *partition, reason)

    def succeeded(self, partition: PartitionName) -> None:
        """The partition is open: should it ever fail again, that is logged again."""
        self._logged.pop(partition, None)

    def check(self, partition: PartitionName) -> None:
        """Raises `OSError` where the partition could not be opened; once, then it may be tried again.

        Whoever did not wait for an opening is told so by an error after which clients ask again.
        """
        if (error := self._failed.pop(partition, None)) is not None:
            raise error
        if partition in self._running:
            raise BlockingIOError(errno.EAGAIN, "it is being opened")

    async def ended(self, partition: PartitionName) -> None:
        """Return when the partition is no longer being opened; what became of it is forgotten."""
        if (running := self._running.get(partition)) is not None:
            await asyncio.shield(running)
        self._failed.pop(partition, None)
        self._logged.pop(partition, None)

    async def all_ended(self) -> None:
        """Return when nothing is being opened. Nothing new may be begun meanwhile."""
        await asyncio.gather(*self._running.values())


def all_of(waits: Sequence[asyncio.Future[None]]) -> asyncio.Future[None] | None:
    """One future for several; None for none."""
    if len(waits) < 2:
        return waits[0] if waits else None
    return asyncio.ensure_future(_gathered(waits))


async def _gathered(waits: Sequence[asyncio.Future[None]]) -> None:
    await asyncio.gather(*waits)


def when_opened(opening: asyncio.Future[None] | None, answer: Callable[[], Answer]) -> Answer | Awaitable[Answer]:
    """What `answer` gives once the partitions that it is about have been opened; at once where they are open."""
    return answer() if opening is None else _after(opening, answer)


async def _after(opening: asyncio.Future[None], answer: Callable[[], Answer]) -> Answer:
    await opening
    return answer()
