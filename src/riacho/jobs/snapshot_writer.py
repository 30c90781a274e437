"""Writes a job's snapshots in a thread of its own: rows that come meanwhile need not wait for the disk."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from riacho.jobs.snapshot import Arrays, Snapshot, SnapshotStore


class SnapshotWriter:
    """One snapshot at a time on its way to the disk. Used by one thread, which is told there when it is durable."""

    def __init__(self, store: SnapshotStore, fingerprint: str) -> None:
        self._store = store
        self._fingerprint = fingerprint
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="snapshot")
        self._writing: Future[Snapshot] | None = None
        self._durable: Callable[[], None] = _nothing

    @property
    def busy(self) -> bool:
        """Whether a snapshot is under way, or nobody has asked yet what became of it."""
        return self._writing is not None

    def begin(self, positions: Mapping[str, Any], arrays: Arrays, durable: Callable[[], None]) -> None:
        """Write a snapshot whose arrays nobody alters; `durable` is called by the `settle` that finds it written."""
        assert self._writing is None, "one snapshot at a time"
        self._durable = durable
        self._writing = self._thread.submit(self._store.write, self._fingerprint, positions, arrays)

    def settle(self, *, wait: bool) -> None:
        """Deal with a snapshot that is written, or (to `wait`) about to be. Raises `SnapshotError` where it failed."""
        writing = self._writing
        if writing is None or not (wait or writing.done()):
            return
        self._writing = None
        writing.result()
        self._durable()

    def close(self) -> None:
        """End the thread, after what it is writing."""
        self._thread.shutdown(wait=True)


def _nothing() -> None:
    """Before the first snapshot."""
