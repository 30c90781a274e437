"""Records of Kafka topics as the lines of a test's input file.

A record a line, in the order of arrival over all tables; the value stands as it would in Kafka, `null` is a tombstone,
and a key has no spaces:

    bids {"auction": 1, "price": 3}
    bids/1 time=1704067200000 headers={"who":"Ada"} {"auction": 2, "price": 4}
    rates key={"currency":"EUR"} null
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass

from riacho.client.columns import Header
from riacho.errors import UsageError

LINE = re.compile(r"(?P<table>\w+)(/(?P<partition>\d+))?(?P<attributes>( (key|time|headers)=\S+)*) (?P<value>.*)")


@dataclass(frozen=True, slots=True)
class Record:
    """A line of an input file: a record that arrives in a table's topic."""

    table: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp: int
    headers: tuple[Header, ...]
    line: int = 0
    """Its number in the file, from 1."""


def read_records(text: str, file: str = "input") -> list[Record]:
    """The records of an input file, in the order of arrival. Raises `UsageError` for a line that is none."""
    records = []
    offsets: Counter[tuple[str, int]] = Counter()
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        matched = LINE.fullmatch(line)
        if matched is None:
            raise UsageError(
                f"this is no record: {line}",
                where=f"{file}:{number}",
                mend='write it like: bids {"auction": 1} or bids/1 key=a time=1704067200000 {"auction": 1}',
            )
        table, partition, value = matched["table"], int(matched["partition"] or 0), matched["value"]
        attributes = dict(part.split("=", 1) for part in matched["attributes"].split())
        records.append(
            Record(
                table,
                partition,
                offsets[table, partition],
                attributes["key"].encode() if "key" in attributes else None,
                None if value == "null" else value.encode(),
                _time(attributes.get("time", "0"), f"{file}:{number}"),
                _headers(attributes.get("headers", "{}"), f"{file}:{number}"),
                number,
            )
        )
        offsets[table, partition] += 1
    return records


def _time(text: str, where: str) -> int:
    """A record's time. Raises `UsageError`."""
    try:
        return int(text)
    except ValueError:
        raise UsageError(f"this is no time: {text}", where=where, mend="write milliseconds, like: time=0") from None


def _headers(text: str, where: str) -> tuple[Header, ...]:
    """The headers that a JSON object of texts names. Raises `UsageError`."""
    try:
        given = json.loads(text)
    except ValueError:
        given = None
    if not isinstance(given, dict) or not all(isinstance(content, str) for content in given.values()):
        raise UsageError(f"these are no headers: {text}", where=where, mend='write them like: headers={"who":"Ada"}')
    return tuple((name, content.encode()) for name, content in given.items())
