"""What becomes of one produced batch: checked, appended, and told to whoever waits."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from riacho.broker.errors import ErrorCode, error_named
from riacho.broker.metadata.state import INTERNAL_TOPICS
from riacho.broker.record_batch import MalformedRecordError, decode_records
from riacho.log.errors import LogError
from riacho.log.header import BatchHeader, Codec, check_batch
from riacho.log.partition import Appended

if TYPE_CHECKING:
    from riacho.broker.broker import Broker
    from riacho.broker.hosted_partition import HostedPartition

_FIRST_WITH_ZSTD = 7
"""KIP-110: who speaks an older Produce may have readers that do not know the codec."""
NOTHING = -1
"""An offset or a time that there is none of."""


class Outcome(NamedTuple):
    """What Produce answers for one partition."""

    code: ErrorCode
    base_offset: int = NOTHING
    log_append_time_ms: int = NOTHING
    log_start_offset: int = NOTHING
    record_errors: tuple[tuple[int, str], ...] = ()
    """Which records of the batch were at fault, and why (KIP-467)."""
    message: str | None = None


Settle = Callable[[Outcome], None]


def refuse(code: ErrorCode, message: str | None = None) -> Outcome:
    """Nothing was appended."""
    return Outcome(code, message=message)


def append_batch(
    broker: Broker, topic: str, index: int, batch: memoryview, *, version: int, acks: int, settle: Settle
) -> None:
    """Check and append one client's batch; `settle` is told once, at once or when it is as durable as `acks` asks.

    `version` is that of the Produce request.
    """
    if topic in INTERNAL_TOPICS:
        settle(refuse(ErrorCode.invalid_topic_exception))
        return
    try:
        hosted = broker.partition(topic, index)
        if hosted is None:
            settle(refuse(ErrorCode.unknown_topic_or_partition))
            return
        header = check_batch(batch)
    except (LogError, OSError) as error:
        settle(outcome_of(error))
        return
    if version < _FIRST_WITH_ZSTD and header.codec == Codec.ZSTD:
        message = f"Produce requests with version {version} are not allowed to use ZStandard compression"
        settle(refuse(ErrorCode.unsupported_compression_type, message))
        return
    refused = _refused(hosted, batch, header, acks)
    if refused is not None:
        settle(refused)
        return

    def done(appended: Appended | None, error: Exception | None) -> None:
        if appended is None:
            assert error is not None
            settle(outcome_of(error))
        else:
            settle(
                Outcome(ErrorCode.none, appended.base_offset, appended.log_append_time_ms, hosted.log.log_start_offset)
            )

    hosted.append(batch, header, durable=acks == -1, done=done)


def outcome_of(error: Exception) -> Outcome:
    """The answer to a failure of the log or of the disk under it, which have logged it. Else it is a defect: raised."""
    if isinstance(error, LogError):
        return refuse(error_named(error.error), error.what)
    if isinstance(error, OSError):
        return refuse(ErrorCode.kafka_storage_error, error.strerror)
    raise error


def _refused(hosted: HostedPartition, batch: memoryview, header: BatchHeader, acks: int) -> Outcome | None:
    """Why a sound batch may not be appended to this topic; None where it may."""
    if header.is_transactional:
        return refuse(ErrorCode.transactional_id_authorization_failed)
    if acks == -1 and hosted.rules.min_in_sync_replicas > 1:
        return refuse(ErrorCode.not_enough_replicas)
    if hosted.rules.compacted:
        return _keyless(batch)
    return None


def _keyless(batch: memoryview) -> Outcome | None:
    """Compaction keeps one record per key, so a compacted topic takes none without."""
    try:
        errors = tuple(
            (at, "Compacted topic cannot accept message without key in topic partition.")
            for at, record in enumerate(decode_records(batch))
            if record.key is None
        )
    except MalformedRecordError as error:
        return refuse(ErrorCode.corrupt_message, str(error))
    if not errors:
        return None
    return Outcome(
        ErrorCode.invalid_record,
        record_errors=errors,
        message="One or more records have been rejected",
    )
