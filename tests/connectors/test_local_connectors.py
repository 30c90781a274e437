"""The connectors that need no broker: datagen, filesystem, print, blackhole."""

from __future__ import annotations

import io
import re
import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from connecting import compile_job, read_all, rows_of, sink, source, write

from riacho.dataflow.batch import Batch, WatermarkSteps
from riacho.dataflow.columns import polars_schema
from riacho.dataflow.connectors import ConnectorEnvironment, open_sink
from riacho.dataflow.sinks.upserts import last_of_keys
from riacho.dataflow.sources.bad_records import BadRecordError
from riacho.errors import RiachoError
from riacho.formats import parquet
from riacho.host import ManualClock

FAST = {"connector": "datagen", "rows-per-second": "1000000000"}


def test_generated_rows_do_not_depend_on_how_they_are_polled_or_which_columns_are_read() -> None:
    options = FAST | {"number-of-rows": "40000", "riacho.seed": "7"}
    whole = pl.concat([batch.frame for batch in read_all(source("a BIGINT, s STRING, d DOUBLE", options))])
    cut = source("a BIGINT, s STRING, d DOUBLE", options)
    parts = []
    while not cut.finished:
        batch = cut.poll(9_999, 1, 100)
        if batch is not None:
            parts.append(batch.frame)
    assert pl.concat(parts).equals(whole)
    resumed = source("a BIGINT, s STRING, d DOUBLE", options)
    resumed.seek({"row": 39_999})
    assert rows_of(read_all(resumed)) == whole[-1:].rows()


def test_random_values_stay_within_their_bounds_and_nulls_within_their_rate() -> None:
    options = FAST | {
        "number-of-rows": "20000",
        "fields.a.min": "1",
        "fields.a.max": "6",
        "fields.s.length": "3",
        "fields.s.null-rate": "0.5",
        "fields.m.min": "0",
        "fields.m.max": "1",
    }
    frame = pl.concat([batch.frame for batch in read_all(source("a INT, s STRING, m DECIMAL(5, 2)", options))])
    assert set(frame["a"].unique().to_list()) == {1, 2, 3, 4, 5, 6}
    assert 8_000 < frame["s"].null_count() < 12_000
    assert set(frame["s"].drop_nulls().str.len_chars().unique()) == {3}
    assert frame["m"].min() >= Decimal(0)
    assert frame["m"].max() <= Decimal(1)


def test_nested_values_are_generated() -> None:
    options = FAST | {
        "number-of-rows": "2",
        "fields.l.length": "3",
        "fields.l.element.min": "1",
        "fields.l.element.max": "1",
    }
    options |= {"fields.m.length": "1", "fields.m.value.max": "0", "fields.m.value.min": "0", "fields.r.x.max": "5"}
    options["fields.r.x.min"] = "5"
    opened = source("l ARRAY<INT>, m MAP<STRING, INT>, r ROW<x INT>", options)
    for numbers, entries, row in rows_of(read_all(opened)):
        assert numbers == [1, 1, 1]
        assert [entry["value"] for entry in entries] == [0]
        assert row == {"x": 5}


def test_collections_have_three_elements_unless_told_otherwise() -> None:
    opened = source("l ARRAY<INT>, m MAP<STRING, INT>", FAST | {"number-of-rows": "2", "fields.m.key.length": "5"})
    for numbers, entries in rows_of(read_all(opened)):
        assert (len(numbers), len(entries)) == (3, 3)
        assert {len(entry["key"]) for entry in entries} == {5}


def test_a_sequence_bounds_the_table() -> None:
    options = FAST | {"fields.a.kind": "sequence", "fields.a.start": "5", "fields.a.end": "8"}
    assert [row[0] for row in rows_of(read_all(source("a INT, b INT", options)))] == [5, 6, 7, 8]


def test_rows_come_at_their_rate_and_the_loop_is_called_when_the_next_are_due() -> None:
    clock, called = ManualClock(), threading.Event()
    environment = ConnectorEnvironment(clock=clock, on_arrival=called.set)
    opened = source("a INT", {"connector": "datagen", "rows-per-second": "10"}, environment)
    first = opened.poll(100, 1, 0)
    assert first is not None
    assert len(first) == 1
    assert opened.poll(100, 1, 0) is None
    assert called.wait(20)
    clock.advance(1000)
    second = opened.poll(100, 1, 0)
    assert second is not None
    assert len(second) == 10
    opened.close()


