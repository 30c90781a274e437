"""What the `kafka` and `upsert-kafka` connectors read from a table: options, formats, key and value columns.

Source: Flink, "Apache Kafka SQL Connector" and "Upsert Kafka SQL Connector".
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass

from riacho.client import ClientConfig, Cluster, FetchConfig, OffsetReset, ProducerConfig
from riacho.dataflow.connectors.bad_records import DEAD_LETTER_TOPIC, POLICY, BadRecordPolicy
from riacho.dataflow.connectors.environment import ConnectorEnvironment
from riacho.dataflow.connectors.fields import format_fields
from riacho.dataflow.connectors.format_metadata import columns_of_format, readable_from
from riacho.dataflow.connectors.tables import check_metadata, options_of
from riacho.formats.fields import Field
from riacho.formats.format import Format
from riacho.formats.options import Option, Options, duration, integer, items, one_of
from riacho.formats.registry import open_format
from riacho.plan.table_changes import CHANGELOG_FORMATS
from riacho.plan.tables import ColumnKind, Table, TableColumn
from riacho.plan.types import BIGINT, BYTES, INT, STRING, DataType, MapType, TimestampLtzType

log = logging.getLogger(__name__)

EARLIEST, LATEST, GROUP = "earliest-offset", "latest-offset", "group-offsets"
TIMESTAMP, SPECIFIC, UNBOUNDED = "timestamp", "specific-offsets", "unbounded"
ALL, EXCEPT_KEY = "ALL", "EXCEPT_KEY"
DEFAULT, FIXED, ROUND_ROBIN = "default", "fixed", "round-robin"

FETCH_BYTES = 16 << 20
"""Of one response, be it all of one partition, where Kafka's consumer asks for 1 MiB of each and 50 MiB in all. Each
response costs the job's main thread some handing over of the interpreter's lock, which took as long as 500 rows of a
small pass; larger ones are memory that is cleared before and leaves the caches. Where little waits, little is fetched.
"""

Offsets = Mapping[int, int]
"""An offset for each partition number."""


def _word(value: str) -> str | None:
    return value


def _number(value: str) -> int | None:
    return integer(value)


def _specific(value: str) -> Offsets | None:
    """
    >>> _specific("partition:0,offset:42;partition:1,offset:300")
    {0: 42, 1: 300}
    """
    found = {}
    for part in items(value):
        matched = re.fullmatch(r"partition:(\d+),\s*offset:(\d+)", part)
        if matched is None:
            raise ValueError("like 'partition:0,offset:42;partition:1,offset:300'")
        found[int(matched[1])] = int(matched[2])
    return found


def _pattern(value: str) -> re.Pattern[str] | None:
    try:
        return re.compile(value)
    except re.error as error:
        raise ValueError(f"a regular expression ({error})") from None


_TOPICS: Option[tuple[str, ...]] = Option("topic", items, ())
_PATTERN: Option[re.Pattern[str] | None] = Option("topic-pattern", _pattern, None)
_FORMAT: Option[str | None] = Option("format", _word, None)
_VALUE_FORMAT: Option[str | None] = Option("value.format", _word, None)
_KEY_FORMAT: Option[str | None] = Option("key.format", _word, None)
_KEY_FIELDS: Option[tuple[str, ...]] = Option("key.fields", items, ())
_KEY_PREFIX: Option[str | None] = Option("key.fields-prefix", _word, None)
_INCLUDE = Option("value.fields-include", one_of(ALL, EXCEPT_KEY), ALL)
_STARTUP = Option("scan.startup.mode", one_of(EARLIEST, LATEST, GROUP, TIMESTAMP, SPECIFIC), GROUP)
_STARTUP_OFFSETS: Option[Offsets | None] = Option("scan.startup.specific-offsets", _specific, None)
_STARTUP_TIME: Option[int | None] = Option("scan.startup.timestamp-millis", _number, None)
_BOUNDED = Option("scan.bounded.mode", one_of(UNBOUNDED, LATEST, GROUP, TIMESTAMP, SPECIFIC), UNBOUNDED)
_BOUNDED_OFFSETS: Option[Offsets | None] = Option("scan.bounded.specific-offsets", _specific, None)
_BOUNDED_TIME: Option[int | None] = Option("scan.bounded.timestamp-millis", _number, None)
_DISCOVERY = Option("scan.topic-partition-discovery.interval", duration, 300_000)
_PARTITIONER = Option("sink.partitioner", one_of(DEFAULT, FIXED, ROUND_ROBIN), DEFAULT)
_GUARANTEE = Option("sink.delivery-guarantee", one_of("at-least-once", "none", "exactly-once"), "at-least-once")
_HARMLESS: tuple[Option[str | None], ...] = tuple(
    Option(key, _word, None)
    for key in (
        "sink.parallelism",
        "scan.parallelism",
        "sink.transactional-id-prefix",
        "sink.buffer-flush.max-rows",
        "sink.buffer-flush.interval",
    )
)
"""Options of Flink's that ask for nothing here: one worker writes, and a pass is what is flushed."""

