"""The settings of one topic that its log obeys, under Kafka's names and defaults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

UNLIMITED = 2**63 - 1
"""Kafka's Long.MAX_VALUE: the limit is never reached."""


@dataclass(frozen=True, slots=True)
class LogConfig:
    """What Kafka calls the topic-level configuration, as far as the log reads it.

    Sizes are in bytes, times in milliseconds; −1 means "no limit" for `retention_ms` and `retention_bytes`.
    Field `segment_bytes` is the property `segment.bytes`, and so on.

    >>> LogConfig().segment_bytes == 2**30
    True
    """

    segment_bytes: int = 2**30
    segment_ms: int = 7 * 24 * 3_600_000
    index_interval_bytes: int = 4096
    retention_ms: int = 7 * 24 * 3_600_000
    retention_bytes: int = -1
    max_message_bytes: int = 1_048_588
    message_timestamp_type: Literal["CreateTime", "LogAppendTime"] = "CreateTime"
    message_timestamp_before_max_ms: int = UNLIMITED
    message_timestamp_after_max_ms: int = 3_600_000
    cleanup_policy: frozenset[Literal["delete", "compact"]] = frozenset({"delete"})
    compression_type: str = "producer"
    flush_messages: int = UNLIMITED
    flush_ms: int = UNLIMITED
    producer_id_expiration_ms: int = 86_400_000

    @property
    def deletes(self) -> bool:
        """Whether retention by time and size applies."""
        return "delete" in self.cleanup_policy