def test_generated_times_are_those_at_which_rows_come() -> None:
    clock = ManualClock(wall_ms=1_000_000)
    options = {"connector": "datagen", "rows-per-second": "1", "fields.past.max-past": "2 s"}
    columns = "t TIMESTAMP(3), l TIMESTAMP_LTZ(3), of_day TIME, r ROW<t TIMESTAMP(3)>, past TIMESTAMP(3), n INT"
    opened = source(columns, options, ConnectorEnvironment(clock=clock, on_arrival=lambda: None))
    numbers = []
    for seconds in (1_000, 1_005, 1_025):
        polled = opened.poll(100, 1, 0)
        assert polled is not None
        now = datetime.fromtimestamp(seconds, UTC)
        for t, ltz, of_day, row, past, number in polled.frame.rows():
            assert (t, ltz, of_day, row["t"]) == (now.replace(tzinfo=None), now, now.time(), t)
            assert t - timedelta(seconds=2) <= past <= t
            numbers.append(number)
        clock.advance(5_000 if seconds == 1_000 else 20_000)
    assert len(numbers) == len(set(numbers)) == 26
    opened.close()


def test_files_are_read_in_order_with_their_names(tmp_path: Path) -> None:
    (tmp_path / "b.json").write_text('{"id": 3}')
    (tmp_path / "a.json").write_text('{"id": 1}\n{"id": 2}\n')
    (tmp_path / ".hidden").write_text("no data")
    options = {"connector": "filesystem", "path": str(tmp_path), "format": "json"}
    opened = source("id INT, name STRING METADATA FROM 'file.name'", options)
    assert rows_of(read_all(opened)) == [(1, "a.json"), (2, "a.json"), (3, "b.json")]
    assert opened.positions() == {"ended": True}


def test_a_file_source_goes_on_where_its_positions_say(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text("".join(f"{name}{number},x\n" for number in range(5)))
    options = {"connector": "filesystem", "path": str(tmp_path), "format": "csv"}
    expected = [(f"{name}{number}",) for name in ("a", "b") for number in range(5)]
    for taken in range(1, 10):
        first = source("id STRING, x STRING", options)
        rows = []
        while len(rows) < taken:
            batch = first.poll(1, 1, 0)
            assert batch is not None
            rows += batch.frame.select("id").rows()
        second = source("id STRING, x STRING", options)
        second.seek(first.positions())
        rows += [row[:1] for row in rows_of(read_all(second))]
        assert rows == expected, taken


def test_a_bad_line_is_told_by_file_and_number(tmp_path: Path) -> None:
    path = tmp_path / "in.json"
    path.write_text('{"id": 1}\nnonsense\n')
    opened = source("id INT", {"connector": "filesystem", "path": str(path), "format": "json"})
    with pytest.raises(BadRecordError) as caught:
        read_all(opened)
    assert f"{path}, record 2" in str(caught.value)


@pytest.mark.parametrize("format_name", ["json", "csv", "parquet", "avro"])
def test_parts_appear_whole_and_read_back(tmp_path: Path, format_name: str) -> None:
    options = {"connector": "filesystem", "path": str(tmp_path / "out"), "format": format_name}
    into = sink("id INT, name STRING", options)
    write(into, [(1, "a b"), (2, "c")])
    assert not list((tmp_path / "out").glob("part-*"))
    into[0].flush()
    write(into, [(3, "d")])
    into[0].close()
    assert len(list((tmp_path / "out").glob("part-*"))) == 2
    assert sorted(rows_of(read_all(source("id INT, name STRING", options)))) == [(1, "a b"), (2, "c"), (3, "d")]


def test_a_file_of_several_pieces_is_gone_on_with_inside_of_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "PIECE_ROWS", 4)
    options = {"connector": "filesystem", "path": str(tmp_path), "format": "parquet"}
    for part in range(2):
        pl.DataFrame({"id": range(10 * part, 10 * part + 10)}).write_parquet(tmp_path / f"part-{part}")
    for delivered in range(20):
        first = source("id BIGINT", options)
        seen = [row for _ in range(delivered) if (batch := first.poll(1, 1 << 20, 0)) for row in batch.frame.rows()]
        second = source("id BIGINT", options)
        second.seek(first.positions())
        assert seen + rows_of(read_all(second)) == [(number,) for number in range(20)]


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    opened = source("id INT", {"connector": "filesystem", "path": str(tmp_path / "none"), "format": "json"})
    with pytest.raises(RiachoError, match="cannot be read: No such file"):
        opened.poll(1, 1, 0)


