"""Metadata (key 3): the brokers, and the partitions of topics.

Behaviour
    Names this broker as the only one, and the leader of all partitions. Each topic is told once, however
    often it is asked for. A topic that does not exist is made, with the defaults, where `auto.create.topics.enable`
    is true and the client allows it; the answer then already has it (Kafka answers before it is made, and the client
    asks again).
Versions
    0–13. 0 takes an empty list of topics for all, later ones null. 4+ say whether to create, 8–10 and 8+ can ask
    for permitted operations, 10+ have topic ids, 12+ ask by id.
Errors
    Per topic INVALID_TOPIC_EXCEPTION, INVALID_REQUEST (by id before version 12), UNKNOWN_TOPIC_OR_PARTITION,
    UNKNOWN_TOPIC_ID, KAFKA_STORAGE_ERROR.
KIPs
    4, 204, 430 (permitted operations), 516 (topic ids).
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from riacho.broker import wire
from riacho.broker.broker import NODE_ID, Broker
from riacho.broker.errors import ErrorCode
from riacho.broker.metadata.state import INTERNAL_TOPICS, Topic
from riacho.broker.metadata.topic_names import colliding_name, problem_with_name
from riacho.broker.permissions import CLUSTER_OPERATIONS, TOPIC_OPERATIONS
from riacho.broker.registry import Reply
from riacho.broker.request_context import RequestContext

API_KEY = 3
VERSIONS = (0, 13)
_FIRST_BY_ID = 12

logger = logging.getLogger(__name__)


class _Asked(NamedTuple):
    name: str | None
    id: UUID | None


def handle(request: wire.Entity, context: RequestContext) -> Reply | Awaitable[Reply]:
    """The cluster, and the topics that were asked for."""
    broker = context.broker
    asked = _asked(request, context.version)
    if asked is None:
        return _reply(request, context, [_topic(broker, request, topic) for topic in broker.metadata.topics.values()])
    if context.version < _FIRST_BY_ID and any(each.name is None or each.id is not None for each in asked):
        return _reply(request, context, [_not_by_name(each) for each in asked])
    missing = _to_create(broker, asked) if _may_create(broker, request) else []
    if missing:
        return _create_and_reply(request, context, asked, missing)
    return _reply(request, context, [_answer(broker, request, each) for each in asked])


def _asked(request: wire.Entity, version: int) -> list[_Asked] | None:
    """Which topics; None for all."""
    if request.topics is None or (version == 0 and not request.topics):
        return None
    # Each once, as in Kafka: an answer must not grow beyond what there is to tell.
    return list(dict.fromkeys(_Asked(topic.name, wire.field(topic, "topic_id", None)) for topic in request.topics))


def _may_create(broker: Broker, request: wire.Entity) -> bool:
    allowed: bool = wire.field(request, "allow_auto_topic_creation", True)
    return allowed and broker.settings.boolean("auto.create.topics.enable")


def _to_create(broker: Broker, asked: Sequence[_Asked]) -> list[str]:
    topics = broker.metadata.topics
    return [
        each.name
        for each in asked
        if each.name is not None
        and each.id is None
        and each.name not in topics
        and problem_with_name(each.name) is None
        and colliding_name(each.name, topics) is None
    ]


async def _create_and_reply(
    request: wire.Entity, context: RequestContext, asked: Sequence[_Asked], missing: Sequence[str]
) -> Reply:
    failed = set()
    for name in missing:
        try:
            await context.broker.create_topic(name)
        except OSError as error:
            logger.error("topic %s could not be created: %s", name, error)
            failed.add(name)
    topics = [
        _failure(each, ErrorCode.kafka_storage_error) if each.name in failed else _answer(context.broker, request, each)
        for each in asked
    ]
    return _reply(request, context, topics)


def _answer(broker: Broker, request: wire.Entity, asked: _Asked) -> dict[str, Any]:
    if asked.id is not None:
        topic = broker.metadata.with_id(asked.id)
        return _topic(broker, request, topic) if topic else _failure(asked, ErrorCode.unknown_topic_id)
    name = asked.name
    if name is None:
        return _failure(asked, ErrorCode.invalid_topic_exception)
    topic = broker.metadata.topics.get(name)
    if topic is not None:
        return _topic(broker, request, topic)
    if problem_with_name(name) is not None or (
        _may_create(broker, request) and colliding_name(name, broker.metadata.topics) is not None
    ):
        return _failure(asked, ErrorCode.invalid_topic_exception)
    return _failure(asked, ErrorCode.unknown_topic_or_partition)


def _failure(asked: _Asked, code: ErrorCode) -> dict[str, Any]:
    return {
        "error_code": code,
        "name": asked.name,
        "topic_id": asked.id,
        "is_internal": asked.name in INTERNAL_TOPICS,
        "partitions": [],
    }


def _not_by_name(asked: _Asked) -> dict[str, Any]:
    """Versions 10 and 11 have a field for the id, but only answers use it."""
    return _failure(_Asked(asked.name or "", None), ErrorCode.invalid_request)


def _topic(broker: Broker, request: wire.Entity, topic: Topic) -> dict[str, Any]:
    epoch = broker.directory.leader_epoch
    answer: dict[str, Any] = {
        "error_code": ErrorCode.none,
        "name": topic.name,
        "topic_id": topic.id,
        "is_internal": topic.internal,
        "partitions": [
            {
                "error_code": ErrorCode.none,
                "partition_index": index,
                "leader_id": NODE_ID,
                "leader_epoch": epoch,
                "replica_nodes": (NODE_ID,),
                "isr_nodes": (NODE_ID,),
                "offline_replicas": (),
            }
            for index in range(topic.partitions)
        ],
    }
    if wire.field(request, "include_topic_authorized_operations", False):
        answer["topic_authorized_operations"] = TOPIC_OPERATIONS
    return answer


def _reply(request: wire.Entity, context: RequestContext, topics: list[dict[str, Any]]) -> Reply:
    host, port = context.broker.advertised(context.local_address)
    reply: dict[str, Any] = {
        "brokers": [{"node_id": NODE_ID, "host": host, "port": port, "rack": None}],
        "cluster_id": context.broker.cluster_id,
        "controller_id": NODE_ID,
        "topics": topics,
        "error_code": ErrorCode.none,
    }
    if wire.field(request, "include_cluster_authorized_operations", False):
        reply["cluster_authorized_operations"] = CLUSTER_OPERATIONS
    return reply
