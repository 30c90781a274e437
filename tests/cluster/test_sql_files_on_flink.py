"""The files of `tests/sql` in Flink: their expected rows are Flink's too.

Tables that are read become topics of our broker with the file's records; tables that are written take any changelog,
as Debezium's JSON. Lines of an expected file that only Riacho has (`late`, `skipped`, `dead-letter`) are left out.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from decimal import Context, Decimal
from pathlib import Path
from typing import Any

import pytest
from answers import SETTINGS, TOPIC, UPSERT_TOPIC, statements
from confluent_kafka import Producer

from conftest import SLOTS
from job_process import DEADLINE_S, Reader, create_topic
from riacho.bench.peers.flink import Flink, FlinkError
from riacho.testing.records import read_records
from running_broker import RunningBroker

FILES = Path(__file__).parents[1] / "sql"
NAMES = sorted(path.stem for path in FILES.glob("*.sql"))

OURS = {
    "riacho.": "its tables have options that only Riacho has",
    "'connector' = 'datagen'": "Flink's generated rows are others",
    "'connector' = 'filesystem'": "it reads files",
    "LANGUAGE PYTHON": "it calls Python",
    "nexmark": "Flink has no such connector",
}

DIFFERS = {
    "canal_source": "Flink looks for an old value in all rows of an event, not in its own alone",
    "computed_and_metadata_columns": "Flink drops a record without a key where the key has a format",
    "deviations": "Flink's deviations of large numbers lose their digits",
    "fields_of_rows": "Flink parses fields that nobody reads",
    "floating_sums": "Flink's sums are not compensated",
    "full_join": "Flink calls the columns that a NATURAL JOIN shares ambiguous",
    "hop_deviations": "Flink loses the deviations of FLOAT and DOUBLE in windows that are put together",
    "intervals_of_columns": "a column's days are milliseconds in Flink once they are cast to an interval",
    "lengths_trimmed_and_padded": "a NullPointerException",
    "over_by_a_column": "Flink counts different values of changing frames wrongly",
    "rank_with_ties": "RANK is an extension",
    "session_lists": "Flink cannot put together what FIRST_VALUE keeps",
    "top_n_of_changing_rows": "Flink leaves rows standing that are no longer among those asked for",
    "unnest_left_condition": "Flink has no plan for a condition that is correlated once more",
    "unnest_of_lists_and_null_rows": "Flink looks for a field behind the last one of a row",
    "upsert_materialize": "its table takes rows by key, which this one of all changes does not",
    "upsert_materialize_force": "its table takes rows by key, which this one of all changes does not",
    "versioned_view": "in Flink a NULL key meets the NULL version",
    "window_columns": "Flink does not write the time column beside window_time: both are row times",
    "window_lists": "Flink cannot put together what FIRST_VALUE keeps",
}
"""Files whose rows are others in Flink, or which it refuses, and why."""

BY_CHANCE = {
    "tumble_count": "Flink reads its partitions in any order",
    "union_of_two_watermarks": "Flink reads its tables in any order",
    "versioned_view_with_conditions": "what a condition throws away depends on how far Flink has read each topic",
}
"""Files that are not asked, because Flink's rows are sometimes ours and sometimes not."""

WRITTEN = "'connector' = 'kafka', 'properties.bootstrap.servers' = '${KAFKA}', 'format' = 'debezium-json'"
KEPT_OPTIONS = ("format", "key.", "value.", "json.", "csv.", "raw.", "debezium-json.", "canal-json.", "maxwell-json.")
CHANGES = {"before": -1, "after": 1}
OURS_ALONE = re.compile(r"#|(late|skipped|dead-letter)\b[^{]*$|dead-letter ")
"""Lines of an expected file that say nothing of rows."""

CREATED = re.compile(r"CREATE (?:TEMPORARY )?TABLE (?:IF NOT EXISTS )?`?(\w+)")
EXACT_DIGITS = 15
"""Significant ones of numbers that are compared: DOUBLE has no more."""


def reason_to_skip(name: str) -> str | None:
    text = (FILES / f"{name}.sql").read_text()
    return next((reason for mark, reason in OURS.items() if mark in text), None)


ASKED = [name for name in NAMES if name not in BY_CHANCE and reason_to_skip(name) is None]


