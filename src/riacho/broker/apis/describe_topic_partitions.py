"""DescribeTopicPartitions (key 75): the partitions of topics, page by page.

Behaviour
    Topics in the order of their names, from the cursor on, up to the limit of partitions (the request's or
    `max.request.partition.size.limit`, whichever is smaller); a cursor says where the next page begins. No topics
    means all.
Versions
    0.
Errors
    Per topic INVALID_TOPIC_EXCEPTION, UNKNOWN_TOPIC_OR_PARTITION, and INVALID_REQUEST where the cursor cannot be.
KIPs
    966.
"""

from __future__ import annotations

from typing import Any

from riacho.broker import wire
from riacho.broker.broker import NODE_ID, Broker
from riacho.broker.errors import ErrorCode
from riacho.broker.metadata.state import INTERNAL_TOPICS, Topic
from riacho.broker.metadata.topic_names import problem_with_name
from riacho.broker.permissions import TOPIC_OPERATIONS
from riacho.broker.registry import Reply
from riacho.broker.request_context import RequestContext

API_KEY = 75
VERSIONS = (0, 0)


def handle(request: wire.Entity, context: RequestContext) -> Reply:
    """One page."""
    broker = context.broker
    cursor = request.cursor
    asked = {topic.name for topic in request.topics}
    if cursor is not None and (cursor.partition_index < 0 or (asked and cursor.topic_name not in asked)):
        return {"topics": [_failure(name, ErrorCode.invalid_request) for name in asked], "next_cursor": None}
    names = sorted(asked or broker.metadata.topics)
    if cursor is not None:
        names = [name for name in names if name >= cursor.topic_name]
    left = min(request.response_partition_limit, broker.settings.integer("max.request.partition.size.limit"))
    left = max(left, 1)  # or a client would be given the same cursor for ever
    topics: list[dict[str, Any]] = []
    for name in names:
        if left == 0:
            return {"topics": topics, "next_cursor": {"topic_name": name, "partition_index": 0}}
        topic = broker.metadata.topics.get(name)
        if topic is None:
            invalid = problem_with_name(name) is not None
            code = ErrorCode.invalid_topic_exception if invalid else ErrorCode.unknown_topic_or_partition
            topics.append(_failure(name, code))
            continue
        first = cursor.partition_index if cursor is not None and cursor.topic_name == name else 0
        last = min(topic.partitions, first + left)
        topics.append(_topic(broker, topic, range(first, last)))
        left -= max(last - first, 0)
        if last < topic.partitions:
            return {"topics": topics, "next_cursor": {"topic_name": name, "partition_index": last}}
    return {"topics": topics, "next_cursor": None}


def _failure(name: str, code: ErrorCode) -> dict[str, Any]:
    return {
        "error_code": code,
        "name": name,
        "topic_id": None,
        "is_internal": name in INTERNAL_TOPICS,
        "partitions": [],
        "topic_authorized_operations": TOPIC_OPERATIONS,
    }


def _topic(broker: Broker, topic: Topic, indexes: range) -> dict[str, Any]:
    epoch = broker.directory.leader_epoch
    return {
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
                "eligible_leader_replicas": (),
                "last_known_elr": (),
                "offline_replicas": (),
            }
            for index in indexes
        ],
        "topic_authorized_operations": TOPIC_OPERATIONS,
    }
