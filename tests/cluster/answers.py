"""What a query gives, in Riacho and in Flink: columns with their types, and the rows that its changelog adds up to."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from riacho.bench.peers.flink import FlinkError, Result
from riacho.bench.peers.flink import Session as FlinkSession
from riacho.dataflow.batch import Batch
from riacho.dataflow.connectors import ConnectorEnvironment, check_table, open_source
from riacho.dataflow.connectors.fields import format_fields
from riacho.dataflow.expressions import Settings, zone
from riacho.dataflow.graph import Graph
from riacho.dataflow.sinks import SinkCounts
from riacho.dataflow.sources import Json, Positions, Source
from riacho.errors import RiachoError
from riacho.formats.json_encoder import JsonEncoder
from riacho.host import SystemClock
from riacho.jobs.script import LOCAL_TIME_ZONE, job_fingerprint
from riacho.jobs.trigger import trigger_of
from riacho.jobs.worker import Arrivals, Wiring, Worker
from riacho.plan.passes.batch import as_batch
from riacho.plan.relations import Job, Relation, Sink
from riacho.plan.tables import Table, TableColumn
from riacho.sql.batch import is_batch
from riacho.sql.session import Session

TOPIC = (
    "'connector' = 'kafka', 'properties.bootstrap.servers' = '${KAFKA}', 'scan.startup.mode' = 'earliest-offset', "
    "'scan.bounded.mode' = 'latest-offset', 'scan.watermark.emit.strategy' = 'on-event'"
)
UPSERT_TOPIC = (
    "'connector' = 'upsert-kafka', 'properties.bootstrap.servers' = '${KAFKA}', 'scan.bounded.mode' = 'latest-offset'"
)
SETTINGS = {"parallelism.default": "1", "table.local-time-zone": "UTC"}

KINDS = {"INSERT": 1, "UPDATE_AFTER": 1, "UPDATE_BEFORE": -1, "DELETE": -1}

DIGITS = 6
"""Significant ones of floating numbers that have to agree: sums depend on their order, and FLOAT has seven."""


@dataclass(frozen=True)
class Answer:
    """Rows as JSON texts and how often each occurs; two answers are equal also where both are refusals."""

    columns: tuple[str, ...] = ()
    rows: Counter[str] = field(default_factory=Counter)
    refused: bool = False
    reason: str = field(default="", compare=False)

    def __str__(self) -> str:
        if self.refused:
            return f"refused: {self.reason}"
        return "\n".join([", ".join(self.columns), *sorted(self.rows.elements())])


def statements(text: str) -> list[str]:
    """The statements of a file, each of which ends with a line."""
    return [each.strip() for each in re.split(r";\s*\n", text + "\n") if each.strip()]


def filled(text: str, kafka: str) -> str:
    """A text of DDL with the options of its topics."""
    for name, options in (("TOPIC", TOPIC), ("UPSERT_TOPIC", UPSERT_TOPIC)):
        text = text.replace(f"${{{name}}}", options)
    return text.replace("${KAFKA}", kafka)


def riacho_session(tables: str) -> Session:
    session = Session({}, check_table)
    list(session.steps(tables))
    return session


def riacho_answer(session: Session, text: str, kafka: str) -> Answer:
    """The last statement's answer, as a stream or a batch gives it; those before it make views and set options."""
    *before, query = statements(text)
    try:
        for each in before:
            session.execute(f"{each};")
        relation = session.query(query)
        if is_batch(session.options):
            relation = as_batch(relation)
        return Answer(
            tuple(f"{field.name} {field.type}" for field in relation.schema),
            _riacho_rows(relation, dict(session.options), kafka),
        )
    except RiachoError as error:
        return Answer(refused=True, reason=str(error))


