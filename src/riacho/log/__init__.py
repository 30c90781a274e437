"""The partitioned append-only log on disk."""

from riacho.log.config import LogConfig
from riacho.log.directory import LogDirectory
from riacho.log.epochs import EpochEnd
from riacho.log.errors import (
    BatchError,
    DamagedSegment,
    InvalidProducerEpoch,
    LogError,
    NoSpace,
    OffsetOutOfRange,
    OutOfOrderSequence,
    PartitionOffline,
)
from riacho.log.header import BatchHeader, check_batch
from riacho.log.partition import Appended, Partition, Slice, TimestampedOffset

__all__ = [
    "Appended",
    "BatchError",
    "BatchHeader",
    "DamagedSegment",
    "EpochEnd",
    "InvalidProducerEpoch",
    "LogConfig",
    "LogDirectory",
    "LogError",
    "NoSpace",
    "OffsetOutOfRange",
    "OutOfOrderSequence",
    "Partition",
    "PartitionOffline",
    "Slice",
    "TimestampedOffset",
    "check_batch",
]
