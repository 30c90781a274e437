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


def test_nothing_to_run_is_a_usage_error(riacho: Commands) -> None:
    assert riacho.run("sql").code == 2