def test_changes_are_printed_with_their_kinds() -> None:
    out = io.StringIO()
    columns = "id INT, name STRING, ts TIMESTAMP(3), tags ARRAY<STRING>, d DOUBLE"
    into = sink(columns, {"connector": "print", "print-identifier": "seen"}, ConnectorEnvironment(stdout=out))
    write(into, [(1, "Ada", None, ["x", "y"], 1.0), (2, None, None, None, None)], [1, -1])
    assert out.getvalue() == "seen> +I[1, Ada, null, [x, y], 1.0]\nseen> -D[2, null, null, null, null]\n"


def test_years_that_python_does_not_have_are_printed() -> None:
    out = io.StringIO()
    frame = pl.DataFrame({"d": ["9999-12-31", None, "2024-02-29"]}).select(
        (pl.col("d").str.to_date() + pl.duration(days=1)).alias("d"),
        (pl.col("d").str.to_datetime("%Y-%m-%d", time_unit="us") + pl.duration(days=1, milliseconds=5)).alias("ts"),
    )
    opened, _ = sink("d DATE, ts TIMESTAMP(3)", {"connector": "print"}, ConnectorEnvironment(stdout=out))
    opened.write(Batch(frame, np.arange(3), WatermarkSteps.still(), np.ones(3, np.int8)))
    assert out.getvalue().splitlines() == [
        "+I[+10000-01-01, +10000-01-01T00:00:00.005]",
        "+I[null, null]",
        "+I[2024-03-01, 2024-03-01T00:00:00.005]",
    ]


@pytest.mark.parametrize(
    ("query", "printed"),
    [
        ("SELECT COUNT(*), 0 FROM v", "-U[1, 0]\n+U[2, 0]\n"),
        ("SELECT id, COUNT(*) FROM v GROUP BY id", "-D[1, 0]\n+I[2, 0]\n"),
        ("SELECT CAST(id AS BIGINT), CAST(x AS BIGINT) FROM v", "-D[1, 0]\n+I[2, 0]\n"),
    ],
    ids=["one row", "two keys", "no key"],
)
def test_an_old_row_and_a_new_one_are_an_update_where_they_are_one_row(query: str, printed: str) -> None:
    out = io.StringIO()
    job = compile_job(
        "CREATE TABLE v (id BIGINT, x INT) WITH ('connector' = 'datagen');"
        f"CREATE TABLE p (a BIGINT, b BIGINT) WITH ('connector' = 'print'); INSERT INTO p {query};"
    )
    opened = open_sink(job.sinks[0], ConnectorEnvironment(stdout=out))
    write((opened, polars_schema(job.sinks[0].input.schema)), [(1, 0), (2, 0)], [-1, 1])
    assert out.getvalue() == printed


KEYED = """
    CREATE TABLE v (id BIGINT, x INT) WITH ('connector' = 'datagen');
    CREATE TABLE k (id BIGINT, x INT, PRIMARY KEY (id) NOT ENFORCED) WITH (
        'connector' = 'upsert-kafka', 'topic' = 'k', 'key.format' = 'json', 'value.format' = 'json',
        'properties.bootstrap.servers' = 'nowhere:1'
    );
    CREATE TABLE p (a BIGINT) WITH ('connector' = 'print');
"""


@pytest.mark.parametrize(
    "query",
    [
        "SELECT COUNT(*) FROM v GROUP BY id",
        "SELECT COUNT(*) + 1 FROM v GROUP BY id HAVING COUNT(*) > 1",
        "SELECT x FROM k",
        "SELECT m FROM k JOIN (SELECT x, MAX(id) AS m FROM v GROUP BY x) AS w ON k.x = w.x",
        "SELECT x FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY id ORDER BY x) AS n FROM v) WHERE n = 1",
    ],
)
def test_the_key_of_an_updated_row_need_not_be_shown(query: str) -> None:
    out = io.StringIO()
    sink = compile_job(f"{KEYED} INSERT INTO p {query};").sinks[0]
    opened = open_sink(sink, ConnectorEnvironment(stdout=out))
    hidden = len(sink.input.schema) - 1
    rows = [(1, *([7] * hidden)), (5, *([8] * hidden)), (2, *([7] * hidden)), (6, *([9] * hidden))]
    write((opened, polars_schema(sink.input.schema)), rows, [-1, -1, 1, 1])
    assert out.getvalue() == "-U[1]\n-D[5]\n+U[2]\n+I[6]\n"


