"""Committed offsets: which are accepted, which are shown, and when they expire (KIP-211)."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from riacho.broker.errors import ErrorCode
from riacho.broker.groups.config import GroupConfig
from riacho.broker.groups.group import CONSUMER_PROTOCOL_TYPE, Group, GroupState
from riacho.broker.groups.messages import CommitRequest, OffsetToCommit
from riacho.broker.groups.records import CommittedOffset, OffsetRecord


class OffsetStore:
    """The committed offsets of some groups: group → topic → partition."""

    __slots__ = ("_groups",)

    def __init__(self) -> None:
        self._groups: dict[str, dict[str, dict[int, CommittedOffset]]] = {}

    def apply(self, record: OffsetRecord) -> None:
        if record.value is not None:
            topics = self._groups.setdefault(record.group_id, {})
            topics.setdefault(record.topic, {})[record.partition] = record.value
            return
        topics = self._groups.get(record.group_id, {})
        partitions = topics.get(record.topic, {})
        partitions.pop(record.partition, None)
        if not partitions:
            topics.pop(record.topic, None)
        if not topics:
            self._groups.pop(record.group_id, None)

    def get(self, group_id: str, topic: str, partition: int, topic_id: UUID | None = None) -> CommittedOffset | None:
        """The committed offset, or None. One committed for a deleted topic of the same name is not shown to who
        asks by topic id."""
        found = self._groups.get(group_id, {}).get(topic, {}).get(partition)
        if found is not None and topic_id is not None and found.topic_id not in (None, topic_id):
            return None
        return found

    def of_group(self, group_id: str) -> Iterator[tuple[str, int, CommittedOffset]]:
        for topic, partitions in self._groups.get(group_id, {}).items():
            for partition, committed in partitions.items():
                yield topic, partition, committed

    def groups(self) -> Iterator[str]:
        return iter(self._groups)


def commit_error(group: Group, request: CommitRequest) -> ErrorCode:
    """Whether a commit may be made: by a member of the current generation, or, to an empty group, by anybody
    who claims none (a consumer that assigns itself, or an administrator)."""
    if request.generation < 0 and group.is_empty:
        return ErrorCode.none
    if request.generation >= 0 or request.member_id or request.group_instance_id is not None:
        error = group.member_error(request.member_id, request.group_instance_id)
        if error is not ErrorCode.none:
            return error
        if request.generation != group.generation:
            return ErrorCode.illegal_generation
    elif not group.is_empty:
        return ErrorCode.unknown_member_id
    if group.state is GroupState.COMPLETING_REBALANCE:
        return ErrorCode.rebalance_in_progress
    return ErrorCode.none


def committed(offset: OffsetToCommit, request: CommitRequest, now_ms: int) -> CommittedOffset:
    """What is stored for a committed offset. `retention_ms` of old clients becomes the time of its expiry."""
    return CommittedOffset(
        offset.offset,
        offset.leader_epoch,
        offset.metadata,
        now_ms,
        None if request.retention_ms is None else now_ms + request.retention_ms,
        offset.topic_id,
    )


def metadata_is_too_large(metadata: str, config: GroupConfig) -> bool:
    """Whether a commit's metadata is longer than `offset.metadata.max.bytes`, which Kafka counts in UTF-16 units."""
    limit = config.offset_metadata_max_bytes
    if len(metadata) * 2 <= limit:
        return False
    return len(metadata.encode("utf-16-le", "surrogatepass")) // 2 > limit


def tombstones(store: OffsetStore, group_id: str) -> list[OffsetRecord]:
    """What removes all of a group's offsets."""
    return [OffsetRecord(group_id, topic, partition, None) for topic, partition, _ in store.of_group(group_id)]


def expired(store: OffsetStore, group: Group, config: GroupConfig, now_ms: int) -> tuple[list[OffsetRecord], bool]:
    """The removals of a group's offsets that are past their retention, and whether none is left after them.

    While a group of consumers is stable, offsets of topics that it reads never expire; once it is empty, all do, a
    retention after it became so. Groups without members of their own (simple consumers) expire by commit time.
    """
    removals: list[OffsetRecord] = []
    left = False
    for topic, partition, offset in store.of_group(group.group_id):
        since = _retention_begins(group, offset)
        if since is None or group.is_subscribed_to(topic):
            left = True
        elif now_ms >= (
            since + config.offsets_retention_ms if offset.expire_timestamp_ms is None else offset.expire_timestamp_ms
        ):
            removals.append(OffsetRecord(group.group_id, topic, partition, None))
        else:
            left = True
    return removals, not left


def _retention_begins(group: Group, offset: CommittedOffset) -> int | None:
    """From when on an offset's retention counts; None while it does not."""
    if group.protocol_type is None:
        return offset.commit_timestamp_ms
    if group.is_empty:
        return group.state_timestamp_ms if group.state_timestamp_ms >= 0 else offset.commit_timestamp_ms
    if (
        group.state is GroupState.STABLE
        and group.protocol_type == CONSUMER_PROTOCOL_TYPE
        and group.subscribed_topics is not None
    ):
        return offset.commit_timestamp_ms
    return None
