"""How many of a log's oldest segments its retention no longer asks for (`retention.ms`, `retention.bytes`)."""

from __future__ import annotations

from collections.abc import Sequence

from riacho.log.config import LogConfig
from riacho.log.segment import Segment


def expendable(segments: Sequence[Segment], config: LogConfig, now_ms: int) -> int:
    """Whole segments only, oldest first, as Kafka deletes them. Compacted-only logs keep everything."""
    if not config.deletes:
        return 0
    return max(_by_age(segments, config.retention_ms, now_ms), _by_size(segments, config.retention_bytes))


def _by_age(segments: Sequence[Segment], retention_ms: int, now_ms: int) -> int:
    """Those whose newest record is past `retention_ms`; a segment without timestamps counts from its opening."""
    if retention_ms < 0:
        return 0
    for number, segment in enumerate(segments):
        timestamp = segment.largest_timestamp()[0]
        if now_ms - (timestamp if timestamp >= 0 else segment.created_ms) <= retention_ms:
            return number
    return len(segments)


def _by_size(segments: Sequence[Segment], retention_bytes: int) -> int:
    """Those without which the log still holds `retention_bytes`."""
    if retention_bytes < 0:
        return 0
    excess = sum(segment.size for segment in segments) - retention_bytes
    for number, segment in enumerate(segments):
        excess -= segment.size
        if excess < 0:
            return number
    return len(segments)