READABLE: Mapping[str, DataType] = {
    "topic": STRING,
    "partition": INT,
    "headers": MapType(STRING, BYTES),
    "leader-epoch": INT,
    "offset": BIGINT,
    "timestamp": TimestampLtzType(3),
    "timestamp-type": STRING,
}
WRITABLE = ("headers", "timestamp")


@dataclass(frozen=True, slots=True)
class Start:
    """Where reading begins or ends: a mode, with its offsets or its time."""

    mode: str
    offsets: Offsets | None = None
    timestamp: int | None = None


@dataclass(frozen=True, slots=True)
class KafkaTable:
    """A table of either Kafka connector, its options checked.

    `key_columns` maps a table's column to its name in the key format. `value_columns` are those in the value, and
    `value_metadata` those that hold what the value's format knows beside.
    """

    table: Table
    topics: tuple[str, ...]
    pattern: re.Pattern[str] | None
    properties: dict[str, str]
    key: Format | None
    key_columns: dict[str, str]
    value: Format
    value_columns: tuple[str, ...]
    value_metadata: tuple[str, ...]
    startup: Start
    bounded: Start
    discovery_ms: int
    partitioner: str
    waits_for_acknowledgement: bool
    policy: BadRecordPolicy
    dead_letter_topic: str | None

    @property
    def upserts(self) -> bool:
        return self.table.connector == "upsert-kafka"

    def client(self, environment: ConnectorEnvironment) -> ClientConfig:
        """How to reach the table's cluster."""
        properties = self.properties
        return ClientConfig(
            properties.get("bootstrap.servers") or environment.bootstrap_servers or "",
            client_id=properties.get("client.id", f"riacho-{environment.job}"),
            request_timeout_ms=int(properties.get("request.timeout.ms", 30_000)),
            clock=environment.clock,
        )

    def cluster(self, environment: ConnectorEnvironment) -> Cluster:
        """A connection to the table's cluster, not yet opened."""
        return Cluster(self.client(environment))

    def fetching(self) -> FetchConfig:
        """The consumer's properties that a fetcher knows."""
        properties = self.properties
        return FetchConfig(
            max_wait_ms=int(properties.get("fetch.max.wait.ms", 500)),
            min_bytes=int(properties.get("fetch.min.bytes", 1)),
            max_bytes=int(properties.get("fetch.max.bytes", FETCH_BYTES)),
            max_partition_bytes=int(properties.get("max.partition.fetch.bytes", FETCH_BYTES)),
            read_committed=properties.get("isolation.level", "read_committed") == "read_committed",
            offset_reset=self.offset_reset(),
        )

    def offset_reset(self) -> OffsetReset:
        """What to do without an offset: Kafka's `auto.offset.reset`; Flink's default is none."""
        return OffsetReset(self.properties.get("auto.offset.reset", OffsetReset.FAIL.value))

    def producing(self) -> ProducerConfig:
        """The producer's properties that ours knows."""
        properties = self.properties
        acks = properties.get("acks", "all")
        return ProducerConfig(
            acks={"all": -1, "-1": -1, "0": 0, "1": 1}[acks],
            idempotent=properties.get("enable.idempotence", "true").lower() == "true" and acks in ("all", "-1"),
            compression=properties.get("compression.type", "none"),
            linger_ms=float(properties.get("linger.ms", 0)),
            delivery_timeout_ms=float(properties.get("delivery.timeout.ms", 120_000)),
            create_topics=properties.get("allow.auto.create.topics", "true").lower() == "true",
        )


