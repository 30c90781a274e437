"""Records of Kafka topics as the lines of a test's input file; their format is that of `tests/sql`."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass

from riacho.client.columns import Header

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


def read_records(text: str) -> list[Record]:
    """The records of an input file, in the order of arrival."""
    records = []
    offsets: Counter[tuple[str, int]] = Counter()
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        matched = LINE.fullmatch(line)
        assert matched is not None, f"line {number} is no record: {line}"
        table, partition, value = matched["table"], int(matched["partition"] or 0), matched["value"]
        attributes = dict(part.split("=", 1) for part in matched["attributes"].split())
        headers = json.loads(attributes.get("headers", "{}"))
        records.append(
            Record(
                table,
                partition,
                offsets[table, partition],
                attributes["key"].encode() if "key" in attributes else None,
                None if value == "null" else value.encode(),
                int(attributes.get("time", 0)),
                tuple((name, content.encode()) for name, content in headers.items()),
            )
        )
        offsets[table, partition] += 1
    return records
