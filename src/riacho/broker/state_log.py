"""The log under the coordinators: an internal topic of this broker, created when it is first written to."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

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
        opened: Callable[[int], HostedPartition | None],
        open_: Callable[[int], Awaitable[HostedPartition | None]],
        written: Callable[[int], bool],
        create: Callable[[], Awaitable[None]],
        clock: Clock,
    ) -> None:
        """`opened` gives a partition that is open. `open_` opens one, away from the loop, and gives None while there is
        no topic, which `create` makes; `written` is false of a partition that has no files, and need not be opened to
        be found empty.
        """
        self._partitions = partitions
        self._opened = opened
        self._open = open_
        self._written = written
        self._create = create
        self._clock = clock
        self._waiting: dict[int, list[tuple[Sequence[StateRecord], asyncio.Future[None]]]] = {}
        """What is to be written, in this order, once its partition is open."""
        self._openings: set[asyncio.Task[None]] = set()

    @property
    def partitions(self) -> int:
        return self._partitions

    def append(self, partition: int, records: Sequence[StateRecord]) -> Awaitable[None]:
        """Write records together, in the order of calls; the awaitable ends when they are durable.

        Raises `OSError` (when awaited) where they could not be made so.
        """
        durable: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        hosted = self._opened(partition)
        if partition in self._waiting:
            self._waiting[partition].append((records, durable))
        elif hosted is not None:
            self._write(hosted, records, durable)
        else:
            self._waiting[partition] = [(records, durable)]
            opening = asyncio.ensure_future(self._open_and_write(partition))
            self._openings.add(opening)
            opening.add_done_callback(self._openings.discard)
        return durable

    async def replay(self, partition: int) -> AsyncIterator[StateRecord]:
        """Every record of a partition, oldest first; nothing where the partition was never written."""
        hosted = await self._open(partition) if self._written(partition) else None
        if hosted is None:
            return
        offset = hosted.log.log_start_offset
        while offset < hosted.log.end_offset:
            data, offset = await hosted.read_bytes(offset, REPLAY_BYTES)
            for record in decode_records(data):
                assert record.key is not None, "coordinators write no record without a key"
                yield record.key, record.value

    async def close(self) -> None:
        """Give up opening: the broker is stopping."""
        for opening in tuple(self._openings):
            opening.cancel()
        await asyncio.gather(*self._openings, return_exceptions=True)

    async def _open_and_write(self, partition: int) -> None:
        hosted, error = None, OSError(errno.ENOENT, "the coordinator's topic could not be created")
        try:
            hosted = await self._open(partition)
            if hosted is None:
                await self._create()
                hosted = await self._open(partition)
        except OSError as failure:
            error = failure
        for records, durable in self._waiting.pop(partition):
            if durable.done():
                continue
            if hosted is not None:
                self._write(hosted, records, durable)
            else:
                durable.set_exception(error)

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