_NUMERIC = (
    "request.timeout.ms",
    "fetch.max.wait.ms",
    "fetch.min.bytes",
    "fetch.max.bytes",
    "max.partition.fetch.bytes",
    "linger.ms",
    "delivery.timeout.ms",
)
_CHOICES: dict[str, tuple[str, ...]] = {
    "acks": ("all", "-1", "0", "1"),
    "auto.offset.reset": tuple(reset.value for reset in OffsetReset),
    "isolation.level": ("read_committed", "read_uncommitted"),
    "compression.type": ("none", "gzip", "snappy", "lz4", "zstd"),
    "enable.idempotence": ("true", "false"),
    "allow.auto.create.topics": ("true", "false"),
    "security.protocol": ("PLAINTEXT",),
}
_OTHERS = ("bootstrap.servers", "group.id", "client.id")


def read_table(table: Table, environment: ConnectorEnvironment) -> KafkaTable:
    """The table with every option checked. Raises `OptionError`."""
    options = options_of(table)
    upserts = table.connector == "upsert-kafka"
    topics, pattern = options.get(_TOPICS), options.get(_PATTERN)
    if bool(topics) == (pattern is not None):
        raise options.error("exactly one of the options 'topic' and 'topic-pattern' must be set")
    properties = _properties(options, environment)
    value_name = _value_format(options)
    key_name = options.get(_KEY_FORMAT)
    key_fields = _key_fields(table, options, key_name, value_name)
    prefix, include = options.get(_KEY_PREFIX) or "", options.get(_INCLUDE)
    _check_formats(options, key_name, value_name, upserts=upserts)
    physical = {column.name: column for column in table.columns if column.kind is ColumnKind.PHYSICAL}
    _check_keys(options, physical, key_name, key_fields, prefix, include)
    check_metadata(options, table, {**READABLE, **readable_from(value_name)})
    value_metadata = columns_of_format(table, value_name)
    key_columns = {name: name.removeprefix(prefix) for name in key_fields}
    value_columns = tuple(name for name in physical if include == ALL or name not in key_columns)
    value_fields = format_fields(physical[name] for name in value_columns)
    value = open_format(value_name, value_fields, _scoped(options, "value."), value_metadata)
    key = None
    if key_name is not None:
        renamed = [
            Field(key_columns[item.name], item.type) for item in format_fields(physical[name] for name in key_fields)
        ]
        key = open_format(key_name, renamed, options.within("key."))
    if options.get(_GUARANTEE) == "exactly-once":
        raise options.wrong(_GUARANTEE, "transactions are not there yet: use 'at-least-once' or 'none'")
    for option in _HARMLESS:
        options.get(option)
    result = KafkaTable(
        table,
        topics,
        pattern,
        properties,
        key,
        key_columns,
        value,
        value_columns,
        tuple(value_metadata),
        _startup(options, upserts=upserts),
        _bounded(options),
        options.get(_DISCOVERY),
        options.get(_PARTITIONER),
        options.get(_GUARANTEE) != "none",
        options.get(POLICY),
        options.get(DEAD_LETTER_TOPIC),
    )
    options.finish()
    return result


def _key_fields(table: Table, options: Options, key_name: str | None, value_name: str) -> tuple[str, ...]:
    """The columns that the record's key has: of upsert-kafka those of PRIMARY KEY. Raises `OptionError`."""
    key_fields: tuple[str, ...] = options.get(_KEY_FIELDS)
    if table.connector == "upsert-kafka":
        if not table.primary_key:
            raise options.error("upsert-kafka needs a PRIMARY KEY … NOT ENFORCED: it is the record's key")
        if key_name is None:
            raise options.error("upsert-kafka needs the option 'key.format'")
        if key_fields:
            raise options.error("upsert-kafka takes its key from PRIMARY KEY, not from 'key.fields'")
        return table.primary_key
    if table.primary_key and value_name not in CHANGELOG_FORMATS:
        raise options.error(
            "the connector 'kafka' with append-only formats cannot have a PRIMARY KEY",
            mend="use the connector 'upsert-kafka', or drop the PRIMARY KEY",
        )
    return key_fields


def _value_format(options: Options) -> str:
    plain, value = options.get(_FORMAT), options.get(_VALUE_FORMAT)
    if plain is not None and value is not None:
        raise options.error("only one of the options 'format' and 'value.format' may be set")
    if plain is None and value is None:
        raise options.error("a format is needed: set the option 'format' or 'value.format'")
    return plain or value or ""


