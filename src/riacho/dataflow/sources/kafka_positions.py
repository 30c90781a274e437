"""Where a Kafka table stands, as snapshots and reports keep it: an offset a partition, and which topic that was."""

from __future__ import annotations

from collections.abc import Mapping

from riacho.client.cluster import TopicPartition
from riacho.dataflow.sources import Json, Positions

_ID, _OFFSETS = "id", "offsets"


def to_positions(offsets: Mapping[TopicPartition, int], ids: Mapping[str, str]) -> Positions:
    """Offsets and topic ids by name; a cluster before Kafka 2.8 has none of these.

    >>> to_positions({TopicPartition("bids", 0): 7}, {"bids": "6d2f"})
    {'bids': {'id': '6d2f', 'offsets': {'0': 7}}}
    """
    by_topic: dict[str, dict[str, Json]] = {}
    for partition, offset in offsets.items():
        by_topic.setdefault(partition.topic, {})[str(partition.partition)] = offset
    return {
        topic: {_ID: ids[topic], _OFFSETS: found} if topic in ids else {_OFFSETS: found}
        for topic, found in by_topic.items()
    }


def offsets_of(positions: Mapping[str, Json]) -> dict[TopicPartition, int]:
    """The offsets of positions; also of those that had no room for ids yet.

    >>> offsets_of({"bids": {"id": "6d2f", "offsets": {"0": 7}}}) == offsets_of({"bids": {"0": 7}})
    True
    """
    found = {}
    for topic, described in positions.items():
        assert isinstance(described, dict), "the positions of a Kafka table are objects by topic"
        offsets = described.get(_OFFSETS, described)
        assert isinstance(offsets, dict)
        for partition, offset in offsets.items():
            assert isinstance(offset, int)
            found[TopicPartition(topic, int(partition))] = offset
    return found


def ids_of(positions: Mapping[str, Json]) -> dict[str, str]:
    """The topic ids of positions, where they have some.

    >>> ids_of({"bids": {"id": "6d2f", "offsets": {"0": 7}}, "asks": {"0": 7}})
    {'bids': '6d2f'}
    """
    return {
        topic: identity
        for topic, described in positions.items()
        if isinstance(described, dict) and isinstance(identity := described.get(_ID), str)
    }
