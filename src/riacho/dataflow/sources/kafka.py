"""Reads the records of Kafka topics as rows: the `kafka` and `upsert-kafka` sources."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from riacho.client import (
    EARLIEST,
    LATEST,
    Admin,
    Cluster,
    CommittedOffset,
    Fetcher,
    KafkaError,
    OffsetReset,
    RecordColumns,
    TopicPartition,
)
from riacho.client.errors import UNKNOWN_TOPIC
from riacho.client.offsets import list_offsets
from riacho.dataflow.batch import Int64Array
from riacho.dataflow.connectors import kafka as tables
from riacho.dataflow.connectors.environment import ConnectorEnvironment
from riacho.dataflow.connectors.kafka import KafkaTable
from riacho.dataflow.sources import Json, Positions, SourceBatch, SourceCounts
from riacho.dataflow.sources.bad_records import BadRecords
from riacho.dataflow.sources.dead_letters import KafkaDeadLetters
from riacho.dataflow.sources.kafka_blocks import Block, BlockReader, Offsets
from riacho.dataflow.sources.kafka_positions import ids_of, offsets_of, to_positions
from riacho.dataflow.sources.kafka_restore import check_topic_ids, missing_topic, resume
from riacho.dataflow.sources.kafka_rows import RowMaker
from riacho.dataflow.sources.offset_commits import OffsetCommits
from riacho.errors import RiachoError

log = logging.getLogger(__name__)

CREATION_MS = 10_000
"""A broker that makes topics when they are asked for has done so by then; another never does."""

NO_TIME_FOUND = -1
"""What ListOffsets answers where no record is as late as the time asked for."""


@dataclass(slots=True)
class _Splits:
    """The partitions that are read, numbered in the order in which they were found."""

    numbers: dict[TopicPartition, int] = field(default_factory=dict)
    until: dict[TopicPartition, int] = field(default_factory=dict)
    """Where those that end do."""
    finished: frozenset[int] = frozenset()
    """The numbers of those that have delivered their last row."""

    def reached(self, offsets: Offsets) -> frozenset[int]:
        """Those that end and stand at their ends."""
        return frozenset(
            [self.numbers[partition] for partition, end in self.until.items() if offsets[partition] >= end]
        )

    def of(self, part: RecordColumns) -> int:
        return self.numbers[TopicPartition(part.topic, part.partition)]


class KafkaSource:
    """Fetches all partitions of a table's topics. Opens its connections at the first use."""

    reads_ahead = True

    def __init__(self, table: KafkaTable, fields: Sequence[str], environment: ConnectorEnvironment) -> None:
        self._table = table
        self._environment = environment
        self._clock = environment.clock
        self._splits = _Splits()
        self._rows = RowMaker(table, fields, environment.time_zone)
        self._cluster = table.cluster(environment)
        self._fetcher = Fetcher(self._cluster, table.fetching(), on_arrival=environment.on_arrival)
        self._blocks = BlockReader(self._fetcher, self._rows, self._splits.of)
        self._block: Block | None = None
        """What was decoded and is not delivered yet."""
        self._block_ends = False
        """Whether a partition ends with it."""
        self._names: list[str] = []
        self._started = False
        self._restored: dict[TopicPartition, int] | None = None
        self._ids: dict[str, str] = {}
        """The ids of the topics that are read, as they were when the first record was, where the cluster has some."""
        self._checked_ids: Mapping[str, str] | None = None
        self._next_discovery_ms = 0.0
        self._bounded = table.bounded.mode != tables.UNBOUNDED
        self._group = table.properties.get("group.id") or default_group(environment.job, table.table.name)
        self._commits = OffsetCommits(self._cluster, self._group)
        self._bad = BadRecords(table.table.name, table.policy, self._open_dead_letters)

    @property
    def splits(self) -> Sequence[str]:
        self._start()
        return self._names

    @property
    def finished_splits(self) -> frozenset[int]:
        splits = self._splits
        if self._bounded and (self._block is None or self._block_ends) and len(splits.finished) < len(splits.until):
            splits.finished = splits.reached(self._standing())
        return splits.finished

    @property
    def finished(self) -> bool:
        self._start()
        return self._bounded and self._block is None and self._blocks.finished

    def poll(self, max_rows: int, max_bytes: int, max_wait_ms: int) -> SourceBatch | None:
        self._start()
        if self._block is None:
            self._block = self._next_block(max_rows, max_bytes, max_wait_ms)
        block = self._block
        if block is None:
            return None
        batch = block.take(max_rows)
        if not block.left:
            self._block = None
        self._bad.delivered(len(batch), batch.bytes)
        return batch

    def _next_block(self, max_rows: int, max_bytes: int, max_wait_ms: int) -> Block | None:
        """The next with rows; what was wrong with its records is dealt with."""
        self._discover()
        block = self._blocks.read(max_rows, max_bytes, max_wait_ms)
        self._check_topics()
        if block is None:
            return None
        self._bad.take(block.bad)
        self._bad.ignored(block.ignored)
        if not len(block.rows):
            self._bad.delivered(0, block.size)
            return None
        self._block_ends = self._bounded and len(self._splits.reached(block.end)) > len(self._splits.finished)
        return block

    def reject(self, batch: SourceBatch, rows: Int64Array, reasons: Sequence[str]) -> None:
        self._bad.reject(batch.origins, rows, reasons)

    def positions(self) -> Positions:
        return to_positions(self._standing() if self._started else (self._restored or {}), self._ids)

    def mark(self) -> Callable[[], Positions]:
        block = self._block
        if block is None:
            return self.positions().copy
        delivered = block.delivered
        return lambda: to_positions(block.standing(delivered), self._ids)

    def _standing(self) -> Offsets:
        """Where the partitions stand after the rows that were delivered."""
        return self._blocks.standing() if self._block is None else self._block.standing(self._block.delivered)

    def seek(self, positions: Mapping[str, Json]) -> None:
        assert not self._started, "positions are restored before the first poll"
        self._restored = offsets_of(positions)
        self._ids = ids_of(positions)

    def flush(self) -> None:
        self._bad.flush()

    def commit(self, positions: Mapping[str, Json]) -> None:
        """Commit the offsets of the table's group, soon: they only show lag, and a failure is logged, no more."""
        offsets = {partition: CommittedOffset(offset) for partition, offset in offsets_of(positions).items()}
        if offsets:
            self._commits.commit(offsets)

    def lag(self) -> int | None:
        if not self._started:
            return None
        ends = self._fetcher.high_watermarks()
        standing = {partition: offset for partition, offset in self._standing().items() if offset >= 0}
        return sum(max(ends.get(partition, 0) - offset, 0) for partition, offset in standing.items())

    @property
    def counts(self) -> SourceCounts:
        return self._bad.counts

    def wake(self) -> None:
        self._fetcher.wakeup()

    def close(self) -> None:
        self._fetcher.close()
        self._blocks.close()
        self._bad.close()
        self._commits.close()
        self._cluster.close()

    def _open_dead_letters(self) -> KafkaDeadLetters:
        return KafkaDeadLetters(self._table, self._environment)

    def _start(self) -> None:
        """Find the partitions and begin to fetch, once."""
        if self._started:
            return
        found = self._partitions()
        if not found:
            where = ", ".join(self._table.topics) or f"pattern {self._table.pattern and self._table.pattern.pattern}"
            raise RiachoError(
                f"table {self._table.table.name}: no topic to read: {where}",
                where=self._table.table.origin,
                mend="create the topic, or check its name",
            )
        self._assign(found, _Offsets(self._cluster, self._table, self._group), first=True)
        self._started = True
        self._next_discovery_ms = self._clock.monotonic_ms() + self._table.discovery_ms

    def _partitions(self) -> list[TopicPartition]:
        """The partitions that the table's topics have now."""
        table = self._table
        if table.pattern is not None:
            self._cluster.refresh(None)
            names = [name for name in self._cluster.topics() if table.pattern.fullmatch(name)]
        else:
            names = list(table.topics)
        found = []
        allowed = table.properties.get("allow.auto.create.topics", "true").lower() == "true"
        read = {partition.topic for partition in (*(self._restored or ()), *self._splits.numbers)}
        for name in sorted(names):
            present = self._present(name, create=allowed, read=name in read)
            found += [TopicPartition(name, index) for index in sorted(present)]
        return found

    def _present(self, topic: str, *, create: bool, read: bool) -> Iterable[int]:
        """The partitions of a topic; it is made, if the broker does that and `create` says so, and a warning tells.

        One that the job has `read`, and that was deleted since, is missed, not made anew.
        """
        try:
            try:
                return self._cluster.partitions(topic)
            except KafkaError as error:
                if error.name != UNKNOWN_TOPIC or read or not create:
                    raise
                log.warning("table %s: there is no topic '%s': it is made, empty", self._table.table.name, topic)
                return self._cluster.partitions(topic, create=True, timeout_ms=CREATION_MS)
        except KafkaError as error:
            if error.name != UNKNOWN_TOPIC:
                raise
            raise missing_topic(self._table, topic, read=read) from error

    def _discover(self) -> None:
        """Look for new partitions now and then; what they held before is read from its start, as in Flink."""
        if self._bounded or not self._table.discovery_ms or self._clock.monotonic_ms() < self._next_discovery_ms:
            return
        self._next_discovery_ms = self._clock.monotonic_ms() + self._table.discovery_ms
        if self._table.pattern is None:
            self._cluster.refresh(self._table.topics)
        new = [partition for partition in self._partitions() if partition not in self._splits.numbers]
        if new:
            self._assign(new, _Offsets(self._cluster, self._table, self._group), first=False)

    def _check_topics(self) -> None:
        """Raise `StalePositionError` where a topic was made anew since it was read; cheap while nothing has changed."""
        present = self._cluster.topic_ids
        if present is not self._checked_ids:
            check_topic_ids(self._table, self._ids, present)
            self._checked_ids = present

    def _assign(self, partitions: list[TopicPartition], offsets: _Offsets, *, first: bool) -> None:
        start: dict[TopicPartition, int] = {}
        self._check_topics()
        if first and self._restored is not None:
            start = resume(self._table, self._cluster, self._restored, partitions)
        new = [partition for partition in partitions if partition not in start]
        if new:
            start |= offsets.start(new) if first and self._restored is None else offsets.earliest(new)
        until = offsets.until(partitions, start) if self._bounded else {}
        ids = self._cluster.topic_ids
        for partition in partitions:
            self._splits.numbers[partition] = len(self._splits.numbers)
        self._names = [str(partition) for partition in self._splits.numbers]
        present = {partition.topic for partition in self._splits.numbers}
        self._ids = {topic: ids[topic] for topic in present if topic in ids}
        self._splits.until |= until
        self._fetcher.assign(start, until=until or None)