def _scoped(options: Options, prefix: str) -> Options:
    """Under 'value.format' the format's options have the prefix; under 'format' they have none."""
    return options.within(prefix) if options.has(_VALUE_FORMAT) else options


def _check_formats(options: Options, key_name: str | None, value_name: str, *, upserts: bool) -> None:
    """Records that say what becomes of a row can be values only, and an upserted topic says it by its keys."""
    if key_name in CHANGELOG_FORMATS:
        raise options.error(f"a key cannot be '{key_name}': its records tell of changes", mend="use json, csv or raw")
    if upserts and value_name in CHANGELOG_FORMATS:
        raise options.error(
            f"'upsert-kafka' takes only formats without changes of their own, and '{value_name}' has some",
            mend="use the connector 'kafka'",
        )


def _check_keys(
    options: Options,
    physical: Mapping[str, TableColumn],
    key_name: str | None,
    key_fields: tuple[str, ...],
    prefix: str,
    include: str,
) -> None:
    if key_name is None and key_fields:
        raise options.error("the option 'key.fields' needs 'key.format'")
    if key_name is not None and not key_fields:
        raise options.error("the option 'key.format' needs 'key.fields'")
    for name in key_fields:
        if name not in physical:
            raise options.error(f"the key field '{name}' is no physical column", mend=f"columns: {', '.join(physical)}")
        if not name.startswith(prefix):
            raise options.error(f"the key field '{name}' must begin with 'key.fields-prefix' = '{prefix}'")
    if prefix and include != EXCEPT_KEY:
        raise options.error("the option 'key.fields-prefix' needs 'value.fields-include' = 'EXCEPT_KEY'")


def _properties(options: Options, environment: ConnectorEnvironment) -> dict[str, str]:
    properties = options.matching("properties.")
    if "bootstrap.servers" not in properties and environment.bootstrap_servers is None:
        raise options.error("the option 'properties.bootstrap.servers' is missing", mend="or give --kafka HOST:PORT")
    for name, value in properties.items():
        if name in _CHOICES and value.lower() not in {choice.lower() for choice in _CHOICES[name]}:
            raise options.error(f"'properties.{name}' is '{value}', but must be one of: {', '.join(_CHOICES[name])}")
        if name in _NUMERIC and not value.strip().isdecimal():
            raise options.error(f"'properties.{name}' is '{value}', but must be a whole number")
        if name not in _CHOICES and name not in _NUMERIC and name not in _OTHERS:
            log.warning("%s: the Kafka property '%s' has no effect here", options.owner, name)
    return properties


def _startup(options: Options, *, upserts: bool) -> Start:
    mode = options.get(_STARTUP)
    offsets, time = options.get(_STARTUP_OFFSETS), options.get(_STARTUP_TIME)
    if upserts and not options.has(_STARTUP):
        return Start(EARLIEST)  # an upsert table is read whole
    if mode == TIMESTAMP and time is None:
        raise options.error("'scan.startup.mode' = 'timestamp' needs 'scan.startup.timestamp-millis'")
    if mode == SPECIFIC and offsets is None:
        raise options.error("'scan.startup.mode' = 'specific-offsets' needs 'scan.startup.specific-offsets'")
    return Start(mode, offsets, time)


def _bounded(options: Options) -> Start:
    mode = options.get(_BOUNDED)
    offsets, time = options.get(_BOUNDED_OFFSETS), options.get(_BOUNDED_TIME)
    if mode == TIMESTAMP and time is None:
        raise options.error("'scan.bounded.mode' = 'timestamp' needs 'scan.bounded.timestamp-millis'")
    if mode == SPECIFIC and offsets is None:
        raise options.error("'scan.bounded.mode' = 'specific-offsets' needs 'scan.bounded.specific-offsets'")
    return Start(mode, offsets, time)


def check_sink(table: KafkaTable) -> None:
    """What only a sink refuses: several topics, and metadata that cannot be written. Raises `OptionError`."""
    options = options_of(table.table)
    if len(table.topics) != 1:
        raise options.error("a sink writes to one topic: set 'topic' to a single name")
    for column in table.table.persisted_columns:
        key = column.metadata_key or column.name
        if column.kind is ColumnKind.METADATA and key not in WRITABLE:
            raise options.error(
                f"column '{column.name}': the metadata '{key}' cannot be written", mend="declare it METADATA VIRTUAL"
            )
