"""Which values Apache Kafka 4.3's broker properties take: its bounds, for those that this broker obeys."""

from __future__ import annotations

from riacho.broker.config.topic_keys import TOPIC_KEYS
from riacho.broker.config.types import Check, at_least

_OWN: dict[str, Check] = {
    "connections.max.idle.ms": at_least(1),
    "fetch.max.bytes": at_least(1024),
    "group.initial.rebalance.delay.ms": at_least(0),
    "group.max.session.timeout.ms": at_least(1),
    "group.max.size": at_least(1),
    "group.min.session.timeout.ms": at_least(1),
    "log.retention.check.interval.ms": at_least(1),
    "max.connections": at_least(0),
    "max.incremental.fetch.session.cache.slots": at_least(0),
    "max.request.partition.size.limit": at_least(1),
    "num.partitions": at_least(1),
    "offset.metadata.max.bytes": at_least(0),
    "offsets.retention.check.interval.ms": at_least(1),
    "offsets.retention.minutes": at_least(1),
    "offsets.topic.num.partitions": at_least(1),
    "offsets.topic.segment.bytes": at_least(1),
    "producer.id.expiration.ms": at_least(1),
    "socket.listen.backlog.size": at_least(1),
    "socket.request.max.bytes": at_least(1),
}
"""Kafka takes any `connections.max.idle.ms`; one of 0 would close every connection as it is made."""

_OF_TOPICS: dict[str, Check] = {
    name: key.valid
    for key in TOPIC_KEYS.values()
    if key.valid is not None
    for name, factor in key.synonyms
    if factor == 1
}
"""What a topic may set, a broker may set for all topics."""

BROKER_LIMITS = _OF_TOPICS | _OWN