def _riacho_rows(relation: Relation, options: dict[str, str], kafka: str) -> Counter[str]:
    """Run the query as a job, until its topics end, and add up its changes."""
    columns = tuple(TableColumn(field.name, field.type) for field in relation.schema)
    job = Job((Sink(relation, Table("result", columns, ())),), tuple(sorted(options.items())))
    time_zone, clock, arrivals = options.get(LOCAL_TIME_ZONE, "UTC"), SystemClock(), Arrivals()
    graph = Graph.build(job, Settings(zone=zone(time_zone), clock=clock))
    environment = ConnectorEnvironment("result", clock, kafka, time_zone, on_arrival=arrivals.notify)
    changes = Changes(columns)
    sources: dict[str, Source] = {}
    wiring = Wiring(sources, dict.fromkeys(graph.sinks, changes), arrivals)
    try:
        for scan_id, scan in graph.scans.items():
            sources[scan_id] = open_source(scan, environment)
        Worker(graph, wiring, trigger=trigger_of(options), clock=clock, fingerprint=job_fingerprint(job)).run()
    finally:
        wiring.close()
    assert all(count >= 0 for count in changes.rows.values()), f"Riacho took back what was not there: {changes.rows}"
    return +changes.rows


@dataclass(slots=True)
class Changes:
    """A sink that adds up what it is given."""

    columns: Sequence[TableColumn]
    rows: Counter[str] = field(default_factory=Counter)
    written: int = 0

    def write(self, batch: Batch) -> None:
        encoder = JsonEncoder(format_fields(self.columns), iso_timestamps=True, plain_decimals=True)
        types = [str(column.type) for column in self.columns]
        for line, sign in zip(encoder.encode(batch.frame), batch.signs().tolist(), strict=True):
            assert line is not None
            # A column's name may stand twice in a result, so the object is read as its pairs.
            values = [_nested(value) for _, value in json.loads(line, parse_float=Decimal, object_pairs_hook=Pairs)]
            self.rows[_row(values, types)] += sign
        self.written += len(batch)

    def flush(self) -> None:
        """Nothing waits."""

    def positions(self) -> Positions:
        return {}

    def restore(self, positions: Mapping[str, Json]) -> None:
        """Nothing was written."""

    @property
    def counts(self) -> SinkCounts:
        return SinkCounts(self.written)

    def close(self) -> None:
        """Nothing to let go of."""


class Pairs(list[tuple[str, Any]]):
    """The members of a JSON object."""


def _nested(value: Any) -> Any:
    if isinstance(value, Pairs):
        return {name: _nested(inner) for name, inner in value}
    return [_nested(each) for each in value] if isinstance(value, list) else value


def flink_answer(session: FlinkSession, text: str) -> Answer:
    """As `riacho_answer`, in a session of Flink's."""
    result = Result((), (), None)
    try:
        for statement in statements(text):
            result = session.execute(statement)
    except FlinkError as error:
        return Answer(refused=True, reason=error.what)
    types = [column.type for column in result.columns]
    columns = tuple(f"{column.name} {column.type}" for column in result.columns)
    rows: Counter[str] = Counter()
    for kind, values in result.rows:
        rows[_row(values, types)] += KINDS[kind]
    assert all(count >= 0 for count in rows.values()), f"Flink took back what was not there: {rows}"
    return Answer(columns, +rows)


def _row(values: Iterable[Any], types: Sequence[str]) -> str:
    """A row as text that is equal where the two engines mean the same."""
    return json.dumps([_value(value, kind) for value, kind in zip(values, types, strict=True)], ensure_ascii=False)


def _value(value: Any, kind: str) -> Any:
    if isinstance(value, dict):
        return {name: _value(inner, "") for name, inner in sorted(value.items())}
    if isinstance(value, list):
        return [_value(each, "") for each in value]
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, (Decimal, int)) and not kind.startswith(("DOUBLE", "FLOAT")):
        text = f"{value:f}" if isinstance(value, Decimal) else str(value)
        return text.rstrip("0").rstrip(".") if "." in text else text
    if isinstance(value, (Decimal, int)):
        return f"{float(value):.{DIGITS}g}"
    if isinstance(value, str) and re.match(r"(TIME|TIMESTAMP|TIMESTAMP_LTZ)\(", kind):
        return _time(value)
    return value


def _time(text: str) -> str:
    """A time in the least number of digits."""
    zone = "Z" if text.endswith("Z") else ""
    head, point, fraction = text.removesuffix("Z").partition(".")
    fraction = fraction.rstrip("0")
    head = head if re.search(r":\d\d:\d\d$", head) else f"{head}:00"
    return f"{head}{point if fraction else ''}{fraction}{zone}"
