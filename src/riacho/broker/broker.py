"""The broker: its topics, its partitions, its coordinators, and what ties them to one data directory."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Sequence
from functools import partial
from typing import Any

from riacho.broker.config.settings import Settings
from riacho.broker.due_fetches import DueFetches
from riacho.broker.fetch_sessions import FetchSessions
from riacho.broker.group_commit import DiskThreads
from riacho.broker.groups import GroupConfig, GroupCoordinator, LoopTimers
from riacho.broker.hosted_partition import HostedPartition
from riacho.broker.metadata.state import OFFSETS_TOPIC, Metadata, Record, Topic, topic_record
from riacho.broker.metadata.store import MetadataStore
from riacho.broker.openings import PartitionName, PartitionOpenings, all_of
from riacho.broker.state_log import TopicStateLog
from riacho.broker.topic_ids import new_topic_id
from riacho.host import Clock, Disk
from riacho.log.directory import LogDirectory

logger = logging.getLogger(__name__)

NODE_ID = 1
"""One node is broker and controller."""

GROUPS_AWAITED_SECONDS = 0.1
"""How long a start waits for the groups to be loaded, which takes some milliseconds where they are few."""


class Broker:
    """What every request of every connection shares. All methods are called on the loop's thread."""

    def __init__(
        self,
        *,
        settings: Settings,
        directory: LogDirectory,
        metadata: MetadataStore,
        threads: DiskThreads,
        advertised: tuple[str, int] | None,
        clock: Clock,
        disk: Disk,
    ) -> None:
        """`advertised` is the address that clients are told; None for the one that each of them reached."""
        self.settings = settings
        self.directory = directory
        self.metadata_store = metadata
        self.threads = threads
        self.clock = clock
        self.disk = disk
        self.fetch_sessions = FetchSessions(settings.integer("max.incremental.fetch.session.cache.slots"), clock)
        self.due_fetches = DueFetches(threads.loop)
        self._advertised = advertised
        self._partitions: dict[PartitionName, HostedPartition] = {}
        self._openings = PartitionOpenings(threads)
        self._offsets_on_disk = {index for topic, index in directory.partitions_on_disk() if topic == OFFSETS_TOPIC}
        self._retention_timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._take_over_dynamic_settings()
        self._group_log = self._state_log()
        self.groups = GroupCoordinator(_group_config(settings), self._group_log, clock, LoopTimers(threads.loop))

    @property
    def metadata(self) -> Metadata:
        """Topics, ids and configurations as they stand: durable, and read-only to everyone but the store."""
        return self.metadata_store.state

    @property
    def cluster_id(self) -> str:
        return self.directory.cluster_id

    def advertised(self, reached: tuple[str, int]) -> tuple[str, int]:
        """The address that a client is told, if it reached the broker at `reached`."""
        return self._advertised or reached

    # -- partitions ----------------------------------------------------------------------------------------------

    def partition(self, topic: str, index: int) -> HostedPartition | None:
        """A partition, opened at its first use; None where there is no such topic or partition. May raise `OSError`.

        Who can wait asks `opening` first: opening one blocks on the disk.
        """
        hosted = self._partitions.get((topic, index))
        if hosted is not None:
            return hosted
        entry = self._entry(topic, index)
        if entry is None:
            return None
        self._openings.check((topic, index))
        try:
            log = self.directory.open_partition(topic, index, entry.id, self.settings.log_config(entry.overrides))
        except OSError as error:
            self._openings.log_failure((topic, index), error)
            raise
        self._openings.succeeded((topic, index))
        rules = self.settings.write_rules(entry.overrides)
        hosted = HostedPartition(topic, index, log, rules, self.threads, self.disk)
        self._partitions[topic, index] = hosted
        return hosted

    def opening(self, partitions: Sequence[tuple[str | None, int]]) -> asyncio.Future[None] | None:
        """What to wait for until these partitions can be used; None where they can, as far as they exist.

        A topic that has no name is none that exists.
        """
        if all(map(self._partitions.__contains__, partitions)):
            return None
        waits = []
        for topic, index in partitions:
            if topic is None or (topic, index) in self._partitions:
                continue
            partition = topic, index
            entry = self._entry(topic, index)
            if entry is None:
                continue
            config = self.settings.log_config(entry.overrides)
            work = partial(self.directory.open_partition, *partition, entry.id, config)
            wait = self._openings.begin(partition, work, partial(self._opened, partition))
            if wait is not None:
                waits.append(wait)
        return all_of(waits)

    def opened(self, topic: str, index: int) -> HostedPartition | None:
        """A partition, if it is open."""
        return self._partitions.get((topic, index))

    def _opened(self, partition: PartitionName) -> None:
        hosted = self.partition(*partition)
        if hosted is not None:  # else its topic was deleted meanwhile; and the configuration may have changed
            hosted.log.reconfigure(self.settings.log_config(self.metadata.topics[partition[0]].overrides))

    def _entry(self, topic: str, index: int) -> Topic | None:
        """The topic, if it exists and has such a partition."""
        entry = self.metadata.topics.get(topic)
        return entry if entry is not None and 0 <= index < entry.partitions else None

    async def sync_partitions(self, partitions: Sequence[tuple[str, int]]) -> None:
        """Return once all that was appended to these partitions is durable. Raises `OSError`.

        A commit of offsets calls this first, so that no durable offset points past durable data. Under
        `--fsync kafka` the offsets themselves are not made durable, and nothing is waited for.
        """
        if not self.settings.sync_before_acks_all:
            return
        opened = (self._partitions.get(partition) for partition in partitions)
        await asyncio.gather(*(hosted.sync() for hosted in opened if hosted is not None))

    # -- topics --------------------------------------------------------------------------------------------------

    async def create_topic(self, name: str) -> None:
        """Make a topic with default settings, unless it exists. The name has been checked. Raises `OSError`."""
        async with self.metadata_store.changing:
            if name in self.metadata.topics:
                return
            internal = name == OFFSETS_TOPIC
            partitions = self.settings.integer("offsets.topic.num.partitions" if internal else "num.partitions")
            overrides = self._offsets_topic_overrides() if internal else {}
            await self.metadata_store.commit([topic_record(name, new_topic_id(), partitions, overrides)])
            logger.info("created topic %s with %d partitions", name, partitions)

    async def remove_partitions(self, topic: Topic) -> None:
        """A topic's deletion is durable: end what waits for its partitions, and delete their files.

        The caller holds the metadata's lock until this is done, so that a new topic of that name begins empty.
        """
        for index in range(topic.partitions):
            await self._openings.ended((topic.name, index))
            hosted = self._partitions.pop((topic.name, index), None)
            try:
                if hosted is None:
                    await self.threads.call(partial(self.directory.delete_partition, topic.name, index))
                else:
                    hosted.remove()
                    await hosted.run_alone(partial(self.directory.delete_partition, topic.name, index))
            except OSError as error:
                logger.error(
                    "the files of %s-%d could not be deleted, which the next start tries again: %s",
                    topic.name,
                    index,
                    error,
                )
        self.groups.partitions_deleted((topic.name, index) for index in range(topic.partitions))

    def configuration_changed(self, records: Sequence[Record]) -> None:
        """These changes of the configuration are in force: open partitions follow them."""
        if any(record["kind"] == "broker-overrides" for record in records):
            self._take_over_dynamic_settings()
            changed = set(self.metadata.topics)
        else:
            changed = {record["name"] for record in records}
        for (name, _), hosted in self._partitions.items():
            if name in changed:
                overrides = self.metadata.topics[name].overrides
                hosted.log.reconfigure(self.settings.log_config(overrides))
                hosted.rules = self.settings.write_rules(overrides)

    def _take_over_dynamic_settings(self) -> None:
        self.settings.dynamic_default = self.metadata.broker_overrides[""]
        self.settings.dynamic = self.metadata.broker_overrides[str(NODE_ID)]

    def _offsets_topic_overrides(self) -> dict[str, str]:
        return {
            "cleanup.policy": "compact",
            "compression.type": "producer",
            "segment.bytes": str(self.settings.integer("offsets.topic.segment.bytes")),
        }

    def _state_log(self) -> TopicStateLog:
        existing = self.metadata.topics.get(OFFSETS_TOPIC)
        count = existing.partitions if existing else self.settings.integer("offsets.topic.num.partitions")
        return TopicStateLog(
            count,
            opened=partial(self.opened, OFFSETS_TOPIC),
            open_=self._open_offsets_partition,
            written=self._offsets_are_on_disk,
            create=lambda: self.create_topic(OFFSETS_TOPIC),
            clock=self.clock,
        )

    async def _open_offsets_partition(self, index: int) -> HostedPartition | None:
        """A partition of the coordinators' log, None while there is no such topic. Raises `OSError`."""
        opening = self.opening([(OFFSETS_TOPIC, index)])
        if opening is not None:
            await opening
        return self.partition(OFFSETS_TOPIC, index)

    def _offsets_are_on_disk(self, index: int) -> bool:
        """Whether a partition of the coordinators' log was ever written to, before this start or since."""
        return index in self._offsets_on_disk or (OFFSETS_TOPIC, index) in self._partitions

    def _try_partition(self, topic: str, index: int) -> HostedPartition | None:
        """A partition for the broker's own housekeeping: one that cannot be opened, or not yet, is left alone."""
        try:
            return self.partition(topic, index)
        except OSError:  # logged where it is opened
            return None

    # -- life ----------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Recover what a crash left, and begin what runs by itself."""
        if not self.directory.clean:
            await self._recover()
        self._delete_orphans()
        loading = self._start(self.groups.load())
        self._schedule_retention()
        # Few groups are there before anybody can ask; many are loaded while others are served.
        await asyncio.wait((loading,), timeout=GROUPS_AWAITED_SECONDS)

    async def _recover(self) -> None:
        """Open every log, so that what this process finds, and may give to a consumer, is durable."""
        topics = self.metadata.topics
        found = [
            (topic, index)
            for topic, index in self.directory.partitions_on_disk()
            if topic in topics and index < topics[topic].partitions
        ]
        configs = {topic: self.settings.log_config(topics[topic].overrides) for topic, _ in found}
        places = [(topic, index, topics[topic].id, configs[topic]) for topic, index in found]
        await self.threads.call(partial(self.directory.recover, places))
        for topic, index in found:
            self._try_partition(topic, index)

    async def close(self) -> None:
        """Stop what runs by itself, then sync and close every partition. There are no connections any more.

        What is under way on a partition ends first: its next step would find the disk threads gone and the log closed.
        """
        if self._retention_timer is not None:
            self._retention_timer.cancel()
        self.groups.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._group_log.close()
        await self._openings.all_ended()
        await asyncio.gather(*(hosted.settle() for hosted in self._partitions.values()))
        for hosted in self._partitions.values():
            hosted.remove()
        self.threads.close()
        self.metadata_store.close()
        self.directory.close()

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self.threads.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.threads.loop.call_exception_handler(
                {"message": "a task of the broker failed", "exception": error, "task": task}
            )

    def _delete_orphans(self) -> None:
        """Files of topics whose deletion was durable when a crash came before their removal."""
        orphans = [
            (topic, index)
            for topic, index in self.directory.partitions_on_disk()
            if topic not in self.metadata.topics or index >= self.metadata.topics[topic].partitions
        ]
        for topic, index in orphans:
            logger.warning("deleting %s-%d: its topic was deleted before the last stop", topic, index)
            try:
                self.directory.delete_partition(topic, index)
            except OSError as error:  # its topic is gone all the same, and one of that name has another id
                logger.error("the files of %s-%d could not be deleted: %s", topic, index, error)

    def _schedule_retention(self) -> None:
        interval = self.settings.integer("log.retention.check.interval.ms")
        self._retention_timer = self.threads.loop.call_later(interval / 1000, lambda: self._start(self._retain()))

    async def _retain(self) -> None:
        """Delete the segments that are past their topic's retention; the files go on a disk thread."""
        for topic, index in self.directory.partitions_on_disk():
            opening = self.opening([(topic, index)])
            if opening is not None:
                await opening
            hosted = self._try_partition(topic, index)
            if hosted is not None:
                hosted.retain(self.clock.now_ms())
            await asyncio.sleep(0)  # there may be thousands: requests are served between them
        self._schedule_retention()


def _group_config(settings: Settings) -> GroupConfig:
    minute_ms = 60_000
    return GroupConfig(
        min_session_timeout_ms=settings.integer("group.min.session.timeout.ms"),
        max_session_timeout_ms=settings.integer("group.max.session.timeout.ms"),
        initial_rebalance_delay_ms=settings.integer("group.initial.rebalance.delay.ms"),
        max_size=settings.integer("group.max.size"),
        offset_metadata_max_bytes=settings.integer("offset.metadata.max.bytes"),
        offsets_retention_ms=settings.integer("offsets.retention.minutes") * minute_ms,
        offsets_retention_check_interval_ms=settings.integer("offsets.retention.check.interval.ms"),
    )
