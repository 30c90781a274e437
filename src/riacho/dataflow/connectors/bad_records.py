"""What a table says of records that give no row: its options, and the policies that they choose from."""

from __future__ import annotations

from enum import Enum

from riacho.formats.options import Option, one_of


class BadRecordPolicy(Enum):
    """What becomes of such a record."""

    FAIL = "fail"
    SKIP = "skip"
    DEAD_LETTER = "dead-letter"


def _policy(value: str) -> BadRecordPolicy:
    return BadRecordPolicy(one_of(*(policy.value for policy in BadRecordPolicy))(value))


def _topic(value: str) -> str | None:
    return value


POLICY: Option[BadRecordPolicy] = Option("riacho.bad-records", _policy, BadRecordPolicy.FAIL)
DEAD_LETTER_TOPIC: Option[str | None] = Option("riacho.dead-letter.topic", _topic, None)
