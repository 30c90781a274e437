"""Changes to the metadata: one at a time, durable before they can be seen."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from riacho.broker.group_commit import DiskThreads
from riacho.broker.metadata.log import MetadataLog
from riacho.broker.metadata.state import Metadata, Record, producer_ids_record

logger = logging.getLogger(__name__)

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
            await self._write_snapshot(list(self.state.snapshot()))

    async def _write_snapshot(self, snapshot: list[Record]) -> None:
        """Cut the log short. The changes stand without that, and the next one tries again."""
        try:
            await self._threads.call(lambda: self._log.write_snapshot(snapshot))
        except OSError as error:
            logger.warning("the metadata log could not be cut short by a snapshot: %s", error)

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
