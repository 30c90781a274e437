"""The connectors by name: what a job's scans and sinks are opened with. Each is imported when a table names it."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass

from riacho.dataflow.connectors.environment import ConnectorEnvironment
from riacho.dataflow.connectors.option_names import check_option_names
from riacho.dataflow.sinks import Sink
from riacho.dataflow.sources import Source
from riacho.formats.options import OptionError
from riacho.plan.changelog import is_updating, unique_keys
from riacho.plan.relations import Scan
from riacho.plan.relations import Sink as SinkRelation
from riacho.plan.table_changes import Changes, sink_changes
from riacho.plan.tables import Table


def open_source(scan: Scan, environment: ConnectorEnvironment) -> Source:
    """The source of a scan; it connects at its first poll. Raises `OptionError` for a wrong option."""
    connector = _connector(scan.table)
    if connector.source is None:
        raise OptionError(
            f"table {scan.table.name}: the connector '{scan.table.connector}' cannot be read", where=scan.table.origin
        )
    return connector.source(scan, environment)


def open_sink(sink: SinkRelation, environment: ConnectorEnvironment) -> Sink:
    """The sink of a plan's end. Raises `OptionError` for a wrong option, or for changes that it cannot take."""
    table = sink.table
    connector = _connector(table)
    if connector.sink is None:
        raise OptionError(
            f"table {table.name}: the connector '{table.connector}' cannot be written", where=table.origin
        )
    if sink_changes(table) is Changes.APPEND and is_updating(sink.input):
        raise OptionError(
            f"table {table.name}: the connector '{table.connector}' only appends, but the query changes its rows",
            where=table.origin,
            mend="write to 'upsert-kafka' with a PRIMARY KEY, or group by a window",
        )
    return connector.sink(sink, environment)


def check_table(table: Table) -> None:
    """Check a table's options, for reading and for writing, without connecting. Raises `OptionError`."""
    connector = _connector(table)
    check_option_names(table)
    connector.check(table)


def connectors() -> tuple[str, ...]:
    """The names of all connectors."""
    return tuple(sorted(_CONNECTORS))


@dataclass(frozen=True, slots=True)
class _Connector:
    source: Callable[[Scan, ConnectorEnvironment], Source] | None
    sink: Callable[[SinkRelation, ConnectorEnvironment], Sink] | None
    check: Callable[[Table], object]


def _connector(table: Table) -> _Connector:
    name = table.connector
    if name not in _CONNECTORS:
        nearest = difflib.get_close_matches(name, connectors(), 1)
        mend = f"did you mean '{nearest[0]}'?" if nearest else f"connectors: {', '.join(connectors())}"
        raise OptionError(f"table {table.name}: unknown connector '{name}'", where=table.origin, mend=mend)
    return _CONNECTORS[name]


def _kafka_source(scan: Scan, environment: ConnectorEnvironment) -> Source:
    from riacho.dataflow.connectors.kafka import read_table
    from riacho.dataflow.sources.kafka import KafkaSource

    return KafkaSource(read_table(scan.table, environment), scan.fields, environment)


def _kafka_sink(sink: SinkRelation, environment: ConnectorEnvironment) -> Sink:
    from riacho.dataflow.connectors.kafka import check_sink, read_table
    from riacho.dataflow.sinks.kafka import KafkaSink
    from riacho.dataflow.sinks.upserts import upserts_of

    table = read_table(sink.table, environment)
    check_sink(table)
    return KafkaSink(table, environment, upserts_of(sink, list(table.key_columns)) if table.upserts else None)


def _datagen_source(scan: Scan, environment: ConnectorEnvironment) -> Source:
    from riacho.dataflow.sources.datagen import DatagenSource

    return DatagenSource(scan, environment)


def _nexmark_source(scan: Scan, environment: ConnectorEnvironment) -> Source:
    from riacho.dataflow.sources.nexmark import NexmarkSource

    return NexmarkSource(scan, environment)


def _file_source(scan: Scan, environment: ConnectorEnvironment) -> Source:
    from riacho.dataflow.connectors.filesystem import read_table
    from riacho.dataflow.sources.filesystem import FileSource

    del environment
    return FileSource(read_table(scan.table), scan.fields)


def _file_sink(sink: SinkRelation, environment: ConnectorEnvironment) -> Sink:
    from riacho.dataflow.connectors.filesystem import read_table
    from riacho.dataflow.sinks.filesystem import FileSink
    from riacho.dataflow.sinks.partitioned_files import PartitionedFileSink

    table = read_table(sink.table)
    return FileSink(table, environment) if table.partitions is None else PartitionedFileSink(table, environment)


def _print_sink(sink: SinkRelation, environment: ConnectorEnvironment) -> Sink:
    from riacho.dataflow.sinks.print import PrintSink

    keys = unique_keys(sink.input)
    key = sorted(min(keys, key=lambda one: sorted(one))) if keys else None
    return PrintSink(sink.table, sink.input.schema, environment, key)


def _blackhole_sink(sink: SinkRelation, environment: ConnectorEnvironment) -> Sink:
    from riacho.dataflow.sinks.blackhole import BlackholeSink

    del environment
    return BlackholeSink(sink.table)


def _check_kafka(table: Table) -> object:
    from riacho.dataflow.connectors.kafka import read_table

    return read_table(table, ConnectorEnvironment(bootstrap_servers=""))


def _check_datagen(table: Table) -> object:
    stored = tuple(column.name for column in table.stored_columns)
    return _datagen_source(Scan(table, stored), ConnectorEnvironment())


def _check_nexmark(table: Table) -> object:
    from riacho.dataflow.sources.nexmark import check_nexmark

    return check_nexmark(table)


def _check_files(table: Table) -> object:
    from riacho.dataflow.connectors.filesystem import read_table

    return read_table(table)


def _check_print(table: Table) -> object:
    from riacho.dataflow.sinks.print import check_print

    return check_print(table)


def _check_blackhole(table: Table) -> object:
    from riacho.dataflow.sinks.blackhole import BlackholeSink

    return BlackholeSink(table)


_CONNECTORS = {
    "kafka": _Connector(_kafka_source, _kafka_sink, _check_kafka),
    "upsert-kafka": _Connector(_kafka_source, _kafka_sink, _check_kafka),
    "datagen": _Connector(_datagen_source, None, _check_datagen),
    "nexmark": _Connector(_nexmark_source, None, _check_nexmark),
    "filesystem": _Connector(_file_source, _file_sink, _check_files),
    "print": _Connector(None, _print_sink, _check_print),
    "blackhole": _Connector(None, _blackhole_sink, _check_blackhole),
}
