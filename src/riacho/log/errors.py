"""What the log refuses, and why: each error carries the name that Kafka's protocol gives it."""

# ruff: noqa: N818 - these are named as the protocol names them

from __future__ import annotations

import errno
from typing import Final

from riacho.errors import RiachoError


class LogError(RiachoError):
    """The log refuses a request. `error` is the name in Kafka's error table that answers it."""

    error: str = "UNKNOWN_SERVER_ERROR"


class BatchError(LogError):
    """A record batch that must not be stored.

    Unlike its siblings the error's name differs per instance: `CORRUPT_MESSAGE`, `INVALID_RECORD`, …
    """

    def __init__(self, error: str, message: str) -> None:
        super().__init__(message)
        self.error = error


class OffsetOutOfRange(LogError):
    """The offset lies before the log's start or past its end."""

    error = "OFFSET_OUT_OF_RANGE"


class OutOfOrderSequence(LogError):
    """An idempotent producer's batch does not follow the last one that was stored."""

    error = "OUT_OF_ORDER_SEQUENCE_NUMBER"


class InvalidProducerEpoch(LogError):
    """A newer incarnation of this producer has written already: the sender is fenced."""

    error = "INVALID_PRODUCER_EPOCH"


class PartitionOffline(LogError, OSError):
    """The disk failed under this partition: it takes no write until a restart has recovered it."""

    error = "KAFKA_STORAGE_ERROR"


class NoSpace(LogError, OSError):
    """The disk is full: nothing of this batch was kept, and the same batch may be sent again."""

    error = "KAFKA_STORAGE_ERROR"


class RecoveryStopped(LogError, OSError):
    """The process was asked to end while it recovered this log: the next start recovers it."""

    error = "KAFKA_STORAGE_ERROR"


_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


def is_full(error: BaseException | None) -> bool:
    """Whether there was no room for a write: the one failure of a disk after which it may be asked again."""
    return isinstance(error, NoSpace) or (isinstance(error, OSError) and error.errno in _FULL)


class DamagedSegment(LogError, OSError):
    """A segment below the recovery point does not hold what was written: the disk has lost or changed it."""

    error = "CORRUPT_MESSAGE"
