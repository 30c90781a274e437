"""CreateTopics (key 19): make topics.

Behaviour
    Each topic is checked by itself; those that pass become durable together, then the answer is given. −1 stands for
    the broker's default number of partitions and replicas. A manual assignment may only name this broker. The
    offsets topic is the coordinator's to make (a deviation: Kafka lets a client make it with any number of
    partitions).
Versions
    2–7 (4+ defaults, 5+ answer with the configuration, 7+ with the topic id).
Errors
    TOPIC_ALREADY_EXISTS, INVALID_TOPIC_EXCEPTION, INVALID_PARTITIONS, INVALID_REPLICATION_FACTOR,
    INVALID_REPLICA_ASSIGNMENT, INVALID_CONFIG, INVALID_REQUEST, POLICY_VIOLATION, KAFKA_STORAGE_ERROR.
KIPs
    4, 464, 516, 525, 599.
"""

from __future__ import annotations

import logging
from collections import Counter
from typing import Any
from uuid import UUID

from riacho.broker import wire
from riacho.broker.broker import NODE_ID, Broker
from riacho.broker.config.settings import check_topic_overrides
from riacho.broker.config.shown import shown_topic_configs
from riacho.broker.config.types import InvalidConfigError
from riacho.broker.errors import ApiError, ErrorCode
from riacho.broker.metadata.state import OFFSETS_TOPIC, Record, topic_record
from riacho.broker.metadata.topic_names import colliding_name, problem_with_name
from riacho.broker.registry import Reply
from riacho.broker.request_context import RequestContext
from riacho.broker.topic_ids import new_topic_id

API_KEY = 19
VERSIONS = (2, 7)

MOST_PARTITIONS = 10_000
"""Kafka's limit of partitions made by one request."""
_DEFAULT = -1
_CLUSTER_METADATA = "__cluster_metadata"

logger = logging.getLogger(__name__)


async def handle(request: wire.Entity, context: RequestContext) -> Reply:
    """Make the topics that pass the checks."""
    broker = context.broker
    store = broker.metadata_store
    async with store.changing:
        counts = Counter(topic.name for topic in request.topics)
        records: list[Record] = []
        answers = []
        planned: set[str] = set()
        partitions_left = MOST_PARTITIONS
        for topic in request.topics:
            try:
                if counts[topic.name] > 1:
                    raise ApiError(ErrorCode.invalid_request, "Duplicate topic name.")
                partitions, overrides = _check(broker, topic, planned, partitions_left)
            except ApiError as error:
                answers.append(_failure(topic.name, error))
                continue
            topic_id = new_topic_id()
            planned.add(topic.name)
            partitions_left -= partitions
            records.append(topic_record(topic.name, topic_id, partitions, overrides))
            answers.append(_success(broker, topic.name, topic_id, partitions, overrides))
        if not request.validate_only:
            try:
                await store.commit(records)
            except OSError as error:
                logger.error("topics could not be created: %s", error)
                storage = ApiError(ErrorCode.kafka_storage_error, error.strerror)
                answers = [
                    _failure(answer["name"], storage) if not answer["error_code"] else answer for answer in answers
                ]
            else:
                for record in records:
                    logger.info("created topic %s with %d partitions", record["name"], record["partitions"])
    return {"topics": answers}


def _check(broker: Broker, topic: wire.Entity, planned: set[str], partitions_left: int) -> tuple[int, dict[str, str]]:
    """The number of partitions and the overrides of a topic that may be made. Raises `ApiError`."""
    name: str = topic.name
    problem = problem_with_name(name)
    if problem is not None:
        raise ApiError(ErrorCode.invalid_topic_exception, problem)
    if name == _CLUSTER_METADATA:
        raise ApiError(ErrorCode.invalid_request, f"Creation of internal topic {name} is prohibited.")
    if name == OFFSETS_TOPIC:
        raise ApiError(ErrorCode.invalid_request, f"{name} is made by the group coordinator.")
    if name in broker.metadata.topics:
        raise ApiError(ErrorCode.topic_already_exists, f"Topic '{name}' already exists.")
    other = colliding_name(name, planned.union(broker.metadata.topics))
    if other is not None:
        raise ApiError(ErrorCode.invalid_topic_exception, f"Topic '{name}' collides with existing topic: {other}")
    partitions = _check_assignments(topic) if topic.assignments else _check_counts(broker, topic)
    if partitions > partitions_left:
        raise ApiError(
            ErrorCode.policy_violation,
            f"Excessively large number of partitions per request: at most {MOST_PARTITIONS}.",
        )
    overrides = {config.name: config.value for config in topic.configs}
    try:
        check_topic_overrides(broker.settings, overrides)
    except InvalidConfigError as error:
        raise ApiError(ErrorCode.invalid_config, error.what) from error
    return partitions, overrides


def _check_counts(broker: Broker, topic: wire.Entity) -> int:
    partitions: int = topic.num_partitions
    if partitions == _DEFAULT:
        partitions = broker.settings.integer("num.partitions")
    elif partitions <= 0:
        raise ApiError(ErrorCode.invalid_partitions, "Number of partitions was set to an invalid non-positive value.")
    replicas: int = topic.replication_factor
    if replicas == _DEFAULT:
        replicas = broker.settings.integer("default.replication.factor")
    elif replicas <= 0:
        raise ApiError(
            ErrorCode.invalid_replication_factor,
            "Replication factor must be larger than 0, or -1 to use the default value.",
        )
    if replicas > 1:
        raise ApiError(
            ErrorCode.invalid_replication_factor,
            f"Unable to replicate the partition {replicas} time(s): The target replication factor of {replicas} "
            "cannot be reached because only 1 broker(s) are registered.",
        )
    return partitions


def _check_assignments(topic: wire.Entity) -> int:
    if topic.num_partitions != _DEFAULT:
        raise ApiError(
            ErrorCode.invalid_request,
            "A manual partition assignment was specified, but numPartitions was not set to -1.",
        )
    if topic.replication_factor != _DEFAULT:
        raise ApiError(
            ErrorCode.invalid_request,
            "A manual partition assignment was specified, but replicationFactor was not set to -1.",
        )
    indexes = sorted(assignment.partition_index for assignment in topic.assignments)
    if indexes != list(range(len(indexes))):
        raise ApiError(
            ErrorCode.invalid_replica_assignment, "partitions should be a consecutive 0-based integer sequence"
        )
    for assignment in topic.assignments:
        if tuple(assignment.broker_ids) != (NODE_ID,):
            raise ApiError(
                ErrorCode.invalid_replica_assignment,
                f"The manual partition assignment must name broker {NODE_ID}, once, for every partition.",
            )
    return len(indexes)


def _success(broker: Broker, name: str, topic_id: UUID, partitions: int, overrides: dict[str, str]) -> dict[str, Any]:
    return {
        "name": name,
        "topic_id": topic_id,
        "error_code": ErrorCode.none,
        "error_message": None,
        "num_partitions": partitions,
        "replication_factor": 1,
        "configs": shown_topic_configs(broker.settings, overrides),
    }


def _failure(name: str, error: ApiError) -> dict[str, Any]:
    return {
        "name": name,
        "topic_id": None,
        "error_code": error.code,
        "error_message": error.message,
        "num_partitions": -1,
        "replication_factor": -1,
        "configs": (),
    }
