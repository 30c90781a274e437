"""Of a ROW only the fields that are used are read, and none of them changes what a query gives."""

from __future__ import annotations

import pytest

from riacho.plan.relations import Filter, Scan, Watermark
from sql_frontend.catalog import plan, session, steps

CODE = "`code` INT"
NOTE = "`note` ROW<`text` STRING>"


def row_type(query: str) -> str:
    """How the scan of `bids` reads its column `extra`."""
    (scan,) = steps(plan(query), Scan)
    return str(scan.schema[scan.schema.index("extra")].type)


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("SELECT bids.extra.code FROM bids", CODE),
        ("SELECT bids.extra.note.text FROM bids", NOTE),
        ("SELECT bids.extra.note FROM bids WHERE bids.extra.note.text = 'a'", NOTE),
        ("SELECT extra FROM bids", f"{CODE}, {NOTE}"),
        ("SELECT extra, bids.extra.code FROM bids", f"{CODE}, {NOTE}"),
        ("SELECT price FROM bids WHERE bids.extra.code + 1 > 2", CODE),
        ("SELECT price FROM bids WHERE extra IS NOT NULL", f"{CODE}, {NOTE}"),
        ("SELECT MAX(b.extra.code) FROM bids AS b GROUP BY b.auction", CODE),
        (
            "SELECT b.extra.code FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '1' HOUR)) AS b "
            "WHERE window_start < ts",
            CODE,
        ),
        (
            "SELECT b.extra.code FROM (SELECT price + 1 AS more, extra FROM bids) AS b WHERE more > 1",
            CODE,
        ),
    ],
)
def test_only_the_fields_that_are_used_are_read(query: str, fields: str) -> None:
    assert row_type(query) == f"ROW<{fields}>"


def test_fields_are_taken_below_the_watermark() -> None:
    relation = plan("SELECT bids.extra.code FROM bids WHERE bids.extra.note.text = 'a'")
    (watermark,) = steps(relation, Watermark)
    assert "extra" not in watermark.schema.names
    (kept,) = steps(relation, Filter)
    assert isinstance(kept, Filter)
    assert str(kept.predicate) == "(extra.note.text = 'a')"


def test_queries_of_one_job_read_a_table_once_with_the_fields_that_any_of_them_uses() -> None:
    made = session()
    script = made.execute("""
        CREATE TABLE codes (code INT) WITH ('connector' = 'print');
        CREATE TABLE texts (text STRING) WITH ('connector' = 'print');
        EXECUTE STATEMENT SET BEGIN
        INSERT INTO codes SELECT b.extra.code FROM bids AS b;
        INSERT INTO texts SELECT b.extra.note.text FROM bids AS b WHERE b.price > 1;
        END;
    """)
    (job,) = script.jobs
    scans = {step for sink in job.sinks for step in steps(sink, Scan)}
    assert len(scans) == 1
    (scan,) = scans
    assert str(scan.schema[scan.schema.index("extra")].type) == f"ROW<{CODE}, {NOTE}>"
    assert len({step for sink in job.sinks for step in steps(sink, Watermark)}) == 1


@pytest.mark.parametrize("value_format", ["csv", "json"])
def test_rows_whose_fields_count_by_their_places_stay_whole(value_format: str) -> None:
    made = session()
    made.execute(
        "CREATE TABLE t (r ROW<a INT, b INT>) WITH "
        f"('connector' = 'kafka', 'topic' = 't', 'format' = '{value_format}');"
    )
    (scan,) = steps(made.query("SELECT t.r.b FROM t"), Scan)
    assert str(scan.schema[0].type) == ("ROW<`a` INT, `b` INT>" if value_format == "csv" else "ROW<`b` INT>")


def test_of_a_parquet_file_only_the_fields_that_are_used_are_read() -> None:
    made = session()
    made.execute(
        "CREATE TABLE t (r ROW<a INT, b INT>) WITH "
        "('connector' = 'filesystem', 'path' = '/data', 'format' = 'parquet');"
    )
    (scan,) = steps(made.query("SELECT t.r.b FROM t"), Scan)
    assert str(scan.schema[0].type) == "ROW<`b` INT>"


def test_an_upserted_table_keeps_its_rows_whole() -> None:
    made = session()
    made.execute(
        "CREATE TABLE u (id INT, r ROW<a INT, b INT>, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = "
        "'upsert-kafka', 'topic' = 'u', 'key.format' = 'json', 'value.format' = 'json');"
    )
    (scan,) = steps(made.query("SELECT u.r.b FROM u"), Scan)
    assert str(scan.schema[scan.schema.index("r")].type) == "ROW<`a` INT, `b` INT>"
