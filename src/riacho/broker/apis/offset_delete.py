"""OffsetDelete (key 47): positions of a group are forgotten.

Behaviour
    Of topics that no member reads; those of a group without members all may go.
Versions
    0.
Errors
    For the whole: INVALID_GROUP_ID, GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP (members of another kind than consumers),
    COORDINATOR_LOAD_IN_PROGRESS, NOT_COORDINATOR. For a partition: UNKNOWN_TOPIC_OR_PARTITION,
    GROUP_SUBSCRIBED_TO_TOPIC.
KIPs
    496.
"""

from __future__ import annotations

from riacho.broker import wire
from riacho.broker.errors import ErrorCode
from riacho.broker.groups.messages import DeleteOffsetsReply, DeleteOffsetsRequest
from riacho.broker.registry import Reply
from riacho.broker.request_context import RequestContext

API_KEY = 47
VERSIONS = (0, 0)


async def handle(request: wire.Entity, context: RequestContext) -> Reply:
    """An error code per partition, unless the group as a whole is refused."""
    if not request.group_id:
        return {"error_code": ErrorCode.invalid_group_id, "topics": []}
    topics = context.broker.metadata.topics
    errors = {
        (asked_topic.name, asked.partition_index): (
            ErrorCode.none
            if asked_topic.name in topics and 0 <= asked.partition_index < topics[asked_topic.name].partitions
            else ErrorCode.unknown_topic_or_partition
        )
        for asked_topic in request.topics
        for asked in asked_topic.partitions
    }
    known = tuple(place for place, error in errors.items() if error is ErrorCode.none)
    reply = await context.broker.groups.ask(DeleteOffsetsRequest(request.group_id, known))
    assert isinstance(reply, DeleteOffsetsReply)
    if reply.error is not ErrorCode.none:
        return {"error_code": reply.error, "topics": []}
    errors.update(zip(known, reply.errors, strict=True))
    return {
        "error_code": ErrorCode.none,
        "topics": [
            {
                "name": asked_topic.name,
                "partitions": [
                    {
                        "partition_index": asked.partition_index,
                        "error_code": errors[asked_topic.name, asked.partition_index],
                    }
                    for asked in asked_topic.partitions
                ],
            }
            for asked_topic in request.topics
        ],
    }
