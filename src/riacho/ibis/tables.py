"""CREATE TABLE statements for tables that are described in Python, and topics that describe themselves."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import ibis.expr.datatypes as dt
import ibis.expr.schema as sch
import polars as pl

from riacho.client.cluster import Cluster, TopicPartition
from riacho.client.fetcher import Fetcher
from riacho.client.offsets import EARLIEST
from riacho.errors import UsageError
from riacho.ibis.types import ddl_type

SAMPLED_RECORDS = 1_000
"""So many of a topic's first records tell its columns."""

SAMPLE_WAIT_MS = 2_000

_SQL_TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?Z?"
_ISO_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z?"


def quoted(name: str) -> str:
    """A name as Flink SQL quotes it."""
    return f"`{name.replace('`', '``')}`"


def text(value: str) -> str:
    """A string literal."""
    return "'" + value.replace("'", "''") + "'"


def create_table(
    name: str,
    schema: sch.Schema,
    options: Mapping[str, str],
    *,
    watermark: tuple[str, str] | None = None,
    primary_key: Sequence[str] = (),
) -> str:
    """The statement. `watermark` is the row time's column and how far rows may lag, as an SQL interval.

    >>> print(create_table("t", sch.Schema({"a": dt.int64}), {"connector": "datagen"}))
    CREATE TABLE `t` (
      `a` BIGINT
    ) WITH (
      'connector' = 'datagen'
    )
    """
    lines = [f"{quoted(column)} {ddl_type(dtype)}" for column, dtype in schema.items()]
    if watermark is not None:
        column, delay = watermark
        lines.append(f"WATERMARK FOR {quoted(column)} AS {quoted(column)} - {delay}")
    if primary_key:
        lines.append(f"PRIMARY KEY ({', '.join(map(quoted, primary_key))}) NOT ENFORCED")
    columns = ",\n  ".join(lines)
    settings = ",\n  ".join(f"{text(key)} = {text(value)}" for key, value in options.items())
    return f"CREATE TABLE {quoted(name)} (\n  {columns}\n) WITH (\n  {settings}\n)"


def sample_schema(cluster: Cluster, topic: str, partitions: int) -> tuple[sch.Schema, dict[str, str]]:
    """The columns that a topic's first JSON records have, and the format's options that read them.

    Raises `UsageError` for a topic that is empty or whose records are no JSON objects.
    """
    values: list[bytes] = []
    with Fetcher(cluster) as fetcher:
        fetcher.assign({TopicPartition(topic, number): EARLIEST for number in range(partitions)})
        for columns in fetcher.fetch(max_wait_ms=SAMPLE_WAIT_MS):
            values += [value for value in columns.value if value is not None]
            if len(values) >= SAMPLED_RECORDS:
                break
    if not values:
        raise UsageError(
            f"the topic {topic!r} has no records that could tell its columns", mend="give them: schema={'id': 'int64'}"
        )
    try:
        frame = pl.read_ndjson(b"\n".join(values[:SAMPLED_RECORDS]), infer_schema_length=None)
    except pl.exceptions.PolarsError as error:
        raise UsageError(
            f"the records of {topic!r} are no JSON objects of one form: {error}", mend="give schema=… and format=…"
        ) from None
    iso = False
    fields: dict[str, dt.DataType] = {}
    for column in frame.get_columns():
        dtype, is_iso = _type_of(column)
        iso |= is_iso
        fields[column.name] = dtype
    return sch.Schema(fields), {"json.timestamp-format.standard": "ISO-8601"} if iso else {}


def _type_of(column: pl.Series) -> tuple[dt.DataType, bool]:
    """A sampled column's type, and whether its times are written as ISO 8601 does."""
    match column.dtype:
        case pl.Boolean():
            return dt.boolean, False
        case kind if kind.is_integer():
            return dt.int64, False
        case kind if kind.is_float():
            return dt.float64, False
        case pl.List():
            dtype, iso = _type_of(column.explode(empty_as_null=False, keep_nulls=False))
            return dt.Array(dtype), iso
        case pl.Struct():
            parts = {part.name: _type_of(part) for part in column.struct.unnest().get_columns()}
            return dt.Struct({name: dtype for name, (dtype, _) in parts.items()}), any(i for _, i in parts.values())
    times = [value for value in column.drop_nulls().unique().to_list() if isinstance(value, str)]
    for pattern, iso in ((_SQL_TIME, False), (_ISO_TIME, True)):
        if times and all(re.fullmatch(pattern, value) for value in times):
            zone = "UTC" if all(value.endswith("Z") for value in times) else None
            return dt.Timestamp(timezone=zone, scale=3), iso
    return dt.string, False
