"""Tables of an Ibis session: from topics, from DDL, in windows; and what it says of a mistake."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import ibis
import ibis.expr.datatypes as dt
import polars as pl
import pytest
from ibis import _

import riacho.ibis
from job_process import create_topic, produce
from riacho.errors import RiachoError
from riacho.sql.errors import SqlError
from running_broker import RunningBroker


@pytest.fixture
def con(kafka: RunningBroker) -> Any:
    return riacho.ibis.connect(kafka.bootstrap, progress=False)


def test_a_topics_records_tell_its_columns(con: Any, topic: str) -> None:
    create_topic(con.kafka, topic)
    records = [
        {"id": 1, "price": 1.5, "at": "2024-01-01 10:00:00.5", "tags": ["a"], "who": {"name": "Ana"}, "ok": True},
        {"id": 2, "price": 2, "at": "2024-01-01 10:00:01", "tags": [], "who": None, "ok": None},
    ]
    produce(con.kafka, topic, records)

    table = con.topic(topic)

    assert table.schema() == ibis.schema(
        {
            "id": dt.int64,
            "price": dt.float64,
            "at": dt.Timestamp(scale=3),
            "tags": dt.Array(dt.string),
            "who": dt.Struct({"name": dt.string}),
            "ok": dt.boolean,
        }
    )
    assert table.order_by("id").to_polars()["at"].to_list() == [
        datetime.fromisoformat("2024-01-01 10:00:00.500"),
        datetime.fromisoformat("2024-01-01 10:00:01"),
    ]


def test_times_in_iso_8601_are_read_as_such(con: Any, topic: str) -> None:
    create_topic(con.kafka, topic)
    produce(con.kafka, topic, [{"at": "2024-01-01T10:00:00Z"}])

    table = con.topic(topic)

    assert table.schema()["at"] == dt.Timestamp(timezone="UTC", scale=3)
    assert table.to_polars()["at"].to_list() == [datetime.fromisoformat("2024-01-01T10:00:00+00:00")]


def test_windows_of_event_time_are_grouped_by(con: Any, topic: str) -> None:
    create_topic(con.kafka, topic)
    minutes = [0, 10, 59, 60, 130]
    produce(
        con.kafka, topic, [{"id": m, "ts": f"2024-01-01 {10 + m // 60:02}:{m % 60:02}:00", "k": m % 2} for m in minutes]
    )
    table = con.topic(topic, watermark=ibis.watermark("ts", ibis.interval(seconds=5)))

    hours = table.window_by("ts").tumble(size=ibis.interval(hours=1)).agg(by=["k"], n=_.count(), last=_.id.max())
    sliding = table.window_by("ts").hop(size=ibis.interval(hours=2), slide=ibis.interval(hours=1)).agg(n=_.count())

    found = hours.to_polars().sort("window_start", "k").select(pl.col("window_start").dt.hour(), "k", "n", "last")
    assert found.rows() == [(10, 0, 2, 10), (10, 1, 1, 59), (11, 0, 1, 60), (12, 0, 1, 130)]
    assert sorted(sliding.to_polars()["n"].to_list()) == [1, 2, 3, 4]


def test_windows_are_of_rows_that_were_chosen_and_computed_before(con: Any, topic: str) -> None:
    create_topic(con.kafka, topic)
    produce(
        con.kafka, topic, [{"id": m, "ts": f"2024-01-01 {10 + m // 60:02}:{m % 60:02}:00"} for m in range(0, 180, 10)]
    )
    table = con.topic(topic, watermark=ibis.watermark("ts", ibis.interval(seconds=5)))
    hours = (
        table.filter(table.id > 0)
        .mutate(even=table.id % 20 == 0)
        .window_by("ts")
        .tumble(size=ibis.interval(hours=1))
        .agg(by=["even"], n=_.count())
    )

    both = hours.join(hours.view(), ["window_start", "even"]).select("window_start", "even", m=_.n + _.n_right)

    assert sorted(hours.to_polars()["n"].to_list()) == [2, 3, 3, 3, 3, 3]
    assert sorted(both.to_polars()["m"].to_list()) == [4, 6, 6, 6, 6, 6]


def test_nested_values_come_as_arrow_has_them(con: Any, topic: str) -> None:
    row = con.sql("SELECT MAP['a', 1, 'b', CAST(NULL AS INT)] AS m, ROW(1, 'x') AS r, ARRAY[1, 2] AS a")

    table = row.to_pyarrow()

    assert table.to_pylist() == [{"m": [("a", 1), ("b", None)], "r": {"EXPR$0": 1, "EXPR$1": "x"}, "a": [1, 2]}]


def test_a_view_and_a_query_in_sql_are_tables_too(con: Any, topic: str) -> None:
    numbers = con.sql("SELECT * FROM (VALUES (1, 'a'), (2, 'b'), (3, 'b')) AS t(n, k)")

    view = con.create_view("by_letter", numbers.group_by("k").agg(s=numbers.n.sum()))

    assert sorted(view.to_polars().rows()) == [("a", 1), ("b", 5)]
    assert con.list_tables() == ["by_letter"]


def test_a_session_says_which_topic_is_meant(con: Any, topic: str) -> None:
    create_topic(con.kafka, topic)

    with pytest.raises(RiachoError, match="there is no topic") as caught:
        con.topic(topic[:-1])

    assert f"did you mean {topic!r}" in str(caught.value.mend)


def test_a_topic_that_is_asked_for_again_is_the_same_table(con: Any, topic: str) -> None:
    create_topic(con.kafka, topic)
    produce(con.kafka, topic, [{"id": 1, "at": "2024-01-01 10:00:00"}])
    by_id = con.topic(topic, watermark=ibis.watermark("at", ibis.interval(seconds=5)))

    again = con.topic(topic, watermark=ibis.watermark("at", ibis.interval(seconds=5)))

    assert again.equals(by_id)
    assert again.count().to_pyarrow().as_py() == 1
    with pytest.raises(RiachoError, match="already, described otherwise") as caught:
        con.topic(topic)
    assert f"con.drop_table({topic!r})" in str(caught.value.mend)


def test_an_empty_topic_cannot_tell_its_columns(con: Any, topic: str) -> None:
    create_topic(con.kafka, topic)

    with pytest.raises(RiachoError, match="has no records that could tell its columns"):
        con.topic(topic)


def test_a_mistake_in_sql_is_told_with_its_place(con: Any) -> None:
    with pytest.raises(SqlError, match="table 'nowhere' does not exist") as caught:
        con.sql("SELECT * FROM nowhere")

    assert ":1:15\n    SELECT * FROM nowhere" in str(caught.value)


def test_an_operation_that_no_stream_has_is_named(con: Any) -> None:
    numbers = con.sql("SELECT * FROM (VALUES (1, 2), (2, 3)) AS t(a, b)")

    with pytest.raises(ibis.common.exceptions.OperationNotDefinedError, match="Median"):
        numbers.a.median().execute()
    with pytest.raises(ibis.common.exceptions.UnsupportedOperationError, match="join of kind 'asof'"):
        numbers.asof_join(numbers.view(), on="a").to_polars()


def test_no_cluster_is_told_at_once() -> None:
    with pytest.raises(RiachoError) as caught:
        riacho.ibis.connect("127.0.0.1:1")

    assert "riacho up" in str(caught.value.mend)


def test_what_a_table_is_made_of_is_remembered_for_jobs(con: Any) -> None:
    con.raw_sql("CREATE TABLE t (a INT) WITH ('connector' = 'datagen'); SELECT 1 AS x;")
    with pytest.raises(SqlError):
        con.raw_sql("CREATE VIEW v AS SELECT a FROM t; CREATE VIEW w AS SELECT b FROM t;")

    known = [text.split(" (")[0] for text in con.session.definitions]
    assert known == ["CREATE TABLE t", "CREATE VIEW v AS SELECT a FROM t"]
    assert json.dumps(con.list_tables()) == '["t", "v"]'
