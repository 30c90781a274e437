"""OffsetFetch (key 9): the positions that groups have committed.

Behaviour
    Of the partitions asked for, or of all that have one (no list of topics, from version 2 on). −1 where there is
    none. The answer waits until what was written to the group's partition of `__consumer_offsets` is durable, so it
    is always stable.
Versions
    1–10 (2+ all partitions and a top-level error, 5+ leader epochs, 6+ flexible, 7+ require-stable, 8+ several
    groups, 9+ member epochs, which groups of the classic protocol have not, 10+ topic ids).
Errors
    COORDINATOR_LOAD_IN_PROGRESS, NOT_COORDINATOR; UNKNOWN_TOPIC_ID for a topic id that does not exist.
KIPs
    88, 320, 447, 709, 848.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from riacho.broker import wire
from riacho.broker.errors import ErrorCode
from riacho.broker.groups import CoordinatorError
from riacho.broker.groups.records import CommittedOffset
from riacho.broker.metadata.state import Metadata, Topic
from riacho.broker.registry import Reply
from riacho.broker.request_context import RequestContext

API_KEY = 9
VERSIONS = (1, 10)

_TOP_LEVEL_ERROR = 2
_FIRST_BATCHED_VERSION = 8
_BY_TOPIC_ID = 10

_Answer = dict[str, Any]


async def handle(request: wire.Entity, context: RequestContext) -> Reply:
    """The offsets of each group; before version 8, of the only one."""
    if context.version >= _FIRST_BATCHED_VERSION:
        return {"groups": [await _group(group.group_id, group.topics, context) for group in request.groups]}
    return await _group(request.group_id, request.topics, context)


async def _group(group_id: str, topics: Sequence[wire.Entity] | None, context: RequestContext) -> _Answer:
    try:
        if topics is None:
            answers = await _all(group_id, context)
        else:
            answers = await _some(group_id, topics, context)
    except CoordinatorError as error:
        failed = topics if topics is not None and context.version < _TOP_LEVEL_ERROR else ()
        return {
            "group_id": group_id,
            "error_code": error.code,
            "topics": [
                _topic(each.name, None, [_error(index, error.code) for index in each.partition_indexes])
                for each in failed
            ],
        }
    return {"group_id": group_id, "error_code": ErrorCode.none, "topics": answers}


async def _some(group_id: str, topics: Sequence[wire.Entity], context: RequestContext) -> list[_Answer]:
    metadata = context.broker.metadata
    by_id = context.version >= _BY_TOPIC_ID
    found = [metadata.with_id(each.topic_id) if by_id else metadata.topics.get(each.name) for each in topics]
    names = [topic.name if by_id and topic is not None else wire.field(each, "name", None)
             for each, topic in zip(topics, found, strict=True)]  # fmt: skip
    wanted = [
        (name, index, None if topic is None else topic.id)
        for each, name, topic in zip(topics, names, found, strict=True)
        for index in each.partition_indexes
        if name is not None
    ]
    committed = iter(await context.broker.groups.committed(group_id, wanted))
    return [
        _topic(
            name,
            wire.field(each, "topic_id", None),
            [
                _error(index, ErrorCode.unknown_topic_id) if name is None else _partition(index, next(committed))
                for index in each.partition_indexes
            ],
        )
        for each, name in zip(topics, names, strict=True)
    ]


async def _all(group_id: str, context: RequestContext) -> list[_Answer]:
    metadata = context.broker.metadata
    topics: dict[str, list[_Answer]] = {}
    for name, index, committed in await context.broker.groups.all_committed(group_id):
        if _is_current(name, committed, metadata, must_exist=context.version >= _BY_TOPIC_ID):
            topics.setdefault(name, []).append(_partition(index, committed))
    return [_topic(name, _id(metadata.topics.get(name)), partitions) for name, partitions in topics.items()]


def _is_current(name: str, committed: CommittedOffset, metadata: Metadata, *, must_exist: bool) -> bool:
    """Whether an offset is of the topic that has this name now."""
    topic = metadata.topics.get(name)
    if topic is None:
        return not must_exist
    return committed.topic_id in (None, topic.id)


def _id(topic: Topic | None) -> Any:
    return None if topic is None else topic.id


def _topic(name: str | None, topic_id: Any, partitions: list[_Answer]) -> _Answer:
    return {"name": name, "topic_id": topic_id, "partitions": partitions}


def _partition(index: int, committed: CommittedOffset | None) -> _Answer:
    if committed is None:
        return _error(index, ErrorCode.none)
    return {
        "partition_index": index,
        "committed_offset": committed.offset,
        "committed_leader_epoch": committed.leader_epoch,
        "metadata": committed.metadata,
        "error_code": ErrorCode.none,
    }


def _error(index: int, code: ErrorCode) -> _Answer:
    return {
        "partition_index": index,
        "committed_offset": -1,
        "committed_leader_epoch": -1,
        "metadata": "",
        "error_code": code,
    }
