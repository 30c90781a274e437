"""Changes to the metadata: one at a time, durable before they can be seen."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from riacho.broker.group_commit import DiskThreads
from riacho.broker.metadata.log import MetadataLog
from riacho.broker.metadata.state import Metadata, Record, producer_ids_record

PRODUCER_ID_BLOCK = 1000
"""As many producer ids are promised by one record, as in Kafka; a restart skips what is left of a block."""


class MetadataStore:
    """The metadata as it stands, and the one way to change it."""

    def __init__(self, log: MetadataLog, threads: DiskThreads) -> None:
        self.state: Metadata = log.state
        self.changing = asyncio.Lock()
        """Held from the check of a change until it is applied, so that what was checked still holds."""
        self._log = log
        self._threads = threads
        self._next_producer_id = self.state.next_producer_id

    async def commit(self, records: Sequence[Record]) -> None:
        """Make changes durable, then apply them; the caller holds `changing`. Raises `OSError`: nothing changed."""
        assert self.changing.locked(), "a change of the metadata must be made under the lock"
        if not records:
            return
        await self._threads.call(lambda: self._log.append(records))
        for record in records:
            self.state.apply(record)
        if self._log.wants_snapshot:
            snapshot = list(self.state.snapshot())
            await self._threads.call(lambda: self._log.write_snapshot(snapshot))

    async def new_producer_id(self) -> int:
        """An id that no producer was ever given. Raises `OSError`."""
        async with self.changing:
            if self._next_producer_id >= self.state.next_producer_id:
                await self.commit([producer_ids_record(self.state.next_producer_id + PRODUCER_ID_BLOCK)])
            producer_id = self._next_producer_id
            self._next_producer_id += 1
            return producer_id

    def close(self) -> None:
        self._log.close()
