"""Opens connectors from SQL text, as a job does."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from confluent_kafka.admin import AdminClient, NewTopic

from riacho.dataflow.batch import Batch, WatermarkSteps
from riacho.dataflow.columns import polars_schema
from riacho.dataflow.connectors import ConnectorEnvironment, check_table, open_sink, open_source
from riacho.dataflow.sinks import Sink
from riacho.dataflow.sources import Source, SourceBatch
from riacho.plan.relations import Job, Scan, walk_relations
from riacho.sql.session import compile_script
from running_broker import RunningBroker

DEADLINE_SECONDS = 90.0
ENVIRONMENT = ConnectorEnvironment(job="test")


def create(kafka: RunningBroker, topic: str, partitions: int = 1) -> None:
    """Make a topic."""
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    for made in admin.create_topics([NewTopic(topic, partitions)]).values():
        made.result(DEADLINE_SECONDS)


def upsert_options(kafka: RunningBroker, topic: str) -> dict[str, str]:
    """Those of an upserted table in JSON."""
    return {
        "connector": "upsert-kafka",
        "topic": topic,
        "properties.bootstrap.servers": kafka.bootstrap,
        "key.format": "json",
        "value.format": "json",
    }


def compile_job(sql: str) -> Job:
    """The only job of a script."""
    (job,) = compile_script(sql, "test.sql", {}, check_table).jobs
    return job


def source(columns: str, options: dict[str, str], environment: ConnectorEnvironment = ENVIRONMENT) -> Source:
    """The source of a table that is read whole."""
    text = f"{_table('t', columns, options)} {_NOWHERE} INSERT INTO nowhere SELECT 1 FROM t;"
    table = next(part.table for part in walk_relations(compile_job(text).sinks[0]) if isinstance(part, Scan))
    fields = tuple(column.name for column in table.stored_columns)
    return open_source(Scan(table, fields), environment)


def sink(
    columns: str, options: dict[str, str], environment: ConnectorEnvironment = ENVIRONMENT
) -> tuple[Sink, dict[str, pl.DataType]]:
    """The sink of a table, and the columns that it takes."""
    text = f"{_table('t', columns, options)} INSERT INTO t SELECT * FROM v;"
    physical = columns.split(", PRIMARY KEY")[0]
    text = f"CREATE TABLE v ({physical}) WITH ('connector' = 'datagen'); " + text
    (relation,) = compile_job(text).sinks
    return open_sink(relation, environment), polars_schema(relation.input.schema)


def write(into: tuple[Sink, dict[str, pl.DataType]], rows: Sequence[tuple[Any, ...]], diff: Sequence[int] = ()) -> None:
    """One pass with these rows."""
    opened, schema = into
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    signs = np.array(diff, np.int8) if diff else None
    opened.write(Batch(frame, np.arange(len(rows)), WatermarkSteps.still(), signs))


def read_all(opened: Source) -> list[SourceBatch]:
    """Everything that a bounded source delivers."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    batches = []
    while not opened.finished:
        assert time.monotonic() < deadline, "the source did not end"
        batch = opened.poll(100_000, 1 << 26, 100)
        if batch is not None:
            batches.append(batch)
    return batches


def read_rows(opened: Source, count: int) -> list[tuple[Any, ...]]:
    """At least this many rows of an unbounded source."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    rows: list[tuple[Any, ...]] = []
    while len(rows) < count:
        assert time.monotonic() < deadline, f"only {rows} came"
        batch = opened.poll(100_000, 1 << 26, 100)
        rows += [] if batch is None else batch.frame.rows()
    return rows


def rows_of(batches: Sequence[SourceBatch]) -> list[tuple[Any, ...]]:
    return [row for batch in batches for row in batch.frame.rows()]


_NOWHERE = "CREATE TABLE nowhere (n INT) WITH ('connector' = 'blackhole');"


def _table(name: str, columns: str, options: dict[str, str]) -> str:
    listed = ", ".join(f"'{key}' = '{value}'" for key, value in options.items())
    return f"CREATE TABLE {name} ({columns}) WITH ({listed});"
