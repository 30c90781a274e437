"""OffsetForLeaderEpoch (key 23): where a leader epoch ended, so that a consumer past a torn tail is told.

Behaviour
    Answers with the largest epoch not above the one asked for, and the offset at which the next one began.
Versions
    2–4 (3+ have the replica's id, 4+ flexible).
Errors
    UNKNOWN_TOPIC_OR_PARTITION, FENCED_LEADER_EPOCH, UNKNOWN_LEADER_EPOCH, KAFKA_STORAGE_ERROR.
KIPs
    101, 320.
"""

from __future__ import annotations

from collections.abc import Awaitable
from functools import partial
from typing import Any

from riacho.broker import wire
from riacho.broker.broker import Broker
from riacho.broker.errors import ErrorCode
from riacho.broker.leader_epochs import check_leader_epoch
from riacho.broker.openings import when_opened
from riacho.broker.registry import Reply
from riacho.broker.request_context import RequestContext

API_KEY = 23
VERSIONS = (2, 4)

_UNKNOWN = (-1, -1)


def handle(request: wire.Entity, context: RequestContext) -> Reply | Awaitable[Reply]:
    """One end per partition asked for."""
    opening = context.broker.opening(
        [(topic.topic, asked.partition) for topic in request.topics for asked in topic.partitions]
    )
    return when_opened(opening, partial(_reply, request, context))


def _reply(request: wire.Entity, context: RequestContext) -> Reply:
    return {
        "topics": [
            {
                "topic": topic.topic,
                "partitions": [_partition(context.broker, topic.topic, asked) for asked in topic.partitions],
            }
            for topic in request.topics
        ]
    }


def _partition(broker: Broker, topic: str, asked: wire.Entity) -> dict[str, Any]:
    code, (epoch, end_offset) = _find(broker, topic, asked)
    return {"error_code": code, "partition": asked.partition, "leader_epoch": epoch, "end_offset": end_offset}


def _find(broker: Broker, topic: str, asked: wire.Entity) -> tuple[ErrorCode, tuple[int, int]]:
    try:
        hosted = broker.partition(topic, asked.partition)
        if hosted is None:
            return ErrorCode.unknown_topic_or_partition, _UNKNOWN
        code = check_leader_epoch(asked.current_leader_epoch, hosted.log.leader_epoch)
        if code:
            return code, _UNKNOWN
        end = hosted.log.end_offset_for_epoch(asked.leader_epoch)
    except OSError:
        return ErrorCode.kafka_storage_error, _UNKNOWN
    return ErrorCode.none, (end.epoch, end.end_offset)
