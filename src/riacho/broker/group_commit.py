"""Group commit: one fsync, on a disk thread, for all the requests that wait for one.

While a file's sync runs nothing is written to it: writes queue here, and run when it has ended. So a sync always
covers exactly what was written before it began, and the loop never blocks on a file that the kernel is flushing.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Answer = TypeVar("Answer")

DISK_THREADS = 4
"""More than one, so that a slow fsync of one partition does not hold up another's or a cold read."""

Synced = Callable[[OSError | None], None]


class DiskThreads:
    """The threads that may block on the disk: syncs and reads of what is not in the page cache."""

    def __init__(self, loop: asyncio.AbstractEventLoop, on_defect: Callable[[BaseException], None]) -> None:
        """`on_defect` is called on the loop with what no caller expects: the broker cannot go on after it."""
        self.loop = loop
        self._on_defect = on_defect
        self._pool = ThreadPoolExecutor(DISK_THREADS, thread_name_prefix="disk")

    def run(self, work: Callable[[], object], done: Synced) -> None:
        """Do `work` on a disk thread, then call `done` on the loop, with the `OSError` if one was raised."""

        def finished(future: Future[object]) -> None:
            error = future.exception()
            if error is not None and not isinstance(error, OSError):
                self.loop.call_soon_threadsafe(self._on_defect, error)
            else:
                self.loop.call_soon_threadsafe(done, error)

        self._pool.submit(work).add_done_callback(finished)

    async def call(self, work: Callable[[], Answer]) -> Answer:
        """Do `work` on a disk thread and wait for its result. Raises what it raises."""
        return await self.loop.run_in_executor(self._pool, work)

    def close(self) -> None:
        """Wait for the work that was handed over, and end the threads."""
        self._pool.shutdown(wait=True)


class GroupCommit:
    """The syncs of one file or partition, and those who wait for them."""

    __slots__ = ("_alone", "_busy", "_queued", "_scheduled", "_sync", "_synced_last", "_threads", "_waiting")

    def __init__(self, threads: DiskThreads, sync: Callable[[], object]) -> None:
        self._threads = threads
        self._sync = sync
        self._busy = False
        self._scheduled = False
        self._synced_last = False
        self._waiting: list[Synced] = []
        self._alone: deque[tuple[Callable[[], object], Synced]] = deque()
        self._queued: deque[Callable[[], None]] = deque()

    @property
    def busy(self) -> bool:
        """A disk thread is at work on the file, or writes are queued behind one: a new write must `enqueue`."""
        return self._busy or bool(self._queued)

    @property
    def idle(self) -> bool:
        """Nothing is at work, waits or is to come."""
        return not (self._busy or self._scheduled or self._queued or self._waiting or self._alone)

    def enqueue(self, write: Callable[[], None]) -> None:
        """Run `write` once the disk thread is done, in the order of calls."""
        assert self.busy, "nothing to wait for: write at once"
        self._queued.append(write)

    def after_sync(self, notify: Synced) -> None:
        """Call `notify` once everything written so far is durable, or could not be made so."""
        self._waiting.append(notify)
        self._schedule()

    def run_alone(self, work: Callable[[], object], done: Synced) -> None:
        """Do `work` on a disk thread, with no write and no sync beside it."""
        self._alone.append((work, done))
        self._schedule()

    def _schedule(self) -> None:
        if not self._busy and not self._scheduled:
            self._scheduled = True
            # At the end of this turn of the loop, so that every request that arrived in it shares the sync.
            self._threads.loop.call_soon(self._begin)

    def _begin(self) -> None:
        self._scheduled = False
        if self._busy:
            return
        # They take turns: on a busy partition somebody always waits for a sync.
        syncs = bool(self._waiting) and not (self._alone and self._synced_last)
        self._synced_last = syncs
        if syncs:
            waiting, self._waiting = self._waiting, []
            self._busy = True
            self._threads.run(self._sync, lambda error: self._end(waiting, error))
        elif self._alone:
            work, done = self._alone.popleft()
            self._busy = True
            self._threads.run(work, lambda error: self._end([done], error))

    def _end(self, waiting: list[Synced], error: OSError | None) -> None:
        self._busy = False
        try:
            for notify in waiting:
                notify(error)
        finally:
            self._write_queued()

    def _write_queued(self) -> None:
        try:
            while self._queued:
                self._queued.popleft()()
        finally:  # a defect in one write must not keep the others waiting for ever
            if self._queued:
                self._threads.loop.call_soon(self._write_queued)
            elif self._waiting or self._alone:
                self._schedule()
