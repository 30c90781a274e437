"""Whether a Kafka table can go on where a snapshot says: the same topics, with the same records still in them."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping

from riacho.client import EARLIEST, LATEST, Cluster, OffsetReset, TopicPartition
from riacho.client.offsets import list_offsets
from riacho.dataflow.connectors.kafka import KafkaTable
from riacho.dataflow.operator import AFRESH
from riacho.errors import RiachoError, UsageError

log = logging.getLogger(__name__)


class StalePositionError(UsageError):
    """A table's topics are not what they were when the job read them: to go on would miss or mix records."""


def missing_topic(table: KafkaTable, topic: str, *, read: bool) -> RiachoError:
    """What to say of a topic that is not there, and whether the job has `read` it before."""
    if read:
        return StalePositionError(
            f"table {table.table.name}: the topic '{topic}', which the job has read, is no longer there",
            where=table.table.origin,
            mend=f"create it, if it should be there; then {AFRESH}",
        )
    return RiachoError(
        f"table {table.table.name}: there is no topic '{topic}'",
        where=table.table.origin,
        mend=f"check its name, or create it: riacho topic create {topic}",
    )


def check_topic_ids(table: KafkaTable, read: Mapping[str, str], present: Mapping[str, str]) -> None:
    """Raise `StalePositionError` where a topic has another id than the one that was read. Missing ids say nothing."""
    for topic, identity in read.items():
        if present.get(topic, identity) != identity:
            raise StalePositionError(
                f"table {table.table.name}: the topic '{topic}' is not the one that the job has read: it was deleted "
                "and made anew",
                where=table.table.origin,
                mend=AFRESH,
            )


def resume(
    table: KafkaTable, cluster: Cluster, restored: Mapping[TopicPartition, int], found: Collection[TopicPartition]
) -> dict[TopicPartition, int]:
    """The offsets to go on from, of the restored partitions that there are.

    Raises `StalePositionError` where records were lost that the job has not read, or those that it has read are gone
    from the end. `properties.auto.offset.reset` says where to go on nevertheless, as it does to every consumer of
    Kafka's: then a warning tells what is left out or repeated.
    """
    gone = [partition for partition in restored if partition not in found]
    if gone and table.pattern is None:
        raise StalePositionError(
            f"table {table.table.name}: the job has read {gone[0]}, which there is no longer",
            where=table.table.origin,
            mend=AFRESH,
        )
    for partition in gone:  # topics of a pattern come and go
        log.warning("table %s: %s was read before and is no longer there", table.table.name, partition)
    kept = {partition: offset for partition, offset in restored.items() if partition in found}
    first = list_offsets(cluster, dict.fromkeys(kept, EARLIEST))
    end = list_offsets(cluster, dict.fromkeys(kept, LATEST))
    spans = {partition: (first[partition].offset, end[partition].offset) for partition in kept}
    return {partition: _resumed(table, partition, kept[partition], *spans[partition]) for partition in kept}


def _resumed(table: KafkaTable, partition: TopicPartition, offset: int, first: int, end: int) -> int:
    if first <= offset <= end:
        return offset
    if offset < first:
        what = f"begins at {first}: {first - offset:,} that the job has not read were deleted"
    else:
        what = f"ends at {end}: what the job has read after that was lost, or the topic was made anew"
    told = f"table {table.table.name}: {partition} cannot be read on from offset {offset}, since it {what}"
    reset = table.offset_reset()
    if reset is OffsetReset.FAIL:
        raise StalePositionError(
            told,
            where=table.table.origin,
            mend=f"{AFRESH}; or go on with what is there: 'properties.auto.offset.reset' = 'earliest'",
        )
    chosen = first if reset is OffsetReset.EARLIEST else end
    log.warning("%s; going on at offset %d, as 'properties.auto.offset.reset' says", told, chosen)
    return chosen
