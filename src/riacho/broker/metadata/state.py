"""The metadata as a state machine without I/O: change records in, topics and configurations out.

A record is a small dict of JSON values; its `kind` says what changes. Records are applied in the order of the
metadata log, once when they have become durable and again at every start, so applying one must not fail: what a
client asks for is checked before a record is made of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from riacho.broker.wire import TopicRef

Record = Mapping[str, Any]

OFFSETS_TOPIC = "__consumer_offsets"
TRANSACTIONS_TOPIC = "__transaction_state"
INTERNAL_TOPICS = frozenset({OFFSETS_TOPIC, TRANSACTIONS_TOPIC})
"""Flagged as internal to clients, and closed to their writes."""


@dataclass(slots=True)
class Topic:
    """One topic: its name, its id, how many partitions it has, and which properties it sets itself."""

    name: str
    id: UUID
    partitions: int
    overrides: dict[str, str]

    @property
    def internal(self) -> bool:
        return self.name in INTERNAL_TOPICS


@dataclass(slots=True)
class Metadata:
    """All topics, the broker's dynamic configuration, and the next producer id that is not yet promised."""

    topics: dict[str, Topic] = field(default_factory=dict)
    _by_id: dict[bytes, Topic] = field(default_factory=dict)
    """By an id's 16 bytes, as Produce and Fetch find it in their requests."""
    broker_overrides: dict[str, dict[str, str]] = field(default_factory=lambda: {"": {}, "1": {}})
    """Dynamic broker properties: under the broker's id, and under "" for all brokers."""
    next_producer_id: int = 0

    def with_id(self, topic_id: UUID | None) -> Topic | None:
        """The topic of an id, if there is one."""
        return self._by_id.get(topic_id.bytes) if topic_id is not None else None

    def name_of(self, topic: TopicRef) -> str | None:
        """The name of a topic that goes by its name or its id; None for an id that no topic has."""
        if isinstance(topic, str):
            return topic
        known = self._by_id.get(topic)
        return known.name if known is not None else None

    def apply(self, record: Record) -> None:
        """Make one change."""
        match record["kind"]:
            case "topic":
                topic = Topic(record["name"], UUID(record["id"]), record["partitions"], dict(record["overrides"]))
                self.topics[topic.name] = topic
                self._by_id[topic.id.bytes] = topic
            case "topic-deleted":
                topic = self.topics.pop(record["name"])
                del self._by_id[topic.id.bytes]
            case "partitions":
                self.topics[record["name"]].partitions = record["partitions"]
            case "topic-overrides":
                self.topics[record["name"]].overrides = dict(record["overrides"])
            case "broker-overrides":
                self.broker_overrides[record["broker"]] = dict(record["overrides"])
            case "producer-ids":
                self.next_producer_id = record["next"]
            case kind:
                raise AssertionError(f"the metadata log holds a record of unknown kind {kind!r}")

    def snapshot(self) -> Iterator[Record]:
        """Records that build this state from nothing."""
        for topic in self.topics.values():
            yield topic_record(topic.name, topic.id, topic.partitions, topic.overrides)
        for broker, overrides in self.broker_overrides.items():
            if overrides:
                yield broker_overrides_record(broker, overrides)
        if self.next_producer_id:
            yield producer_ids_record(self.next_producer_id)


def topic_record(name: str, topic_id: UUID, partitions: int, overrides: Mapping[str, str]) -> Record:
    """A topic comes into being."""
    return {
        "kind": "topic",
        "name": name,
        "id": str(topic_id),
        "partitions": partitions,
        "overrides": dict(overrides),
    }


def topic_deleted_record(name: str) -> Record:
    """A topic ceases to be."""
    return {"kind": "topic-deleted", "name": name}


def partitions_record(name: str, partitions: int) -> Record:
    """A topic has so many partitions from now on."""
    return {"kind": "partitions", "name": name, "partitions": partitions}


def topic_overrides_record(name: str, overrides: Mapping[str, str]) -> Record:
    """A topic sets these properties itself, and no others."""
    return {"kind": "topic-overrides", "name": name, "overrides": dict(overrides)}


def broker_overrides_record(broker: str, overrides: Mapping[str, str]) -> Record:
    """The broker's dynamic properties are these, and no others."""
    return {"kind": "broker-overrides", "broker": broker, "overrides": dict(overrides)}


def producer_ids_record(next_id: int) -> Record:
    """Producer ids below `next_id` may have been handed out."""
    return {"kind": "producer-ids", "next": next_id}
