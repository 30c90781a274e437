"""DeleteTopics (key 20): remove topics, by name or by id.

Behaviour
    The deletion is durable before it is answered; the files go then too, or at the next start. Fetches that wait
    for such a topic are answered, and offsets committed for it are forgotten. The offsets topic is not to be
    deleted (a deviation: Kafka lets a client do that).
Versions
    1–6 (5+ messages, 6+ ids).
Errors
    UNKNOWN_TOPIC_OR_PARTITION, UNKNOWN_TOPIC_ID, INVALID_REQUEST, TOPIC_DELETION_DISABLED, KAFKA_STORAGE_ERROR.
KIPs
    4, 516.
"""

from __future__ import annotations

import logging
from collections import Counter
from typing import Any, NamedTuple
from uuid import UUID

from riacho.broker import wire
from riacho.broker.broker import Broker
from riacho.broker.errors import ApiError, ErrorCode
from riacho.broker.metadata.state import OFFSETS_TOPIC, Topic, topic_deleted_record
from riacho.broker.registry import Reply
from riacho.broker.request_context import RequestContext

API_KEY = 20
VERSIONS = (1, 6)
_FIRST_WITH_DISABLED = 3
"""Older clients do not know TOPIC_DELETION_DISABLED."""

logger = logging.getLogger(__name__)


class _Asked(NamedTuple):
    name: str | None
    id: UUID | None


async def handle(request: wire.Entity, context: RequestContext) -> Reply:
    """Remove the topics that can be."""
    broker = context.broker
    asked = _asked(request)
    counts = Counter(asked)
    async with broker.metadata_store.changing:
        found: list[Topic | ApiError] = []
        for each in asked:
            try:
                found.append(_find(broker, context.version, each, counts[each]))
            except ApiError as error:
                found.append(error)
        topics = list({topic.name: topic for topic in found if isinstance(topic, Topic)}.values())
        try:
            await broker.metadata_store.commit([topic_deleted_record(topic.name) for topic in topics])
        except OSError as error:
            logger.error("topics could not be deleted: %s", error)
            storage = ApiError(ErrorCode.kafka_storage_error, error.strerror)
            found = [storage if isinstance(each, Topic) else each for each in found]
        else:
            for topic in topics:
                logger.info("deleted topic %s", topic.name)
                await broker.remove_partitions(topic)
    return {"responses": [_answer(each, result) for each, result in zip(asked, found, strict=True)]}


def _asked(request: wire.Entity) -> list[_Asked]:
    names = wire.field(request, "topic_names", None)
    if names is not None:
        return [_Asked(name, None) for name in names]
    return [_Asked(topic.name, topic.topic_id) for topic in request.topics]


def _find(broker: Broker, version: int, asked: _Asked, count: int) -> Topic:
    """The topic to delete. Raises `ApiError`."""
    if not broker.settings.boolean("delete.topic.enable"):
        code = ErrorCode.topic_deletion_disabled if version >= _FIRST_WITH_DISABLED else ErrorCode.invalid_request
        raise ApiError(code, "Topic deletion is disabled.")
    if asked.name is None and asked.id is None:
        raise ApiError(ErrorCode.invalid_request, "Neither topic name nor id were specified.")
    if asked.name is not None and asked.id is not None:
        raise ApiError(ErrorCode.invalid_request, "You may not specify both topic name and topic id.")
    if count > 1:
        raise ApiError(ErrorCode.invalid_request, f"Duplicate topic {'id' if asked.id else 'name'}.")
    if asked.id is not None:
        topic = broker.metadata.with_id(asked.id)
        if topic is None:
            raise ApiError(ErrorCode.unknown_topic_id)
    else:
        assert asked.name is not None
        topic = broker.metadata.topics.get(asked.name)
        if topic is None:
            raise ApiError(ErrorCode.unknown_topic_or_partition)
    if topic.name == OFFSETS_TOPIC:
        raise ApiError(ErrorCode.invalid_request, f"{OFFSETS_TOPIC} holds the committed offsets of all groups.")
    return topic


def _answer(asked: _Asked, result: Topic | ApiError) -> dict[str, Any]:
    if isinstance(result, Topic):
        return {"name": result.name, "topic_id": result.id, "error_code": ErrorCode.none, "error_message": None}
    return {
        "name": asked.name,
        "topic_id": asked.id,
        "error_code": result.code,
        "error_message": result.message,
    }