def test_a_black_hole_counts() -> None:
    into = sink("id INT", {"connector": "blackhole"})
    write(into, [(1,), (2,)])
    assert into[0].counts.rows == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"connector": "kafak"}, "unknown connector 'kafak'"),
        ({"connector": "datagen", "rows-per-secnd": "1"}, "did you mean 'rows-per-second'"),
        ({"connector": "datagen", "fields.id.kind": "other"}, "must be 'random' or 'sequence'"),
        ({"connector": "filesystem", "format": "json"}, "lacks the option 'path'"),
        ({"connector": "filesystem", "pth": "/tmp"}, "(?s)unknown option 'pth'.*did you mean 'path'?"),
        ({"connector": "kafka", "topik": "a"}, "(?s)unknown option 'topik'.*did you mean 'topic'?"),
        ({"connector": "kafka", "topic": "a", "formt": "json"}, "(?s)unknown option 'formt'.*did you mean 'format'?"),
        ({"connector": "kafka", "path": "/tmp"}, "'path' belongs to the connector 'filesystem'"),
        ({"connector": "filesystem", "properties.group.id": "g"}, "belongs to the connector 'kafka' or 'upsert-kafka'"),
        ({"connector": "kafka", "propeties.group.id": "g"}, "did you mean 'properties.group.id'?"),
        ({"connector": "filesystem", "path": "x", "format": "xml"}, "unknown format 'xml'"),
        ({"connector": "print"}, "cannot be read"),
    ],
)
def test_wrong_tables_are_refused_with_what_mends_them(options: dict[str, str], message: str) -> None:
    with pytest.raises(RiachoError, match=message):
        source("id INT", options)


KAFKA = {"connector": "kafka", "topic": "t", "format": "json"}
FILES = {"connector": "filesystem", "path": "x", "format": "json"}


@pytest.mark.parametrize(
    ("column", "options", "message"),
    [
        ("m INT METADATA FROM 'header'", KAFKA, "'kafka' has no metadata 'header'"),
        ("m INT METADATA FROM 'timestamp'", KAFKA, "'timestamp' is a TIMESTAMP_LTZ(3), not a INT"),
        ("m TIMESTAMP(0) METADATA FROM 'timestamp'", KAFKA, "'timestamp' is a TIMESTAMP_LTZ(3), not a TIMESTAMP(0)"),
        ("m STRING METADATA FROM 'offset'", KAFKA, "'offset' is a BIGINT, not a STRING"),
        ("headers MAP<STRING, STRING> METADATA", KAFKA, "is a MAP<STRING, BYTES>, not a MAP<STRING, STRING>"),
        ("m CHAR(3) METADATA FROM 'topic'", KAFKA, "'topic' is a STRING, not a CHAR(3)"),
        ("m INT METADATA FROM 'file.age'", FILES, "'filesystem' has no metadata 'file.age'"),
        ("m DATE METADATA FROM 'file.modification-time'", FILES, "is a TIMESTAMP_LTZ(3), not a DATE"),
    ],
)
def test_metadata_of_another_type_is_refused_with_its_own(column: str, options: dict[str, str], message: str) -> None:
    with pytest.raises(RiachoError, match=re.escape(message)):
        source(f"id INT, {column}", options, ConnectorEnvironment(bootstrap_servers="nowhere:9092"))


def test_equal_rows_cancel_whatever_their_order_before_upserts_are_derived() -> None:
    frame = pl.DataFrame({"k": [1, 1, 2, 3, 3, 4], "v": [1, 2, 5, 7, 7, 9]})
    diff = np.array([1, -1, -1, 1, -1, 1], np.int8)
    batch = Batch(frame, np.arange(6), WatermarkSteps.still(), diff)
    kept, gone = last_of_keys(batch, ["k"])
    assert (kept.tolist(), gone.tolist()) == ([0, 5], [2])


def test_changes_in_files_are_written_and_read(tmp_path: Path) -> None:
    table = {"connector": "filesystem", "path": str(tmp_path), "format": "canal-json"}
    into = sink("id INT", table)

    write(into, [(1,), (1,), (2,)], [1, -1, 1])
    into[0].close()

    batches = read_all(source("id INT", table))
    assert rows_of(batches) == [(1,), (1,), (2,)]
    assert [sign for batch in batches if batch.diff is not None for sign in batch.diff.tolist()] == [1, -1, 1]
