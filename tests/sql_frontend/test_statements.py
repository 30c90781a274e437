"""Statements other than queries: what they leave in the catalog, the options and the jobs."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from riacho.errors import UsageError
from riacho.plan.relations import (
    Aggregate,
    Field,
    Join,
    Normalize,
    Project,
    Relation,
    Scan,
    Schema,
    Watermark,
    walk_relations,
)
from riacho.plan.tables import ColumnKind, Table
from riacho.plan.types import INT
from riacho.sql.errors import SqlError
from riacho.sql.explain import explain
from riacho.sql.session import Session, compile_script
from sql_frontend.catalog import plan, session, steps

SINKS = """
CREATE TABLE out_a (x BIGINT, y STRING) WITH ('connector' = 'print');
CREATE TABLE out_b (y STRING, x BIGINT) WITH ('connector' = 'blackhole');
"""


def test_create_table_keeps_columns_key_watermark_and_options() -> None:
    made = Session(variables={"BROKERS": "kafka:9092"})
    made.execute("""
        CREATE TABLE IF NOT EXISTS t (
          id BIGINT COMMENT 'who',
          ts TIMESTAMP(3) METADATA FROM 'timestamp' VIRTUAL,
          headers MAP<STRING, BYTES> METADATA,
          later AS ts + INTERVAL '1' HOUR,
          CONSTRAINT pk PRIMARY KEY (id) NOT ENFORCED
        ) COMMENT 'all of it' WITH (
          'topic' = 'it''s', 'connector' = 'upsert-kafka', 'properties.bootstrap.servers' = '${BROKERS}'
        );
    """)
    table = made.catalog.tables["t"]
    assert [(column.name, column.kind, column.virtual) for column in table.columns] == [
        ("id", ColumnKind.PHYSICAL, False),
        ("ts", ColumnKind.METADATA, True),
        ("headers", ColumnKind.METADATA, False),
        ("later", ColumnKind.COMPUTED, False),
    ]
    assert table.column("ts").metadata_key == "timestamp"
    assert table.column("headers").metadata_key == "headers"
    assert str(table.column("later").expression) == "(ts + INTERVAL '3600' SECOND)"
    assert not table.column("id").type.nullable
    assert table.primary_key == ("id",)
    assert dict(table.options) == {
        "connector": "upsert-kafka",
        "properties.bootstrap.servers": "kafka:9092",
        "topic": "it's",
    }


def test_a_watermark_may_follow_a_computed_column() -> None:
    made = Session()
    made.execute(
        """
        CREATE TABLE t (at BIGINT, ts AS TO_TIMESTAMP_LTZ(at, 3), WATERMARK FOR ts AS ts)
        WITH ('connector' = 'kafka', 'scan.watermark.idle-timeout' = '5 s')
    """.replace("(at BIGINT", "(`at` BIGINT").replace("LTZ(at", "LTZ(`at`")
    )
    relation = made.query("SELECT ts FROM t")
    assert isinstance(relation, Watermark)
    assert relation.idle_timeout_ms == 5_000
    assert isinstance(relation.input, Project)


def test_the_sessions_idle_timeout_holds_where_the_table_names_none() -> None:
    made = session()
    made.execute("SET 'table.exec.source.idle-timeout' = '1 min'")
    (step,) = steps(made.query("SELECT ts FROM bids"), Watermark)
    assert isinstance(step, Watermark)
    assert step.idle_timeout_ms == 60_000


def test_an_upsert_table_is_normalized_directly_over_its_scan() -> None:
    (step,) = steps(plan("SELECT name FROM people"), Normalize)
    assert isinstance(step, Normalize)
    assert isinstance(step.input, Scan)
    assert [step.schema[index].name for index in step.key] == ["id"]


def test_every_insert_is_a_job_and_a_statement_set_is_one() -> None:
    script = session().execute(
        SINKS
        + """
        SET 'pipeline.name' = 'both';
        INSERT INTO out_a SELECT price, channel FROM bids;
        EXECUTE STATEMENT SET BEGIN
          INSERT INTO out_a SELECT price, channel FROM bids;
          INSERT INTO out_b SELECT name, id FROM people;
        END;
        BEGIN STATEMENT SET;
        INSERT INTO out_a SELECT 1, 'x';
        END;
        """
    )
    assert [[sink.table.name for sink in job.sinks] for job in script.jobs] == [
        ["out_a"],
        ["out_a", "out_b"],
        ["out_a"],
    ]
    assert dict(script.jobs[0].options) == {"pipeline.name": "both"}


def test_an_insert_with_a_column_list_fills_the_rest_with_null() -> None:
    script = session().execute(SINKS + "INSERT INTO out_b (x) SELECT 7")
    (sink,) = script.jobs[0].sinks
    assert sink.schema.names == ("y", "x")
    assert isinstance(sink.input, Project)
    assert [str(part) for part in sink.input.expressions] == ["NULL", "CAST(7 AS BIGINT NOT NULL)"]


def test_a_narrower_number_is_widened_for_the_sink() -> None:
    script = session().execute(SINKS + "INSERT INTO out_a SELECT n, s FROM numbers")
    (sink,) = script.jobs[0].sinks
    assert isinstance(sink.input, Project)
    assert str(sink.input.expressions[0]) == "CAST(n AS BIGINT)"


def test_set_normalizes_values_and_reset_forgets_them() -> None:
    made = Session()
    made.execute("SET 'table.exec.mini-batch.allow-latency' = '5 s'; SET 'table.exec.mini-batch.enabled' = 'TRUE'")
    assert made.options == {
        "table.exec.mini-batch.allow-latency": "5000",
        "table.exec.mini-batch.enabled": "true",
    }
    made.execute("RESET 'table.exec.mini-batch.enabled'")
    assert "table.exec.mini-batch.enabled" not in made.options
    made.execute("RESET")
    assert made.options == {}


def test_views_are_queries_by_name_and_can_be_replaced_and_dropped() -> None:
    made = session()
    made.execute("CREATE TEMPORARY VIEW v (a, b) AS SELECT price, channel FROM bids WHERE price > 5")
    assert made.query("SELECT b FROM v").schema.names == ("b",)
    made.execute(
        "DROP TEMPORARY VIEW v; CREATE VIEW v AS SELECT 1 AS single; CREATE OR REPLACE VIEW v AS SELECT 2 AS s"
    )
    made.execute("DROP VIEW v; DROP VIEW IF EXISTS v")
    with pytest.raises(SqlError, match="table 'v' does not exist"):
        made.query("SELECT * FROM v")


def test_show_and_describe_tell_what_the_catalog_holds() -> None:
    script = session().execute(
        "CREATE VIEW v AS SELECT price FROM bids; SHOW TABLES; SHOW VIEWS; DESCRIBE people; DESC v"
    )
    tables, views, people, view = (result.text for result in script.results)
    assert tables.splitlines()[2:] == ["bids", "numbers", "people", "v"]
    assert views.splitlines()[2:] == ["v"]
    assert people.splitlines() == [
        "name  type    null   key      extras  watermark",
        "----  ------  -----  -------  ------  ---------",
        "id    BIGINT  FALSE  PRI(id)",
        "name  STRING  TRUE",
    ]
    assert view.splitlines()[2:] == ["price  BIGINT  TRUE"]


def test_explain_gives_operators_as_json_from_the_sources_on() -> None:
    text = (
        session()
        .execute("EXPLAIN JSON_EXECUTION_PLAN SELECT UPPER(channel) AS c FROM bids WHERE price > 1")
        .results[0]
        .text
    )
    nodes = json.loads(text.partition("== Physical Execution Plan ==")[2])["nodes"]

    assert [nodes[0]["pact"], nodes[-1]["pact"]] == ["Data Source", "Data Sink"]
    assert all(each["id"] < node["id"] for node in nodes for each in node.get("predecessors", []))


def test_a_kind_of_relation_without_words_is_explained_by_its_name() -> None:
    @dataclass(frozen=True)
    class Novel(Relation):
        @property
        def schema(self) -> Schema:
            return Schema((Field("a", INT),))

    assert "Novel(fields=[a])" in explain((Novel(),), (Novel(),))


def test_explain_of_an_insert_starts_no_job() -> None:
    script = session().execute(SINKS + "EXPLAIN INSERT INTO out_a SELECT price, channel FROM bids")
    assert "Sink(table=[out_a]" in script.results[0].text
    assert script.jobs == ()


def test_a_wrong_connector_option_is_shown_at_its_place() -> None:
    def check(table: Table) -> None:
        raise UsageError("unknown option 'tpic'", mend="did you mean 'topic'?")

    with pytest.raises(SqlError) as caught:
        compile_script("CREATE TABLE t (a INT) WITH (\n  'connector' = 'kafka',\n  'tpic' = 'x')", "t.sql", {}, check)
    assert (caught.value.line, caught.value.column) == (3, 3)
    assert caught.value.suggestion == "did you mean 'topic'?"


def test_an_options_hint_changes_the_table_for_one_scan() -> None:
    relation = plan("SELECT a.n FROM numbers /*+ OPTIONS('rows-per-second'='5') */ AS a JOIN numbers AS b ON a.n = b.n")
    options = {step.table.option("rows-per-second") for step in steps(relation, Scan) if isinstance(step, Scan)}
    assert options == {None, "5"}


def test_an_options_hint_is_checked_by_the_connector_at_both_ends() -> None:
    def check(table: Table) -> None:
        if table.option("bad"):
            raise UsageError("unknown option 'bad'")

    made = session(check_table=check)
    for text in (
        "EXPLAIN SELECT n FROM numbers /*+ OPTIONS('bad'='1') */",
        "INSERT INTO p /*+ OPTIONS('bad'='1') */ SELECT 1",
    ):
        made.execute("CREATE TABLE IF NOT EXISTS p (n INT) WITH ('connector' = 'print')")
        with pytest.raises(SqlError, match="unknown option 'bad'"):
            made.execute(text)


def test_comments_and_names_in_back_ticks_are_understood() -> None:
    relation = plan("SELECT -- one\n `price` /* two; */ AS `from` // three; it's\n FROM `bids` WHERE channel <> '//'")
    assert relation.schema.names == ("from",)


@pytest.mark.parametrize("statement", ["SELECT price FROM bids", "INSERT INTO out_a SELECT price, channel FROM bids"])
def test_execute_changes_nothing_of_what_is_explained(statement: str) -> None:
    explained = session().execute(f"{SINKS} EXPLAIN {statement};").results
    assert session().execute(f"{SINKS} EXPLAIN EXECUTE {statement};").results[-1].text == explained[-1].text


def test_a_byte_order_mark_and_the_line_ends_of_windows_change_no_place() -> None:
    with pytest.raises(SqlError) as caught:
        session().execute("\ufeffSELEKT 1;")
    assert (caught.value.line, caught.value.column, caught.value.source_line) == (1, 1, "SELEKT 1;")
    with pytest.raises(SqlError) as caught:
        session().execute("-- first\r\nSELEKT 1;\r\n")
    assert (caught.value.line, caught.value.column, caught.value.source_line) == (2, 1, "SELEKT 1;")


@pytest.mark.parametrize("text", ["", " \r\n", "-- a comment", "/* one */ -- and another\n", ";;;"])
def test_a_script_without_statements_asks_for_nothing(text: str) -> None:
    script = Session().execute(text)
    assert (script.jobs, script.results) == ((), ())


def test_variables_are_filled_in_names_and_texts_but_not_in_comments() -> None:
    made = session(variables={"T": "numbers", "X": "it"})
    relation = made.query(
        "SELECT n, '-- ${X}' AS `${X}` // ${NOBODY}\n /* ${NOBODY} */ FROM ${T} -- ${NOBODY}\n WHERE s <> '//${X}'"
    )
    assert relation.schema.names == ("n", "it")
    with pytest.raises(SqlError, match="variable 'NOBODY' is not set"):
        made.query("SELECT '/*' AS a, ${NOBODY} AS b")


def test_a_place_behind_a_variable_is_that_of_the_file() -> None:
    with pytest.raises(SqlError) as caught:
        session(variables={"T": "bids"}).execute(
            "EXPLAIN SELECT pricee FROM ${T};\nEXPLAIN SELECT x FROM ${T} WHERE y;"
        )
    assert (caught.value.line, caught.value.column) == (1, 16)
    with pytest.raises(SqlError) as caught:
        session(variables={"LONG_NAME": "b"}).execute(
            "EXPLAIN SELECT price FROM bids AS ${LONG_NAME} WHERE nothing > 1"
        )
    assert caught.value.source_line[caught.value.column - 1 :].startswith("nothing")


def test_a_hint_says_how_long_joins_and_groups_keep_their_rows() -> None:
    joined = session().query(
        "SELECT /*+ STATE_TTL('b' = '1 d', 'n' = '5 s') */ b.price FROM bids AS b "
        "JOIN people AS p ON b.bidder = p.id JOIN numbers AS n ON n.n = p.id"
    )
    grouped = session().query("SELECT /*+ STATE_TTL('b' = '2 s') */ channel, COUNT(*) FROM bids AS b GROUP BY channel")
    plain = session().query("SELECT channel, COUNT(*) FROM bids AS b GROUP BY channel")

    assert [step.ttls_ms for step in walk_relations(joined) if isinstance(step, Join)] == [
        (None, 5_000),
        (86_400_000, None),
    ]
    assert [step.ttl_ms for step in walk_relations(grouped) if isinstance(step, Aggregate)] == [2_000]
    assert [step.ttl_ms for step in walk_relations(plain) if isinstance(step, Aggregate)] == [None]


def test_explain_of_a_table_as_a_query_makes_no_table() -> None:
    made = session()
    script = made.execute("EXPLAIN CREATE TABLE t WITH ('connector' = 'print') AS SELECT price FROM bids")

    assert "Sink(table=[t], fields=[price])" in script.results[0].text
    assert script.jobs == ()
    assert "t" not in made.catalog.objects


def test_a_view_follows_its_tables() -> None:
    made = session()
    made.execute("""
        CREATE TABLE t (a INT) WITH ('connector' = 'datagen');
        CREATE VIEW v AS SELECT * FROM t;
        CREATE VIEW w AS SELECT * FROM v;
        ALTER TABLE t ADD b STRING;
        CREATE DATABASE other;
        USE other;
        CREATE TABLE t (c INT) WITH ('connector' = 'datagen');
    """)
    assert made.query("SELECT * FROM default_database.w").schema.names == ("a", "b")

    made.execute("USE default_database; DROP TABLE t")
    with pytest.raises(SqlError, match="table 't' does not exist") as caught:
        made.query("SELECT * FROM w")
    assert caught.value.source_line.strip() == "CREATE VIEW v AS SELECT * FROM t;"


def test_a_view_that_replaces_another_and_reads_it_means_what_it_meant_then() -> None:
    made = session()
    made.execute("CREATE VIEW v AS SELECT price FROM bids; CREATE OR REPLACE VIEW v AS SELECT price + 1 AS p FROM v")

    assert made.query("SELECT * FROM v").schema.names == ("p",)


def test_a_window_join_is_explained_with_its_condition_and_what_it_keeps() -> None:
    script = session().execute(
        "CREATE TABLE events (k INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'datagen');"
        "CREATE VIEW windows AS SELECT * FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '1' MINUTE));"
        "EXPLAIN SELECT l.k FROM windows l JOIN windows r ON l.k = r.k"
        " AND l.window_start = r.window_start AND l.window_end = r.window_end"
    )

    text = script.results[-1].text
    assert "WindowJoin(joinType=[InnerJoin], where=[(k = k0)" in text
    assert "keeps: until their window closes, all rows of both inputs, by (k" in text
