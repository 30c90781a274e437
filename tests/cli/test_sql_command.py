"""`riacho sql`, through its process."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import Commands

COLUMNS = "(name STRING, n INT)"


def table(topic: str, *, name: str = "t", columns: str = COLUMNS) -> str:
    return f"CREATE TABLE {name} {columns} WITH ('connector' = 'kafka', 'topic' = '{topic}', 'format' = 'json');"


@pytest.fixture
def rows(riacho: Commands, topic: str) -> str:
    """A topic of three rows."""
    riacho.succeed("topic", "create", topic, "--partitions", "1")
    values = [{"name": "a", "n": 1}, {"name": "b", "n": 5}, {"name": "a", "n": None}]
    riacho.succeed("produce", topic, given="\n".join(map(json.dumps, values)).encode())
    return topic


def test_a_query_prints_a_table_up_to_the_end_that_the_topic_has(riacho: Commands, rows: str) -> None:
    printed = riacho.succeed("sql", "-e", f"{table(rows)} SELECT name, n FROM t").lines

    assert [line.split() for line in printed] == [["name", "n"], ["a", "1"], ["b", "5"], ["a", "null"]]


def test_an_updating_query_prints_its_final_rows(riacho: Commands, rows: str) -> None:
    query = "SELECT name, COUNT(*) AS c, SUM(n) AS s FROM t GROUP BY name"
    printed = riacho.succeed("sql", "--json", "-e", table(rows) + query).json_lines

    assert sorted(printed, key=lambda row: row["name"]) == [
        {"name": "a", "c": 2, "s": 1},
        {"name": "b", "c": 1, "s": 5},
    ]


def test_csv_has_a_line_of_names_and_empty_nulls(riacho: Commands, rows: str) -> None:
    printed = riacho.succeed("sql", "--csv", "-e", f"{table(rows)} SELECT name AS `a,b`, n FROM t").lines

    assert printed == ['"a,b",n', "a,1", "b,5", "a,"]


def test_a_script_makes_tables_for_a_query_and_variables_fill_it(riacho: Commands, rows: str, tmp_path: Path) -> None:
    script = tmp_path / "tables.sql"
    script.write_text(table("${TOPIC}"))

    ended = riacho.succeed("sql", "-f", str(script), "--set", f"TOPIC={rows}", "--csv", "-e", "SELECT SUM(n) FROM t")
    assert ended.lines[1:] == ["6"]


def test_insert_copies_what_is_there_now(riacho: Commands, rows: str) -> None:
    target = table(f"{rows}_copy", name="o", columns="(n INT)")
    ended = riacho.succeed("sql", "-e", f"{table(rows)} {target} INSERT INTO o SELECT n FROM t WHERE n > 1")

    assert "wrote 1 row into o" in ended.stderr
    assert riacho.succeed("consume", f"{rows}_copy").lines == ['{"n":5}']


def test_a_topic_without_a_table_is_answered_with_how_to_create_one(riacho: Commands, rows: str) -> None:
    ended = riacho.run("sql", "-e", f"SELECT * FROM `{rows}`")

    assert ended.code == 2
    assert f"there is a topic '{rows}'" in ended.stderr
    assert f"CREATE TABLE `{rows}`" in ended.stderr


def test_a_table_over_no_topic_is_refused_and_makes_none(riacho: Commands, rows: str) -> None:
    ended = riacho.run("sql", "-e", f"{table(rows + '_x')} SELECT * FROM t")

    assert ended.code == 2
    assert repr(rows) in ended.stderr
    assert riacho.run("topic", "describe", f"{rows}_x").code == 2


def test_a_wrong_column_is_shown_with_a_caret_and_the_nearest_one(riacho: Commands, rows: str) -> None:
    ended = riacho.run("sql", "-e", f"{table(rows)} SELECT nmae FROM t")

    assert ended.code == 2
    assert "did you mean 'name'?" in ended.stderr
    assert "^" in ended.stderr


def test_a_source_without_an_end_is_refused(riacho: Commands) -> None:
    ended = riacho.run("sql", "-e", "CREATE TABLE g (n INT) WITH ('connector' = 'datagen'); SELECT * FROM g")

    assert ended.code == 2
    assert "number-of-rows" in ended.stderr


def test_a_sequence_ends(riacho: Commands) -> None:
    options = "'fields.n.kind' = 'sequence', 'fields.n.start' = '1', 'fields.n.end' = '3'"
    table = f"CREATE TABLE g (n INT) WITH ('connector' = 'datagen', {options})"
    assert riacho.succeed("sql", "--csv", "-e", f"{table}; SELECT SUM(n) AS s FROM g").lines == ["s", "6"]


@pytest.mark.parametrize(
    ("expression", "shown"),
    [
        ("DATE '9999-12-31' + INTERVAL '1' DAY", "+10000-01-01"),
        ("CAST('0000-01-01' AS DATE)", "0000-01-01"),
        ("TIMESTAMPADD(YEAR, 2147483647, DATE '2024-01-01')", "null"),
    ],
)
def test_a_day_that_python_does_not_have_is_shown(riacho: Commands, expression: str, shown: str) -> None:
    ended = riacho.succeed("sql", "--csv", "-e", f"SELECT CAST({expression} AS DATE) AS d")
    assert ended.lines == ["d", "" if shown == "null" else shown]
    table = riacho.succeed("sql", "-e", f"SELECT CAST({expression} AS DATE) AS d")
    assert [line.strip() for line in table.lines if line.strip()] == ["d", shown]


def test_a_path_that_is_none_is_told_with_its_place(riacho: Commands) -> None:
    ended = riacho.run("sql", "-e", "SELECT JSON_VALUE('{}', 'a.b')")
    assert ended.code == 2
    assert "at line 1, column 8" in ended.stderr


@pytest.mark.parametrize("arguments", [[], ["-e", ""], ["-e", " \n"]], ids=str)
def test_nothing_to_run_is_a_usage_error(riacho: Commands, arguments: list[str]) -> None:
    assert riacho.run("sql", *arguments).code == 2


def test_statements_of_several_options_are_run_in_order_in_one_session(riacho: Commands) -> None:
    ended = riacho.run("sql", "--csv", "-e", "CREATE VIEW v AS SELECT 1 AS n", "-e", "SELECT n FROM v")

    assert ended.stdout == b"n\n1\n"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT name, n FROM t ORDER BY n DESC", ["b,5", "a,1", "a,"]),
        ("SELECT name, n FROM t ORDER BY 2", ["a,", "a,1", "b,5"]),
        ("SELECT name, n FROM t ORDER BY n NULLS LAST", ["a,1", "b,5", "a,"]),
        ("SELECT n FROM t ORDER BY name DESC, n DESC NULLS FIRST", ["5", "", "1"]),
        ("SELECT n AS m FROM t ORDER BY -m, name", ["", "5", "1"]),
        ("SELECT name FROM t GROUP BY name ORDER BY COUNT(*) DESC LIMIT 1", ["a"]),
        ("SELECT name, SUM(n) AS s FROM t GROUP BY name ORDER BY s DESC LIMIT 1 OFFSET 1", ["a,1"]),
        ("SELECT DISTINCT name FROM t ORDER BY name DESC", ["b", "a"]),
        ("SELECT name FROM t UNION ALL SELECT 'c' ORDER BY name DESC LIMIT 2", ["c", "b"]),
        ("SELECT name FROM t LIMIT 2", ["a", "b"]),
        ("SELECT name FROM t LIMIT 0", []),
        ("WITH w AS (SELECT n FROM t WHERE n > 1) SELECT n FROM w ORDER BY n", ["5"]),
    ],
)
def test_order_and_limit_arrange_the_rows_of_a_query(
    riacho: Commands, rows: str, query: str, expected: list[str]
) -> None:
    printed = riacho.succeed("sql", "--csv", "-e", table(rows) + query).lines

    assert [line.strip('"') for line in printed[1:]] == expected


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("SELECT DISTINCT name FROM t ORDER BY n", "ORDER BY takes columns of the result"),
        ("SELECT name FROM t ORDER BY 2", "ORDER BY 2: the result has no such column"),
        ("SELECT name FROM t ORDER BY nmae", "did you mean 'name'?"),
        ("SELECT name FROM t LIMIT n", "LIMIT takes a number of rows"),
    ],
)
def test_an_order_that_cannot_be_is_refused(riacho: Commands, rows: str, query: str, reason: str) -> None:
    ended = riacho.run("sql", "-e", table(rows) + query)

    assert ended.code == 2
    assert reason in ended.stderr


def test_a_limit_ends_reading_when_it_is_reached(riacho: Commands) -> None:
    rows = 10**15  # nobody waits for so many
    source = f"CREATE TABLE g (n BIGINT) WITH ('connector' = 'datagen', 'number-of-rows' = '{rows}');"
    printed = riacho.succeed("sql", "--csv", "-e", f"{source} SELECT n FROM g LIMIT 2").lines

    assert len(printed) == 3


def test_a_mistake_in_a_long_line_is_shown_with_what_is_around_it(riacho: Commands, rows: str) -> None:
    wide = " ".join(f"OR n = {number}" for number in range(100))
    ended = riacho.run("sql", "-e", f"{table(rows)} SELECT n FROM t WHERE nmae = 'a' {wide}")

    shown, caret = ended.stderr.splitlines()[2:4]
    assert shown[caret.index("^") :].startswith("nmae = 'a' OR n = 0")
    assert len(shown) <= 4 + 100 + 4


@pytest.mark.parametrize("option", ["scan.startup.mode", "scan.bounded.mode"])
def test_the_offsets_of_no_group_are_refused(riacho: Commands, rows: str, option: str) -> None:
    made = table(rows).replace("'format'", f"'{option}' = 'group-offsets', 'format'")
    ended = riacho.run("sql", "-e", f"{made} SELECT name FROM t")

    assert ended.code == 2
    assert f"the table t has '{option}' = 'group-offsets', but no group" in ended.stderr
    assert "name the group: 'properties.group.id'" in ended.stderr


def test_costs_are_explained_without_a_platform(riacho: Commands, rows: str) -> None:
    tables = f"{table(rows)} CREATE TABLE o (n INT) WITH ('connector' = 'print');"
    ended = riacho.run("sql", "-e", f"{tables} EXPLAIN ESTIMATED_COST INSERT INTO o SELECT n FROM t")

    assert ended.code == 0
    assert ended.text.endswith("has each operator's rows and bytes.\n")
    assert ended.stderr == "whether a job runs this is not known: no platform runs jobs on this cluster\n"
