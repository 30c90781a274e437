"""The limits and periods of the group coordinator, with Kafka's defaults."""

from __future__ import annotations

from dataclasses import dataclass

_MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class GroupConfig:
    """What an operator may set about groups; each field names its Kafka property. Durations are milliseconds.

    >>> GroupConfig().offsets_retention_ms
    604800000
    """

    min_session_timeout_ms: int = 6_000
    """`group.min.session.timeout.ms`"""
    max_session_timeout_ms: int = 30 * _MINUTE_MS
    """`group.max.session.timeout.ms`"""
    initial_rebalance_delay_ms: int = 3_000
    """`group.initial.rebalance.delay.ms`: how long an empty group waits for more members after the first."""
    max_size: int = 2**31 - 1
    """`group.max.size`: members of one group."""
    offset_metadata_max_bytes: int = 4_096
    """`offset.metadata.max.bytes`; Kafka counts UTF-16 code units, and so do we."""
    offsets_retention_ms: int = 7 * 24 * 60 * _MINUTE_MS
    """`offsets.retention.minutes`"""
    offsets_retention_check_interval_ms: int = 10 * _MINUTE_MS
    """`offsets.retention.check.interval.ms`"""
    max_record_bytes: int = 1_048_588
    """`max.message.bytes` of `__consumer_offsets`: a group whose members' metadata is larger cannot be stored."""


NEW_MEMBER_JOIN_TIMEOUT_MS = 5 * _MINUTE_MS
"""A member that has no id yet cannot send heartbeats, so while it waits for its first rebalance it is given this
long instead of its session time-out (Kafka's constant)."""
