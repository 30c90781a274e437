"""ListOffsets (key 2): offsets by time, and the ends of partitions.

Behaviour
    For a timestamp: the first record with that timestamp or a later one. Special values: −1 the end, −2 the start,
    −3 the record with the largest timestamp, −4 the start of what is on local disk (the start), −5 the end of what
    is in tiered storage and −6 the first that is to go there (none: there is no tiered storage).
Versions
    1–11 (2+ isolation, 4+ leader epochs, 6+ flexible, 7+ −3, 8+ −4, 9+ −5, 10+ a time-out, 11+ −6).
Errors
    UNKNOWN_TOPIC_OR_PARTITION, FENCED_LEADER_EPOCH, UNKNOWN_LEADER_EPOCH, UNSUPPORTED_VERSION (a special value that
    the version does not have), INVALID_REQUEST (a partition asked for twice), KAFKA_STORAGE_ERROR.
KIPs
    79, 320, 405, 734, 1005, 1023.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable
from functools import partial
from typing import Any

from riacho.broker import wire
from riacho.broker.broker import Broker
from riacho.broker.errors import ErrorCode, error_named
from riacho.broker.leader_epochs import UNKNOWN_EPOCH, check_leader_epoch
from riacho.broker.openings import PartitionName, all_of, when_opened
from riacho.broker.registry import Reply
from riacho.broker.request_context import RequestContext
from riacho.log.errors import LogError
from riacho.log.partition import Partition, TimestampedOffset

API_KEY = 2
VERSIONS = (1, 11)

LATEST = -1
EARLIEST = -2
MAX_TIMESTAMP = -3
EARLIEST_LOCAL = -4
LATEST_TIERED = -5
EARLIEST_PENDING_UPLOAD = -6
_FIRST_VERSION = {MAX_TIMESTAMP: 7, EARLIEST_LOCAL: 8, LATEST_TIERED: 9, EARLIEST_PENDING_UPLOAD: 11}

_NOTHING = TimestampedOffset(-1, -1, -1)


def handle(request: wire.Entity, context: RequestContext) -> Reply | Awaitable[Reply]:
    """One offset per partition asked for."""
    opening = context.broker.opening(_asked(request))
    if opening is None:
        return _loaded_reply(request, context)
    return _opened_reply(opening, request, context)


async def _opened_reply(opening: asyncio.Future[None], request: wire.Entity, context: RequestContext) -> Reply:
    await opening
    reply = _loaded_reply(request, context)
    return await reply if isinstance(reply, Awaitable) else reply


def _loaded_reply(request: wire.Entity, context: RequestContext) -> Reply | Awaitable[Reply]:
    """Indexes that are not in memory are read first, or built anew: a disk thread does that."""
    waits = []
    for topic in request.topics:
        for asked in topic.partitions:
            hosted = context.broker.opened(topic.name, asked.partition_index)
            if hosted is not None and (asked.timestamp >= 0 or asked.timestamp == MAX_TIMESTAMP):
                work = hosted.log.loading_for_time(None if asked.timestamp == MAX_TIMESTAMP else asked.timestamp)
                if work is not None:
                    waits.append(hosted.loading(work))
    return when_opened(all_of(waits), partial(_reply, request, context))


def _asked(request: wire.Entity) -> list[PartitionName]:
    return [(topic.name, partition.partition_index) for topic in request.topics for partition in topic.partitions]


def _reply(request: wire.Entity, context: RequestContext) -> Reply:
    times = Counter(_asked(request))
    return {
        "topics": [
            {
                "name": topic.name,
                "partitions": [
                    _partition(context, topic.name, partition, times[topic.name, partition.partition_index])
                    for partition in topic.partitions
                ],
            }
            for topic in request.topics
        ]
    }


def _partition(context: RequestContext, topic: str, asked: wire.Entity, times_asked: int) -> dict[str, Any]:
    if times_asked > 1:
        code, found = ErrorCode.invalid_request, _NOTHING
    else:
        code, found = _find(context.broker, context.version, topic, asked)
    return {
        "partition_index": asked.partition_index,
        "error_code": code,
        "timestamp": found.timestamp_ms,
        "offset": found.offset,
        "leader_epoch": found.leader_epoch,
    }


def _find(broker: Broker, version: int, topic: str, asked: wire.Entity) -> tuple[ErrorCode, TimestampedOffset]:
    timestamp: int = asked.timestamp
    if timestamp < EARLIEST_PENDING_UPLOAD or version < _FIRST_VERSION.get(timestamp, 0):
        return ErrorCode.unsupported_version, _NOTHING
    try:
        hosted = broker.partition(topic, asked.partition_index)
        if hosted is None:
            return ErrorCode.unknown_topic_or_partition, _NOTHING
    except OSError:
        return ErrorCode.kafka_storage_error, _NOTHING
    known_epoch = wire.field(asked, "current_leader_epoch", UNKNOWN_EPOCH)
    code = check_leader_epoch(known_epoch, hosted.log.leader_epoch)
    if code:
        return code, _NOTHING
    try:
        return ErrorCode.none, _look_up(hosted.log, timestamp)
    except OSError as error:
        hosted.read_failed(error)
        return error_named(error.error) if isinstance(error, LogError) else ErrorCode.kafka_storage_error, _NOTHING
    except LogError as error:
        return error_named(error.error), _NOTHING


def _look_up(log: Partition, timestamp: int) -> TimestampedOffset:
    match timestamp:
        case -1:
            return log.latest()
        case -2 | -4:
            return log.earliest()
        case -3:
            return log.max_timestamp() or _NOTHING
        case -5 | -6:
            return _NOTHING
        case _:
            return log.find_by_time(timestamp) or _NOTHING