class FlinkScript:
    """A script of `tests/sql` whose tables are topics of its own."""

    def __init__(self, name: str, kafka: str) -> None:
        self._name = name
        self._kafka = kafka
        self._text = re.sub(r"^--.*\n", "", (FILES / f"{name}.sql").read_text(), flags=re.MULTILINE)
        self._written = sorted(set(re.findall(r"\bINSERT INTO\s+`?(\w+)", self._text)))
        whole_sets = re.sub(
            r"EXECUTE STATEMENT SET.*?\bEND;", lambda found: found[0].replace(";\n", "; "), self._text, flags=re.DOTALL
        )
        self._statements = [self._rewritten(each) for each in statements(whole_sets)]

    def answer(self, flink: Flink) -> Counter[str] | FlinkError:
        """The accumulated rows of the tables that it writes, or why Flink does not."""
        self._make_topics()
        session = flink.session(SETTINGS)
        try:
            for statement in self._statements:
                job = session.execute(statement).job
                if job is not None:
                    flink.wait(job)
        except FlinkError as error:
            return error
        return self._rows()

    def _topic(self, table: str) -> str:
        return f"sql_{self._name}_{table}"

    def _rewritten(self, statement: str) -> str:
        created = CREATED.match(statement)
        if created is None:
            return statement
        table = created[1]
        head, _, options = statement.rpartition("WITH (")
        given = dict(re.findall(r"'([^']+)'\s*=\s*'((?:[^']|'')*)'", options))
        if table in self._written:
            chosen = WRITTEN
        else:
            kept = [f"'{key}' = '{value}'" for key, value in given.items() if key.startswith(KEPT_OPTIONS)]
            upserted = given["connector"] == "upsert-kafka"
            if upserted and "WATERMARK FOR" in head:
                kept.append("'scan.watermark.emit.strategy' = 'on-event'")
            chosen = ", ".join([UPSERT_TOPIC if upserted else TOPIC, *kept])
        return f"{head}WITH ({chosen}, 'topic' = '{self._topic(table)}')".replace("${KAFKA}", self._kafka)

    def _make_topics(self) -> None:
        input_file = FILES / f"{self._name}.input"
        records = read_records(input_file.read_text()) if input_file.exists() else []
        partitions = Counter(dict.fromkeys(CREATED.findall(self._text), 1))
        for record in records:
            partitions[record.table] = max(partitions[record.table], record.partition + 1)
        for table, count in partitions.items():
            create_topic(self._kafka, self._topic(table), count)
        producer = Producer({"bootstrap.servers": self._kafka, "enable.idempotence": True})
        for record in records:
            producer.produce(
                self._topic(record.table),
                record.value,
                record.key,
                record.partition,
                timestamp=record.timestamp,
                headers=list(record.headers),
            )
        assert producer.flush(DEADLINE_S) == 0

    def _rows(self) -> Counter[str]:
        rows: Counter[str] = Counter()
        for table in self._written:
            reader = Reader(self._kafka, self._topic(table))
            for message in reader.read():
                change = json.loads(message.value(), parse_float=Decimal)
                for side, sign in CHANGES.items():
                    if change[side] is not None:
                        rows[row_text(table, change[side]).replace(self._topic(""), "")] += sign
            reader.close()
        return +rows


def row_text(table: str, row: Mapping[str, Any]) -> str:
    """A row as text that is equal where its values are."""
    return f"{table} {json.dumps(_value(row), ensure_ascii=False, sort_keys=True)}"


def _value(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _value(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_value(inner) for inner in value]
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        return f"{Context(EXACT_DIGITS).create_decimal(value).normalize():f}"
    return value


def expected(name: str) -> Counter[str] | None:
    """The rows that both are to have; None where the job fails."""
    rows: Counter[str] = Counter()
    for line in (FILES / f"{name}.expected").read_text().splitlines():
        if line.startswith("error "):
            return None
        if line.strip() and not OURS_ALONE.match(line):
            table, _, row = line.partition(" ")
            rows[row_text(table, json.loads(row, parse_float=Decimal))] += 1
    return rows


@pytest.fixture(scope="module")
def scripts(
    request: pytest.FixtureRequest, flink: Flink, kafka: RunningBroker
) -> Iterator[Mapping[str, Future[Counter[str] | FlinkError]]]:
    asked = [name for name in ASKED if any(item.name.endswith(f"[{name}]") for item in request.session.items)]
    with ThreadPoolExecutor(SLOTS) as threads:
        yield {name: threads.submit(FlinkScript(name, kafka.bootstrap).answer, flink) for name in asked}


@pytest.mark.parametrize("name", ASKED)
def test_flink_ends_up_with_the_expected_rows(
    name: str, scripts: Mapping[str, Future[Counter[str] | FlinkError]]
) -> None:
    rows = scripts[name].result()
    ours = expected(name)
    same = isinstance(rows, FlinkError) if ours is None else rows == ours
    if name in DIFFERS:
        assert not same, "they do not differ any more: take it off the list"
    else:
        assert same, f"expected: {ours}\nFlink: {rows}"


def test_what_differs_is_asked() -> None:
    assert DIFFERS.keys() <= set(ASKED)
    assert BY_CHANCE.keys() <= set(NAMES)
