"""The log under the coordinators: an internal topic of this broker, created when it is first written to."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from typing import Any

from riacho.broker.hosted_partition import HostedPartition
from riacho.broker.record_batch import decode_records, encode_batch
from riacho.host import Clock
from riacho.log.header import BatchHeader
from riacho.log.partition import Appended

StateRecord = tuple[bytes, bytes | None]
"""A key and a value; None is a tombstone."""

REPLAY_BYTES = 1 << 20
"""How much of a partition is read at once when its records are replayed."""


class TopicStateLog:
    """Keyed records of a coordinator, in one internal topic (it satisfies `groups.StateLog`)."""

    def __init__(
        self,
        partitions: int,
        *,
        find: Callable[[int], HostedPartition | None],
        written: Callable[[int], bool],
        create: Callable[[], Coroutine[Any, Any, None]],
        clock: Clock,
    ) -> None:
        """`find` gives a partition, None while there is no topic, which `create` makes; `written` is false of a
        partition that has no files, and need not be opened to be found empty."""
        self._partitions = partitions
        self._find = find
        self._written = written
        self._create = create
        self._clock = clock
        self._waiting: list[tuple[int, Sequence[StateRecord], asyncio.Future[None]]] = []
        self._creation: asyncio.Task[None] | None = None

    @property
    def partitions(self) -> int:
        return self._partitions

    def append(self, partition: int, records: Sequence[StateRecord]) -> Awaitable[None]:
        """Write records together, in the order of calls; the awaitable ends when they are durable.

        Raises `OSError` (when awaited) where they could not be made so.
        """
        durable: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._creation is not None or not self._try_to_write(partition, records, durable):
            self._waiting.append((partition, records, durable))
            if self._creation is None:
                self._creation = asyncio.ensure_future(self._create_and_write())
        return durable

    def replay(self, partition: int) -> Iterator[StateRecord]:
        """Every record of a partition, oldest first; nothing where the partition was never written."""
        hosted = self._find(partition) if self._written(partition) else None
        if hosted is None:
            return
        offset = hosted.log.log_start_offset
        while offset < hosted.log.end_offset:
            data, offset = hosted.read_bytes(offset, REPLAY_BYTES)
            for record in decode_records(data):
                assert record.key is not None, "coordinators write no record without a key"
                yield record.key, record.value

    async def close(self) -> None:
        """Give up making the topic: the broker is stopping."""
        if self._creation is not None:
            self._creation.cancel()
            await asyncio.gather(self._creation, return_exceptions=True)

    async def _create_and_write(self) -> None:
        error: OSError | None = None
        try:
            await self._create()
        except OSError as failure:
            error = failure
        waiting, self._waiting, self._creation = self._waiting, [], None
        for partition, records, durable in waiting:
            if (error is not None or not self._try_to_write(partition, records, durable)) and not durable.done():
                durable.set_exception(error or OSError(errno.ENOENT, "the coordinator's topic could not be created"))

    def _try_to_write(self, partition: int, records: Sequence[StateRecord], durable: asyncio.Future[None]) -> bool:
        """Write to the partition, or tell `durable` why it cannot be opened; False where there is no topic yet."""
        try:
            hosted = self._find(partition)
        except OSError as error:
            durable.set_exception(error)
            return True
        if hosted is not None:
            self._write(hosted, records, durable)
        return hosted is not None

    def _write(self, hosted: HostedPartition, records: Sequence[StateRecord], durable: asyncio.Future[None]) -> None:
        def done(_appended: Appended | None, error: Exception | None) -> None:
            if durable.done():
                return
            if error is None:
                durable.set_result(None)
            elif isinstance(error, OSError):
                durable.set_exception(error)
            else:
                durable.set_exception(OSError(errno.EIO, str(error)))

        batch = encode_batch(records, self._clock.now_ms())
        hosted.append(batch, BatchHeader.parse(batch), durable=True, done=done, origin="coordinator")
