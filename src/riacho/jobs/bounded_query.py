"""A query over topics as they are now: run as a job does, up to the present end, its result kept in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl

from riacho.client.reaching import connected, named_topics
from riacho.dataflow.batch import Batch
from riacho.dataflow.columns import polars_schema
from riacho.dataflow.connectors import ConnectorEnvironment, open_source
from riacho.dataflow.expressions import Settings, zone
from riacho.dataflow.graph import Graph
from riacho.dataflow.sinks import SinkCounts
from riacho.dataflow.sources import Json, Positions, Source
from riacho.errors import UsageError
from riacho.host import SystemClock, SystemDisk
from riacho.jobs.ahead import read_ahead
from riacho.jobs.script import LOCAL_TIME_ZONE, JobContext, job_fingerprint, open_worker
from riacho.jobs.trigger import trigger_of
from riacho.jobs.worker import Arrivals, Wiring, Worker
from riacho.plan.changelog_modes import INSERT_ONLY, modifications
from riacho.plan.passes.batch import as_batch
from riacho.plan.relations import Job, Relation, Scan, Sink, rewrite_relation, walk_relations
from riacho.plan.tables import Table, TableColumn
from riacho.sql.batch import with_order
from riacho.sql.ordering import OrderedQuery

KAFKA_CONNECTORS = ("kafka", "upsert-kafka")


@dataclass(frozen=True, slots=True)
class QueryResult:
    """A query's final rows, and their columns with SQL types."""

    columns: tuple[TableColumn, ...]
    frame: pl.DataFrame


def query_result(
    query: OrderedQuery,
    options: Mapping[str, str],
    kafka: str,
    observe: Callable[[dict[str, Any]], None] | None = None,
) -> QueryResult:
    """Run a query over its tables' present contents. Raises `RiachoError`; Ctrl-C ends it.

    `observe` gets the worker's measurements, once a second.
    """
    require_topics(query.relation, kafka)
    order, relation = query.order, bounded(query.relation)
    arranged = bool(order.keys) or modifications(relation) != INSERT_ONLY
    relation = as_batch(with_order(replace(query, relation=relation)) if arranged else relation)
    columns = tuple(TableColumn(column.name, column.type) for column in relation.schema)
    job = Job((Sink(relation, Table("result", columns, ())),), tuple(sorted(options.items())))
    time_zone = options.get(LOCAL_TIME_ZONE, "UTC")
    clock = SystemClock()
    graph = Graph.build(job, Settings(zone=zone(time_zone), clock=clock))
    arrivals = Arrivals()
    environment = ConnectorEnvironment("sql", clock, kafka, time_zone, on_arrival=arrivals.notify)
    sources: dict[str, Source] = {}
    collected = CollectSink(pl.DataFrame(schema=polars_schema(relation.schema)))
    wiring = Wiring(sources, dict.fromkeys(graph.sinks, collected), arrivals)
    told = None if observe is None else lambda worker: observe(worker.measurements.current)
    try:
        for scan_id, scan in graph.scans.items():
            sources[scan_id] = read_ahead(open_source(scan, environment))
        trigger = trigger_of(options)
        worker = Worker(graph, wiring, trigger=trigger, clock=clock, fingerprint=job_fingerprint(job), observe=told)
        if not arranged and order.enough is not None:
            collected.call_when(order.enough, worker.stop)
        worker.run()
    finally:
        wiring.close()
    shown = columns[: query.width]
    rows = collected.rows() if arranged else collected.rows().slice(order.offset, order.limit)
    return QueryResult(shown, rows.select(column.name for column in shown))


def run_insert(job: Job, kafka: str) -> dict[str, int]:
    """Run an INSERT over its tables' present contents; the rows written by table. Raises `RiachoError`."""
    for sink in job.sinks:
        require_topics(sink.input, kafka)
    job = replace(job, sinks=tuple(replace(sink, input=bounded(sink.input)) for sink in job.sinks))
    worker, wiring = open_worker(job, JobContext("sql", SystemClock(), SystemDisk(), None, kafka))
    try:
        worker.run()
        return {
            relation.table.name: sink.counts.rows
            for sink, relation in zip(wiring.sinks.values(), job.sinks, strict=True)
        }
    finally:
        wiring.close()


