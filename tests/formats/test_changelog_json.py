"""Records of change data capture become rows with signs, as a reader of one record at a time would have them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riacho.formats.decoding import Decoded, Spans
from riacho.formats.fields import Field, FieldType, Kind
from riacho.formats.format import Format
from riacho.formats.options import OptionError, Options
from riacho.formats.registry import open_format

TEXT = FieldType(Kind.STRING, "STRING")
COLUMNS = (
    Field("id", FieldType(Kind.INTEGER, "INT", bits=32)),
    Field("name", TEXT),
    Field("tags", FieldType(Kind.ARRAY, "ARRAY<STRING>", children=(Field("item", TEXT),))),
)
NAMES = tuple(item.name for item in COLUMNS)
FORMATS = ("debezium-json", "canal-json", "maxwell-json")

Row = dict[str, Any]
Change = tuple[Row, int]

rows = st.fixed_dictionaries(
    {
        "id": st.none() | st.integers(0, 3),
        "name": st.none() | st.sampled_from(["", "a", 'quoted "b"', "c\\d", "é"]),
        "tags": st.none() | st.lists(st.sampled_from(["x", "y"]), max_size=2),
    }
)
events = st.tuples(st.sampled_from(["insert", "update", "delete"]), rows, rows)


def opened(name: str, options: Mapping[str, str] | None = None, metadata: Mapping[str, str] | None = None) -> Format:
    scoped = {f"{name}.{key}": value for key, value in (options or {}).items()}
    return open_format(name, COLUMNS, Options("table t", scoped), metadata)


def decode(name: str, records: list[bytes | None], wanted: tuple[str, ...] = NAMES, **options: str) -> Decoded:
    given_options = {key.replace("_", "-").replace("--", "."): value for key, value in options.items()}
    return opened(name, given_options).decoder(wanted).decode(Spans.of(records))


def changes_of(decoded: Decoded) -> list[Change]:
    assert decoded.diff is not None
    return list(zip(decoded.frame.rows(named=True), decoded.diff.tolist(), strict=True))


def written(name: str, kind: str, before: Row, after: Row) -> tuple[bytes, list[Change]]:
    """The record of an event as the tool writes it, and what it means."""
    meaning = {
        "insert": [(after, 1)],
        "update": [(before, -1), (after, 1)],
        "delete": [(before, -1)],
    }[kind]
    if name == "debezium-json":
        event: Any = {
            "before": None if kind == "insert" else before,
            "after": None if kind == "delete" else after,
            "op": {"insert": "c", "update": "u", "delete": "d"}[kind],
        }
        return json.dumps(event).encode(), meaning
    data = before if kind == "delete" else after
    old = {key: value for key, value in before.items() if value != after[key]} if kind == "update" else None
    if name == "maxwell-json":
        return json.dumps({"database": "shop", "type": kind, "old": old, "data": data}).encode(), meaning
    event = {"type": kind.upper(), "data": [data, data], "old": None if old is None else [old, old]}
    return json.dumps(event).encode(), meaning * 2


@pytest.mark.parametrize("name", FORMATS)
@given(drawn=st.lists(events, max_size=8))
def test_each_record_gives_the_rows_that_it_tells_of(name: str, drawn: list[tuple[str, Row, Row]]) -> None:
    records = [written(name, *event) for event in drawn]

    decoded = decode(name, [record for record, _ in records])

    assert changes_of(decoded) == [change for _, meaning in records for change in meaning]
    assert decoded.record.tolist() == [place for place, (_, meaning) in enumerate(records) for _ in meaning]
    assert decoded.bad == ()


@pytest.mark.parametrize("name", FORMATS)
@given(drawn=st.lists(st.tuples(rows, st.sampled_from([1, -1])), min_size=1, max_size=8))
def test_what_is_written_is_read_again(name: str, drawn: list[Change]) -> None:
    encoder = opened(name).change_encoder
    assert encoder is not None
    frame = pl.DataFrame([row for row, _ in drawn], schema={item.name: item.type.polars() for item in COLUMNS})

    encoded = encoder().encode_changes(frame, np.array([sign for _, sign in drawn], np.int8))

    assert changes_of(decode(name, [encoded[place] for place in range(len(drawn))])) == drawn


@pytest.mark.parametrize("name", FORMATS)
def test_many_records_are_read_like_few(name: str) -> None:
    row = {"id": 1, "name": "a", "tags": None}
    record, meaning = written(name, "update", row, {**row, "name": "b"})

    decoded = decode(name, [record] * 10_000)

    assert changes_of(decoded) == meaning * 10_000


def test_only_the_wanted_columns_are_read() -> None:
    record, _ = written(
        "maxwell-json", "update", {"id": 1, "name": "a", "tags": []}, {"id": 2, "name": "b", "tags": []}
    )

    decoded = decode("maxwell-json", [record], ("name",))

    assert changes_of(decoded) == [({"name": "a"}, -1), ({"name": "b"}, 1)]


@pytest.mark.parametrize(
    ("name", "record", "reason"),
    [
        ("debezium-json", '{"op": "x"}', "unknown \"op\" value 'x'"),
        ("debezium-json", '{"after": {}}', 'unknown "op" value None'),
        ("debezium-json", '{"op": "u", "before": null, "after": {}}', 'the field "before" of this UPDATE is null'),
        ("debezium-json", '{"op": "c", "after": [1]}', 'the field "after" holds no row'),
        ("debezium-json", '{"op": "c", "after": {"id": "abc"}}', "field 'id': 'abc' is not a INT"),
        ("debezium-json", "[]", "not JSON: an array stands where an object must"),
        ("debezium-json", '{"op": "c"', "not JSON: it ends in the middle"),
        ("maxwell-json", '{"type": "bootstrap-insert", "data": {}}', "unknown \"type\" value 'bootstrap-insert'"),
        ("maxwell-json", '{"type": "update", "data": {}}', 'the field "old" holds no row'),
        ("canal-json", '{"type": "INSERT", "data": {}}', 'the field "data" holds no list of rows'),
        ("canal-json", '{"type": "INSERT", "data": [1]}', 'the field "data" holds no list of rows'),
        (
            "canal-json",
            '{"type": "UPDATE", "data": [{}], "old": []}',
            'the field "old" holds no row for each of "data"',
        ),
    ],
)
def test_of_a_bad_record_no_row_is_delivered(name: str, record: str, reason: str) -> None:
    good, meaning = written(name, "insert", {}, {"id": 7, "name": None, "tags": None})

    decoded = decode(name, [good, record.encode(), None, b""])
    lenient = decode(name, [good, record.encode(), None, b""], ignore_parse_errors="true")

    assert changes_of(decoded) == meaning
    ((place, why),) = ((bad.record, bad.reason) for bad in decoded.bad)
    assert (place, why.startswith(reason)) == (1, True), why
    assert lenient.bad == ()
    assert lenient.ignored == 1


def test_a_canal_table_takes_the_databases_and_tables_that_it_includes() -> None:
    records = [
        json.dumps({"type": "INSERT", "database": database, "table": table, "data": [{"id": place}]}).encode()
        for place, (database, table) in enumerate([("shop", "orders"), ("shop", "users"), ("bank", "orders")])
    ]

    decoded = decode("canal-json", [*records, b'{"type": "CREATE"}'], database__include="s.*", table__include="orders")

    assert decoded.frame["id"].to_list() == [0]
    assert [bad.reason for bad in decoded.bad] == ['the field "database" is missing']


def test_a_database_that_is_null_has_the_name_null_and_of_one_that_is_not_included_the_table_is_not_asked() -> None:
    records = [b'{"type": "INSERT", "database": null, "data": [{"id": 1}]}', b'{"type": "INSERT", "database": "bank"}']

    decoded = decode("canal-json", records, database__include="s.*", table__include="orders")
    named = decode("canal-json", records[:1], database__include="null")

    assert (decoded.frame.height, decoded.bad) == (0, ())
    assert named.frame["id"].to_list() == [1]


def test_an_update_of_no_rows_needs_no_old_ones() -> None:
    decoded = decode("canal-json", [b'{"type": "UPDATE", "data": [], "old": null}'])

    assert (decoded.frame.height, decoded.bad) == (0, ())


def test_a_statement_that_changes_the_tables_definition_has_no_rows() -> None:
    decoded = decode("canal-json", [b'{"type": "CREATE", "data": null}'])

    assert (decoded.frame.height, decoded.bad) == (0, ())


def test_an_event_with_its_schema_stands_below_payload() -> None:
    event = {"before": None, "after": {"id": 1}, "op": "r", "ts_ms": 5, "source": {"db": "shop", "ts_ms": 7}}
    record = json.dumps({"schema": {"type": "struct"}, "payload": event}).encode()
    metadata = {
        "a": "schema",
        "b": "ingestion-timestamp",
        "c": "source.timestamp",
        "d": "source.database",
        "e": "source.properties",
        "f": "source.table",
    }
    found = opened("debezium-json", {"schema-include": "true"}, metadata)

    (row,) = found.decoder(("id", *metadata)).decode(Spans.of([record])).frame.rows(named=True)

    assert json.loads(row["a"]) == {"type": "struct"}
    assert (row["b"].timestamp(), row["c"].timestamp()) == (0.005, 0.007)
    assert (row["id"], row["d"], row["f"]) == (1, "shop", None)
    assert row["e"] == [{"key": "db", "value": "shop"}, {"key": "ts_ms", "value": "7"}]


def test_a_schema_cannot_be_written() -> None:
    encoder = opened("debezium-json", {"schema-include": "true"}).change_encoder
    assert encoder is not None
    with pytest.raises(OptionError, match="a schema cannot be written"):
        encoder()


def test_maxwell_tells_its_time_in_seconds() -> None:
    record = b'{"type": "insert", "data": {}, "ts": 1596684883, "primary_key_columns": ["id"]}'
    found = opened("maxwell-json", metadata={"at": "ingestion-timestamp", "key": "primary-key-columns"})

    (row,) = found.decoder(("at", "key")).decode(Spans.of([record])).frame.rows(named=True)

    assert (row["at"].timestamp(), row["key"]) == (1596684883, ["id"])
