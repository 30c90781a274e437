"""CreatePartitions (key 37): give topics more partitions.

Behaviour
    The new number is durable before it is answered. A manual assignment may only name this broker. The offsets
    topic keeps its number: a group's place is a remainder of it (a deviation: Kafka lets a client break that).
Versions
    0–3 (2+ flexible).
Errors
    UNKNOWN_TOPIC_OR_PARTITION, INVALID_PARTITIONS, INVALID_REPLICA_ASSIGNMENT, INVALID_REQUEST, KAFKA_STORAGE_ERROR.
KIPs
    195, 599.
"""

from __future__ import annotations

import logging
from collections import Counter
from typing import Any

from riacho.broker import wire
from riacho.broker.apis.create_topics import MOST_PARTITIONS
from riacho.broker.broker import NODE_ID, Broker
from riacho.broker.errors import ApiError, ErrorCode
from riacho.broker.metadata.state import OFFSETS_TOPIC, partitions_record
from riacho.broker.registry import Reply
from riacho.broker.request_context import RequestContext

API_KEY = 37
VERSIONS = (0, 3)

logger = logging.getLogger(__name__)


async def handle(request: wire.Entity, context: RequestContext) -> Reply:
    """Enlarge the topics that pass the checks."""
    broker = context.broker
    counts = Counter(topic.name for topic in request.topics)
    async with broker.metadata_store.changing:
        results = []
        records = []
        for topic in request.topics:
            try:
                _check(broker, topic, counts[topic.name])
            except ApiError as error:
                results.append(_result(topic.name, error))
            else:
                records.append(partitions_record(topic.name, topic.count))
                results.append(_result(topic.name, None))
        if not request.validate_only:
            try:
                await broker.metadata_store.commit(records)
            except OSError as error:
                logger.error("partitions could not be created: %s", error)
                storage = ApiError(ErrorCode.kafka_storage_error, error.strerror)
                results = [_result(each["name"], storage) if not each["error_code"] else each for each in results]
    return {"results": results}


def _check(broker: Broker, asked: wire.Entity, count: int) -> None:
    """Raises `ApiError` where the topic cannot have that many partitions."""
    if count > 1:
        raise ApiError(ErrorCode.invalid_request, "Duplicate topic name.")
    topic = broker.metadata.topics.get(asked.name)
    if topic is None:
        raise ApiError(ErrorCode.unknown_topic_or_partition, f"The topic '{asked.name}' does not exist.")
    if topic.name == OFFSETS_TOPIC:
        raise ApiError(ErrorCode.invalid_request, f"{OFFSETS_TOPIC} keeps the number of its partitions.")
    if asked.count == topic.partitions:
        raise ApiError(ErrorCode.invalid_partitions, f"Topic already has {topic.partitions} partition(s).")
    if asked.count < topic.partitions:
        raise ApiError(
            ErrorCode.invalid_partitions,
            f"The topic {topic.name} currently has {topic.partitions} partition(s); "
            f"{asked.count} would not be an increase.",
        )
    added = asked.count - topic.partitions
    if added > MOST_PARTITIONS:
        raise ApiError(ErrorCode.invalid_partitions, f"At most {MOST_PARTITIONS} partitions can be added at once.")
    if asked.assignments is None:
        return
    if len(asked.assignments) != added:
        raise ApiError(
            ErrorCode.invalid_replica_assignment,
            f"Attempted to add {added} additional partition(s), "
            f"but {len(asked.assignments)} assignment(s) were specified.",
        )
    if any(tuple(assignment.broker_ids) != (NODE_ID,) for assignment in asked.assignments):
        raise ApiError(
            ErrorCode.invalid_replica_assignment,
            f"The manual partition assignment must name broker {NODE_ID}, once, for every partition.",
        )


def _result(name: str, error: ApiError | None) -> dict[str, Any]:
    return {
        "name": name,
        "error_code": error.code if error else ErrorCode.none,
        "error_message": error.message if error else None,
    }