def require_topics(query: Relation, kafka: str) -> None:
    """Raise `UsageError` where a topic that is read does not exist: reading it would make it, empty."""
    wanted: dict[str, list[str]] = {}
    for relation in walk_relations(query):
        if isinstance(relation, Scan) and relation.table.connector in KAFKA_CONNECTORS:
            servers = relation.table.option("properties.bootstrap.servers") or kafka
            topics = relation.table.option("topic") or ""
            wanted.setdefault(servers, []).extend(topic.strip() for topic in topics.split(";") if topic.strip())
    for servers, names in wanted.items():
        with connected(servers, "sql") as cluster:
            named_topics(cluster, names)


def bounded(query: Relation) -> Relation:
    """The same query, of which every scan ends: topics at their present end, and from their start unless they say.

    Raises `UsageError` for a table that never ends, and for one that is read from the offsets of no group.
    """
    return rewrite_relation(query, _bounded_scan)


def _generated_rows_end(options: Mapping[str, str]) -> bool:
    """Whether a `datagen` table has a last row: a sequence has one."""
    return "number-of-rows" in options or any(
        key.endswith(".kind") and value.lower() == "sequence" for key, value in options.items()
    )


def _bounded_scan(relation: Relation) -> Relation:
    if not isinstance(relation, Scan):
        return relation
    table = relation.table
    options = dict(table.options)
    if table.connector == "datagen" and not _generated_rows_end(options):
        raise UsageError(
            f"the table {table.name} never ends, and a query here must",
            where=table.origin,
            mend="give it the option 'number-of-rows', or run the script with `riacho run`",
        )
    if table.connector in KAFKA_CONNECTORS:
        options.setdefault("scan.bounded.mode", "latest-offset")
        if table.connector == "kafka" and "properties.group.id" not in options:
            _refuse_group_offsets(table)
            options.setdefault("scan.startup.mode", "earliest-offset")
    return replace(relation, table=replace(table, options=tuple(sorted(options.items()))))


def _refuse_group_offsets(table: Table) -> None:
    """Where no group is named they would be those that an earlier query left for a table of this name."""
    for option in ("scan.startup.mode", "scan.bounded.mode"):
        if (table.option(option) or "").strip().lower() == "group-offsets":
            raise UsageError(
                f"the table {table.name} has '{option}' = 'group-offsets', but no group",
                where=table.origin,
                mend="name the group: 'properties.group.id'",
            )


@dataclass(slots=True)
class CollectSink:
    """Keeps the rows written to it."""

    _nothing: pl.DataFrame
    _frames: list[pl.DataFrame] = field(default_factory=list)
    _written: int = 0
    _enough: int | None = None
    _on_enough: Callable[[], None] | None = None

    def call_when(self, rows: int, reached: Callable[[], None]) -> None:
        """Call `reached` once so many rows were written: more are not wanted."""
        self._enough, self._on_enough = rows, reached

    def write(self, batch: Batch) -> None:
        assert batch.diff is None or (batch.diff > 0).all(), "a batch only adds rows"
        self._frames.append(batch.frame)
        self._written += len(batch)
        if self._on_enough is not None and self._enough is not None and self._written >= self._enough:
            self._on_enough()

    def rows(self) -> pl.DataFrame:
        """The result so far."""
        return pl.concat([self._nothing, *self._frames])

    def flush(self) -> None:
        return None

    def positions(self) -> Positions:
        return {}

    def restore(self, positions: Mapping[str, Json]) -> None:
        """Nothing outlives the query."""

    @property
    def counts(self) -> SinkCounts:
        return SinkCounts(self._written)

    def close(self) -> None:
        return None