@dataclass(frozen=True, slots=True)
class _Offsets:
    """Turns the table's startup and bounded modes into offsets."""

    cluster: Cluster
    table: KafkaTable
    group: str

    def start(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        mode = self.table.startup
        match mode.mode:
            case tables.EARLIEST:
                return self.earliest(partitions)
            case tables.LATEST:
                return self._latest(partitions)
            case tables.TIMESTAMP:
                assert mode.timestamp is not None
                return self._at(partitions, mode.timestamp)
            case tables.SPECIFIC:
                return self._specific(partitions, mode.offsets or {})
            case _:
                return self._committed(partitions)

    def until(self, partitions: list[TopicPartition], start: Mapping[TopicPartition, int]) -> dict[TopicPartition, int]:
        mode = self.table.bounded
        match mode.mode:
            case tables.TIMESTAMP:
                assert mode.timestamp is not None
                return self._at(partitions, mode.timestamp)
            case tables.SPECIFIC:
                given = mode.offsets or {}
                return {part: given.get(part.partition, start[part]) for part in partitions}
            case tables.GROUP:
                committed = Admin(self.cluster).groups.fetch_offsets(self.group, partitions)
                return {part: committed[part].offset if part in committed else start[part] for part in partitions}
            case _:
                return self._latest(partitions)

    def earliest(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        return self._listed(partitions, EARLIEST)

    def _latest(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        return self._listed(partitions, LATEST)

    def _listed(self, partitions: list[TopicPartition], what: int) -> dict[TopicPartition, int]:
        committed = self.table.fetching().read_committed
        found = list_offsets(self.cluster, dict.fromkeys(partitions, what), read_committed=committed)
        return {partition: found[partition].offset for partition in partitions}

    def _at(self, partitions: list[TopicPartition], timestamp: int) -> dict[TopicPartition, int]:
        """The first record of at least this time; the log's end where there is none."""
        found = list_offsets(self.cluster, dict.fromkeys(partitions, timestamp))
        result = {part: found[part].offset for part in partitions if found[part].offset != NO_TIME_FOUND}
        beyond = [part for part in partitions if part not in result]
        return result | (self._latest(beyond) if beyond else {})

    def _specific(self, partitions: list[TopicPartition], given: Mapping[int, int]) -> dict[TopicPartition, int]:
        result = {part: given[part.partition] for part in partitions if part.partition in given}
        others = [part for part in partitions if part not in result]
        return result | (self._committed(others) if others else {})

    def _committed(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        committed = Admin(self.cluster).groups.fetch_offsets(self.group, partitions)
        result = {part: committed[part].offset for part in partitions if part in committed}
        missing = [part for part in partitions if part not in result]
        if not missing:
            return result
        match self.table.offset_reset():
            case OffsetReset.EARLIEST:
                return result | self.earliest(missing)
            case OffsetReset.LATEST:
                return result | self._latest(missing)
            case _:
                raise RiachoError(
                    f"table {self.table.table.name}: the group '{self.group}' has no committed offset of {missing[0]}",
                    where=self.table.table.origin,
                    mend="set 'scan.startup.mode' = 'earliest-offset', or 'properties.auto.offset.reset'",
                )


def default_group(job: str, table: str) -> str:
    """The group under which a job commits what it has read of a table: another for any other job or table.

    >>> default_group("orders-of-today", "bids")
    'riacho-orders-of-today-bids'

    A table's name that has a hyphen itself follows a colon, which no job's name has:

    >>> default_group("a-b", "c"), default_group("a", "b-c")
    ('riacho-a-b-c', 'riacho-a:b-c')
    """
    return f"riacho-{job}{':' if '-' in table else '-'}{table}"
