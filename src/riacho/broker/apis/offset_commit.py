"""OffsetCommit (key 8): a group's positions.

Behaviour
    What the offsets point past is made durable first, then the offsets are, then the answer is given. A group that
    does not exist comes into being by a commit without a generation. Rules: `groups.offsets`.
Versions
    2–10 (2–4 a retention of the client's own, 6+ leader epochs, 7+ static members, 8+ flexible, 10+ topic ids).
Errors
    For all partitions: UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID, ILLEGAL_GENERATION, REBALANCE_IN_PROGRESS,
    GROUP_ID_NOT_FOUND (before version 9 ILLEGAL_GENERATION), COORDINATOR_LOAD_IN_PROGRESS, NOT_COORDINATOR,
    KAFKA_STORAGE_ERROR (the data could not be made durable). For one: UNKNOWN_TOPIC_OR_PARTITION, UNKNOWN_TOPIC_ID,
    OFFSET_METADATA_TOO_LARGE.
KIPs
    98, 211, 320, 345, 848.
"""

from __future__ import annotations

import logging

from riacho.broker import wire
from riacho.broker.errors import ErrorCode
from riacho.broker.groups.messages import CommitReply, CommitRequest, OffsetToCommit
from riacho.broker.metadata.state import Topic
from riacho.broker.registry import Reply
from riacho.broker.request_context import RequestContext

API_KEY = 8
VERSIONS = (2, 10)

_BY_TOPIC_ID = 10
_TELLS_MISSING_GROUP = 9
_BROKERS_RETENTION = -1

logger = logging.getLogger(__name__)

_Place = tuple[int, int]
"""A partition of the request: the positions of its topic and of itself."""


async def handle(request: wire.Entity, context: RequestContext) -> Reply:
    """An error code per partition."""
    errors: dict[_Place, ErrorCode] = {}
    offsets: dict[_Place, OffsetToCommit] = {}
    for at_topic, asked_topic in enumerate(request.topics):
        topic = _find_topic(asked_topic, context)
        for at_partition, asked in enumerate(asked_topic.partitions):
            place = at_topic, at_partition
            if topic is None:
                by_id = context.version >= _BY_TOPIC_ID
                errors[place] = ErrorCode.unknown_topic_id if by_id else ErrorCode.unknown_topic_or_partition
            elif not 0 <= asked.partition_index < topic.partitions:
                errors[place] = ErrorCode.unknown_topic_or_partition
            else:
                offsets[place] = OffsetToCommit(
                    topic.name,
                    asked.partition_index,
                    asked.committed_offset,
                    wire.field(asked, "committed_leader_epoch", -1),
                    asked.committed_metadata or "",
                    topic.id,
                )
    if offsets:
        reply = await _commit(request, tuple(offsets.values()), context)
        if reply.error is not ErrorCode.none:
            errors.update(dict.fromkeys(offsets, reply.error))
        else:
            errors.update(zip(offsets, reply.errors, strict=True))
    return {
        "topics": [
            {
                "name": wire.field(asked_topic, "name", None),
                "topic_id": wire.field(asked_topic, "topic_id", None),
                "partitions": [
                    {"partition_index": asked.partition_index, "error_code": errors[at_topic, at_partition]}
                    for at_partition, asked in enumerate(asked_topic.partitions)
                ],
            }
            for at_topic, asked_topic in enumerate(request.topics)
        ]
    }


def _find_topic(asked: wire.Entity, context: RequestContext) -> Topic | None:
    metadata = context.broker.metadata
    if context.version >= _BY_TOPIC_ID:
        return metadata.with_id(asked.topic_id)
    return metadata.topics.get(asked.name)


async def _commit(request: wire.Entity, offsets: tuple[OffsetToCommit, ...], context: RequestContext) -> CommitReply:
    try:
        await context.broker.sync_partitions([(each.topic, each.partition) for each in offsets])
    except OSError as error:
        logger.error("group %s may not commit: what it has read cannot be made durable: %s", request.group_id, error)
        return CommitReply(ErrorCode.kafka_storage_error)
    retention = wire.field(request, "retention_time", None)
    retention_ms = _BROKERS_RETENTION if retention is None else wire.milliseconds(retention)
    tells = context.version >= _TELLS_MISSING_GROUP
    reply = await context.broker.groups.ask(
        CommitRequest(
            request.group_id,
            request.member_id,
            wire.field(request, "group_instance_id", None),
            request.generation_id_or_member_epoch,
            offsets,
            None if retention_ms == _BROKERS_RETENTION else retention_ms,
            ErrorCode.group_id_not_found if tells else ErrorCode.illegal_generation,
        )
    )
    assert isinstance(reply, CommitReply)
    return reply
