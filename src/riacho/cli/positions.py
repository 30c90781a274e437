"""Where reading begins: `--from earliest|latest|OFFSET|-COUNT|TIMESTAMP`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, auto

from riacho.client.admin import Admin
from riacho.client.cluster import TopicPartition
from riacho.errors import UsageError


class Kind(Enum):
    """What a position's number is."""

    OFFSET = auto()
    LAST = auto()
    """So many records before the end."""
    TIME = auto()
    """Milliseconds since 1970."""


@dataclass(frozen=True, slots=True)
class Position:
    """A place in every partition."""

    kind: Kind
    number: int

    def offsets(self, admin: Admin, spans: Mapping[TopicPartition, tuple[int, int]]) -> dict[TopicPartition, int]:
        """The offset in each partition, within its (first, end). A time's is that of the first record from it on."""
        match self.kind:
            case Kind.OFFSET:
                wanted = dict.fromkeys(spans, self.number)
            case Kind.LAST:
                wanted = {partition: end - self.number for partition, (_, end) in spans.items()}
            case Kind.TIME:
                found = admin.list_offsets(dict.fromkeys(spans, self.number))
                wanted = {
                    partition: offset if (offset := found[partition].offset) >= 0 else end
                    for partition, (_, end) in spans.items()
                }
        return {partition: min(max(wanted[partition], first), end) for partition, (first, end) in spans.items()}


def parse_position(text: str) -> Position:
    """A position. Raises `UsageError`.

    >>> parse_position("earliest"), parse_position("-10")
    (Position(kind=<Kind.OFFSET: 1>, number=0), Position(kind=<Kind.LAST: 2>, number=10))
    """
    if text == "earliest":
        return Position(Kind.OFFSET, 0)
    if text == "latest":
        return Position(Kind.LAST, 0)
    digits = text.removeprefix("-")
    if digits.isdecimal() and digits.isascii():
        return Position(Kind.LAST if text.startswith("-") else Kind.OFFSET, int(digits))
    try:
        return Position(Kind.TIME, to_milliseconds(text))
    except ValueError as error:
        raise UsageError(
            f"--from {text}: this is no position",
            mend="earliest, latest, an offset, -10 for the last ten, or a time as in 2013-02-08T12:00:00Z",
        ) from error


def to_milliseconds(text: str) -> int:
    """An ISO 8601 instant in milliseconds since 1970; UTC where it names no zone. Raises `ValueError`.

    >>> to_milliseconds("2013-02-08T12:00:00Z"), to_milliseconds("2013-02-08")
    (1360324800000, 1360281600000)
    """
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=UTC)
    since = instant - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000
